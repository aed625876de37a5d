"""A guard over what plugins do, in every Python process that the check starts and in their children.

It refuses the network, writes outside the given folders, programs that install or download, and imports of the package
that made the submission. Each refusal is recorded before it is raised, so that it is known even of code that catches
everything. What a plugin reads of this machine's own files is recorded and not refused. What compiled code does with
the operating system itself is not seen.
"""

import errno
import fnmatch
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

RECORD_VARIABLE = "SUBMISSION_CHECK_RECORD"
"""Environment variable: file that refusals are appended to, one JSON object a line."""

REFUSED = "refused while a submission is checked"
"""Part of every message of a refusal."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM = ("/dev", "/proc")
_OF_ANY_MACHINE = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/run", "/sys", "/nix", "/System"),
    *("/Library", *_SYSTEM),
)
_LOOPBACK = ("localhost", "127.*", "::1", "0.0.0.0", "::", "")
_PROGRAMS = re.compile(
    r"(?:^|[\s/;&|'\"(])(pip3?|curl|wget|conda|mamba|aws|gsutil|gdown|"
    r"git\s+(?:-\S+\s+)*(?:clone|fetch|pull|ls-remote|submodule))(?=$|[\s;&|'\")])"
)

_settings: dict[str, Any] = {}


def install(path: str) -> None:
    """Begin to guard this process.

    Parameters
    ----------
    path : str
        JSON file: ``allowed``, folders that may be written to; ``readable``, folders that may be read, beside those
        of Python and of the operating system; ``scores``, how the paths begin of files that Brain-Score itself leaves
        in its own folder; ``plugins``, folders of plugins, to name their lines; ``absent``, packages that cannot be
        imported; ``record``, a file for refusals where the variable names none, and for what is not refused.
    """
    with open(path, encoding="utf-8") as file:
        _settings.update(json.load(file))
    readable = [*_settings["readable"], *_of_python(), *_OF_ANY_MACHINE]
    _settings["readable"] = sorted({place for one in readable for place in (one, os.path.realpath(one))})
    sys.meta_path.insert(0, _Absent())
    sys.addaudithook(_hook)


def _of_python() -> list[str]:
    """Give the folders of Python and of all that is installed, also of packages that are installed as links."""
    editable = [module for name, module in sys.modules.items() if name.startswith("__editable__")]
    linked = [folder for module in editable for folder in getattr(module, "MAPPING", {}).values()]
    return [sys.prefix, sys.base_prefix, sys.exec_prefix, *linked, *filter(None, sys.path)]


class _Absent:
    """Finder that knows of no package of the given names."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raise ModuleNotFoundError for an absent package; leave all others to the finders after it."""
        if name.partition(".")[0] in _settings["absent"]:
            _record("import", name)
            raise ModuleNotFoundError(
                f"import of {name}, which is not on the leaderboard's machines: {REFUSED}", name=name
            )


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if look := _LOOKS.get(event):
        look(*arguments)


def _opened(path: Any, mode: Any, flags: Any) -> None:
    if isinstance(path, int) or not isinstance(flags, int):
        return
    if not flags & _WRITING:
        _read(path)
        return
    if flags & os.O_TRUNC and _within(_place(path, -1, follow=False), _settings["allowed"]) and os.path.islink(path):
        # What begins anew needs nothing of what the link leads to, which is the user's own.
        os.unlink(path)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))
    _written(path)


def _read(path: Any) -> None:
    """Record that a plugin reads a file that other machines do not have."""
    place = os.path.abspath(os.fsdecode(path))
    if _within(place, _settings["readable"]) or _within(os.path.realpath(place), _settings["readable"]):
        return
    if os.path.isfile(place) and _where(sys._getframe()):
        _record("read", place, refused=False)


def _database(path: Any) -> None:
    """Refuse a database that is written to, be it only once something is entered."""
    path = os.fsdecode(path)
    if path.startswith("file:"):
        path, _, options = path[len("file:") :].partition("?")
        if re.search(r"\b(mode=(ro|memory)|immutable=1)\b", options):
            return
    if path not in ("", ":memory:"):
        _written(path)


def _made(path: Any, mode: Any = None, folder: int = -1) -> None:
    # Making what is there changes nothing, and that is how one makes sure of a folder.
    place = _place(path, folder, follow=False)
    leads_to_allowed = any(one.startswith(place + os.sep) for one in _settings["allowed"])
    if not leads_to_allowed and not os.path.lexists(place):
        _written(path, folder, follow=False)


def _removed(path: Any, folder: int = -1) -> None:
    if os.path.lexists(_place(path, folder, follow=False)):
        _written(path, folder, follow=False)


def _moved(source: Any, target: Any, source_folder: int = -1, target_folder: int = -1) -> None:
    _written(source, source_folder, follow=False)
    _written(target, target_folder, follow=False)


def _linked(source: Any, target: Any, *folders: int) -> None:
    _written(target, folders[-1] if folders else -1, follow=False)


def _changed(path: Any, *details: Any) -> None:
    if not isinstance(path, int):
        _written(path, details[-1] if len(details) > 1 and isinstance(details[-1], int) else -1)


def _written(path: Any, folder: int = -1, follow: bool = True) -> None:
    """Refuse a write that is in none of the allowed folders."""
    place = _place(path, folder, follow)
    if not _within(place, (*_settings["allowed"], *_SYSTEM)) and not place.startswith(_settings["scores"]):
        _record("write", place)
        raise PermissionError(errno.EACCES, f"write outside the cache: {REFUSED}", place)


def _within(place: str, folders: Iterable[str]) -> bool:
    return any(place == one or place.startswith(one + os.sep) for one in folders)


def _place(path: Any, folder: int, follow: bool) -> str:
    """Give the real path of what a system call names; a link itself where links are not followed."""
    path = os.fsdecode(path)
    if isinstance(folder, int) and folder >= 0:
        path = os.path.join(os.path.realpath(f"/proc/self/fd/{folder}"), path)
    if follow:
        return os.path.realpath(path)
    parent, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(parent), name)


def _connected(sock: Any, address: Any) -> None:
    if getattr(sock, "family", None) in (socket.AF_INET, socket.AF_INET6):
        _reached(address[0] if isinstance(address, tuple) else address, *list(address)[1:2])


def _sent(sock: Any, address: Any) -> None:
    if address is not None:
        _connected(sock, address)


def _reached(host: Any, port: Any = None, *rest: Any) -> None:
    """Refuse a host that is not this machine."""
    host = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")
    if any(fnmatch.fnmatchcase(host, one) for one in _LOOPBACK) or host == socket.gethostname():
        return
    _record("network", f"{host}:{port}" if port else host)
    raise socket.gaierror(socket.EAI_FAIL, f"network, {host}: {REFUSED}")


def _started(program: Any, arguments: Any = (), *rest: Any) -> None:
    """Refuse programs that install or download; git may tell of the repository that it is in."""
    words = [arguments] if isinstance(arguments, str | bytes | os.PathLike) else list(arguments or [])
    # The program comes first among its own arguments.
    line = " ".join(map(_text, words)) if words else _text(program)
    if found := _PROGRAMS.search(line):
        _record("program", line[:200])
        raise PermissionError(errno.EACCES, f"start of {found[1]}: {REFUSED}")


def _text(word: Any) -> str:
    return os.fsdecode(word) if isinstance(word, str | bytes | os.PathLike) else str(word)


def _record(kind: str, what: str, refused: bool = True) -> None:
    """Append one line to the record; the record's own folder is allowed, so this does not call itself."""
    line = json.dumps({"kind": kind, "what": what, "where": _where(sys._getframe(1))}) + "\n"
    path = (refused and os.environ.get(RECORD_VARIABLE)) or _settings["record"]
    record = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(record, line.encode())
    finally:
        os.close(record)


def _where(frame: FrameType | None) -> str:
    """Name the innermost line of a plugin that led here; empty where none did."""
    while frame is not None:
        for folder in _settings["plugins"]:
            if frame.f_code.co_filename.startswith(folder + os.sep):
                return f"{frame.f_code.co_filename[len(folder) + 1 :]}, line {frame.f_lineno}"
        frame = frame.f_back
    return ""


_LOOKS: dict[str, Callable[..., None]] = {
    "open": _opened,
    "os.mkdir": _made,
    "os.remove": _removed,
    "os.rmdir": _removed,
    "os.rename": _moved,
    "os.symlink": _linked,
    "os.link": _linked,
    "os.truncate": _changed,
    "os.chmod": _changed,
    "os.chown": _changed,
    "os.utime": _changed,
    "shutil.rmtree": _removed,
    "sqlite3.connect": _database,
    "socket.connect": _connected,
    "socket.sendto": _sent,
    "socket.sendmsg": _sent,
    "socket.getaddrinfo": _reached,
    "socket.gethostbyname": _reached,
    "subprocess.Popen": _started,
    "os.system": _started,
    "os.exec": _started,
    "os.posix_spawn": _started,
}
