"""The two data sets of the Kamitani laboratory: subjects, splits, regions of interest and pages.

Shen2019: Deep image reconstruction (doi 10.1371/journal.pcbi.1006633). Horikawa2017: Generic object decoding (doi
10.1038/ncomms15037). Sets whose names begin with ``sim-shen2019`` or ``sim-horikawa2017`` have the same form and any
sizes.
"""

import re
from dataclasses import dataclass

from brainscore_realnet.datasets import _registered
from brainscore_realnet.errors import BadInputError

SHEN2019 = "shen2019"
HORIKAWA2017 = "horikawa2017"

VISUAL_CORTEX = "VC"
ROIS = ("V1", "V2", "V3", "V4", "LOC", "FFA", "PPA", VISUAL_CORTEX)
"""The regions in the order in which they are listed; VC is the whole visual cortex."""
ROI_KEYS: dict[str, tuple[str, ...]] = {roi: (f"ROI_{roi}",) for roi in ROIS} | {"V4": ("ROI_V4", "ROI_hV4")}
"""Metadata keys that mark a region's columns; a file has one of them."""

FORM_PAGE = "https://forms.gle/ujvA34948Xg49jdn9"
IMAGENET_PAGE = "https://image-net.org/download"


@dataclass(frozen=True)
class Split:
    """One of the parts into which the stimuli of a set are divided."""

    kind: str
    """``natural`` (ImageNet images), ``shape``, ``letter`` or ``category`` (imagined, without images)"""
    n_stimuli: int
    """In the published set"""
    n_repetitions: int
    """In the published set"""
    file_pattern: str = ""
    """Regular expression for the part of a file's name that tells the split, where there is a file a split"""
    data_type: int | None = None
    """Value of the column ``DataType``, where one file has all splits"""


@dataclass(frozen=True)
class DataSet:
    """What a set has when it is complete."""

    form: str
    """``shen2019`` or ``horikawa2017``"""
    title: str
    subjects: tuple[str, ...]
    splits: dict[str, Split]
    rois: tuple[str, ...]
    """Regions that every file of the set has"""
    page: str
    """Where the responses are published"""

    @property
    def image_splits(self) -> tuple[str, ...]:
        """The splits that have images."""
        return tuple(split for split, what in self.splits.items() if what.kind != "category")


# File names: "ArtificialShapes" is the fmriprep release's word for what was perceptionArtificialImage before (read in
# public analysis code); the fmriprep release's word for letters is not confirmed, so several are taken.
DATA_SETS = {
    SHEN2019: DataSet(
        SHEN2019,
        "Shen2019 (Deep image reconstruction)",
        ("sub-01", "sub-02", "sub-03"),
        {
            "training": Split("natural", 1200, 5, "perceptionNaturalImageTraining|ImageNetTraining"),
            "test": Split("natural", 50, 24, "perceptionNaturalImageTest|ImageNetTest"),
            "shapes": Split("shape", 40, 20, "(?:perception)?Artificial(?:Image|Shape)s?"),
            "letters": Split("letter", 10, 12, "(?:perception)?(?:Alphabet)?(?:Letter|Alphabet)(?:Image)?s?"),
        },
        ("V1", "V2", "V3", "V4", "LOC"),
        "https://figshare.com/articles/dataset/Deep_Image_Reconstruction/7033577",
    ),
    HORIKAWA2017: DataSet(
        HORIKAWA2017,
        "Horikawa2017 (Generic object decoding)",
        ("sub-01", "sub-02", "sub-03", "sub-04", "sub-05"),
        {
            "training": Split("natural", 1200, 1, data_type=1),
            "test": Split("natural", 50, 35, data_type=2),
            "imagery": Split("category", 50, 10, data_type=3),
        },
        ("V1", "V2", "V3", "V4", "LOC", "FFA", "PPA"),
        "https://figshare.com/articles/dataset/Generic_Object_Decoding/7387130",
    ),
}


def data_set(name: str) -> DataSet:
    """Give what a data set of this name has.

    Raises
    ------
    BadInputError
        The name is neither a published set's nor that of a simulated one.
    """
    for form, what in DATA_SETS.items():
        if name == form or re.fullmatch(rf"sim-{form}([._-].*)?", name):
            _registered.set_folder(name)
            return what
    raise BadInputError(
        f"Got data set name {name!r}: expected {' or '.join(DATA_SETS)}, or a simulated set's name that begins with "
        f"{' or '.join(f'sim-{form}' for form in DATA_SETS)}."
    )


def is_published(name: str) -> bool:
    """Tell whether a name is a published set's, whose sizes are known."""
    return name in DATA_SETS


def check_split(split: str, name: str) -> Split:
    """Give what a split of a set is; raise BadInputError when the set has no such split."""
    splits = data_set(name).splits
    _registered.check_split(split, splits)
    return splits[split]


def registration(name: str) -> str:
    """Give the command that registers a set."""
    if is_published(name):
        return f"brainscore data add {name} FOLDER"
    return f"brainscore_realnet.datasets.kamitani.add(FOLDER, name={name!r})"


def again(name: str) -> str:
    """Tell the user to register anew."""
    return f"Run again: {registration(name)}"


def how_to_get(name: str) -> str:
    """Say how a user gets the data set into the store."""
    if not is_published(name):
        return f"make it and run: {registration(name)}"
    return (
        f"run: brainscore data fetch {name} (or download the .h5 files from {data_set(name).page}), ask for the images "
        f"at {FORM_PAGE} (natural ones are ImageNet's, {IMAGENET_PAGE}), put them into one folder and run: "
        f"{registration(name)}"
    )
