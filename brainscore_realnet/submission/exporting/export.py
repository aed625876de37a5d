"""A submission of models and benchmarks, written as a folder with all that has to be uploaded and what to do next."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store.atomic import write_text
from brainscore_realnet.submission.exporting.exportable import Exportable
from brainscore_realnet.submission.exporting.folder import OWN, README, export_folder, refuse_unwritable, resolved
from brainscore_realnet.submission.exporting.instructions import instructions
from brainscore_realnet.submission.layout import REGISTRIES, WEBSITE_PLUGINS, Form, Submission, refuse_too_large, write
from brainscore_realnet.submission.uploads import UPLOADS, Upload, copy_beside, read_uploads, write_uploads

WORK = ".work"
"""Folder that files are made in before they lie where they belong."""

LONGEST_NAME = 100
"""Characters of a submission's name."""


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


@dataclass(frozen=True)
class _Chosen:
    """What is exported, and how."""

    models: Sequence[str]
    benchmarks: Sequence[str]
    out: Path
    """Folder that it will be in."""
    form: Form
    name: str | None
    places: Mapping[str, Upload] | None
    """Of the ``uploads.json`` that was given."""
    metadata: Mapping[str, dict[str, Any]] | None
    """Identifier to what was given of it."""


def export(
    models: Sequence[str],
    benchmarks: Sequence[str],
    out: str | Path,
    *,
    form: Form = "website",
    name: str | None = None,
    uploads: str | Path | None = None,
    metadata: str | Path | None = None,
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
    metadata : path, optional
        What is to be added to the metadata of the models, or changed in them (`metadata_given`).
    replace : bool
        Replace an earlier export.

    Raises
    ------
    BadInputError
        Nothing is chosen, the folder holds something else, or as `models.model_plugins` and `layout.write`. The folder
        is then as it was, as after any other error.
    UnknownIdentifierError, MissingWeightsError, MissingDataError, BadFileError, StoreError
        As `models.model_plugins`, `benchmarks.benchmark_plugins`, `uploads.read_uploads` and
        `metadata_given.given_metadata`; or there is no room.
    """
    if not models and not benchmarks:
        raise BadInputError("Got no model and no benchmark to export: expected some. Give --model or --benchmark.")
    if name is not None and (problem := _problem_of_name(name)):
        raise BadInputError(f"Got the name {name!r} for a submission: expected {problem}. Choose another.")
    _refuse_form(models, benchmarks, form)
    folder = resolved(out)
    chosen = _Chosen(
        models,
        benchmarks,
        folder,
        form,
        name,
        read_uploads(uploads) if uploads is not None else None,
        _given(metadata, models) if metadata is not None else None,
    )

    def beforehand(replaced: Mapping[str, Upload]) -> None:
        if uploads is not None:
            _refuse_other_places(folder, uploads, replaced, chosen.places or {})
        refuse_unwritable(folder, _require_all(models, benchmarks))

    with export_folder(folder, replace, beforehand) as (part, replaced):
        exported = _write(chosen, part)
        if uploads is None:
            _refuse_lost_places(folder, replaced, exported.uploads)
    root = Path(out) / exported.root.name
    return Exported(root, root.with_name(exported.archive.name), exported.uploads, exported.notes)


def _given(metadata: str | Path, models: Sequence[str]) -> dict[str, dict[str, Any]]:
    from brainscore_realnet.submission.exporting.metadata_given import given_metadata

    return given_metadata(metadata, models)


def _require_all(models: Sequence[str], benchmarks: Sequence[str]) -> int:
    """Check, before anything is exported, what is needed; give the bytes of weights that will be written."""
    n_bytes = 0
    if models:
        from brainscore_realnet.submission.exporting.chosen_models import require_models

        n_bytes = require_models(models)
    if benchmarks:
        from brainscore_realnet.submission.exporting.benchmarks import exportable_benchmark

        for identifier in benchmarks:
            exportable_benchmark(identifier).require_data()
    return n_bytes


def _write(chosen: _Chosen, out: Path) -> Exported:
    work = out / WORK
    work.mkdir()
    places = chosen.places or {}
    made = _made(chosen, places, work)
    submission = Submission(chosen.name or _default_name(made), tuple(one.plugin for one in made))
    refuse_too_large(submission, chosen.form)
    files = {upload.name: (upload, path) for one in made for upload, path in one.files}
    _refuse_clashes(made, files)
    copied = [upload.bytes for upload, path in files.values() if work not in path.parents]
    refuse_unwritable(chosen.out, sum(copied) + 2 * sum(map(len, submission.files.values())))
    for upload, path in files.values():
        _put(upload, path, out, work)
    root, archive = write(submission, out, chosen.form)
    uploads = tuple(upload for upload, _ in files.values())
    notes = (*(note for one in made for note in one.notes), *_notes(files, chosen.places))
    write_uploads(out, uploads)
    told = chosen.metadata is not None
    text = instructions(submission, chosen.form, uploads, notes, chosen.models, chosen.benchmarks, told)
    write_text(out / README, text)
    shutil.rmtree(work)
    return Exported(root, archive, uploads, notes)


def _made(chosen: _Chosen, places: Mapping[str, Upload], work: Path) -> list[Exportable]:
    made: list[Exportable] = []
    if chosen.models:
        from brainscore_realnet.submission.exporting.models import model_plugins

        made += model_plugins(chosen.models, places, work, chosen.metadata)
    if chosen.benchmarks:
        from brainscore_realnet.submission.exporting.benchmarks import benchmark_plugins

        made += benchmark_plugins(chosen.benchmarks, places, work)
    return made


def _default_name(made: Sequence[Exportable]) -> str:
    name = made[0].plugin.name
    return name if len(made) == 1 and not _problem_of_name(name) else "realnet_submission"


def _notes(files: Mapping[str, object], places: Mapping[str, Upload] | None) -> list[str]:
    """Name the files of which the given ``uploads.json`` and the submission do not both tell."""
    if places is None:
        return []
    unused = [f"{name} stands in {UPLOADS}, but this submission has no such file." for name in places.keys() - files]
    unplaced = [
        f"{name} has no entry in the given {UPLOADS}: see where it has to go." for name in files - places.keys()
    ]
    return sorted(unplaced) + sorted(unused)


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


def _refuse_form(models: Sequence[str], benchmarks: Sequence[str], form: Form) -> None:
    """Refuse at once what `layout.refuse_too_large` would refuse after minutes."""
    from brainscore_realnet.submission.exporting.benchmarks import headline_of

    if form not in get_args(Form):
        raise BadInputError(f"Got the form {form!r}: expected one of {', '.join(get_args(Form))}. Choose one.")
    # benchmarks of one data set share a stimulus set and an assembly
    n_data = 2 * len(set(map(headline_of, benchmarks)))
    n = len(models) + len(benchmarks) + n_data
    if form == "website" and n > WEBSITE_PLUGINS:
        of_data = f" ({n_data} of them of data that benchmarks load)" if n_data else ""
        raise BadInputError(
            f"Got {n} identifiers in one submission{of_data}; the website takes {WEBSITE_PLUGINS}. Divide them, or "
            "send a pull request (--form pull-request)."
        )


def _problem_of_name(name: str) -> str | None:
    """Say what a submission's name would have to be."""
    if len(name) > LONGEST_NAME:
        return f"at most {LONGEST_NAME} characters, and not {len(name)}"
    if re.fullmatch(r"\w[\w.-]*", name, re.ASCII) is None:
        return "letters, digits, '.', '_' and '-', and none of '.' and '-' at the beginning"
    if name.lower().endswith(".zip"):
        return "the name without .zip, which is added"
    if name in OWN or name in REGISTRIES:
        return f"none of {', '.join(sorted({*OWN, *REGISTRIES}))}, which mean something else in a submission"
    return None


def _refuse_other_places(
    out: Path, uploads: str | Path, replaced: Mapping[str, Upload], given: Mapping[str, Upload]
) -> None:
    """Refuse to replace an ``uploads.json`` when another one was given: what was entered in it would be lost."""
    lost = sorted(name for name, upload in replaced.items() if given.get(name) != upload)
    if lost:
        raise BadInputError(
            f"Got {uploads} for an export that replaces {out / UPLOADS}, which tells something else of "
            f"{', '.join(lost)}: expected the same. Enter all places into {out / UPLOADS} and give that."
        )


def _refuse_lost_places(out: Path, replaced: Mapping[str, Upload], uploads: Sequence[Upload]) -> None:
    """Refuse to replace an edited ``uploads.json`` by one without what was entered."""
    made = {one.name: _place(one) for one in uploads}
    lost = [
        name
        for name, upload in replaced.items()
        if (_place(upload) != made[name] if name in made else upload.version_id is not None)
    ]
    if lost:
        raise BadInputError(
            f"Got {out} to replace, whose {UPLOADS} has other places of {', '.join(lost)}: expected them to be kept. "
            f"Give --uploads {out / UPLOADS}, or delete the folder."
        )


def _place(upload: Upload) -> tuple[str, str, str | None]:
    return upload.bucket, upload.folder, upload.version_id
