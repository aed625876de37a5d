"""Names of the sets that are prepared from raw EEG: the options of the preprocessing stand in them."""

import re
from dataclasses import dataclass

_NAME = re.compile(r"(?P<parent>.+)-mvnn-(?P<mvnn>training|authors|none)-(?P<sfreq>100|250)hz")


@dataclass(frozen=True)
class Variant:
    """A data set prepared from another one's raw EEG, whose images it shares."""

    parent: str
    """Name of the data set with the raw EEG and the images"""
    mvnn: str | None
    """``training``, ``authors`` or None"""
    sfreq: int
    """Samples a second"""

    @property
    def name(self) -> str:
        """What the prepared set is called in the store: ``things-eeg2-mvnn-training-100hz``."""
        return f"{self.parent}-mvnn-{self.mvnn or 'none'}-{self.sfreq}hz"


def variant_of(name: str) -> Variant | None:
    """Read a prepared set's options off its name; None for a set that was not prepared from raw EEG."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Variant(match["parent"], None if match["mvnn"] == "none" else match["mvnn"], int(match["sfreq"]))


def parent_of(name: str) -> str:
    """Give the data set that holds the images and the raw EEG: the parent of a prepared set, else the set itself."""
    variant = variant_of(name)
    return variant.parent if variant else name
