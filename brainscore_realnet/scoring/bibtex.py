"""Bibtex of models and benchmarks: whether the leaderboard can make a reference of it."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

from pybtex.database import Entry
from pybtex.database.input import bibtex
from pybtex.exceptions import PybtexError

from brainscore_realnet.errors import BadFileError, MissingDataError


def problems_of_bibtex(text: str) -> list[str]:
    """Say what keeps Brain-Score from making a reference of a text: it takes one entry, which names where it is."""
    try:
        entries = entries_of_bibtex(text)
    except (PybtexError, ValueError) as error:
        return [f"bibtex cannot be read: {' '.join(str(error).split())[:100]}"]
    if len(entries) != 1:
        return [f"bibtex with {len(entries)} entries, expected one"]
    (entry,) = entries.values()
    authors = entry.persons.get("author", [])
    lacking = {
        "author": not (authors and authors[0].last_names),
        "year": not entry.fields.get("year"),
        "url or doi": not (entry.fields.get("url") or entry.fields.get("doi")),
    }
    told = [f"bibtex {entry.key} lacks {name}" for name, lacks in lacking.items() if lacks]
    return told if _is_url(entry.fields.get("url", "")) else [*told, f"bibtex {entry.key} has a url that cannot be one"]


def entries_of_bibtex(text: str) -> Mapping[str, Entry]:
    """Read bibtex; raises PybtexError or ValueError."""
    return bibtex.Parser().parse_string(text).entries


def read_bibtex(file: str | Path) -> str:
    """Read a file with one entry of bibtex.

    Raises
    ------
    MissingDataError
        No such file.
    BadFileError
        Brain-Score could not make a reference of it; the message says why.
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingDataError(f"Got no file at {file}: expected one with bibtex. Check the path.") from error
    except UnicodeDecodeError as error:
        raise BadFileError(f"Got {file}, which is no text in UTF-8: expected bibtex. Choose another file.") from error
    if problems := problems_of_bibtex(text):
        raise BadFileError(
            f"Got {'; '.join(problems)} in {file}: expected one entry with author, year, and url or doi. Correct it."
        )
    return text


def _is_url(text: str) -> bool:
    try:
        urlparse(re.sub(r"[{}]", "", text))
    except ValueError:
        return False
    return True
