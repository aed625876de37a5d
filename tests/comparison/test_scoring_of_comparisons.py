"""Scores of several models on several benchmarks: computed once, anywhere, and kept one by one."""

import os
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from brainscore_realnet import load_benchmark
from brainscore_realnet import score as score_directly
from brainscore_realnet.comparison.scored import ARRAYS, Scored
from brainscore_realnet.comparison.scores import attempts, kept, scoring, workers
from brainscore_realnet.comparison.scores.scoring import score_all
from brainscore_realnet.errors import BadInputError, MissingDataError, RealnetError, UnknownIdentifierError
from brainscore_realnet.store import weights
from brainscore_realnet.training import clusters

MODELS = ("sim-hidden", "sim-noise")
QUICK = {"window": (0.1, 0.12), "rdm": "lda", "repeats": 1}


@pytest.fixture(scope="module", autouse=True)
def _store(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))
        yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Score in this process unless a test wants workers, and count what is scored."""
    counted = []

    def counting(model, benchmark, **options):
        counted.append((model.identifier, benchmark.identifier))
        return score_directly(model, benchmark, **options)

    monkeypatch.setattr(scoring, "n_workers", lambda *_: 1)
    monkeypatch.setattr(attempts, "score", counting)
    yield counted
    for path in (weights.home() / kept.FOLDER).glob("*"):
        path.unlink()


@pytest.fixture(scope="module")
def benchmarks():
    return [load_benchmark("SimThingsEEG2-rsa").with_options(**QUICK), load_benchmark("SimShen2019-rsa")]


def cells(models, benchmarks):
    return [(model, benchmark.identifier) for benchmark in benchmarks for model in models]


def assert_same(found, expected, atol=0.0):
    """Equal but for when and how long; RDMs of models to ``atol``."""
    assert list(found) == list(expected)
    for cell, one in found.items():
        other = expected[cell]
        for name in ARRAYS:
            tolerance = atol if name == "model_rdms" else 0.0
            np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=tolerance)
        for name in ("score", "raw", "values", "scored_values", "ceiling_values", "subjects"):
            assert one.record[name] == other.record[name]


@pytest.fixture(scope="module")
def scored(benchmarks):
    """Scores as `scoring.score` gives them, one by one."""
    return {
        (model, benchmark.identifier): Scored.of(score_directly(model, benchmark))
        for benchmark in benchmarks
        for model in MODELS
    }


def test_scores_are_those_of_the_single_command_and_are_computed_once(benchmarks, scored, here, capsys):
    found = score_all(MODELS, benchmarks)
    assert_same(found, scored)
    assert len(here) == 4
    told = capsys.readouterr().err
    assert "scores: 100%" in told
    assert "sim-noise]" in told
    again = score_all(MODELS, benchmarks)
    assert len(here) == 4
    assert [one.record for one in again.values()] == [one.record for one in found.values()]
    assert capsys.readouterr().err == ""
    score_all(MODELS, benchmarks[:1], rescore=True, progress=False)
    assert len(here) == 6
    assert "scores:" not in capsys.readouterr().err


def test_a_model_is_loaded_once_and_keeps_the_identifier_that_was_asked_for(benchmarks, here, monkeypatch):
    loaded, load, counting = [], attempts.load_model, attempts.score

    def renamed(model, benchmark, **options):
        found = counting(model, benchmark, **options)
        found.attrs["model_identifier"] = "called-otherwise"
        return found

    monkeypatch.setattr(attempts, "load_model", lambda identifier: loaded.append(identifier) or load(identifier))
    monkeypatch.setattr(attempts, "score", renamed)
    found = score_all(["sim-noise", "sim-noise"], benchmarks)
    assert loaded == ["sim-noise"]
    assert list(found) == cells(["sim-noise"], benchmarks)
    assert {one.model for one in found.values()} == {"sim-noise"}
    assert kept.find("sim-noise", benchmarks[0]) is not None


def test_an_interrupted_comparison_goes_on_with_what_is_left(benchmarks, here, scored, monkeypatch):
    counting = attempts.score

    def interrupted(model, benchmark, **options):
        if len(here) == 3:
            raise KeyboardInterrupt
        return counting(model, benchmark, **options)

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            score_all(MODELS, benchmarks)
    files = sorted(path.name for path in (weights.home() / kept.FOLDER).iterdir())
    assert len(files) == 3
    assert all(name.endswith(".npz") for name in files)
    here.clear()
    assert_same(score_all(MODELS, benchmarks), scored)
    assert here == [("sim-noise", "SimShen2019-rsa")]


def test_a_damaged_score_alone_is_computed_again(benchmarks, here, scored):
    score_all(MODELS, benchmarks)
    here.clear()
    path = kept.path_of("sim-hidden", benchmarks[1])
    path.write_bytes(path.read_bytes()[:500])
    with pytest.warns(UserWarning, match="is damaged"):
        found = score_all(MODELS, benchmarks)
    assert_same(found, scored)
    assert here == [("sim-hidden", "SimShen2019-rsa")]


def test_models_that_fail_stop_no_other_and_are_all_told(benchmarks, here, monkeypatch):
    load = attempts.load_model

    def broken(identifier):
        if identifier == "sim-random":
            raise ZeroDivisionError("in its plugin\nwith a second line")
        return load(identifier)

    counting = attempts.score

    def sometimes(model, benchmark, **options):
        if (model.identifier, benchmark.identifier) == ("sim-noise", "SimShen2019-rsa"):
            raise MemoryError("too large")
        return counting(model, benchmark, **options)

    monkeypatch.setattr(attempts, "load_model", broken)
    monkeypatch.setattr(attempts, "score", sometimes)
    models = ["sim-random", "realnet-eeg-beta0", "sim-noise", "sim-hidden"]
    with pytest.raises(RealnetError) as told:
        score_all(models, benchmarks)
    message = str(told.value)
    assert message.startswith("Got 5 of 8 scores that could not be computed:\n")
    both = "SimThingsEEG2-rsa-lda-repeats1-window100-120ms, SimShen2019-rsa"
    assert f"- sim-random on {both}: ZeroDivisionError: in its plugin. Look into its plugin." in message
    assert f"- realnet-eeg-beta0 on {both}: There are no weights" in message
    assert "- sim-noise on SimShen2019-rsa: MemoryError: too large. Free memory" in message
    assert "second line" not in message
    assert "The others are kept" in message
    assert [cell for cell in cells(models, benchmarks) if kept.find(cell[0], by_name(benchmarks, cell[1]))] == [
        ("sim-noise", benchmarks[0].identifier),
        ("sim-hidden", benchmarks[0].identifier),
        ("sim-hidden", benchmarks[1].identifier),
    ]


def by_name(benchmarks, identifier):
    return next(one for one in benchmarks if one.identifier == identifier)


def test_a_model_whose_card_is_broken_stops_no_other(benchmarks, here):
    weights.save("sim-broken", {"weight": torch.zeros(1)}, {"backbone": "cornet_s"})
    card = weights.home() / "weights" / "cards" / "sim-broken.json"
    card.write_text("{")
    with pytest.raises(RealnetError, match=r"1 of 2 scores.*\n- sim-broken on SimShen2019-rsa: Got a broken file"):
        score_all(["sim-broken", "sim-noise"], benchmarks[1:])
    assert here == [("sim-noise", "SimShen2019-rsa")]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ModuleNotFoundError("No module named 'timm'"), "No module named 'timm'. Install it"),
        (ConnectionError("no route"), "Check the path or the network"),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA"), "Free memory"),
        (BadInputError("Got a. Do b."), "Got a. Do b."),
    ],
)
def test_reasons_come_with_what_to_do(error, advice):
    assert advice in attempts.explained(error)


def test_bad_input_is_refused_before_anything_is_scored(benchmarks, here):
    other = SimpleNamespace(identifier="MajajHong2015public.IT-pls")
    same = benchmarks[0].with_options(course=(0.0, 0.2))
    for models, of, options, kind, told in [
        (MODELS, [*benchmarks, other], {}, BadInputError, "MajajHong2015public.IT-pls, which gives a score alone"),
        (["sim-hiden"], benchmarks, {}, UnknownIdentifierError, "Did you mean sim-hidden"),
        (MODELS, [benchmarks[0], same], {}, BadInputError, "twice"),
        (MODELS, benchmarks, {"device": "cuda:99"}, BadInputError, "'cuda:99', which cannot be used"),
        (MODELS, [*benchmarks, load_benchmark("Shen2019-rsa")], {}, MissingDataError, "brainscore data"),
    ]:
        with pytest.raises(kind, match=told):
            score_all(models, of, **options)
    assert here == []


def test_nothing_to_score_is_nothing(benchmarks):
    assert score_all([], benchmarks) == {}
    assert score_all(MODELS, []) == {}


def test_worker_processes_give_the_same_scores(benchmarks, scored, here, monkeypatch, capfd):
    monkeypatch.setattr(scoring, "n_workers", workers.n_workers)
    monkeypatch.setattr(workers, "_n_cores", lambda: 2)
    with pytest.raises(RealnetError, match=r"1 of 3 scores.*\n- realnet-fmri-beta0 on SimShen2019-rsa: There are no w"):
        score_all([*MODELS, "realnet-fmri-beta0"], benchmarks[1:])
    assert here == []
    assert workers._QUIET not in os.environ
    told = capfd.readouterr().err
    assert "activations" not in told
    assert "Traceback" not in told
    assert_same(score_all(MODELS, benchmarks[1:]), {cell: scored[cell] for cell in cells(MODELS, benchmarks[1:])}, 5e-7)
    assert here == []


@pytest.fixture(scope="module")
def scheduler():
    from distributed import LocalCluster

    # threads of this process: they see the same store, and what tests put in the place of functions
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def test_a_dask_scheduler_gives_the_same_scores(benchmarks, scored, scheduler, here):
    found = score_all(MODELS, benchmarks, scheduler=scheduler)
    assert_same(found, scored, 5e-7)
    assert sorted(here) == sorted(cells(MODELS, benchmarks))
    assert_same(score_all(MODELS, benchmarks, scheduler=scheduler), found)
    assert len(here) == 4


@pytest.mark.parametrize("earlier", [False, True])
def test_workers_that_keep_scores_elsewhere_are_told_of(benchmarks, scheduler, monkeypatch, earlier):
    if earlier:  # what is there of an earlier time is not taken for what the worker computed
        score_all(["sim-noise"], benchmarks[1:])
        (path,) = (weights.home() / kept.FOLDER).iterdir()
        made = Scored.load(path)
        made.record["provenance"]["finished"] = "2020-01-01T00:00:00+00:00"
        made.save(path)
    monkeypatch.setattr(attempts.kept, "keep", lambda *_: None)
    with pytest.raises(RealnetError, match=r"not into this store.*BRAINSCORE_REALNET_HOME"):
        score_all(["sim-noise"], benchmarks[1:], scheduler=scheduler, rescore=True)


def test_a_lost_worker_is_told_of_and_stops_no_other(benchmarks, scheduler, monkeypatch):
    begin = workers._gpu

    def dies(device):
        if not died:
            died.append(True)
            raise EOFError("killed")
        return begin(device)

    died = []
    monkeypatch.setattr(workers, "_gpu", dies)
    with pytest.raises(RealnetError, match=r"1 of 2 scores.*\n- sim-.* could not go on \(EOFError: killed\)"):
        score_all(MODELS, benchmarks[1:], scheduler=scheduler)
    assert len(score_all(MODELS, benchmarks[1:])) == 2


def test_a_scheduler_that_does_not_answer_is_named(benchmarks, monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", "0.5s")
    with pytest.raises(BadInputError, match=r"no answer from the Dask scheduler .tcp://127\.0\.0\.1:9"):
        score_all(MODELS, benchmarks[1:], scheduler="tcp://127.0.0.1:9")


def test_benchmarks_that_are_not_registered_are_scored_in_this_process(benchmarks, scheduler, here):
    registered = benchmarks[1]
    part = {"rois": registered.rois[:2], "parent": "IT", "version": 1, "bibtex": ""}
    mine = type(registered)("SimMine-rsa", registered.data, **part)
    found = score_all(MODELS, [mine], scheduler=scheduler)
    assert here == [("sim-hidden", "SimMine-rsa"), ("sim-noise", "SimMine-rsa")]
    assert found["sim-noise", "SimMine-rsa"].record["values"]["coords"]["roi"] == list(mine.rois)


@pytest.mark.parametrize(
    ("n_models", "device", "gpus", "memory", "expected"),
    [
        (12, None, 0, 10**12, 8),
        (3, None, 0, 10**12, 3),
        (12, None, 0, 4 * workers.WORKER_BYTES, 4),
        (12, None, 0, 0, 1),
        (12, None, 2, 10**12, 2),
        (1, None, 2, 10**12, 1),
        (12, "cpu", 2, 10**12, 8),
        (12, "cuda:1", 2, 10**12, 1),
    ],
)
def test_there_is_a_process_for_each_gpu_or_core(n_models, device, gpus, memory, expected, monkeypatch):
    import psutil

    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(workers, "_n_cores", lambda: 8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=memory))
    assert workers.n_workers(n_models, device) == expected


@pytest.mark.parametrize(("name", "expected"), [(0, 0), (3, 1), ("SLURMCluster-0-2", 0)])
def test_each_worker_takes_its_own_gpu(name, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("distributed.get_worker", lambda: SimpleNamespace(name=name))
    monkeypatch.setattr(torch.cuda, "device", lambda number: number)
    assert workers._gpu(None) == expected
    with workers._gpu("cpu") as nothing:
        assert nothing is None


def test_no_warning_comes_from_finding_what_is_kept(benchmarks):
    score_all(["sim-noise"], benchmarks[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score_all(["sim-noise"], benchmarks[1:])
