"""The visual tower of CLIP RN101 (Radford et al., ICML 2021) and its weights.

The architecture is open_clip's, which is an optional dependency.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from brainscore_realnet.errors import BadFileError, BadInputError
from brainscore_realnet.networks.checkpoints import is_torchscript, read_backbone
from brainscore_realnet.networks.visual_tower import RN101

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


class ClipRN101(nn.Module):
    """CLIP's image encoder alone; the child is called `visual`, as in a full CLIP model."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = _modified_resnet()(**RN101)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images of shape (n, 3, 224, 224), normalised with `MEAN` and `STD`, to (n, 512), not unit length."""
        return self.visual(images)


def _modified_resnet() -> Any:
    try:
        from open_clip.modified_resnet import ModifiedResNet
    except ImportError as error:
        raise BadInputError(
            f"CLIP needs open_clip, which cannot be imported ({error}): pip install 'brainscore_realnet[clip]'"
        ) from error
    return ModifiedResNet


def read_visual_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the visual tower's weights for `ClipRN101`.

    Parameters
    ----------
    path : str or Path
        OpenAI's `RN101.pt` (a TorchScript archive in float16), or a state dict of open_clip's model, whole or its
        visual part, as safetensors or written by `torch.save`. TorchScript is a language of its own and its archives
        are loaded by its interpreter: check the file's hash first.

    Returns
    -------
    dict of str to Tensor
        Names `visual.…`, floating values as float32.

    Raises
    ------
    MissingDataError, UnsafeFileError, BadFileError
        As `read_checkpoint`; BadFileError also when the file holds no `visual.…`.
    """
    path = Path(path)
    archive = path.is_file() and is_torchscript(path)
    weights = _read_torchscript(path) if archive else read_backbone(path)
    visual = {name: value for name, value in weights.items() if name.startswith("visual.")}
    if not visual:
        raise BadFileError(
            f"{path} holds no entry 'visual.…' (first: {next(iter(weights), 'none')!r}): give weights of a CLIP model"
        )
    return {name: value.float() if value.is_floating_point() else value for name, value in visual.items()}


def _read_torchscript(path: Path) -> dict[str, Tensor]:
    try:
        return dict(torch.jit.load(path, map_location="cpu").state_dict())
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise BadFileError(f"{path} cannot be read as a TorchScript archive ({reason}): download it again") from error
