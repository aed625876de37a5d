import errno
import os
import subprocess

import numpy as np
import pytest

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store import atomic, cached, results, use_store

pytest.importorskip("result_caching")


@pytest.fixture(autouse=True)
def fresh_environment(monkeypatch):
    for name in ("RESULTCACHING_HOME", "RESULTCACHING_DISABLE", "RESULTCACHING_CACHEDONLY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(results, "_set_by_us", None)


@pytest.fixture
def calls():
    return []


@pytest.fixture
def double(calls):
    @cached(identifier_ignore=["trials"])
    def double(data_hash, version=1, trials=None):
        calls.append((data_hash, version))
        return {"values": np.arange(3) * 2, "of": data_hash}

    return double


def entries(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_result_is_computed_once_and_kept_in_the_stores_cache(double, calls, store_home):
    first, second = double("abc"), double("abc", version=1)
    assert calls == [("abc", 1)]
    np.testing.assert_array_equal(first["values"], second["values"])
    assert second["of"] == "abc"
    (entry,) = entries(store_home / "cache")
    assert entry.suffix == ".pkl"


def test_every_argument_but_the_ignored_one_decides(double, calls):
    double("abc", 1, trials=np.zeros(3))
    double("abc", 1, trials=np.ones(3))
    double("abc", 2)
    double("abd", 1)
    assert calls == [("abc", 1), ("abc", 2), ("abd", 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [("a/b", "a_b"), (1, "1"), (True, 1), ("x" * 400, "x" * 399 + "y"), ((1, 2), (12,)), (None, "None")],
)
def test_arguments_that_look_alike_are_told_apart(double, calls, one, other):
    double(one)
    double(other)
    assert len(calls) == 2


def test_arguments_that_cannot_name_their_content_are_refused(double, calls):
    with pytest.raises(BadInputError, match=r"data_hash.*ndarray"):
        double(np.zeros(3))
    assert calls == []


def test_the_folder_is_found_at_the_time_of_the_call(double, calls, tmp_path, monkeypatch):
    double("abc")
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path / "second"))
    double("abc")
    assert len(calls) == 2
    assert len(entries(tmp_path / "second" / "cache")) == 1
    monkeypatch.setenv("RESULTCACHING_HOME", str(tmp_path / "third"))
    double("abc")
    assert len(calls) == 3
    assert len(entries(tmp_path / "third")) == 1


def test_use_store_sets_the_variable_but_never_over_the_users(monkeypatch, store_home, tmp_path):
    monkeypatch.setenv("RESULTCACHING_HOME", "")
    use_store()
    assert os.environ["RESULTCACHING_HOME"] == str(store_home / "cache")
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path / "second"))
    use_store()
    assert os.environ["RESULTCACHING_HOME"] == str(tmp_path / "second" / "cache")
    monkeypatch.setenv("RESULTCACHING_HOME", "/chosen")
    use_store()
    assert os.environ["RESULTCACHING_HOME"] == "/chosen"


@pytest.mark.parametrize("damage", [lambda content: content[:-5], lambda content: b"", lambda content: b"garbage"])
def test_a_broken_entry_is_computed_again_with_a_warning_and_mended(double, calls, store_home, damage):
    double("abc")
    (entry,) = entries(store_home / "cache")
    entry.write_bytes(damage(entry.read_bytes()))
    with pytest.warns(UserWarning, match="cannot be read"):
        assert double("abc")["of"] == "abc"
    double("abc")
    assert len(calls) == 2


@pytest.mark.parametrize("value", ["1", f"{__name__}.double"])
def test_caching_can_be_disabled(double, calls, store_home, monkeypatch, value):
    monkeypatch.setenv("RESULTCACHING_DISABLE", value)
    double("abc")
    double("abc")
    assert len(calls) == 2
    assert entries(store_home) == []


def test_a_result_that_cannot_be_written_is_returned_with_a_warning(double, calls, monkeypatch):
    def refuse(path):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(atomic, "_flush", refuse)
    with pytest.warns(UserWarning, match="not kept"):
        assert double("abc")["of"] == "abc"


def test_a_failing_function_stores_nothing_and_frees_the_lock(store_home):
    outcomes = iter([ValueError("first"), "second"])

    @cached
    def fail_once(data_hash):
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.raises(ValueError, match="first"):
        fail_once("abc")
    assert fail_once("abc") == "second"


def test_the_decorated_function_keeps_its_name_and_documentation():
    @cached
    def documented(data_hash):
        """Say what."""

    assert (documented.__name__, documented.__doc__) == ("documented", "Say what.")


def test_two_processes_compute_an_entry_once(tmp_path, python_command):
    code = (
        "import os, sys, time; from brainscore_realnet.store import cached\n"
        "@cached\n"
        "def slow(data_hash):\n"
        "    open(sys.argv[1] + f'/computed-{os.getpid()}', 'w').close(); time.sleep(0.5); return data_hash * 2\n"
        "assert slow('abc') == 'abcabc'"
    )
    processes = [subprocess.Popen([*python_command, code, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(list(tmp_path.glob("computed-*"))) == 1


def test_importing_the_store_pulls_no_heavy_package(python_command):
    code = (
        "import sys, brainscore_realnet.store, brainscore_realnet.datasets\n"
        "heavy = {'torch', 'pandas', 'xarray', 'numba', 'sklearn', 'scipy', 'brainscore_vision', 'pooch'}\n"
        "print(*(heavy & sys.modules.keys()))"
    )
    assert subprocess.run([*python_command, code], capture_output=True, text=True, check=True).stdout.strip() == ""
