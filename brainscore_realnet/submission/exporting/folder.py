"""The folder of an export: nothing of anybody else is deleted, and there is always an old or a new one, whole.

The new folder is written and flushed beside the old one, as ``.<name>.new``. The old one is then renamed to
``.<name>.replaced``, the new one takes its place, and the old one is deleted. The next export puts right what a killed
one left behind.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.store.atomic import atomic_folder, lock
from brainscore_realnet.store.folders import SPARE_BYTES
from brainscore_realnet.store.hashing import sha256_file
from brainscore_realnet.submission.layout import read_back
from brainscore_realnet.submission.uploads import UPLOADS, Upload, read_uploads

README = "README.md"
OWN = ("weights", "data", UPLOADS, README)
"""What an export writes beside the submission."""

_LITTER = {".DS_Store", "Thumbs.db", "__pycache__"}
"""What systems and programs leave in folders."""

_NAMED = 5
"""Files that a message names."""


def resolved(out: str | Path) -> Path:
    """Give the folder that is meant, without links and ``..``.

    Raises
    ------
    BadInputError
        It is a link, or the root of the file system.
    """
    if os.path.islink(out):
        raise BadInputError(
            f"Got {out} to export to, which is a link to {os.readlink(out)}: expected a folder, since a link would be "
            "replaced and not what it leads to. Give the folder itself."
        )
    path = Path(os.path.realpath(out))
    if path == path.parent:
        raise BadInputError(f"Got {out} to export to, the root of the file system: expected a folder in it. Name one.")
    return path


@contextlib.contextmanager
def export_folder(
    out: Path, replace: bool, beforehand: Callable[[dict[str, Upload]], object] | None = None
) -> Iterator[tuple[Path, dict[str, Upload]]]:
    """Give an empty folder that becomes `out` at the end, or disappears on failure; others wait meanwhile.

    Parameters
    ----------
    out : Path
        As `resolved` gives it: not there, or empty, or with `replace` an earlier export as that was written.
    replace : bool
        Whether an earlier export may be replaced.
    beforehand : callable, optional
        Called with `places` when it is clear that `out` may be written, and before anything is made.

    Yields
    ------
    part : Path
        The folder to write to.
    places : dict of str to Upload
        ``uploads.json`` of the export that will be replaced.

    Raises
    ------
    BadInputError, BadFileError
        Something else is there (files are named), or its ``uploads.json`` cannot be read; or something was changed
        there meanwhile.
    StoreError
        Nothing can be written there, or there is no room.
    """
    new, old = _beside(out, "new"), _beside(out, "replaced")
    with lock(f"export to {out}"):
        _mend(out)
        before = _state(out)
        places = _refuse_occupied(out, replace)
        if beforehand is not None:
            beforehand(places)
        try:
            with _explained(out), atomic_folder(new) as part:
                yield part, places
            if _state(out) != before:
                raise BadInputError(
                    f"Got {out} to export to, where something was changed during the export: expected it to stay as it "
                    "was. Nothing was written; look into it, and export again."
                )
            if out.exists():
                os.rename(out, old)
            os.rename(new, out)
        finally:
            _mend(out)


def refuse_unwritable(out: Path, n_bytes: int) -> None:
    """Raise StoreError where no folder can be made, or has no room for so many bytes; nothing is made."""
    advice = "Choose another folder with --out"
    place = next(parent for parent in out.parents if os.path.lexists(parent))
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise StoreError(f"Got {out} to export to: expected that folders can be made in {place}. {advice}.")
    free = shutil.disk_usage(place).free
    if n_bytes > free - SPARE_BYTES:
        raise StoreError(
            f"Got {free / 1e9:.2f} GB of free space for {out}: expected {(n_bytes + SPARE_BYTES) / 1e9:.2f} GB "
            f"({n_bytes / 1e9:.2f} GB to be written and a reserve). {advice}, or free space there."
        )


def _beside(out: Path, what: str) -> Path:
    return out.with_name(f".{out.name}.{what}")


def _mend(out: Path) -> None:
    """Delete what an export does not need any more, and put back what it had set aside."""
    shutil.rmtree(_beside(out, "new"), ignore_errors=True)
    old = _beside(out, "replaced")
    if not old.is_dir():
        return
    if (out / UPLOADS).is_file():
        shutil.rmtree(old, ignore_errors=True)
    elif not out.exists() or (out.is_dir() and not any(out.iterdir())):
        with contextlib.suppress(FileNotFoundError):
            out.rmdir()
        os.rename(old, out)


def _state(out: Path) -> dict[str, tuple[int, int] | None]:
    """Tell what would be seen of a change: times in ns and sizes of files, and which folders there are."""
    paths = out.rglob("*") if out.is_dir() else [out] if os.path.lexists(out) else []
    told = ((str(path), None if path.is_dir() else path.lstat()) for path in paths if path.name not in _LITTER)
    return {path: known and (known.st_mtime_ns, known.st_size) for path, known in told}


def _refuse_occupied(out: Path, replace: bool) -> dict[str, Upload]:
    """Refuse a folder with anything but what an earlier export wrote; give its uploads."""
    if not os.path.lexists(out):
        return {}
    if not out.is_dir():
        raise BadInputError(f"Got {out} to export to, which is no folder: expected a new one. Choose another path.")
    found = sorted(path.name for path in out.iterdir() if path.name not in _LITTER)
    if not found:
        return {}
    archives = [name for name in found if name.endswith(".zip")]
    if UPLOADS not in found or len(archives) != 1:
        raise BadInputError(
            f"Got {out} to export to, which holds {', '.join(found[:_NAMED])}: expected a new or empty folder, or an "
            "earlier export. Choose another."
        )
    if not replace:
        raise BadInputError(
            f"Got {out} to export to, which holds an earlier export: expected a new or empty folder. Choose another, "
            "or give --replace."
        )
    places = read_uploads(out / UPLOADS)
    foreign = _foreign(out, archives[0], places)
    if foreign:
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        raise BadInputError(
            f"Got {out} to replace, where {', '.join(foreign[:_NAMED])}{more} would be lost: expected what the earlier "
            "export wrote, unchanged. Move away what you want to keep (metadata are given with --metadata, citations "
            "with `brainscore weights import --bibtex`)."
        )
    return places


def _foreign(out: Path, archive: str, places: Mapping[str, Upload]) -> list[str]:
    """Name the files that an export did not write, or that were changed since."""
    try:
        submission = read_back(out / archive)
    except BadInputError:
        return [archive]
    paths = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_symlink() or path.is_file()}
    return sorted(
        name
        for name, path in paths.items()
        if not _LITTER.intersection(Path(name).parts) and not _is_ours(name, path, archive, submission, places)
    )


def _is_ours(
    name: str, path: Path, archive: str, submission: Mapping[str, bytes], places: Mapping[str, Upload]
) -> bool:
    if path.is_symlink():
        return False
    if name in (archive, UPLOADS, README):
        return True
    if name in submission:
        return path.read_bytes() == submission[name]
    upload = places.get(path.name)  # its folder may have been edited since
    return upload is not None and name.startswith(f"{upload.kind}/") and sha256_file(path) == upload.sha256


@contextlib.contextmanager
def _explained(out: Path) -> Iterator[None]:
    """Say --out where an error about this folder would advise to move the store."""
    try:
        yield
    except StoreError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or _beside(out, "new").name not in str(error):
            raise
        raise StoreError(
            f"Got {out} to export to, where something cannot be written ({cause.strerror or cause}): expected room and "
            "permission. Free space there, or choose another folder with --out."
        ) from error
