"""Names of plugin folders, which can be imported and which Brain-Score does not have."""

import importlib.util
import itertools
import keyword
import re
from collections.abc import Mapping, Sequence
from pathlib import Path


def folder_names(groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Name the folder of each backbone after its models: after the one, or after the first and the last.

    So submissions that models are divided among have folders of their own: `realnet_eeg_sub01_sub05`, `…_sub06_sub10`.

    Parameters
    ----------
    groups : mapping of str to sequence of str
        Backbone to the identifiers of its models.

    Returns
    -------
    dict of str to str
        Backbone to a folder name; all differ, from each other and from those of the installed ``brainscore_vision``.
    """
    taken = {path.name.lower() for path in _library_models().glob("*")}
    names = {}
    for backbone, identifiers in groups.items():
        name, ending = _first_and_last(identifiers), _python_name(backbone)
        numbered = (f"{name}_{ending}_{number}" for number in itertools.count(2))
        choices = itertools.chain([name, f"{name}_realnet", f"{name}_{ending}"], numbered)
        names[backbone] = next(choice for choice in choices if choice.lower() not in taken)
        taken.add(names[backbone].lower())
    return names


def _library_models() -> Path:
    spec = importlib.util.find_spec("brainscore_vision")
    return Path(str(spec.origin)).parent / "models" if spec else Path()


def _first_and_last(identifiers: Sequence[str]) -> str:
    """Name models after the first and the last of them, with what both begin with once."""
    first, last = (re.split(r"[-._]", identifiers[at]) for at in (0, -1))
    n_common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return _python_name("_".join([*first, *last[n_common:]]))


def _python_name(text: str) -> str:
    """Make a name that can be imported and that Brain-Score's finder does not skip."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "models"
    return f"model_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
