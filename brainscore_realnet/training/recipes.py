"""Recipes: every number of a training run, the published ones of ReAlnet (EEG) and ReAlnet-fMRI, and their controls.

Lu et al., arXiv 2401.17231 (EEG) and arXiv 2407.10414 (fMRI). A recipe's identifier names the model that it leads to,
its digest everything that changes the result.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

from brainscore_realnet.datasets import kamitani, things_eeg2
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation.kamitani import SHEN2019
from brainscore_realnet.simulation.public import public_subjects
from brainscore_realnet.simulation.things_eeg2 import ALIGNMENT
from brainscore_realnet.store import sha256_bytes
from brainscore_realnet.training._recipe_values import EXPECTED, plain

VERSION = 1
"""Increased whenever the same numbers come to lead to another training."""

CONTROL_BETAS = {"eeg": (1, 10, 1000), "fmri": (10, 20, 30, 50)}
"""The β that the papers trained with besides those of the recipes."""

RELEASED = {"contrastive": "published", "holdout": 0.0, "precision": "fp32", "clip_norm": None}
"""What `Recipe.changed` sets when it turns `Recipe.reference` on; ``contrastive="none"`` stays."""

DEPARTURES = {
    "batch norm": "the statistics move twice a step, since the released code runs the backbone twice",
    "teacher": "it stays in train mode, so that its labels depend on the batch and its statistics drift",
    "checkpoint": "the best one is picked on the test images, which leaks them; no training concept is held out",
    "contrastive term": "it has no gradient, so that training equals that on the mean squared error alone",
    "learning rate": "{learning_rate:g}; text and notebooks of the authors have 2e-5, their script has 2e-6",
}
"""In what a recipe with ``reference=True`` follows the released code instead of the papers."""


@dataclass(frozen=True)
class Recipe:
    """One training run."""

    signal: Literal["eeg", "fmri"] = "eeg"
    """What the network learns to generate."""
    dataset: str = things_eeg2.NAME
    """Name of the data set in the store; those of virtual subjects begin with sim-."""
    subject: int | None = None
    """Number of the subject, from 1. None trains the across-subject model, which has a head for each subject, or with
    beta 0 the control without signals."""
    backbone: str = "cornet_s"
    """Name of the network that is trained; it begins with its pretrained weights."""
    layers: tuple[str, ...] | None = None
    """Layers from which signals are generated; None for those of the backbone's areas V1, V2, V4 and IT."""
    image_size: int = 224
    """Width and height to which images are resized, in pixels."""
    beta: float = 100.0
    """Weight of the generation loss beside the classification loss; 0 trains without signals."""
    contrastive: Literal["spearman", "pearson", "published", "none"] = "spearman"
    """Correlation in the contrastive term. published: as in the released code, without gradient; none: no such term."""
    unpaired: bool = False
    """Control: every image gets the signal of an image of another concept."""
    hidden: int = 128
    """Width of each layer's projection in the generation head."""
    window: tuple[float, float] | None = (0.0, 0.2)
    """EEG only: first time, included, and last time, excluded, in seconds after image onset."""
    n_components: int | None = None
    """fMRI only: principal components of the visual cortex's responses."""
    epochs: int = 30
    """Passes through the training images."""
    batch_size: int = 16
    """Images a step, at least 2: batch norm and the contrastive term compare images."""
    learning_rate: float = 2e-5
    """Step size of Adam."""
    adam_betas: tuple[float, float] = (0.9, 0.999)
    """Decay of Adam's means of the gradient and of its square."""
    adam_epsilon: float = 1e-8
    """What Adam adds to its denominator."""
    weight_decay: float = 0.0
    """L2 penalty in Adam's gradient."""
    clip_norm: float | None = None
    """Greatest norm of a step's gradient; None never clips, as in the papers."""
    holdout: float = 0.05
    """Share of the training concepts that is kept for validation, 0 to 0.5."""
    precision: Literal["bf16", "fp32"] = "bf16"
    """Numbers of the forward pass; weights are always fp32."""
    seed: int = 0
    """Seed of the head's first weights, the order of images, the held-out concepts and the unpaired control."""
    reference: bool = False
    """Do what the released code does, defects included, for comparison; each is named in the log."""
    checkpoint_every: int = 5000
    """Steps from one checkpoint to the next; one is also written every ten minutes. Does not change the result."""

    def __post_init__(self) -> None:
        if self.contrastive is None:
            object.__setattr__(self, "contrastive", "none")
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        wrong = [
            f"{name} = {values[name]!r} (expected {wanted})"
            for name, (wanted, fits) in EXPECTED.items()
            if not fits(values[name])
        ]
        wrong = wrong or list(_contradictions(self))
        if wrong:
            raise BadInputError(f"Got a recipe that cannot be trained: {'; '.join(wrong)}. Change it.")
        for name, value in values.items():
            object.__setattr__(self, name, plain(value, name))

    @property
    def subject_name(self) -> str | None:
        """The subject as the data sets name it: ``sub-01``."""
        return None if self.subject is None else f"sub-{self.subject:02d}"

    @property
    def simulated(self) -> bool:
        """Whether the subjects are virtual."""
        return self.dataset.startswith("sim-")

    @property
    def identifier(self) -> str:
        """Identifier of the model: ``realnet-eeg-sub01``, followed by what differs from the paper's recipe.

        Models of virtual subjects begin with ``sim-`` and are named by what differs from `SIM_REALNET_EEG` or
        `SIM_REALNET_FMRI`.
        Recipes that differ in what changes the result differ in their identifiers too; only the sizes and seeds of
        simulated data sets do not show.
        """
        published = RECIPES[f"realnet-{self.signal}"]
        usual = RECIPES[f"sim-realnet-{self.signal}"] if self.simulated else published
        usual = usual.changed(reference=True) if self.reference else usual
        who = "all" if self.subject is None else f"sub{self.subject:02d}"
        words = ["sim"] if self.simulated else []
        words += ["realnet", self.signal, who if self.beta else "beta0"]
        words += _data_set_words(self.dataset, published.dataset)
        for name, value in self._decisive().items():
            if name not in _SAID_FIRST and value != getattr(usual, name):
                words.append(_SPELLED[name](value) if name in _SPELLED else name.replace("_", "") + _number(value))
        return "-".join([*words, "reference"] if self.reference else words)

    @property
    def digest(self) -> str:
        """Short hash of all that changes the result, the name of the data set among it."""
        return sha256_bytes(json.dumps([VERSION, self._decisive()], sort_keys=True).encode())[:16]

    @property
    def departures(self) -> tuple[str, ...]:
        """Sentences about what `reference` does otherwise than the papers, for the log; none without it."""
        about = [name for name in DEPARTURES if name != "contrastive term" or self.contrastive == "published"]
        values = asdict(self)
        return tuple(f"{name}: {DEPARTURES[name].format(**values)}" for name in about if self.reference)

    def changed(self, **changes: Any) -> Self:
        """Return this recipe with some fields changed.

        Turning `reference` on sets `RELEASED` too, so far as it is not given.

        Raises
        ------
        BadInputError
            There is no such field (the nearest are named), or the result cannot be trained.
        """
        _refuse_unknown(changes)
        if changes.get("reference") is True and not self.reference:
            kept = {"contrastive": "none"} if self.contrastive == "none" else {}
            changes = {**RELEASED, **kept, **changes}
        return replace(self, **changes)

    def record(self) -> dict[str, Any]:
        """Give the recipe as JSON can express it; `from_record` reads it back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read what `record` gave.

        Raises
        ------
        BadInputError
            Fields are missing or unknown, or the recipe cannot be trained.
        """
        _refuse_unknown(record)
        missing = [field.name for field in fields(cls) if field.name not in record]
        if missing:
            raise BadInputError(f"Got a recipe without {', '.join(missing)}: expected every field. Train anew.")
        return cls(**record)

    def differences(self, other: "Recipe") -> dict[str, tuple[Any, Any]]:
        """Give the fields in which another recipe differs: name to (this one's value, the other's)."""
        mine, theirs = asdict(self), asdict(other)
        return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}

    def _decisive(self) -> dict[str, Any]:
        """Give the fields that change the result: without signals, none of those about them."""
        idle = {"checkpoint_every"} if self.beta else {"checkpoint_every", *_ABOUT_SIGNALS}
        return {name: value for name, value in asdict(self).items() if name not in idle}


def controls(recipe: Recipe) -> dict[str, Recipe]:
    """Give the variants of a recipe that the papers trained, by name.

    Returns
    -------
    dict of str to Recipe
        EEG: ``beta1``, ``beta10``, ``beta1000``, ``beta0``, ``nocont``, ``unpaired``, ``all`` (across subjects); fMRI:
        ``beta10``, ``beta20``, ``beta30``, ``beta50``, ``beta0``. Those that equal the recipe are left out.

    Raises
    ------
    BadInputError
        The recipe trains without signals, so that it is a control itself.
    """
    if not recipe.beta:
        raise BadInputError(f"Got {recipe.identifier}, which is a control: expected a recipe with beta above 0.")
    variants = {f"beta{beta}": recipe.changed(beta=beta) for beta in CONTROL_BETAS[recipe.signal]}
    variants["beta0"] = recipe.changed(beta=0, subject=None, unpaired=False)
    if recipe.signal == "eeg":
        variants["nocont"] = recipe.changed(contrastive="none")
        variants["unpaired"] = recipe.changed(unpaired=True)
        variants["all"] = recipe.changed(subject=None)
    return {name: variant for name, variant in variants.items() if variant.digest != recipe.digest}


_ABOUT_SIGNALS = ("beta", "layers", "contrastive", "unpaired", "hidden", "window", "n_components")
"""Fields that change nothing without signals; beta is 0 then, which `subject` does not tell from the model of all."""
_SAID_FIRST = ("signal", "dataset", "subject", "reference")
"""Fields that identifiers name at a place of their own."""


def _number(value: Any) -> str:
    """Write a number, or several, with characters that identifiers may have; different ones differently."""
    if isinstance(value, tuple):
        return "-".join(map(_number, value))
    return str(int(value)) if float(value).is_integer() else repr(value)


_SPELLED: dict[str, Callable[[Any], str]] = {
    "backbone": lambda name: re.sub(r"[^A-Za-z0-9._-]", "_", name),
    "layers": lambda names: f"layers{sha256_bytes(json.dumps(names).encode())[:8]}",
    "contrastive": lambda mode: "nocont" if mode == "none" else mode,
    "unpaired": lambda _: "unpaired",
    "window": lambda edges: f"window{_number(edges)}s",
    "precision": str,
}
"""How identifiers name a field; others are named by name and value."""


def _data_set_words(name: str, usual: str) -> list[str]:
    """Name a data set in an identifier, so far as it is not the usual one or its simulated twin."""
    variant = things_eeg2.variant_of(name)
    parent = variant.parent if variant else name
    same = parent == usual or f"{parent}-".startswith(f"sim-{usual}-")
    options = [name.removeprefix(f"{parent}-")] if variant else []
    return options if same else [parent.removeprefix("sim-"), *options]


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Say in which fields, each of them right, the recipe contradicts itself."""
    eeg = recipe.signal == "eeg"
    if eeg is _holds_fmri(recipe.dataset):
        yield f"dataset = {recipe.dataset!r} with signal = {recipe.signal!r} (expected a data set with that signal)"
    known = known_subjects(recipe.dataset)
    if known and recipe.subject is not None and recipe.subject > len(known):
        yield f"subject = {recipe.subject} (expected 1 to {len(known)}, the subjects of {recipe.dataset})"
    for name, wanted in (("window", eeg), ("n_components", not eeg)):
        if (getattr(recipe, name) is not None) is not wanted:
            expected = "a value" if wanted else "None"
            yield f"{name} = {getattr(recipe, name)!r} with signal = {recipe.signal!r} (expected {expected})"
    if not recipe.beta and recipe.subject is not None:
        yield f"subject = {recipe.subject} with beta = 0, which uses no subject's signals (expected subject = None)"
    if not recipe.beta and recipe.unpaired:
        yield "unpaired = True with beta = 0, which uses no signals (expected unpaired = False)"
    for name, value in RELEASED.items() if recipe.reference else ():
        if getattr(recipe, name) not in (value, "none"):
            yield f"{name} = {getattr(recipe, name)!r} with reference = True (expected {value!r}, the released code's)"


def _holds_fmri(dataset: str) -> bool:
    try:
        kamitani.data_set(dataset)
    except BadInputError:
        return False
    return True


def known_subjects(dataset: str) -> tuple[str, ...]:
    """Name the subjects of a published set or of a simulated one that a recipe trains on; none of any other."""
    if dataset in kamitani.DATA_SETS:
        return tuple(kamitani.DATA_SETS[dataset].subjects)
    if subjects := public_subjects(dataset):
        return subjects
    variant = things_eeg2.variant_of(dataset)
    return things_eeg2.SUBJECTS if (variant.parent if variant else dataset) == things_eeg2.NAME else ()


def _refuse_unknown(names: Mapping[str, Any]) -> None:
    valid = [field.name for field in fields(Recipe)]
    unknown = [name for name in names if name not in valid]
    if unknown:
        near = difflib.get_close_matches(unknown[0], valid, n=3, cutoff=0.4)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise BadInputError(
            f"Got {', '.join(map(repr, unknown))}, which no recipe has: expected some of {', '.join(valid)}.{meant}"
        )


REALNET_EEG = Recipe()
"""ReAlnet: 17 channels × 20 samples of the mean of four repetitions, β = 100, 30 epochs."""

REALNET_FMRI = Recipe(signal="fmri", dataset=kamitani.SHEN2019, beta=40, window=None, n_components=1024, epochs=5)
"""ReAlnet-fMRI: 1024 components of the visual cortex's mean over five repetitions, β = 40, 5 epochs."""

SIM_REALNET_EEG = Recipe(
    dataset=ALIGNMENT.stored_as,
    backbone="sim_cornet_s_narrow",
    image_size=64,
    contrastive="pearson",
    epochs=3,
    learning_rate=7e-4,
    precision="fp32",
)
"""A model of a virtual subject that a CPU trains within seconds. Not published: a narrow network, small images, few
epochs with long steps, and the correlation that is quickest to compute."""

SIM_REALNET_FMRI = Recipe(
    signal="fmri",
    dataset=SHEN2019.stored_as,
    backbone="sim_cornet_s_narrow",
    image_size=64,
    beta=40,
    contrastive="pearson",
    window=None,
    n_components=32,
    epochs=5,
    learning_rate=7e-4,
    precision="fp32",
)
"""The same with a virtual subject's fMRI, of which there are few images."""

RECIPES = {
    "realnet-eeg": REALNET_EEG,
    "realnet-fmri": REALNET_FMRI,
    "sim-realnet-eeg": SIM_REALNET_EEG,
    "sim-realnet-fmri": SIM_REALNET_FMRI,
}
"""Recipes by the name that their models' identifiers begin with."""
