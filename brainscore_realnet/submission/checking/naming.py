"""Whether identifiers can be used: once in the submission, new to Brain-Score, fit to name files."""

import contextlib
import importlib.util
import re
from functools import cache
from pathlib import Path

from brainscore_realnet.submission.checking.reading import Opened, label
from brainscore_realnet.submission.checking.registrations import UNREADABLE, Registration, registered, scanned, text_of
from brainscore_realnet.submission.checking.report import Found, judged
from brainscore_realnet.submission.layout import Form, Plugin

LONGEST_IDENTIFIER = 200
"""Characters; what the metadata of a model takes."""

# Names of files and unquoted arguments of shell scripts are made of identifiers.
_ALLOWED = re.compile(r"\w[\w.:=-]*", re.ASCII)


def check_duplicates(opened: Opened, form: Form) -> Found:
    """Find identifiers that stand twice in a submission, or differ by case only."""
    places: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for plugin in opened.submission.plugins:
        for one in _in_code_or_text(plugin):
            where = f"{label(plugin)}, line {one.line}"
            places.setdefault((one.registry, one.identifier.lower()), []).append((one.identifier, where))
    problems = [
        (
            f"{' and '.join(dict.fromkeys(one for one, _ in found))} in {' and '.join(where for _, where in found)}",
            "Register each identifier once, and let identifiers differ by more than case.",
        )
        for found in places.values()
        if len(found) > 1
    ]
    return judged("duplicates", opened.submission.name, "every identifier stands once", problems)


def _in_code_or_text(plugin: Plugin) -> list[Registration]:
    """Give the registrations of the code, or of the text where that is no Python."""
    try:
        return registered(plugin)[0]
    except UNREADABLE:
        return scanned(text_of(plugin), plugin.type)


def check_collisions(plugin: Plugin, opened: Opened) -> Found:
    """Find identifiers that the installed library has already."""
    own = opened.folders.get(label(plugin))
    installed = {
        key: folder for key, folder in _installed(plugin.type).items() if own is None or folder != str(own.resolve())
    }
    alike = {(registry, identifier.lower()): folder for (registry, identifier), folder in installed.items()}
    problems, notes = [], []
    for one in scanned(text_of(plugin), plugin.type):
        advice = "Choose another identifier: with two registrations Brain-Score can load neither."
        if folder := installed.get((one.registry, one.identifier)):
            problems.append((f"{one.identifier} is registered by {plugin.type}/{Path(folder).name}", advice))
        elif folder := alike.get((one.registry, one.identifier.lower())):
            notes.append(
                (
                    f"{one.identifier} differs by case only from one of {plugin.type}/{Path(folder).name}",
                    "Choose another identifier that nobody mistakes for it.",
                )
            )
    return judged("collisions", label(plugin), "no identifier is taken in the installed library", problems, notes)


def library() -> Path:
    """Return the folder of the installed Brain-Score, without importing it."""
    spec = importlib.util.find_spec("brainscore_vision")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).resolve().parent


@cache
def _installed(plugin_type: str) -> dict[tuple[str, str], str]:
    """Map every registry and identifier of a type that the text scan finds in the library to its folder."""
    return {
        (one.registry, one.identifier): str(file.parent)
        for file in sorted((library() / plugin_type).glob("[!._]*/__init__.py"))
        for one in scanned(file.read_text(encoding="utf-8", errors="replace"), plugin_type)
    }


def check_identifiers(plugin: Plugin, opened: Opened) -> Found:
    """Judge the characters and the length of identifiers."""
    problems = []
    found = scanned(text_of(plugin), plugin.type)
    with contextlib.suppress(*UNREADABLE):
        found = list(dict.fromkeys([*found, *registered(plugin)[0]]))
    for one in found:
        identifier = one.identifier
        if identifier and not _ALLOWED.fullmatch(identifier):
            characters = sorted(set(re.findall(r"[^\w.:=-]", identifier, re.ASCII)))
            shown = f"has {' '.join(map(repr, characters))}" if characters else f"begins with {identifier[0]}"
            problems.append(
                (
                    f"{identifier[:LONGEST_IDENTIFIER]!r} {shown}",
                    "Use letters, digits and . _ - : =, a letter, digit or _ first, since files and commands of "
                    "Brain-Score bear the identifier.",
                )
            )
        if not 0 < len(identifier) <= LONGEST_IDENTIFIER:
            problems.append(
                (
                    f"{identifier[:20]!r}… has {len(identifier)} characters",
                    f"Choose an identifier of 1 to {LONGEST_IDENTIFIER} characters.",
                )
            )
        if one.registry == "stimulus_set_registry" and "--" in identifier:
            problems.append(
                (
                    f"{identifier!r} has -- in a stimulus set",
                    "Choose another: Brain-Score takes what follows -- for a set derived from the one before it.",
                )
            )
    return judged("identifiers", label(plugin), "their characters and lengths can be used", problems)
