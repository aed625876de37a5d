"""The README of an export: what to do next with this very submission."""

import shlex
from collections.abc import Sequence

from brainscore_realnet.submission.layout import Form, Submission
from brainscore_realnet.submission.uploads import UPLOADS, Upload

SITE = "https://www.brain-score.org"
REPOSITORY = "https://github.com/brain-score/vision"


def instructions(
    submission: Submission,
    form: Form,
    uploads: Sequence[Upload],
    notes: Sequence[str],
    models: Sequence[str],
    benchmarks: Sequence[str],
    metadata: bool = False,
) -> str:
    """Write the steps from an export to the leaderboard, as Markdown; `metadata` says whether they were given."""
    chosen = [
        *(f"--model {shlex.quote(one)}" for one in models),
        *(f"--benchmark {shlex.quote(one)}" for one in benchmarks),
        f"--name {submission.name} --form {form}",
        *(["--metadata FILE"] if metadata else []),
    ]
    steps = [
        ("Check it", _check(submission, form)),
        *([("Upload the large files", _files(uploads))] if uploads else []),
        *([("Enter the places, and export again", _again(chosen))] if uploads else []),
        *([("Tell more", _more())] if models else []),
        ("Submit", _SUBMIT[form](submission)),
        ("After that", _AFTER),
    ]
    told = "".join(f"- {note}\n" for note in notes)
    sections = "\n".join(f"## {n}. {title}\n\n{text}" for n, (title, text) in enumerate(steps, start=1))
    parts = [f"# {submission.name}\n", _contents(submission), *([f"To note:\n\n{told}"] if told else []), sections]
    return "\n".join(parts)


def _contents(submission: Submission) -> str:
    return "".join(
        f"- `{plugin.type}/{plugin.name}`: {', '.join(f'`{one}`' for one in plugin.identifiers)}\n"
        for plugin in submission.plugins
    )


def _check(submission: Submission, form: Form) -> str:
    return f"""In this folder:

    brainscore submit check . --form {form}

All checks have to pass. They are run on `{submission.name}.zip`, with the files of `weights/` and `data/`.
"""


def _files(uploads: Sequence[Upload]) -> str:
    described = "\n".join(
        f"- `{one.local.as_posix()}`\n"
        f"  - {one.bytes} bytes, sha1 `{one.sha1}`, sha256 `{one.sha256}`\n"
        f"  - {_place(one)}"
        for one in uploads
    )
    return f"""Plugins carry no weights and no data: Brain-Score keeps them in its storage. Ask its team to put
these there, with a link in the pull request or in their community ({SITE}/community), unless
your account on {SITE} lets you upload them yourself. They have to keep their names and bytes:
what is loaded is compared with the hashes.

{described}
"""


def _place(upload: Upload) -> str:
    where = f"`{upload.bucket}`, `{upload.folder}/{upload.name}`"
    if upload.version_id is None:
        return f"to go to {where}"
    return f"uploaded to {where}, version `{upload.version_id}`"


def _again(options: Sequence[str]) -> str:
    return f"""Enter bucket, folder and version_id, as you were told them, into `{UPLOADS}`. Where they are those of
step 2 and no version was told, nothing has to be changed. Otherwise, with this folder's path for FOLDER:

{_command([*options, f"--out FOLDER --uploads FOLDER/{UPLOADS} --replace"])}

and check it again.
"""


def _more() -> str:
    return """Change nothing in the submission by hand: the next export would refuse to replace it. People, licence,
uses and sources go into a file of Brain-Score's metadata, schema 2.0, with what is to be added or changed:

    models:
      IDENTIFIER:
        people: {creators: [A. Author]}
        legal: {license: MIT}

    brainscore submit export … --metadata FILE

A citation belongs to the weights:

    brainscore weights import WEIGHTS --model IDENTIFIER --bibtex FILE --replace
"""


def _command(options: Sequence[str]) -> str:
    return "    brainscore submit export \\\n        " + " \\\n        ".join(options)


def _website(submission: Submission) -> str:
    return f"""Log in at {SITE}, choose to submit a plugin, and upload `{submission.name}.zip`.
"""


def _pull_request(submission: Submission) -> str:
    copies = "\n".join(
        f"    cp -r FOLDER/{submission.name}/{one.type}/{one.name} brainscore_vision/{one.type}/"
        for one in submission.plugins
    )
    added = " ".join(f"brainscore_vision/{one.type}/{one.name}" for one in submission.plugins)
    return f"""Fork {REPOSITORY}, and in a clone of your fork, with this folder's path for FOLDER:

    git checkout -b {submission.name}
{copies}
    git add {added}
    git commit -m "Add {submission.name}"
    git push -u origin {submission.name}

Then open a pull request to `{REPOSITORY.removeprefix("https://github.com/")}`.
"""


_SUBMIT = {"website": _website, "pull-request": _pull_request}

_AFTER = f"""A submission on the website becomes a pull request to {REPOSITORY}, too.
There the tests of each plugin (`test.py`) and Brain-Score's own are run; what they find is written under the pull
request. Once it is merged, models are scored on Brain-Score's benchmarks, and benchmarks are run on its models. Results
come to your profile on {SITE}, where they can be made public.
"""
