"""CORnet, ResNet-101 and CLIP RN101 with the papers' layers in one comparison, with weights that know nothing."""

import numpy as np
import pytest
import torch

from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark
from brainscore_realnet.adapters.things_eeg2 import simulated_source
from brainscore_realnet.comparison.compare import compare
from brainscore_realnet.networks.backbones import backbone
from brainscore_realnet.simulation.things_eeg2 import Specification
from brainscore_realnet.store import weights

LAYERS = {
    "sim-resnet-101": {"V1": "relu", "V2": "layer1", "V4": "layer3", "IT": "layer4", "readout": "avgpool"},
    "sim-clip-rn101": {
        "V1": "visual.act3",
        "V2": "visual.layer1",
        "V4": "visual.layer3",
        "IT": "visual.attnpool",
        "readout": "visual.attnpool",
    },
    "sim-cornet-s": {"V1": "V1", "V2": "V2", "V4": "V4", "IT": "IT", "readout": "decoder.avgpool"},
}


@pytest.fixture
def models(own_store):
    """Stand-ins: the real architectures and layers, random weights, in the store under names that say so."""
    pytest.importorskip("open_clip")
    for number, identifier in enumerate(LAYERS):
        name = identifier.removeprefix("sim-").replace("-", "_")
        torch.manual_seed(number)
        weights.save(identifier, backbone(name).build().state_dict(), {"backbone": name, "simulated": True})
    return tuple(LAYERS)


def test_early_and_late_layers_of_the_papers_models_are_compared(models, tmp_path):
    source = simulated_source(Specification(test_images=10, test_repetitions=20, training_concepts=16))
    arguments = {"parent": "IT", "version": 1, "bibtex": ""}
    benchmarks = [
        EEGRSABenchmark(f"SimTen{part}-rsa", source.neural_data(), areas=areas, **arguments).with_options(rdm="lda")
        for part, areas in (("", ("V1", "V2", "V4", "IT")), (".readout", ("readout",)))
    ]
    names = [one.identifier for one in benchmarks]
    found = compare(models[:2], benchmarks, tmp_path, baselines=models[2:], progress=False)
    assert [family.name for family in found.comparison.families] == list(models)
    for model, layers in LAYERS.items():
        whole, readout = (found.comparison.scored[model, name] for name in names)
        assert whole.record["provenance"]["model"]["layers"] == layers
        assert np.isfinite(whole.values).all()
        if layers["readout"] == layers["IT"]:
            np.testing.assert_allclose(readout.values[:, 0], whole.values[:, 3], atol=1e-12)
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert any(name.startswith("early") for name in drawn), drawn
    assert found.comparison.simulated
