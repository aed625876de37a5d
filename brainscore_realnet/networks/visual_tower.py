"""Image encoders of CLIP models, cut out of them.

Imports torch alone at the top, and open_clip, which is optional, where it builds; the file travels inside submissions.
"""

from typing import Any

from torch import Tensor, nn

RN101 = {"layers": [3, 4, 23, 3], "output_dim": 512, "heads": 32, "image_size": 224, "width": 64}
"""Sizes of CLIP RN101, as open_clip's `ModifiedResNet` takes them."""


class VisualTower(nn.Module):
    """The image encoder alone of a model with a text encoder; the child is called `visual`, as in the whole model."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def forward(self, images: Tensor) -> Tensor:
        """Embed images (n, 3, size, size) to (n, dimensions), not unit length."""
        embedded = self.visual(images)
        return embedded[0] if isinstance(embedded, tuple) else embedded  # CoCa's gives its tokens as well


def build_visual_tower(about: dict[str, Any], quick_gelu: bool) -> nn.Module:
    """Build a tower with random weights from open_clip's description of its model; nothing is downloaded."""
    from open_clip import CustomTextCLIP

    # The text encoder is thrown away, and some would be downloaded: the smallest serves.
    text = {"context_length": 2, "vocab_size": 2, "width": 2, "heads": 1, "layers": 1}
    whole = CustomTextCLIP(
        embed_dim=about["embed_dim"],
        vision_cfg={**about["vision_cfg"], "timm_model_pretrained": False},
        text_cfg=text,
        quick_gelu=quick_gelu,
    )
    return VisualTower(whole.visual)
