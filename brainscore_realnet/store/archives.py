"""Unpacking zip archives that strangers made: whole or not at all, and never outside the folder asked for."""

import lzma
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from brainscore_realnet.errors import BadFileError, MissingDataError, UnsafeFileError
from brainscore_realnet.store.atomic import atomic_folder
from brainscore_realnet.store.folders import require_space
from brainscore_realnet.store.transfer import is_web_page

# Recordings and images shrink by less than 10 : 1; only the likes of zeros shrink more than this (deflate: 1030 : 1).
LARGEST_RATIO = 200

_RATIO_FROM_BYTES = 10**6
_LONGEST_NAME_BYTES = 255
_BLOCK_BYTES = 2**20
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, ValueError)


def extract(
    archive: str | Path,
    target: str | Path,
    *,
    wanted: Callable[[str], bool] | None = None,
    progress: bool = False,
) -> Path:
    """Unpack a zip archive into a folder that appears when it is complete; one that is there already is kept as it is.

    The whole archive is judged before anything is written. ``__MACOSX/`` and ``.DS_Store`` are left out.

    Parameters
    ----------
    archive : path
        A zip file, zip64 included.
    target : path
        The folder to make.
    wanted : callable, optional
        Is given each file's name (``"folder/file.npy"``) and says whether it is unpacked; without it all are.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    MissingDataError
        There is no such archive.
    UnsafeFileError
        A name leads out of the folder or stands twice, a member is a link or encrypted, members share their bytes, or
        one of more than 1 MB expands more than `LARGEST_RATIO` times. Nothing was written.
    BadFileError
        It is no zip file (a web page, a truncated download), holds nothing that is wanted, or a member is broken.
    StoreError
        There is too little space, or the folder cannot be written.
    """
    from tqdm import tqdm

    archive, target = Path(archive), Path(target)
    with _opened(archive) as opened:
        members = [member for member in opened.infolist() if not _is_litter(member.filename)]
        _require_safe(archive, members)
        files = [member for member in members if not member.is_dir()]
        chosen = [member for member in files if wanted is None or wanted(member.filename)]
        if not chosen:
            raise BadFileError(
                f"Got {archive} with {len(files)} files, none of them wanted: expected others. Check that it is the "
                "right archive."
            )
        if target.is_dir():
            return target
        total = sum(member.file_size for member in chosen)
        require_space(target, total)
        bar = tqdm(desc=archive.name, total=total, unit="B", unit_scale=True, disable=not progress)
        with atomic_folder(target) as part, bar:
            for member in chosen:
                path = part / member.filename
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "wb") as file:
                    for block in _content(archive, opened, member):
                        file.write(block)
                        bar.update(len(block))
    return target


def _opened(archive: Path) -> zipfile.ZipFile:
    """Open an archive, or say what the file is instead."""
    try:
        return zipfile.ZipFile(archive)
    except FileNotFoundError as error:
        raise MissingDataError(f"Got no file at {archive}: expected a zip archive. Check the path.") from error
    except _BROKEN as error:
        with open(archive, "rb") as file:
            start = file.read(1000)
        what = "a web page" if is_web_page(start) else f"{error}; it starts with {start[:8]!r}"
        raise BadFileError(
            f"Got {archive} ({archive.stat().st_size} bytes), which cannot be opened ({what}): expected a whole zip "
            "archive. Download it again."
        ) from error


def _is_litter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1:] == (".DS_Store",)


def _require_safe(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive of which any member, wanted or not, could do harm."""
    taken: set[str] = set()
    folders: set[str] = set()
    for member in members:
        key = unicodedata.normalize("NFC", member.filename).casefold().rstrip("/")
        problem = _problem(member)
        if problem is None and not member.is_dir():
            problem = "a name that stands twice" if key in taken else None
            taken.add(key)
        if problem is not None:
            raise _unsafe(archive, f"the member {member.orig_filename!r} has {problem}")
        folders.update(str(parent) for parent in PurePosixPath(key).parents)
        if member.is_dir():
            folders.add(key)
    if both := taken & folders:
        raise _unsafe(archive, f"the member {min(both)!r} is both a file and a folder")
    held, size = sum(member.compress_size for member in members), archive.stat().st_size
    if held > size:
        raise _unsafe(archive, f"its members claim {held} bytes of its {size} bytes, so they share some")


def _problem(member: zipfile.ZipInfo) -> str | None:
    """Say what is dangerous in one member, or None."""
    name = member.orig_filename
    parts = name.removesuffix("/").split("/")
    kind = stat.S_IFMT(member.external_attr >> 16)
    large = member.file_size > _RATIO_FROM_BYTES
    dangers = {
        "an absolute name": name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None,
        "a backslash or a NUL in its name": "\\" in name or "\0" in name,
        "a name that leads out of its folder or is no name": not {"", ".", ".."}.isdisjoint(parts),
        "too long a name": any(len(part.encode(errors="replace")) > _LONGEST_NAME_BYTES for part in parts),
        "the type of a link or device": kind not in (0, stat.S_IFREG, stat.S_IFDIR),
        "encrypted content": bool(member.flag_bits & _ENCRYPTED),
        f"{member.file_size} bytes in {member.compress_size}, more than {LARGEST_RATIO} : 1": large
        and member.file_size > LARGEST_RATIO * member.compress_size,
    }
    return next((danger for danger, found in dangers.items() if found), None)


def _unsafe(archive: Path, what: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"Got {archive}, of which {what}: expected plain files inside one folder. Nothing was unpacked. Download it "
        "again from its publisher, or unpack it by hand if you trust it."
    )


def _content(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Give a member's bytes in blocks; what is not as declared is a bad file."""
    count, problem = 0, None
    try:
        with opened.open(member) as source:
            while block := source.read(_BLOCK_BYTES):
                count += len(block)
                yield block
    except (*_BROKEN, OSError) as error:  # bz2 reports broken data as OSError
        problem = f"{type(error).__name__}: {error}"
    if problem is None and count != member.file_size:
        problem = f"{count} bytes, declared are {member.file_size}"
    if problem is not None:
        raise BadFileError(
            f"Got {archive}, whose member {member.filename!r} is broken ({problem}): expected the bytes that the "
            "archive declares. Nothing was kept. Download it again."
        )
