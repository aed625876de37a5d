import gc
import sys
from pathlib import Path

import pytest

from brainscore_realnet.errors import BadInputError, MissingDataError, RealnetError
from brainscore_realnet.training import clusters
from brainscore_realnet.training.clusters import SlurmProfile, n_local_workers, read_profile

EXAMPLES = Path(__file__).parents[2] / "examples" / "slurm"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_profiles_in_the_examples_are_read(path):
    profile = read_profile(path)
    arguments = profile.arguments(per_gpu=2)
    assert arguments["cores"] == arguments["processes"] == 2 * profile.gpus  # one thread a process, one model a thread
    assert arguments["job_cpu"] == profile.cluster["cores"] > 1
    assert any("gpu" in directive for directive in arguments["job_extra_directives"])
    assert {"jobs", "gpus"}.isdisjoint(arguments)


def test_there_is_an_example():
    assert list(EXAMPLES.glob("*.yaml"))


def test_dask_jobqueue_takes_the_example():
    SLURMJob = pytest.importorskip("dask_jobqueue.slurm").SLURMJob
    arguments = read_profile(EXAMPLES / "gpu.yaml").arguments(per_gpu=2)
    arguments.pop("scheduler_options")
    script = SLURMJob("tcp://10.0.0.5:8786", name="worker-0", **arguments).job_script()
    for line in ("#SBATCH --gres=gpu:1", "#SBATCH --cpus-per-task=8", "#SBATCH -t 08:00:00", "#SBATCH -p gpu"):
        assert line in script
    assert "--nthreads 1 " in script
    assert "--nworkers 2 " in script


WRONG = {
    "no mapping": ("- a\n- b\n", "Got a list"),
    "not YAML": ("jobs: [1\n", "which is not YAML"),
    "no cores": ("jobs: 2\nmemory: 1GB\n", "no cores"),
    "no memory": ("cores: 2\n", "no memory"),
    "no jobs": ("jobs: 0\ncores: 2\nmemory: 1GB\n", r"jobs = 0 \(expected a whole number from 1\)"),
    "half a GPU": ("gpus: 0.5\ncores: 2\nmemory: 1GB\n", "gpus = 0.5"),
    "processes": ("processes: 2\ncores: 2\nmemory: 1GB\n", r"processes \(a sweep sets it\)"),
    "time that YAML reads as seconds": ("walltime: 12:00:00\ncores: 2\nmemory: 1GB\n", "in quotes, as '08:00:00'"),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_profile_is_refused_by_name(tmp_path, text, told):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=told) as refused:
        read_profile(path)
    assert "mine.yaml" in str(refused.value)


def test_a_profile_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"none\.yaml"):
        read_profile(tmp_path / "none.yaml")


def test_a_profile_may_override_what_is_usual_but_not_what_a_sweep_needs():
    profile = SlurmProfile({"cores": 6, "memory": "1GB", "scheduler_options": {"interface": "ib0"}}, gpus=3)
    assert profile.arguments(1) == {
        "cores": 3,
        "processes": 3,
        "job_cpu": 6,
        "memory": "1GB",
        "scheduler_options": {"interface": "ib0"},
    }


def test_the_package_that_slurm_needs_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    told = r"Got no package dask_jobqueue.*pip install 'brainscore_realnet\[cluster\]'"
    with pytest.raises(RealnetError, match=told), clusters.slurm_workers(SlurmProfile(NEEDED), 1):
        pass


NEEDED = {"cores": 2, "memory": "1GB"}


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere", "foo://a:1", "tls://127.0.0.1:9"])
def test_a_scheduler_that_does_not_answer_is_named_and_no_client_is_left(address, monkeypatch):
    from distributed import Client

    monkeypatch.setattr(clusters, "PATIENCE", "0.5s")
    told = f"no answer from the Dask scheduler '{address}'"
    with pytest.raises(BadInputError, match=told), clusters.scheduler_workers(address):
        pass
    # One that is not closed stands still in whatever collects it while another is made.
    assert {one.status for one in gc.get_objects() if type(one) is Client} <= {"closed"}


def test_a_scheduler_without_workers_is_refused(cluster):
    cluster.scale(0)
    cluster.sync(cluster._correct_state)
    told = r"Got no workers .*dask worker"
    with pytest.raises(BadInputError, match=told), clusters.scheduler_workers(cluster.scheduler_address):
        pass


def test_workers_of_a_scheduler_share_their_machine(cluster):
    with clusters.scheduler_workers(cluster.scheduler_address) as workers:
        assert workers.share == 2
        assert workers.client.submit(int, "7").result() == 7


@pytest.fixture
def cluster():
    from distributed import LocalCluster

    options = {"threads_per_worker": 2, "processes": False, "dashboard_address": ":0", "protocol": "tcp"}
    with LocalCluster(n_workers=1, **options) as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("name", "number"),
    [(3, 3), ("SLURMCluster-2", 2), ("SLURMCluster-0-13", 13), ("tcp://10.0.0.5:40123", 0), ("mine", 0), (None, 0)],
)
def test_a_workers_number_is_read_from_its_name(name, number):
    assert clusters.worker_number(name) == number


def test_only_the_thread_counts_that_dask_set_are_taken_away(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    found = clusters._environment_without({"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1})
    assert "OMP_NUM_THREADS" not in found
    assert found["MKL_NUM_THREADS"] == "3"
    assert clusters._environment_without({})["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("n_gpus", "device", "per_gpu", "n_workers"),
    [(0, None, 1, 1), (4, None, 1, 4), (4, None, 3, 12), (4, "cuda:1", 2, 2), (4, "cpu", 1, 1), (0, "cpu", 1, 1)],
)
def test_as_many_workers_as_models_at_once(monkeypatch, n_gpus, device, per_gpu, n_workers):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    assert n_local_workers(device, per_gpu) == n_workers


def test_models_a_gpu_need_a_gpu(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(BadInputError, match="Got 2 models a GPU to train on a computer without a GPU"):
        n_local_workers(None, 2)
    with pytest.raises(BadInputError, match="Got 0 models a GPU"):
        n_local_workers(None, 0)
