"""A training step as the authors' released notebook takes it, stated literally and slowly.

What ours is held against, in speed and in values. Lu et al., ReAlnet, arXiv 2401.17231, §2.3, and what is known of the
released code: images are read and transformed one by one; the teacher stays in train mode and labels every batch; the
network runs twice, once for its logits and once for the features that signals are generated from; the contrastive term
is a loop over pairs of images in NumPy, so that it has no gradient; everything is float32, and the layout of tensors is
PyTorch's default. Where the description leaves a choice, the faster way is taken: the teacher without gradient,
`numpy.corrcoef` for the correlations.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

AREAS = ("V1", "V2", "V4", "IT")


class ImagesWithSignals(Dataset):
    """Image files and the signals that were measured to them, (n_images, n_signals)."""

    def __init__(self, paths: Sequence[str | Path], signals: np.ndarray, size: int = 224) -> None:
        self.paths, self.signals = paths, signals
        self.transform = transforms.Compose(
            [
                transforms.Resize((size, size)),
                transforms.ToTensor(),
                transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = Image.open(self.paths[index]).convert("RGB")
        return self.transform(image), torch.tensor(self.signals[index], dtype=torch.float32)


class ReleasedNetwork(nn.Module):
    """A backbone with a generation module that runs the backbone again for the features of its areas.

    Parameters
    ----------
    backbone : nn.Module
        Images to logits; not copied.
    fc : dict of str to nn.Linear
        By area, flattened features to hidden units.
    last : nn.Linear
        All areas' hidden units to signals.
    """

    def __init__(self, backbone: nn.Module, fc: dict[str, nn.Linear], last: nn.Linear) -> None:
        super().__init__()
        self.backbone, self.fc, self.last = backbone, nn.ModuleDict(fc), last
        self.kept: dict[str, Tensor] = {}
        for area in fc:
            backbone.get_submodule(area).register_forward_hook(self._keep(area))

    def _keep(self, area: str):
        def hook(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
            self.kept[area] = output

        return hook

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits (n, classes) and signals (n, n_signals)."""
        logits = self.backbone(images)
        return logits, self.generate(images)

    def generate(self, images: Tensor) -> Tensor:
        """Run the backbone for its features, and generate signals from them."""
        self.backbone(images)
        hidden = [functional.relu(fc(torch.flatten(self.kept[area], 1))) for area, fc in self.fc.items()]
        self.kept.clear()
        return self.last(torch.cat(hidden, dim=1))


@dataclass(frozen=True)
class Losses:
    """Of one step, and the network's outputs before it."""

    total: float
    classification: float
    mse: float
    contrastive: float
    logits: Tensor
    generated: Tensor


class ReleasedTraining:
    """The network, its teacher and Adam.

    Parameters
    ----------
    backbone : nn.Module
        Pretrained; copied twice.
    head : nn.Module
        With a submodule ``fc_`` + the lower-case name for every area, and ``fc``; copied.
    beta, learning_rate : float
    device : str or torch.device
    areas : sequence of str
        Modules of the backbone.
    """

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        beta: float = 100.0,
        learning_rate: float = 2e-5,
        device: str | torch.device = "cpu",
        areas: Sequence[str] = AREAS,
    ) -> None:
        head = deepcopy(head)
        fc = {area: head.get_submodule(f"fc_{area.lower()}") for area in areas}
        self.device, self.beta = torch.device(device), beta
        self.teacher = deepcopy(backbone).to(self.device).train()
        self.network = ReleasedNetwork(deepcopy(backbone), fc, head.get_submodule("fc")).to(self.device).train()
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=learning_rate)

    def epoch(self, data: Dataset, batch_size: int = 16, shuffle: bool = True) -> Iterable[Losses]:
        """Take a step with every batch of an epoch."""
        for images, signals in DataLoader(data, batch_size=batch_size, shuffle=shuffle):
            yield self.step(images, signals)

    def step(self, images: Tensor, signals: Tensor) -> Losses:
        """Take a step with images (n, 3, size, size) and signals (n, n_signals)."""
        images, signals = images.to(self.device), signals.to(self.device)
        with torch.no_grad():
            labels = self.teacher(images).argmax(dim=1)
        logits, generated = self.network(images)
        classification = functional.cross_entropy(logits, labels)
        mse = functional.mse_loss(generated, signals)
        contrastive = contrastive_term(generated, signals).to(self.device)
        total = classification + self.beta * (mse + contrastive)
        self.optimiser.zero_grad()
        total.backward()
        self.optimiser.step()
        values = (total.item(), classification.item(), mse.item(), contrastive.item())
        return Losses(*values, logits.detach(), generated.detach())


def contrastive_term(generated: Tensor, measured: Tensor) -> Tensor:
    """Compare every generated with every measured signal in a loop; the result is a new tensor without gradient."""
    same, different = [], []
    for i in range(len(generated)):
        for j in range(len(measured)):
            one, other = generated[i].detach().cpu().numpy(), measured[j].cpu().numpy()
            dissimilarity = 1 - np.corrcoef(one, other)[0, 1]
            (same if i == j else different).append(dissimilarity)
    return torch.tensor(np.mean(same) - np.mean(different), dtype=torch.float32)
