"""The files with macaque IT responses: how they are called, how they are laid out, how to get them.

The layout of the ``.h5`` files is that which the authors' public code reads (github.com/dapello/braintree); they
are not published at an address. The ``.nc`` file is Brain-Score's MajajHong2015.public.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets._registered import set_folder
from brainscore_realnet.errors import BadFileError, BadInputError

NAME = "macaque-it"
PAGE = "https://openreview.net/forum?id=SMYdcXjJh1q"
FORMAT_VERSION = 1
PUBLIC_LEVELS = (0, 3)
"""Variation levels of the public stimuli: little and middling changes of position, size and pose"""
HEMISPHERES = ("left", "right")
WINDOW_BINS = (14, 16, 18, 20, 22)
"""Bins that cover 70 to 170 ms: 20 ms long, one every 10 ms from −70 ms on"""


@dataclass(frozen=True)
class Collection:
    """Recordings of several animals that saw the same images, in one file."""

    name: str
    file: str
    """As its authors call it"""
    n_stimuli: int
    """In the published file"""
    rates: str = ""
    """Path of an animal's responses in the ``.h5`` file, with ``{animal}`` and ``{hemisphere}``"""
    dims: tuple[str, str, str] = ("stimulus", "site", "trial")
    """What their axes are"""


COLLECTIONS = {
    collection.name: collection
    for collection in (
        Collection("public", "assy_dicarlo_MajajHong2015_public.nc", 3200),
        Collection(
            "majajhong", "SachiMajajHong2015.h5", 5760, "{animal}/{hemisphere}", ("time_bin", "stimulus", "site")
        ),
        Collection("many-monkeys", "many_monkeys2.h5", 640, "{animal}/{hemisphere}/rates"),
        Collection("coco", "bento_nano_COCO.h5", 200, "{animal}/{hemisphere}/coco/rates"),
    )
}
PUBLIC_TABLES = ("stimulus_hvm-public.csv", "image_dicarlo_hvm-public.csv")
"""Names of the table of the public images, the present one first; a ``.zip`` of the images is called alike"""


def find(name: str) -> Collection:
    """Give a collection by its name.

    Raises
    ------
    BadInputError
        There is none of this name.
    """
    if name not in COLLECTIONS:
        raise BadInputError(f"Got collection {name!r}: expected one of {', '.join(COLLECTIONS)}.")
    return COLLECTIONS[name]


def registration(name: str) -> str:
    """Give the command that registers the data set."""
    if name == NAME:
        return f"brainscore data add {NAME} FOLDER"
    return f"brainscore_realnet.datasets.macaque_it.add(FOLDER, name={name!r})"


def how_to_get(collection: Collection, name: str) -> str:
    """Say how a user gets a collection into the store."""
    if name != NAME:
        return f"make it and run: {registration(name)}"
    if collection.name == "public":
        return f"run: brainscore data fetch {NAME}"
    return f"ask the authors of {PAGE} for {collection.file} and run: {registration(name)}"


def card_path(collection: Collection, what: str, name: str) -> Path:
    """Give the path of the card of a collection's ``recordings`` or ``images``, which need not exist."""
    return set_folder(name) / f"{collection.name}_{what}.json"


def check_count(count: int, collection: Collection, path: Path, name: str) -> None:
    """Raise BadFileError when the published file has another number of stimuli; simulated sets have any."""
    if count == 0 or (not name.startswith("sim-") and count != collection.n_stimuli):
        raise BadFileError(
            f"Got {count} stimuli in {path}: expected {collection.n_stimuli}, as in the published {collection.file}. "
            "Get it again; simulated sets are stored under names that begin with 'sim-'."
        )


def rows_of_levels(card: dict[str, Any], levels: Sequence[int] | None, what: str) -> list[int]:
    """Give the rows of the stimuli of some variation levels; None stands for all.

    Raises
    ------
    BadInputError
        The file tells no levels, or none of the stimuli has one of them.
    """
    if levels is None:
        return list(range(len(card["stimuli"])))
    found = card["levels"]
    rows = [row for row, level in enumerate(found or ()) if level in levels]
    if not rows:
        there = f"levels {sorted(set(found))}" if found else "no variation levels"
        raise BadInputError(f"Got levels {list(levels)} for {what}, which has {there}: choose among them, or None.")
    return rows
