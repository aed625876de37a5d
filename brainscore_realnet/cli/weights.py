"""``brainscore weights``: weights from files into the store and back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from brainscore_realnet.cli.table import size
from brainscore_realnet.errors import BadInputError

Identifier = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="IDENTIFIER")]
File = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]


@dataclass(frozen=True)
class Import:
    """Put a file of weights into the store, so that they are scored under an identifier; its code is never run."""

    file: File
    """Published ReAlnet or CORnet-S checkpoint, or a state dict, written by torch or as .safetensors."""
    model: str
    """Identifier: of this package, such as realnet-eeg-sub01, or a new one."""
    backbone: str | None = None
    """Network that the weights are of: cornet_s, resnet_101, clip_rn101, or one of a library, such as
    torchvision:resnet50, timm:convnext_tiny or open_clip:RN50 (default: that of the identifier, cornet_s for a new
    one)."""
    layers: tuple[str, ...] | None = None
    """Of a library's network, its layers from shallow to deep; four are V1, V2, V4 and IT."""
    dataset: str | None = None
    """Data set that the model was trained on, such as things-eeg2."""
    subject: str | None = None
    """Subject that it was trained on, such as 1 (default: that which the identifier names)."""
    fine_tuned_from: str | None = None
    """Model of Brain-Score that its training started from, such as CORnet-S."""
    bibtex: Path | None = None
    """File with the model's reference: one entry of BibTeX with author, year, and url or doi."""
    note: str | None = None
    """Anything else to be kept in the model card."""
    replace: bool = False
    """Replace weights that the store has under the identifier."""

    def run(self) -> None:
        """Import and print what was found."""
        from brainscore_realnet.scoring.weight_files import import_weights

        card = import_weights(
            self.file,
            self.model,
            backbone_name=self.backbone,
            layers=self.layers,
            dataset=self.dataset,
            subject=self.subject,
            fine_tuned_from=self.fine_tuned_from,
            bibtex=self.bibtex,
            note=self.note,
            replace=self.replace,
        )
        head = card["head"]
        print(f"{self.model} from {self.file}")
        print(f"  backbone  {card['backbone']}")
        print(
            f"  head      {head['n_signals']} signals from {', '.join(head['layers'])}" if head else "  head      none"
        )
        print(f"  weights   {size(card['bytes'])} (sha256 {card['weights_sha256'][:12]})")


@dataclass(frozen=True)
class Export:
    """Write a stored model's weights to a file, in the form of the published checkpoints."""

    identifier: Identifier
    """Model with weights in the store; `brainscore weights list` shows them."""
    file: File
    """File to write: .pt, .pth, .pth.tar or .safetensors."""
    replace: bool = False
    """Replace the file if it is there."""

    def run(self) -> None:
        """Write the file and print its size."""
        from brainscore_realnet.scoring.weight_files import export_weights

        path = export_weights(self.identifier, self.file, replace=self.replace)
        print(f"{path} ({size(path.stat().st_size)})")


@dataclass(frozen=True)
class WeightsList:
    """List the weights in the store: identifier, backbone, when they came, size, origin."""

    def run(self) -> None:
        """Print one line a model."""
        from brainscore_realnet.scoring.weight_files import stored_models
        from brainscore_realnet.store import home

        models = stored_models()
        if not models:
            print(f"No weights in {home() / 'weights'} yet: `brainscore weights import FILE --model IDENTIFIER`.")
        names = max((len(model.identifier) for model in models), default=0)
        backbones = max((len(model.backbone) for model in models), default=0)
        for model in models:
            left = f"{model.identifier:<{names}}  {model.backbone:<{backbones}}  {model.created[:10]:<10}"
            print(f"{left}  {size(model.n_bytes):>9}  {model.origin}")


@dataclass(frozen=True)
class Remove:
    """Delete a model's weights from the store."""

    identifier: Identifier
    """Model with weights in the store; `brainscore weights list` shows them."""
    yes: bool = False
    """Do it; without, it is only told what would be deleted."""

    def run(self) -> None:
        """Delete, or refuse and tell what would be deleted."""
        from brainscore_realnet.scoring.weight_files import remove_weights, require_stored

        if not self.yes:
            card = require_stored(self.identifier)
            raise BadInputError(
                f"Got no --yes. This would delete the weights of {self.identifier} ({size(card['bytes'])}). "
                "Run the same command with --yes to go ahead."
            )
        print(f"{size(remove_weights(self.identifier))} freed")
