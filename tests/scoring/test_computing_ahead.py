import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from brainscore_realnet import load_benchmark
from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.rsa import decoding_rdm
from brainscore_realnet.scoring import neural_rdms
from brainscore_realnet.training import clusters

QUICK = {"window": (0.1, 0.12), "repeats": 1}


def benchmark_of(seed, identifier="SimThingsEEG2-rsa", **options):
    """A registered benchmark whose RDMs no other test computes."""
    return load_benchmark(identifier).with_options(**QUICK, seed=seed, **options)


def missing(benchmark):
    return [(job.subject, job.kind, job.missing) for job in benchmark.work() if job.missing]


def test_computing_ahead_leaves_nothing_to_compute(capsys):
    benchmark = benchmark_of(101)
    assert missing(benchmark) == [("sub-01", "whole", 3), ("sub-02", "whole", 3)]
    neural_rdms.compute(benchmark)
    assert "100%" in capsys.readouterr().err
    assert missing(benchmark) == []
    neural_rdms.compute(benchmark)
    assert capsys.readouterr().err == ""


def test_one_subject_needs_halves_too():
    benchmark = benchmark_of(102, "SimThingsEEG2.sub01-rsa", rdm="lda")
    assert missing(benchmark) == [("sub-01", "whole", 3), ("sub-01", "halves", 18)]
    neural_rdms.compute(benchmark)
    assert missing(benchmark) == []


def test_an_interrupt_keeps_what_was_finished():
    benchmark = benchmark_of(103)

    told = []

    def interrupt(matrices):
        told.append(matrices)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        benchmark.compute("sub-02", "whole", interrupt)
    assert missing(benchmark) == [("sub-01", "whole", 3), ("sub-02", "whole", 2)]


def test_results_that_cannot_be_kept_are_told_of(monkeypatch):
    monkeypatch.setenv("RESULTCACHING_DISABLE", "1")
    with pytest.raises(StoreError, match="sub-01, sub-02 were computed but are not in this store"):
        neural_rdms.compute(benchmark_of(107, rdm="lda"))


def test_several_processes_compute_each_rdm_once():
    benchmark = benchmark_of(108)
    script = (
        "from brainscore_realnet import load_benchmark\n"
        f"benchmark = load_benchmark('SimThingsEEG2-rsa').with_options(seed=108, **{QUICK})\n"
        "computed = []\n"
        "for subject in benchmark.subjects:\n"
        "    benchmark.compute(subject, 'whole', computed.append)\n"
        "print(len(computed))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    counts = [int(process.communicate(timeout=120)[0].split()[-1]) for process in processes]
    assert sum(counts) == 6
    assert missing(benchmark) == []


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


def test_a_dask_scheduler_computes_the_same(cluster):
    benchmark = benchmark_of(104)
    neural_rdms.compute(benchmark, cluster.scheduler_address)
    assert missing(benchmark) == []
    recording = benchmark.data.recording("sub-02")
    found = benchmark.compute("sub-02", "whole")
    np.testing.assert_array_equal(found.values, decoding_rdm(recording.data, repeats=1, seed=104, times=range(30, 33)))


def test_workers_that_keep_their_results_elsewhere_are_told_of(cluster, monkeypatch):
    # As good as another store: what is computed there is not seen here.
    monkeypatch.setattr(neural_rdms, "_compute_on_worker", do_nothing)
    with pytest.raises(StoreError, match=r"sub-01, sub-02 were computed but.*BRAINSCORE_REALNET_HOME"):
        neural_rdms.compute(benchmark_of(105), cluster.scheduler_address)


def do_nothing(*_):
    pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere"])
def test_a_scheduler_that_does_not_answer_is_named(address, monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", "0.5s")
    with pytest.raises(BadInputError, match=f"no answer from the Dask scheduler '{address}'"):
        neural_rdms.compute(benchmark_of(106), address)


def test_benchmarks_without_neural_rdms_are_refused():
    with pytest.raises(BadInputError, match="MajajHong2015 has no neural RDMs"):
        neural_rdms.compute(SimpleNamespace(identifier="MajajHong2015"))
