"""Whether a submission does what Brain-Score asks of it, found by running it in an overlay of the library."""

import json
import re
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from brainscore_realnet.submission.checking.overlay import SECONDS, Ended, Overlay, overlay
from brainscore_realnet.submission.checking.reading import label
from brainscore_realnet.submission.checking.report import Found, Status, printable
from brainscore_realnet.submission.checking.requirements import installed, is_address, lines_of, readable
from brainscore_realnet.submission.checking.tests_told import NO_TESTS, Case, plugins_of_pytest, read_cases
from brainscore_realnet.submission.layout import Plugin, Submission

_OTHER_REQUIREMENTS = ("setup.py", "environment.yml")
_GENERIC_TESTS = "generic_plugin_tests.py"
_RECORDING_TEST = "test_look_at_neural_V1"
_REFUSALS: Mapping[str, tuple[str, str, str]] = {
    "network": (
        "network",
        "tried to reach",
        "Load weights with load_weight_file and data with Brain-Score's loaders, and check with --weights and --data "
        "naming the folders of what you upload; what torch or Hugging Face download must be in their caches already.",
    ),
    "program": ("network", "started", "Name packages in requirements.txt, and download nothing by programs."),
    "write": ("writes", "wrote", "Write nothing, or write into BRAINSCORE_HOME or a temporary folder."),
    "process": ("network", "left running", "End what the plugin starts; it was killed here."),
    "read": (
        "reads",
        "read",
        "Other machines lack this file: upload it, and load it with load_weight_file or Brain-Score's loaders.",
    ),
    "import": (
        "imports when run",
        "imported",
        "Copy what is needed into the plugin's folder: leaderboard machines lack this package.",
    ),
}
_NOTHING_REFUSED = {
    "network": "no network was asked for",
    "writes": "nothing was written outside the caches",
    "reads": "no file of this machine was read",
    "imports when run": "nothing was imported that the leaderboard's machines lack",
}
_ENDED_ADVICE = "See the lines above; run the plugin alone under `python -X faulthandler` where they do not tell."


def found_by_running(
    submission: Submission,
    *,
    n_images: int = 200,
    weights: Path | None = None,
    data: Path | None = None,
    progress: bool = False,
) -> list[Found]:
    """Run all plugins of a submission, and Brain-Score's and their own tests.

    Parameters
    ----------
    submission : Submission
    n_images : int
        Images of the recording whose time and memory are measured; 0 to leave it out.
    weights, data : Path, optional
        Folders laid out as ``$BRAINSCORE_HOME`` and ``$BRAINIO_HOME``. Default: the user's own.
    progress : bool
        Whether each step is told on standard error.

    Returns
    -------
    list of Found

    Raises
    ------
    MissingDataError
        A folder that is named is not there.
    """
    if sys.platform == "win32":
        return [
            Found(
                "running", submission.name, "not run", "plugins run on Linux and macOS only", "Check it on such a one."
            )
        ]
    found: list[Found] = []
    with overlay(submission, weights, data) as library:
        for plugin in submission.plugins:
            found += _Checked(plugin, library, n_images, progress).found()
    return found


class _Checked:
    """One plugin and the runs that it is checked by."""

    def __init__(self, plugin: Plugin, library: Overlay, n_images: int, progress: bool):
        self._plugin, self._library, self._n_images, self._progress = plugin, library, n_images, progress
        self._name = label(plugin)

    def found(self) -> list[Found]:
        """Run the probe, then the tests where anything loads."""
        if not self._plugin.registrations:
            return [self._line("loads", "not run", "nothing is registered", "See registrations.")]
        probed, runs = self._probed()
        found = list(probed)
        loaded = any(one.check == "loads" and one.status == "pass" for one in probed)
        if self._plugin.type == "models":
            deselected = () if self._records(probed) else (_RECORDING_TEST,)
            found += self._tested("generic tests", self._generic(deselected), loaded, runs)
        if "test.py" in self._plugin.files:
            path = str(self._library.folder(self._plugin) / "test.py")
            n_before = len(runs)
            found += self._tested("plugin tests", ["-m", "not slow", path], loaded, runs)
            own = runs.pop() if len(runs) > n_before else None
        else:
            found.append(self._line("plugin tests", "not run", "no test.py", "Add one, if only to load what is there."))
            own = None
        return [*found, *self._refused(runs, own)]

    def _line(self, check: str, status: Status, found: str, advice: str = "") -> Found:
        return Found(check, self._name, status, found, advice)

    def _say(self, what: str) -> None:
        if self._progress:
            print(printable(f"{self._name}: {what}"), file=sys.stderr, flush=True)

    def _probed(self) -> tuple[list[Found], list[Ended]]:
        """Put all questions; the costs of recording last, and each model's apart."""
        self._say("questions")
        registrations = self._plugin.registrations
        answers, runs = self._answers(self._plugin.type, registrations)
        sound = {one["identifier"] for one in answers if (one["check"], one["status"]) == ("regions", "pass")}
        for registry, identifier in registrations if self._n_images else ():
            if identifier in sound:
                self._say(f"recording of {identifier}")
                recorded, ended = self._answers("recording", [(registry, identifier)], str(self._n_images))
                answers += recorded
                runs += ended
        return list(self._together(answers)), runs

    def _answers(
        self, module: str, registrations: Sequence[tuple[str, str]], *more: str
    ) -> tuple[list[dict[str, Any]], list[Ended]]:
        """Run a probe, again for those that come after one that ends it."""
        answers: list[dict[str, Any]] = []
        runs: list[Ended] = []
        left = list(dict.fromkeys(registrations))
        while left:
            answered, n_begun, ended = self._run(module, left, more)
            answers += answered
            runs.append(ended)
            left = left[n_begun:]
        return answers, runs

    def _run(
        self, module: str, registrations: Sequence[tuple[str, str]], more: Sequence[str]
    ) -> tuple[list[dict[str, Any]], int, Ended]:
        """Run a probe once; count the registrations that it came to, or all where it came to none."""
        path = self._library.output(f"answers-{module}-{self._plugin.name}")
        ended = self._library.run(module, [self._plugin.name, str(path), json.dumps(registrations), *more])
        lines = [json.loads(line) for line in _lines(path)]
        answers = [self._judged(line["answer"]) for line in lines if "answer" in line]
        asked = [line["asked"] for line in lines if "asked" in line]
        # A process can end well, and in the middle of a question.
        if ended.status or not lines or "asked" in lines[-1]:
            last = asked[-1] if asked else {"check": "loads", "identifier": ""}
            # Another machine may be faster.
            slow = ended.late and last["check"] == "recording"
            advice = "Check with fewer images, and see that the model is not too slow." if slow else _ENDED_ADVICE
            answers.append({**last, "status": "note" if slow else "fail", "found": _how(ended), "advice": advice})
        first = [one for one in asked if one["check"] == asked[0]["check"]]
        return answers, len(first) or len(registrations), ended

    def _judged(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Tell what could not be looked at here from what is wrong."""
        if answer.get("refused"):
            return answer | {"status": "not run", "advice": "See what was refused, below."}
        if (missing := answer.get("missing", "")) and (judged := self._lacking(missing)):
            return answer | {"status": judged[0], "advice": judged[1]}
        return answer

    def _lacking(self, missing: str) -> tuple[Status, str] | None:
        if missing == "brainscore_vision":  # a module of the plugin itself
            return None
        if lines := _not_installed(self._plugin):
            return "not run", f"Install what it requires, and check again: {shlex.join(lines)}"
        return "fail", f"Name the package of {missing} in requirements.txt, or do without it."

    def _together(self, answers: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
        """Give one line for the answers of several identifiers that end alike."""
        groups: dict[tuple[str, Status, str], list[Mapping[str, Any]]] = {}
        for answer in answers:
            groups.setdefault((answer["check"], answer["status"], answer["advice"]), []).append(answer)
        several = len(set(self._plugin.identifiers)) > 1
        for (check, status, advice), group in groups.items():
            texts = {answer["found"] for answer in group}
            names = [answer["identifier"] for answer in group]
            if several and len(texts) == 1:
                found = f"{', '.join(dict.fromkeys(names))}: {texts.pop()}"
            elif several:
                found = "; ".join(f"{answer['identifier']}: {answer['found']}" for answer in group)
            else:
                found = "; ".join(dict.fromkeys(answer["found"] for answer in group))
            yield self._line(check, status, found, advice)

    def _records(self, probed: Sequence[Found]) -> bool:
        """Tell whether recordings can be tested without failing for what is known already."""
        return all(one.status not in ("fail", "not run") for one in probed if one.check == "regions")

    def _generic(self, deselected: Sequence[str]) -> list[str]:
        path = str(self._library.library / "model_helpers" / _GENERIC_TESTS)
        without = ["-k", f"not {' and not '.join(deselected)}"] if deselected else []
        return ["-m", "not slow", *without, path, "--plugin_directory", str(self._library.folder(self._plugin))]

    def _tested(self, check: str, arguments: Sequence[str], loaded: bool, runs: list[Ended]) -> list[Found]:
        """Run tests; the run is appended to the others."""
        if not loaded:
            return [self._line(check, "not run", "nothing loads", "Make it load first.")]
        self._say(check)
        path = self._library.output("tests.xml")
        fixed = ["-vv", "-c", "/dev/null", f"--rootdir={self._library.root / 'library'}", f"--junitxml={path}"]
        plugins = [f"-p{name}" for name in ("no:cacheprovider", *plugins_of_pytest())]
        ended = self._library.run("tests", [*plugins, *fixed, *arguments])
        runs.append(ended)
        if not path.is_file():
            return [self._line(check, "fail", _how(ended), _ENDED_ADVICE)]
        return [self._of_tests(check, read_cases(path), ended)]

    def _of_tests(self, check: str, cases: Sequence[Case], ended: Ended) -> Found:
        left_out = re.search(r"(\d+) deselected", ended.output)
        rest = f", {left_out[1]} left out" if left_out else ""
        failed = [case for case in cases if case.failure]
        told = "; ".join(f"{case.name}: {case.failure}" for case in failed[:5])
        more = f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
        if not failed and ended.status in (0, NO_TESTS):
            n_skipped = sum(case.skipped for case in cases)
            skipped = f", {n_skipped} skipped" if n_skipped else ""
            return self._line(check, "pass", f"{len(cases) - n_skipped} passed{skipped}{rest}")
        if not failed:
            return self._line(check, "fail", _how(ended), _ENDED_ADVICE)
        found = f"{len(failed)} of {len(cases)} failed{rest}: {told}{more}"
        if all(case.refused for case in failed):
            advice = "They ask for the network, which is refused here (see below): run them where there is one."
            return self._line(check, "not run", found, advice)
        missing = [re.search(r"No module named '(\w+)", case.text) for case in failed if not case.refused]
        judged = [self._lacking(one[1]) if one else None for one in missing]
        if all(one is not None and one[0] == "not run" for one in judged):
            return self._line(check, "not run", found, judged[0][1])  # type: ignore[index]
        return self._line(check, "fail", found, "Mend what the tests show.")

    def _refused(self, runs: Sequence[Ended], own: Ended | None) -> list[Found]:
        """Give one line each for network, writes and imports; what only the plugin's tests do is a note."""
        found = []
        for check, nothing in _NOTHING_REFUSED.items():
            of_plugin = [one for ended in runs for one in ended.refusals if _REFUSALS[one["kind"]][0] == check]
            of_tests = [one for one in (own.refusals if own else ()) if _REFUSALS[one["kind"]][0] == check]
            status: Status = "fail" if of_plugin or (of_tests and check != "network") else "note"
            refused = of_plugin or of_tests
            if not refused:
                found.append(self._line(check, "pass", nothing))
                continue
            told = list(dict.fromkeys(self._told(one) for one in refused))
            more = f"; and {len(told) - 5} more" if len(told) > 5 else ""
            by = "" if of_plugin else "test.py "
            found.append(
                self._line(check, status, f"{by}{'; '.join(told[:5])}{more}", _REFUSALS[refused[0]["kind"]][2])
            )
        return found

    def _told(self, refusal: Mapping[str, str]) -> str:
        what = refusal["what"]
        for folder in (self._library.library, self._library.root):
            what = what.removeprefix(f"{folder}/")
        where = f" ({refusal['where']})" if refusal["where"] else ""
        return f"{_REFUSALS[refusal['kind']][1]} {what}{where}"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _how(ended: Ended) -> str:
    """Say how a process ended, with the last lines that it wrote."""
    if ended.late:
        how = f"it did not end within {SECONDS // 60} minutes"
    elif ended.status == -signal.SIGKILL:
        how = "its process was killed (SIGKILL), as for too much memory"
    elif ended.status < 0:
        how = f"its process ended with {signal.Signals(-ended.status).name}"
    else:
        how = f"its process ended with exit status {ended.status}"
    lines = [line.strip() for line in (ended.errors or ended.output).splitlines() if line.strip()]
    return f"{how}: {' | '.join(lines[-3:])[-400:]}" if lines else how


def _not_installed(plugin: Plugin) -> list[str]:
    """Give what a plugin requires that is not installed here, as pip takes it."""
    # What an address without a name or another file brings is not known here.
    unknown = [line for line in lines_of(plugin) if is_address(line)]
    unknown += [f"the {name} of the plugin" for name in _OTHER_REQUIREMENTS if name in plugin.files]
    return unknown + [str(one) for one in readable(plugin) if canonicalize_name(one.name) not in installed()]
