"""Whether what a plugin asks for in ``requirements.txt`` or ``setup.py`` can be installed beside Brain-Score."""

import ast
import importlib.metadata
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from brainscore_realnet.submission.checking.reading import Opened, label
from brainscore_realnet.submission.checking.registrations import UNREADABLE, parsed, written
from brainscore_realnet.submission.checking.report import Found, Problem, judged
from brainscore_realnet.submission.layout import Plugin

UPSTREAM = ("brainscore_vision", "brainscore-core")
"""Distributions that every plugin finds, with all that they need."""

TRAVELS = "It is not there on Brain-Score's machines: copy what is needed into the plugin (`submit export` does)."
UNRELATED = "Brain-Score's is brainscore_core.supported_data_standards.brainio; the brainio of PyPI is unrelated."
REFUSED_REQUIREMENTS = {
    "brainscore-realnet": TRAVELS,
    "brainio": UNRELATED,
}
MALICIOUS = {"lightning": ("2.6.2", "2.6.3"), "pytorch-lightning": ("2.6.2", "2.6.3")}
"""Releases that stole credentials."""

_TEST_EXTRAS = ("", "test")
_NESTED = re.compile(r"(?:-r\s*|--requirement[\s=]+)(.+)")


def check_requirements(plugin: Plugin, opened: Opened) -> Found:
    """Judge ``requirements.txt`` and ``setup.py`` line by line beside what Brain-Score asks for."""
    problems: list[Problem] = []
    notes: list[Problem] = []
    for line in lines_of(plugin):
        if (nested := _NESTED.fullmatch(line)) and "://" not in line:
            problems.append((f"{nested[1][:60]} is no other file of the plugin", "Put it there, or its lines here."))
            continue
        if line.startswith("-"):
            notes.append((f"{line[:40]} is an option and was not judged", "See that pip takes it."))
            continue
        try:
            one = Requirement(line)
        except (InvalidRequirement, RecursionError) as error:
            if is_address(line):
                notes.append((f"{line[:60]} cannot be judged here", "See that pip installs it for Python 3.11."))
            else:
                text = f"{line[:60]!r} cannot be read ({str(error).splitlines()[0]})"
                problems.append((text, "Write name, or name>=1.2,<2."))
            continue
        if _applies(one):
            found, told = _of_requirement(one)
            problems += found
            notes += told
    if "setup.py" in plugin.files and of_setup(plugin) is None:
        advice = "Write install_requires as a list of strings, or do without setup.py: requirements.txt is enough."
        notes.append(("what setup.py asks for cannot be told from its text", advice))
    number = len(lines_of(plugin))
    passed = f"{number} beside those of Brain-Score" if number else "none beside those of Brain-Score"
    return judged("requirements", label(plugin), passed, problems, notes)


def _of_requirement(one: Requirement) -> tuple[list[Problem], list[Problem]]:
    """Give problems and notes of one requirement."""
    name = canonicalize_name(one.name)
    if name in REFUSED_REQUIREMENTS:
        return [(f"{one.name} is asked for", REFUSED_REQUIREMENTS[name])], []
    problems: list[Problem] = []
    pinned = {specifier.version for specifier in one.specifier if specifier.operator in ("==", "===")}
    if bad := pinned & set(MALICIOUS.get(name, ())):
        problems.append((f"{one.name} {bad.pop()} is a malicious release", "Take another release, or do without it."))
    for owner, pin in _pins().get(name, ()):
        if not can_both_hold(one.specifier, pin):
            text = f"{one} cannot be installed beside {owner}, which asks for {name}{pin}"
            problems.append((text, f"Write {one.name} without a version."))
    notes: list[Problem] = []
    if name not in installed():
        notes.append(
            (f"{one.name} is not installed here", "What needs it cannot be run here; Brain-Score installs it.")
        )
    elif one.specifier and not one.specifier.contains(installed()[name], prereleases=True):
        notes.append(
            (f"{one} is asked for, {installed()[name]} is installed here", "Install that one to check with it.")
        )
    return problems, notes


def _applies(one: Requirement) -> bool:
    """Say whether a requirement's marker asks for it here; one that cannot be evaluated is taken to."""
    try:
        return one.marker is None or one.marker.evaluate()
    except ValueError:
        return True


def can_both_hold(first: SpecifierSet, second: SpecifierSet) -> bool:
    """Say whether some version satisfies both; versions at, just below and just above every bound are tried."""
    tried: set[Version] = {Version("0"), Version("99999")}
    for specifier in (*first, *second):
        try:
            bound = Version(specifier.version.removesuffix(".*"))
        except InvalidVersion:
            return True
        release = list(bound.release)
        tried |= {
            bound,
            Version(".".join(map(str, [*release, 1]))),
            Version(".".join(map(str, [*release[:-1], release[-1] + 1]))),
        }
        last = max((place for place, number in enumerate(release) if number), default=None)
        if last is not None:
            tried.add(Version(".".join(map(str, [*release[:last], release[last] - 1, 99999]))))
    return any(first.contains(one, prereleases=True) and second.contains(one, prereleases=True) for one in tried)


def lines_of(plugin: Plugin) -> list[str]:
    """Give the lines of ``requirements.txt`` that say something, and what ``setup.py`` asks for.

    Lines of other files of the plugin stand in place of the ``-r`` that names them.
    """
    return [*_lines_of(plugin, "requirements.txt"), *(of_setup(plugin) or [])]


def _lines_of(plugin: Plugin, name: str, within: tuple[str, ...] = ()) -> Iterator[str]:
    text = plugin.files.get(name, b"").decode("utf-8-sig", "replace").replace("\\\n", "")
    for line in (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines()):
        nested = _NESTED.fullmatch(line)
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), nested[1])) if nested else ""
        if other in plugin.files and other not in (name, *within):
            yield from _lines_of(plugin, other, (name, *within))
        elif line:
            yield line


def of_setup(plugin: Plugin) -> list[str] | None:
    """Give the ``install_requires`` of ``setup.py`` if it is a list of strings, or the name of one; None otherwise."""
    try:
        tree = parsed(plugin.files["setup.py"])
        assigned = {written(one.targets[0]): one.value for one in tree.body if isinstance(one, ast.Assign)}
        keywords = [word for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords]
        (value,) = [word.value for word in keywords if word.arg == "install_requires"]
        found = ast.literal_eval(assigned.get(written(value), value))
    except UNREADABLE:
        return None
    strings = isinstance(found, list | tuple) and all(isinstance(one, str) for one in found)
    return [one.strip() for one in found] if strings else None


def readable(plugin: Plugin) -> Iterator[Requirement]:
    """Give the requirements that can be read."""
    for line in lines_of(plugin):
        try:
            yield Requirement(line)
        except (InvalidRequirement, RecursionError):
            continue


def is_address(line: str) -> bool:
    """Say whether a line names a place in place of a distribution, which pip takes and the standard does not."""
    return re.match(r"(git|hg|svn|bzr)?\+?(https?|ssh|file)://|git\+|\.{0,2}/", line) is not None


@cache
def installed() -> dict[str, str]:
    """Map distributions that are installed here to their versions."""
    return {
        canonicalize_name(one.metadata["Name"]): one.version
        for one in importlib.metadata.distributions()
        if one.metadata["Name"]
    }


@cache
def distributions() -> Mapping[str, list[str]]:
    """Map top-level modules that are installed here to their distributions."""
    return importlib.metadata.packages_distributions()


def _needed(distribution: str, extras: tuple[str, ...]) -> Iterator[Requirement]:
    """Give what an installed distribution asks for on this machine."""
    try:
        lines = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for one in map(Requirement, lines):
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras):
            yield one


@cache
def given() -> frozenset[str]:
    """Return all distributions that come with Brain-Score, directly or through others."""
    found: set[str] = {canonicalize_name(name) for name in UPSTREAM}
    waiting: list[tuple[str, tuple[str, ...]]] = [(name, _TEST_EXTRAS) for name in UPSTREAM]
    while waiting:
        for one in _needed(*waiting.pop()):
            if (name := canonicalize_name(one.name)) not in found:
                found.add(name)
                waiting.append((name, ("", *sorted(one.extras))))
    return frozenset(found)


@cache
def _pins() -> dict[str, list[tuple[str, SpecifierSet]]]:
    """Map distributions to the versions that Brain-Score itself allows."""
    found: dict[str, list[tuple[str, SpecifierSet]]] = {}
    for owner in UPSTREAM:
        for one in _needed(owner, _TEST_EXTRAS):
            if one.specifier:
                found.setdefault(canonicalize_name(one.name), []).append((owner, one.specifier))
    return found
