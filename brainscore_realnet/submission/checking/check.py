"""All checks of a submission: by its text, then by running it in a copy of Brain-Score."""

from collections.abc import Callable
from pathlib import Path

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.submission.checking.bibtex import check_bibtex
from brainscore_realnet.submission.checking.imports import check_imports, check_paths
from brainscore_realnet.submission.checking.metadata import check_metadata
from brainscore_realnet.submission.checking.naming import check_collisions, check_duplicates, check_identifiers
from brainscore_realnet.submission.checking.reading import Opened, label, opened
from brainscore_realnet.submission.checking.registrations import check_parser, check_registrations
from brainscore_realnet.submission.checking.report import Found, Report
from brainscore_realnet.submission.checking.requirements import check_requirements
from brainscore_realnet.submission.checking.scan import (
    check_archive,
    check_files,
    check_layout,
    check_syntax,
    check_tests,
)
from brainscore_realnet.submission.layout import Form, Plugin

OF_SUBMISSIONS: dict[str, Callable[[Opened, Form], Found]] = {
    "archive": check_archive,
    "duplicates": check_duplicates,
}
"""Name of a check to its function, for what concerns the submission as a whole."""

OF_PLUGINS: dict[str, Callable[[Plugin, Opened], Found | None]] = {
    "layout": check_layout,
    "syntax": check_syntax,
    "registrations": check_registrations,
    "parser": check_parser,
    "identifiers": check_identifiers,
    "collisions": check_collisions,
    "tests": check_tests,
    "files": check_files,
    "paths": check_paths,
    "imports": check_imports,
    "requirements": check_requirements,
    "bibtex": check_bibtex,
    "metadata": check_metadata,
}
"""Name of a check to its function, for every plugin; None where a check does not concern a type of plugin."""


def found_by_text(read: Opened, form: Form = "website") -> list[Found]:
    """Make all checks that run nothing of a submission."""
    found = [check(read, form) for check in OF_SUBMISSIONS.values()]
    for plugin in read.submission.plugins:
        found += [one for check in OF_PLUGINS.values() if (one := check(plugin, read)) is not None]
    return found


def check(
    path: str | Path,
    *,
    form: Form = "website",
    n_images: int = 200,
    weights: str | Path | None = None,
    data: str | Path | None = None,
    progress: bool = True,
) -> Report:
    """Check a submission as Brain-Score will, on this machine and without a network.

    Parameters
    ----------
    path : path
        A zip, a submission's folder, what ``submit export`` wrote, or one plugin's folder.
    form : {"website", "pull-request"}
        How it will be submitted; the website has limits.
    n_images : int
        Images of a recording whose time and memory are measured; 0: none.
    weights, data : path, optional
        Folders laid out as ``$BRAINSCORE_HOME`` and ``$BRAINIO_HOME``, in place of Brain-Score's storage; default:
        those that an export put beside the submission.
    progress : bool
        Show what is being run.

    Raises
    ------
    BadInputError
        There is no submission at the path, or an option cannot be.
    UnsafeFileError
        The zip could do harm when it is unpacked.
    """
    if n_images < 0:
        raise BadInputError(f"Got {n_images} images, expected 0 (no recording) or more.")
    for name, folder in (("weights", weights), ("data", data)):
        if folder is not None and not Path(folder).is_dir():
            raise BadInputError(f"Got {folder} for {name}, expected a folder. Check the path.")
    read = opened(path)
    found = found_by_text(read, form)
    if reason := _cannot_run(read, found):
        found.append(Found("running", read.submission.name, "not run", reason, "Correct that first."))
    else:
        from brainscore_realnet.submission.checking.running import found_by_running

        found += found_by_running(
            read.submission,
            n_images=n_images,
            weights=Path(weights).resolve() if weights is not None else read.weights,
            data=Path(data).resolve() if data is not None else read.data,
            progress=progress,
        )
    return Report(read.submission.name, form, tuple(found))


def _cannot_run(read: Opened, found: list[Found]) -> str | None:
    """Say why nothing can be run, or None."""
    if not read.submission.plugins:
        return "there is no plugin"
    for one in found:
        if one.check == "syntax" and one.status == "fail":
            return f"{one.plugin}: {one.found}"
    for plugin in read.submission.plugins:
        if "__init__.py" not in plugin.files:
            return f"{label(plugin)} has no __init__.py"
    return None
