"""What a data set of the catalogue consists of, and which of its parts, subjects, splits and files a user means."""

import difflib
import importlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from brainscore_realnet.datasets.catalogue.repositories import RemoteFile, listed_files
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store import DownloadError, home


@dataclass(frozen=True)
class Form:
    """One way in which files of a part are called."""

    pattern: str
    """Regular expression of the path's end, after a ``/`` or from its beginning, with the groups ``subject`` (its
    number) and ``split`` where the name tells them"""
    row: str
    """The row of the data set's status that becomes ready, with ``{subject}`` and ``{split}``"""
    splits: tuple[str, ...] = ()
    """The splits that such files can hold; none when they hold no split of their own"""
    member: str = ""
    """What a split's file is called in an archive, with ``{split}``; empty: everything is unpacked"""

    def rows(self, subject: str | None, splits: Collection[str] | None) -> dict[str, str | None]:
        """Give the rows that such files make ready, each with its split."""
        if not self.splits:
            return {self.row.format(subject=subject): None}
        return {
            self.row.format(subject=subject, split=split): split
            for split in self.splits
            if splits is None or split in splits
        }

    def match(self, path: str) -> re.Match[str] | None:
        """Match a path's end; group 1 is what lies below the last folder that does not matter."""
        return re.search(rf"(?:^|/)({self.pattern})$", path)


@dataclass(frozen=True)
class Part:
    """What of a data set is fetched together."""

    name: str
    description: str
    forms: tuple[Form, ...]
    """In the order of preference: files of a later form are taken for rows that no earlier one brings"""
    files: tuple[RemoteFile, ...] = ()
    """Files whose addresses are known"""
    listings: tuple[str, ...] = ()
    """Repositories that list the files (or their sizes and hashes), in the order of preference"""
    known_hashes: tuple[tuple[str, str], ...] = ()
    """Hashes of listed files, by their name without folders"""
    default: bool = True
    """Fetched when no parts are named"""
    per_subject: bool = True
    unpack: bool = False
    """Zip archives are unpacked and then deleted"""
    converted: bool = False
    """`add` copies the content into the store, and what was downloaded is deleted"""
    typical_bytes: int = 0
    """Size of a file when no one tells it, to check the free space"""


@dataclass(frozen=True)
class Request:
    """What is not published and must be asked for."""

    name: str
    """What `fetch --parts` calls it"""
    rows: str
    """Regular expression of the status rows that it makes ready"""
    how: str
    """Whom to ask, what to do then"""

    def lacking(self, states: dict[str, str]) -> bool:
        """Tell whether one of its status rows, given with their states, is not ready."""
        return any(state != "ready" for row, state in states.items() if re.fullmatch(self.rows, row))


@dataclass(frozen=True)
class DataSet:
    """A data set of the catalogue."""

    name: str
    title: str
    citation: str
    doi: str
    licence: str
    page: str
    reader: str
    """Module below ``brainscore_realnet.datasets`` with ``add`` and ``status``"""
    parts: tuple[Part, ...]
    requests: tuple[Request, ...] = ()
    subjects: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    prepare_options: tuple[str, ...] | None = None
    """What the reader's ``prepare`` takes; None when there is nothing to prepare"""
    prepared: str = ""
    """Folders below the store's ``data`` with what was prepared, as a glob pattern"""

    def module(self) -> Any:
        """Give the reader."""
        return importlib.import_module(f"brainscore_realnet.datasets.{self.reader}")

    def add(self, folder: Any, progress: bool = True) -> dict[str, Any]:
        """Register a folder; see the reader's ``add``."""
        return self.module().add(folder, name=self.name, progress=progress)

    def status(self, thorough: bool = False, name: str | None = None) -> list[dict[str, str]]:
        """Tell the state of every part, of the set itself or of a prepared one; see the reader's ``status``."""
        return self.module().status(name=name or self.name, thorough=thorough)

    def prepared_names(self) -> list[str]:
        """Give the names of the prepared sets that are in the store."""
        data = home() / "data"
        return sorted(path.name for path in data.glob(self.prepared) if path.is_dir()) if self.prepared else []

    def require_options(self, options: Iterable[str]) -> None:
        """Raise BadInputError unless the reader's ``prepare`` takes these options."""
        if self.prepare_options is None:
            raise BadInputError(f"Got {self.name} to prepare: it needs no preparation, use it as it is.")
        if unknown := [option for option in options if option not in self.prepare_options]:
            raise BadInputError(
                f"Got option {', '.join(unknown)} for {self.name}: expected {' or '.join(self.prepare_options)}. "
                "Leave it away."
            )


@dataclass(frozen=True)
class Found:
    """A file that is to be fetched."""

    remote: RemoteFile
    local: str
    """Path below the folder it goes to"""
    rows: dict[str, str | None]
    """The status rows that it makes ready, each with its split"""
    form: Form


@dataclass(frozen=True)
class Available:
    """The files of a part that can be had."""

    files: tuple[RemoteFile, ...]
    problem: str
    """Why there may be fewer than expected; empty when all listings could be read"""

    def not_among(self) -> str:
        """Say that a file is not among them."""
        names = ", ".join(file.path for file in self.files[:8])
        why = self.problem or "The repository may have changed: see the page of the data set."
        return f"not among the {len(self.files)} files that are offered ({names}{', …' * (len(self.files) > 8)}). {why}"


def nearest(name: str, valid: Iterable[str]) -> str:
    """Say which names were expected, the nearest ones when some are near."""
    names = {known.lower(): known for known in valid}
    near = [names[match] for match in difflib.get_close_matches(name.lower(), names, n=3)]
    return f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(names.values())}."


def choose(kind: str, wanted: Sequence[str] | None, valid: Sequence[str], owner: str) -> tuple[str, ...] | None:
    """Check names against the valid ones; None stays None.

    Raises
    ------
    BadInputError
        One is not valid; the nearest are named.
    """
    if wanted is None:
        return None
    if not valid:
        raise BadInputError(f"Got {kind} {', '.join(wanted)} for {owner}, which has no {kind}s: leave them away.")
    for name in wanted:
        if name not in valid:
            raise BadInputError(f"Got {kind} {name!r} for {owner}: {nearest(name, valid)}")
    return tuple(name for name in valid if name in wanted)


def choose_subjects(wanted: Sequence[str | int] | None, data_set: DataSet) -> tuple[str, ...] | None:
    """Read subjects as users write them: ``1``, ``"1-3"``, ``"sub-01"``, ``"Subject1"``; None stays None.

    Raises
    ------
    BadInputError
        The data set has no such subject.
    """
    if wanted is None:
        return None
    names = []
    for word in map(str, wanted):
        match = re.fullmatch(r"(?:sub-?|subject)?(\d{1,4})(?:-(\d{1,4}))?", word, re.IGNORECASE)
        if match is None:
            names.append(word)
            continue
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise BadInputError(f"Got subjects {word!r}: expected the lower number first, as in '{last}-{first}'.")
        names += [f"sub-{number:02d}" for number in range(first, last + 1)]
    return choose("subject", names, data_set.subjects, data_set.name)


def available_files(
    part: Part, folder: Path, answers: dict[str, list[RemoteFile] | DownloadError] | None = None
) -> Available:
    """Give the files of a part: those of known addresses, completed by what is listed, and those that are only listed.

    Parameters
    ----------
    part : Part
    folder : Path
        Where listings are remembered.
    answers : dict, optional
        What listings were answered with before, which are not asked for again; this call's are added.
    """
    listed: list[RemoteFile] = []
    problems = []
    answers = {} if answers is None else answers
    for source in part.listings:
        if source not in answers:
            answers[source] = _listing(source, folder)
        files = answers[source]
        if isinstance(files, DownloadError):
            problems.append(str(files))
            continue
        if listed := [file for file in files if any(form.match(file.path) for form in part.forms)]:
            break
        problems.append(f"Got {len(files)} files from {source}: expected some of the part {part.name!r}.")
    known = [_completed(file, listed) for file in part.files]
    names = {_name(file) for file in known}
    hashes = dict(part.known_hashes)
    others = [
        replace(file, known_hash=hashes.get(_name(file), file.known_hash))
        for file in listed
        if _name(file) not in names
    ]
    return Available((*known, *others), "" if listed else " ".join(problems))


def _listing(source: str, folder: Path) -> list[RemoteFile] | DownloadError:
    try:
        return listed_files(source, folder)
    except DownloadError as error:
        return error


def _completed(file: RemoteFile, listed: Iterable[RemoteFile]) -> RemoteFile:
    """Add the size and hash that a listing tells of the same file."""
    number = _last(file.url)
    for other in listed:
        # figshare gives each version of a file another number; elsewhere an address serves the latest version
        same = number == _last(other.url) if number.isdigit() else _name(file) == _name(other)
        if same:
            return replace(file, size=file.size or other.size, known_hash=file.known_hash or other.known_hash)
    return file


def _name(file: RemoteFile) -> str:
    return PurePosixPath(file.path).name


def _last(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def part_rows(part: Part, subject: str | None, splits: Collection[str] | None) -> set[str]:
    """Give the status rows that a part can make ready."""
    return {row for form in part.forms for row in form.rows(subject, splits)}


def select_files(
    part: Part, subject: str | None, splits: Collection[str] | None, files: Iterable[RemoteFile]
) -> list[Found]:
    """Choose a subject's files of a part among those that a repository has.

    Returns
    -------
    list of Found
        All files of the first form that brings a row; a later form's files only for rows that are still lacking.
    """
    chosen: list[Found] = []
    covered: set[str] = set()
    files = list(files)
    for form in part.forms:
        found = [
            one for file in files if (one := _as_found(form, file, subject, splits)) and not one.rows.keys() <= covered
        ]
        covered.update(row for one in found for row in one.rows)
        chosen += found
    return chosen


def _as_found(form: Form, file: RemoteFile, subject: str | None, splits: Collection[str] | None) -> Found | None:
    match = form.match(file.path)
    if match is None:
        return None
    groups = match.groupdict()
    if subject is not None and int(groups["subject"]) != int(subject.rpartition("-")[2]):
        return None
    if groups.get("split"):
        form = replace(form, splits=(groups["split"].lower(),))
    rows = form.rows(subject, splits)
    return Found(file, match[1], rows, form) if rows else None
