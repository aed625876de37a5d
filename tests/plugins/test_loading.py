"""Whatever this package registers loads, or says which command gets what it lacks."""

import re
from pathlib import Path

import pytest
import torch

from brainscore_realnet import load_benchmark, load_dataset, load_metric, load_model, load_stimulus_set
from brainscore_realnet.datasets.catalogue import DATA_SETS
from brainscore_realnet.errors import MissingDataError, MissingWeightsError
from brainscore_realnet.networks import pretrained
from brainscore_realnet.scoring.identifiers import package_identifiers
from brainscore_realnet.store import DownloadError

LOADERS = {"dataset": load_dataset, "stimulus_set": load_stimulus_set}
DATA = [(kind, identifier) for kind in LOADERS for identifier in package_identifiers(kind)]
COMMAND = rf"brainscore data (add|fetch) ({'|'.join(DATA_SETS)})\b"


class UntouchableModel:
    """A model that must not be asked for anything."""

    def __getattr__(self, name):
        raise AssertionError(f"the model was asked for {name}")


@pytest.fixture
def no_network(monkeypatch):
    def download(url, *_):
        raise DownloadError(f"no network to fetch {url}")

    monkeypatch.setattr(pretrained, "download", download)


@pytest.mark.parametrize("identifier", package_identifiers("model"))
def test_model_loads_or_names_the_ways_to_its_weights(own_store, no_network, identifier):
    if identifier.startswith("sim-"):
        assert load_model(identifier).identifier == identifier
        return
    if identifier == "clip-rn101":
        pytest.importorskip("open_clip")
    with torch.device("meta"), pytest.raises(MissingWeightsError, match=r"weights import FILE") as caught:
        load_model(identifier)
    assert identifier in str(caught.value)


@pytest.mark.parametrize(("kind", "identifier"), [each for each in DATA if each[1].startswith("Sim")])
def test_simulated_data_load(kind, identifier):
    found = LOADERS[kind](identifier)
    if kind == "dataset":
        assert found.attrs["identifier"] == identifier
        assert found.size > 0
        found = found.attrs["stimulus_set"]
    else:
        assert found.identifier.startswith(f"{identifier}--")
    assert all(Path(found.get_stimulus(stimulus)).is_file() for stimulus in found["stimulus_id"])


@pytest.mark.parametrize(("kind", "identifier"), [each for each in DATA if not each[1].startswith("Sim")])
def test_missing_data_name_the_command_that_gets_them(own_store, kind, identifier):
    with pytest.raises(MissingDataError, match=COMMAND) as caught:
        LOADERS[kind](identifier)
    assert str(own_store) in str(caught.value)


@pytest.mark.parametrize("identifier", package_identifiers("metric"))
def test_metric_loads_and_can_be_called(identifier):
    assert callable(load_metric(identifier))


@pytest.mark.parametrize(
    "identifier", [name for name in package_identifiers("benchmark") if not name.startswith("Sim")]
)
def test_benchmark_without_data_names_all_it_lacks_before_the_model_is_asked(own_store, identifier):
    benchmark = load_benchmark(identifier)
    with pytest.raises(MissingDataError) as caught:
        benchmark(UntouchableModel())
    message = str(caught.value)
    assert re.search(COMMAND, message)[2] == benchmark.data.name
    lacking = [f"{subject} " for subject in benchmark.subjects] + [" images"]
    assert all(each in message for each in lacking)
    assert set(re.findall(r"sub-\d\d", message.replace("those of sub-01 or another", ""))) == set(benchmark.subjects)
