"""Fetching a data set of the catalogue: by part and subject, each downloaded, verified and registered.

``downloads/<name>/<part>/[<subject>/]`` holds what was downloaded and the hashes that `store.download` recorded. What
is finished stays, whatever happens to the rest; the next run continues.
"""

import contextlib
import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from brainscore_realnet.datasets.catalogue.parts import (
    Available,
    DataSet,
    Found,
    Part,
    available_files,
    choose,
    choose_subjects,
    part_rows,
    select_files,
)
from brainscore_realnet.datasets.catalogue.repositories import RemoteFile
from brainscore_realnet.datasets.catalogue.table import find
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, RealnetError, StoreError
from brainscore_realnet.store import (
    DownloadError,
    download,
    extract,
    home,
    lock,
    read_json,
    require_space,
    write_json,
    write_text,
)
from brainscore_realnet.store.download import RECORD
from brainscore_realnet.store.transfer import UnreachableError

_UNPACKED_BYTES = 1.1
"""Bytes of unpacked recordings or photographs by byte of the archive: neither can be compressed much."""
_UNFINISHED = ".unfinished"
"""Stands in a unit's folder until what is not needed any more, once the rest is registered, was deleted."""


@dataclass(frozen=True)
class _Unit:
    """What is fetched and registered at once: one subject's files of a part, or a part that belongs to no subject."""

    part: Part
    subject: str | None
    folder: Path
    rows: frozenset[str]
    """Status rows that are asked for"""


def downloads_folder(name: str) -> Path:
    """Give the folder of a data set's downloads, which need not exist."""
    return home() / "downloads" / name


def fetch(
    name: str,
    parts: Sequence[str] | None = None,
    subjects: Sequence[str | int] | None = None,
    splits: Sequence[str] | None = None,
    progress: bool = True,
    keep_archives: bool = False,
) -> dict[str, Any]:
    """Download what is not ready yet, verify it and register it.

    It can be interrupted at any time and run again, also by two processes at once. What fails does not keep the rest
    from being fetched.

    Parameters
    ----------
    name : str
        A data set of the catalogue.
    parts : sequence of str, optional
        Default: the parts that scoring needs.
    subjects : sequence of str or int, optional
        As in ``[1, "sub-02", "4-6"]``. Default: all.
    splits : sequence of str, optional
        Default: all.
    progress : bool
        Show progress bars.
    keep_archives : bool
        Keep archives that were unpacked and files that were converted; by default they are deleted.

    Returns
    -------
    dict
        ``name``, ``folder`` (str), ``fetched`` and ``ready`` (lists of status rows: made ready now, or were before),
        ``requests`` (what must be asked for: sentences).

    Raises
    ------
    UnknownIdentifierError, BadInputError
        There is no such data set, part, subject or split; the nearest are named.
    DownloadError
        Something could not be fetched; all that failed is listed.
    MissingDataError
        Only what must be asked for was named; the message says where.
    StoreError
        The disk is full or cannot be written.
    """
    data_set = find(name)
    requests = tuple(request.name for request in data_set.requests)
    named = choose("part", parts, (*(part.name for part in data_set.parts), *requests), name)
    units = _units(data_set, named, choose_subjects(subjects, data_set), choose("split", splits, data_set.splits, name))
    with lock(f"fetch-{name}"):
        states = _states(data_set)
        before = {row for unit in units for row in unit.rows if states.get(row) == "ready"}
        states = _register_what_is_there(data_set, units, states, progress, keep_archives)
        failures = _fetch_lacking(data_set, units, states, progress, keep_archives)
        states = _states(data_set)
    asked = {row for unit in units for row in unit.rows}
    ready = {row for row in asked if states.get(row) == "ready"}
    if failures:
        failed: dict[str, list[str]] = {}
        for what, problem in failures.items():
            failed.setdefault(problem, []).append(what)
        raise DownloadError(
            f"Got {len(ready)} of {len(asked)} items of {name}: expected all of them. What failed:\n"
            + "\n".join(f"- {', '.join(what)}: {problem}" for problem, what in failed.items())
            + "\nWhat is finished is kept. Run the same command again to fetch the rest."
        )
    sentences = _requests(data_set, states, named)
    if not units and sentences:
        raise MissingDataError("\n".join(sentences))
    return {
        "name": name,
        "folder": str(downloads_folder(name)),
        "fetched": sorted(ready - before),
        "ready": sorted(before),
        "requests": sentences,
    }


def _units(
    data_set: DataSet, named: Sequence[str] | None, subjects: Sequence[str] | None, splits: Sequence[str] | None
) -> list[_Unit]:
    """Give what is asked for, in the order of the catalogue."""
    units = []
    for part in data_set.parts:
        if part.name not in named if named is not None else not part.default:
            continue
        folder = downloads_folder(data_set.name) / part.name
        for subject in (subjects or data_set.subjects) if part.per_subject else (None,):
            if rows := part_rows(part, subject, splits):
                units.append(_Unit(part, subject, folder / subject if subject else folder, frozenset(rows)))
    if not units and not {request.name for request in data_set.requests} & set(named or ()):
        raise BadInputError(
            f"Got parts {', '.join(named or ['(default)'])} and splits {', '.join(splits or ['(all)'])} of "
            f"{data_set.name}: expected splits that these parts have. Leave one of the two options away."
        )
    return units


def _states(data_set: DataSet) -> dict[str, str]:
    return {row["what"]: row["state"] for row in data_set.status()}


def _lacking(unit: _Unit, states: dict[str, str]) -> set[str]:
    return {row for row in unit.rows if states.get(row) != "ready"}


def _register_what_is_there(
    data_set: DataSet, units: Iterable[_Unit], states: dict[str, str], progress: bool, keep_archives: bool
) -> dict[str, str]:
    """Register downloads that an earlier run left unregistered, or whose converted data were removed."""
    for unit in units:
        if _lacking(unit, states) and unit.folder.is_dir():
            # what is wrong with them is told once they were downloaded anew
            with contextlib.suppress(BadFileError, MissingDataError, BadInputError):
                data_set.add(unit.folder, progress=progress)
                states = _states(data_set)
        if not _lacking(unit, states) and (unit.folder / _UNFINISHED).exists():
            _finish(unit, keep_archives)
    return states


def _fetch_lacking(
    data_set: DataSet, units: Iterable[_Unit], states: dict[str, str], progress: bool, keep_archives: bool
) -> dict[str, str]:
    """Fetch all units that are not ready; give the problems by what they are about."""
    failures: dict[str, str] = {}
    work: list[tuple[_Unit, list[Found]]] = []
    available: dict[str, Available] = {}
    answers: dict[str, list[RemoteFile] | DownloadError] = {}
    for unit in units:
        lacking = _lacking(unit, states)
        if not lacking:
            continue
        if unit.part.name not in available:
            available[unit.part.name] = available_files(unit.part, downloads_folder(data_set.name), answers)
        there = available[unit.part.name]
        if not there.files:
            failures[f"part {unit.part.name}"] = there.problem
            continue
        found = _select(unit, lacking, there.files)
        if absent := lacking.difference(*(one.rows for one in found)):
            failures[", ".join(sorted(absent))] = there.not_among()
        if found:
            work.append((unit, found))
    require_space(downloads_folder(data_set.name), _bytes_needed(work, keep_archives))
    reached: dict[str, bool] = {}
    for unit, found in work:
        failures |= _bring(data_set, unit, found, reached, progress, keep_archives)
    return failures


def _select(unit: _Unit, lacking: Collection[str], files: Iterable[RemoteFile]) -> list[Found]:
    """Give the files that bring lacking rows, and of these rows the lacking ones."""
    found = select_files(unit.part, unit.subject, None, files)
    needed = [replace(one, rows={row: split for row, split in one.rows.items() if row in lacking}) for one in found]
    return [one for one in needed if one.rows]


def _bytes_needed(work: Iterable[tuple[_Unit, list[Found]]], keep_archives: bool) -> int:
    """Estimate how many bytes are written at most: what stays, and what is there while one file is worked on."""
    stays, passes = 0.0, 0.0
    for unit, found in work:
        for one in found:
            size = one.remote.size or unit.part.typical_bytes
            archive = _is_archive(unit.part, one.local)
            unpacked = _UNPACKED_BYTES * size if archive else size
            passing = (size if archive else 0) + (unpacked if unit.part.converted else 0)
            stays += unpacked + (passing if keep_archives else 0)
            passes = max(passes, passing)
            path = unit.folder / one.local
            stays -= path.stat().st_size if path.is_file() else 0
    return int(stays + (0 if keep_archives else passes))


def _is_archive(part: Part, name: str) -> bool:
    return part.unpack and name.lower().endswith(".zip")


def _bring(
    data_set: DataSet, unit: _Unit, found: Sequence[Found], reached: dict[str, bool], progress: bool, keep: bool
) -> dict[str, str]:
    """Download a unit's files and register what has arrived; give the problems by what they are about.

    ``reached`` tells of each server that was asked in this run whether it was there, and is completed: without a
    network every file would be waited for in vain.
    """
    failures: dict[str, str] = {}
    arrived: list[Found] = []
    write_text(unit.folder / _UNFINISHED, "")
    for one in found:
        rows, server = ", ".join(sorted(one.rows)), urlsplit(one.remote.url).netloc
        if not reached.get(server, True) and not (unit.folder / one.local).is_file():
            failures[rows] = f"not tried, as there is no connection to {server}"
            continue
        try:
            _download(unit, one, progress)
            arrived.append(one)
            reached[server] = True
        except StoreError:
            raise
        except RealnetError as error:
            failures[rows] = str(error)
            reached[server] = reached.get(server, not isinstance(error, UnreachableError))
    if not arrived:
        return failures
    label = ", ".join(sorted({row for one in arrived for row in one.rows}))
    try:
        data_set.add(unit.folder, progress=progress)
    except StoreError:
        raise
    except RealnetError as error:
        for one in arrived:
            _discard_unverified(unit.folder / one.local, one.remote)
        return {label: str(error)} | failures
    states = _states(data_set)
    if lacking := sorted({row for one in arrived for row in one.rows if states.get(row) != "ready"}):
        still = f"still {states.get(lacking[0], 'missing')} after what was downloaded was registered"
        return {", ".join(lacking): still} | failures
    _finish(unit, keep)
    return failures


def _download(unit: _Unit, one: Found, progress: bool) -> None:
    """Download a file and unpack it if it is an archive."""
    path = unit.folder / one.local
    remote = one.remote
    download(remote.url, path.parent, path.name, remote.known_hash, size=remote.size, progress=progress)
    if not _is_archive(unit.part, path.name):
        return
    members = {one.form.member.format(split=split) for split in one.rows.values()} if one.form.member else None
    try:
        _unpack(path, unit.subject or path.stem, members, progress)
    except BadFileError:
        _discard_unverified(path, remote)
        raise


def _unpack(archive: Path, name: str, members: Collection[str] | None, progress: bool) -> None:
    """Unpack an archive so that its content lies in a folder of this name, whether it holds such a folder or not."""
    target, fresh = archive.with_name(name), archive.with_name(f".{name}.unpacked")
    for old in (target, fresh):
        shutil.rmtree(old, ignore_errors=True)
    extract(
        archive,
        fresh,
        wanted=None if members is None else lambda member: PurePosixPath(member).name in members,
        progress=progress,
    )
    inner = [path for path in fresh.rglob("*") if path.name in (name, archive.stem) and path.is_dir()]
    os.replace(min(inner, key=lambda path: len(path.parts), default=fresh), target)
    shutil.rmtree(fresh, ignore_errors=True)


def _discard_unverified(path: Path, remote: RemoteFile) -> None:
    """Delete a file that proved unusable and whose hash nobody publishes: the next run downloads it anew.

    Its recorded hash goes with it, or else the right bytes would be refused.
    """
    if remote.known_hash is not None:
        return
    path.unlink(missing_ok=True)
    record = path.parent / RECORD
    with lock(f"records-{path.parent.absolute()}"), contextlib.suppress(MissingDataError, BadFileError):
        write_json(record, {name: entry for name, entry in read_json(record).items() if name != path.name})


def _finish(unit: _Unit, keep_archives: bool) -> None:
    """Delete archives that were unpacked and files that were converted; their recorded hashes stay."""
    for path in [] if keep_archives else list(unit.folder.iterdir()):
        if path.name.startswith(".") or path.name == RECORD or ".wrong-" in path.name:
            continue
        if path.is_dir():
            if unit.part.converted:
                shutil.rmtree(path, ignore_errors=True)
        elif unit.part.converted or _is_archive(unit.part, path.name):
            path.unlink()
    (unit.folder / _UNFINISHED).unlink(missing_ok=True)


def _requests(data_set: DataSet, states: dict[str, str], named: Collection[str] | None) -> list[str]:
    """Say how to get what is not published, unless it is ready."""
    return [
        request.how
        for request in data_set.requests
        if (named is None or request.name in named) and request.lacking(states)
    ]
