"""Questions put to a plugin one by one, so that one that fails, or ends the process, hides none of the others."""

import itertools
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from .guard import RECORD_VARIABLE

_LONGEST = 400


class Failed(Exception):  # noqa: N818  an answer, not an error
    """The plugin does not do what it must."""

    status = "fail"

    def __init__(self, found: str, advice: str):
        super().__init__(found)
        self.advice = advice


class Noted(Failed):
    """It passes, but somebody has to see to something."""

    status = "note"


class NotRun(Failed):
    """The question could not be put."""

    status = "not run"


class Answers:
    """Answers in a file, one JSON object a line: which question is put, then its answer.

    Parameters
    ----------
    path : str
        Appended to at once, line by line.
    """

    def __init__(self, path: str):
        self._path = path

    def ask(self, check: str, identifier: str, question: Callable[[], str], advice: str) -> bool:
        """Put a question.

        Parameters
        ----------
        check, identifier : str
            What is looked at, and of which registration.
        question : callable
            Gives what was found when all is well; raises Failed, Noted or NotRun otherwise.
        advice : str
            What to do when it raises anything else.

        Returns
        -------
        bool
            Whether there was an answer that is not a failure.
        """
        asked = {"check": check, "identifier": identifier}
        self._write({"asked": asked})
        answer: dict[str, Any] = {"status": "pass", "advice": ""}
        before = n_refusals()
        try:
            answer["found"] = question()
        except Failed as failed:
            answer = {"status": failed.status, "found": str(failed), "advice": failed.advice}
        except BaseException as error:
            answer = {"status": "fail", "found": told(error), "advice": advice, "missing": missing_package(error)}
            answer["refused"] = n_refusals() > before
        self._write({"answer": asked | answer})
        return answer["status"] in ("pass", "note")

    def _write(self, line: dict[str, Any]) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def told(error: BaseException) -> str:
    """Give an exception in one line, with the innermost line of a plugin or test that it came through."""
    text = " ".join(str(error).split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _in_plugin(frame.filename)]
    where = f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{where}"


def missing_package(error: BaseException | None) -> str:
    """Name the package that an exception, or one that it came from, could not import; empty for others."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name.partition(".")[0]
        error = error.__cause__ or error.__context__
    return ""


def registrations() -> tuple[str, Answers, list[tuple[str, str]]]:
    """Read a probe's arguments: plugin's folder, file of answers, registrations (registry, identifier) as JSON."""
    folder, path, registered = sys.argv[1:]
    return folder, Answers(path), [(one[0], one[1]) for one in json.loads(registered)]


def _in_plugin(path: str) -> bool:
    parts = path.split(os.sep)
    types = {"models", "benchmarks", "data", "metrics"}
    return any(one == "brainscore_vision" and two in types for one, two in itertools.pairwise(parts))


def n_refusals() -> int:
    """Count what was refused to this run so far."""
    try:
        with open(os.environ[RECORD_VARIABLE], "rb") as file:
            return file.read().count(b"\n")
    except (KeyError, FileNotFoundError):
        return 0
