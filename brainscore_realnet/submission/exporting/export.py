"""A submission of models and benchmarks, written as a folder with all that has to be uploaded and what to do next."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store.atomic import atomic_folder, write_text
from brainscore_realnet.store.folders import require_space
from brainscore_realnet.submission.exporting.exportable import Exportable
from brainscore_realnet.submission.exporting.instructions import instructions
from brainscore_realnet.submission.layout import WEBSITE_PLUGINS, Form, Submission, refuse_too_large, write
from brainscore_realnet.submission.uploads import UPLOADS, Upload, copy_beside, read_uploads, write_uploads

README = "README.md"
WORK = ".work"
"""Folder that files are made in before they lie where they belong."""
_OWN = ("weights", "data", UPLOADS, README)


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    root: Path
    """Folder of the submission, inside the export's."""
    archive: Path
    """The same as a zip."""
    uploads: tuple[Upload, ...]
    """Files that have to be uploaded; they lie at `Upload.local` below the export's folder."""
    notes: tuple[str, ...]
    """Sentences for whoever submits it."""


def export(
    models: Sequence[str],
    benchmarks: Sequence[str],
    out: str | Path,
    *,
    form: Form = "website",
    name: str | None = None,
    uploads: str | Path | None = None,
    replace: bool = False,
) -> Exported:
    """Write a submission of models and benchmarks, with the files to upload; equal inputs give equal bytes.

    Parameters
    ----------
    models, benchmarks : sequence of str
        Identifiers of this package or of the store.
    out : path
        Folder that is not there, or empty; with `replace` also one that an earlier export wrote.
    form : {"website", "pull-request"}
        The website takes at most five identifiers in a submission.
    name : str, optional
        Of the submission's folder and zip. Default: that of the only plugin, else `realnet_submission`.
    uploads : path, optional
        ``uploads.json`` of an earlier export, with the places that files were uploaded to.
    replace : bool
        Replace an earlier export.

    Raises
    ------
    BadInputError
        Nothing is chosen, the folder holds something else, or as `models.model_plugins` and `layout.write`. The folder
        is then as it was, as after any other error.
    UnknownIdentifierError, MissingWeightsError, MissingDataError, BadFileError, StoreError
        As `models.model_plugins`, `benchmarks.benchmark_plugins` and `uploads.read_uploads`.
    """
    out = Path(out).absolute()
    if not models and not benchmarks:
        raise BadInputError("Got no model and no benchmark to export: expected some. Give --model or --benchmark.")
    _refuse_name(name)
    _refuse_form(len(models) + len(benchmarks), form)
    _refuse_occupied(out, replace)
    places = read_uploads(uploads) if uploads is not None else {}
    old = None
    try:
        with atomic_folder(out) as part:
            exported = _write(models, benchmarks, part, form, name, places)
            if uploads is None:
                _refuse_lost_places(out, exported.uploads)
            old = _set_aside(out)
    finally:
        _settle(out, old)
    return Exported(out / exported.root.name, out / exported.archive.name, exported.uploads, exported.notes)


def _write(
    models: Sequence[str],
    benchmarks: Sequence[str],
    out: Path,
    form: Form,
    name: str | None,
    places: Mapping[str, Upload],
) -> Exported:
    work = out / WORK
    work.mkdir()
    made = _made(models, benchmarks, places, work)
    plugins = tuple(one.plugin for one in made)
    submission = Submission(name or (plugins[0].name if len(plugins) == 1 else "realnet_submission"), plugins)
    refuse_too_large(submission, form)
    files = {upload.name: (upload, path) for one in made for upload, path in one.files}
    _refuse_clashes(made, files)
    copied = [upload.bytes for upload, path in files.values() if work not in path.parents]
    require_space(out, sum(copied) + 2 * sum(map(len, submission.files.values())))
    for upload, path in files.values():
        _put(upload, path, out, work)
    root, archive = write(submission, out, form)
    uploads = tuple(upload for upload, _ in files.values())
    unused = [f"{entry} stands in {UPLOADS}, but this submission has no such file." for entry in places.keys() - files]
    notes = (*(note for one in made for note in one.notes), *sorted(unused))
    write_uploads(out, uploads)
    write_text(out / README, instructions(submission, form, uploads, notes, models, benchmarks))
    shutil.rmtree(work)
    return Exported(root, archive, uploads, notes)


def _made(
    models: Sequence[str], benchmarks: Sequence[str], places: Mapping[str, Upload], work: Path
) -> list[Exportable]:
    made: list[Exportable] = []
    if models:
        from brainscore_realnet.submission.exporting.models import model_plugins

        made += model_plugins(models, places, work)
    if benchmarks:
        from brainscore_realnet.submission.exporting.benchmarks import benchmark_plugins

        made += benchmark_plugins(benchmarks, places, work)
    return made


def _put(upload: Upload, path: Path, out: Path, work: Path) -> None:
    """Put a file where Brain-Score finds it: one that was made for the export is moved."""
    if work in path.parents:
        target = out / upload.local
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    else:
        copy_beside(upload, path, out)


def _refuse_clashes(made: Sequence[Exportable], files: Mapping[str, tuple[Upload, Path]]) -> None:
    """Refuse two plugins in one folder, and two files of one name."""
    folders = [f"{one.plugin.type}/{one.plugin.name}" for one in made]
    others = [upload.name for one in made for upload, _ in one.files if upload != files[upload.name][0]]
    twice = sorted({*others, *(folder for folder in folders if folders.count(folder) > 1)})
    if twice:
        raise BadInputError(
            f"Got {', '.join(twice)} twice: expected names that differ. Export in several submissions what has them."
        )


def _refuse_form(n_identifiers: int, form: Form) -> None:
    """Refuse at once what `layout.refuse_too_large` would refuse after minutes; each makes a plugin at least."""
    if form not in get_args(Form):
        raise BadInputError(f"Got the form {form!r}: expected one of {', '.join(get_args(Form))}. Choose one.")
    if form == "website" and n_identifiers > WEBSITE_PLUGINS:
        raise BadInputError(
            f"Got {n_identifiers} identifiers in one submission; the website takes {WEBSITE_PLUGINS}. Divide them, or "
            "send a pull request (--form pull-request)."
        )


def _refuse_name(name: str | None) -> None:
    if name is not None and (re.fullmatch(r"[A-Za-z0-9][\w.-]*", name, re.ASCII) is None or name in _OWN):
        raise BadInputError(
            f"Got the name {name!r} for a submission: expected letters, digits, '.', '_' and '-', and none of "
            f"{', '.join(_OWN)}, which stand beside it. Choose another."
        )


def _refuse_occupied(out: Path, replace: bool) -> None:
    """Refuse a folder with anything but an earlier export, or with one that is not to be replaced."""
    if not out.exists():
        return
    if not out.is_dir() or out.is_symlink():
        raise BadInputError(f"Got {out} to export to, which is no folder: expected a new one. Choose another path.")
    found = {path.name for path in out.iterdir()}
    submissions = {name.removesuffix(".zip") for name in found if name.endswith(".zip")}
    strange = sorted(found - {*_OWN, *submissions, *(f"{name}.zip" for name in submissions)})
    if found and (UPLOADS not in found or len(submissions) != 1 or strange):
        raise BadInputError(
            f"Got {out} to export to, which holds {', '.join((strange or sorted(found))[:5])}: expected a new or empty "
            "folder, or an earlier export and nothing else. Choose another."
        )
    if found and not replace:
        raise BadInputError(
            f"Got {out} to export to, which holds an earlier export: expected a new or empty folder. Choose another, "
            "or give --replace."
        )


def _refuse_lost_places(out: Path, uploads: Sequence[Upload]) -> None:
    """Refuse to replace an edited ``uploads.json`` by one without what was entered."""
    known = read_uploads(out / UPLOADS) if (out / UPLOADS).is_file() else {}
    lost = [one.name for one in uploads if one.name in known and _place(known[one.name]) != _place(one)]
    if lost:
        raise BadInputError(
            f"Got {out} to replace, whose {UPLOADS} has other places of {', '.join(lost)}: expected them to be kept. "
            f"Give --uploads {out / UPLOADS}, or delete the folder."
        )


def _place(upload: Upload) -> tuple[str, str, str | None]:
    return upload.bucket, upload.folder, upload.version_id


def _set_aside(out: Path) -> Path | None:
    """Make room for the new folder; what was there is kept until that is in place."""
    if not out.is_dir():
        return None
    old = out.with_name(f".{out.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    os.rename(out, old)
    return old


def _settle(out: Path, old: Path | None) -> None:
    """Delete what was replaced, or put it back where nothing took its place."""
    if old is not None and out.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    elif old is not None:
        os.rename(old, out)
