"""Few virtual subjects and images on which whole demonstrations and reproductions take seconds."""

from contextlib import contextmanager

from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark
from brainscore_realnet.adapters.things_eeg2 import simulated_source
from brainscore_realnet.simulation import pretraining
from brainscore_realnet.simulation.things_eeg2 import Specification
from brainscore_realnet.training import runs
from brainscore_realnet.training.recipes import SIM_REALNET_EEG

SMALL = Specification(
    subjects=4,
    test_images=10,
    test_repetitions=20,
    training_concepts=6,
    training_exemplars=2,
    training_repetitions=2,
    image_size=64,
    late="concepts",
    epoch=(-0.05, 0.3),
)
QUICK = SIM_REALNET_EEG.changed(dataset=SMALL.stored_as, epochs=1)


def benchmark_of(specification, areas=("V1", "V2", "V4", "IT"), name="SimSmall-rsa", **options):
    """Make an unregistered benchmark of virtual subjects."""
    data = simulated_source(specification).neural_data()
    return EEGRSABenchmark(name, data, areas=areas, parent="IT", version=1, bibtex="").with_options(**options)


@contextmanager
def quick_training(monkeypatch):
    """Pretrain on few images, draw no curves, and compute with one thread."""
    few = pretraining.Pretraining(concepts=4, exemplars=4, epochs=1)
    pretrain = pretraining.pretrain
    monkeypatch.setattr(pretraining, "pretrain", lambda **_: pretrain(few))
    monkeypatch.setattr(pretraining, "Pretraining", lambda: few)
    monkeypatch.setattr(runs, "_draw", lambda *_: None)
    with pretraining.one_thread():
        yield
