import numpy as np
import pytest

from brainscore_realnet.adapters import things_eeg2 as adapter
from brainscore_realnet.adapters.sources import subject_of
from brainscore_realnet.adapters.things_eeg2 import REAL, SIMULATED, EEGSource, simulated_source, source_of
from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.errors import MissingDataError
from brainscore_realnet.simulation.things_eeg2 import Specification

SMALL = Specification(
    subjects=1,
    test_images=8,
    test_repetitions=8,
    training_concepts=2,
    training_exemplars=2,
    training_repetitions=2,
    image_size=32,
)


@pytest.fixture
def small(own_store):
    return simulated_source(SMALL)


@pytest.mark.parametrize(
    ("identifier", "source", "rest"),
    [
        ("ThingsEEG2-rsa", REAL, "-rsa"),
        ("ThingsEEG2.sub01_test", REAL, ".sub01_test"),
        ("SimThingsEEG2_training", SIMULATED, "_training"),
        ("SimThingsEEG2.V1-rsa", SIMULATED, ".V1-rsa"),
    ],
)
def test_identifiers_are_told_apart_by_their_source(identifier, source, rest):
    assert source_of(identifier) == (source, rest)


def test_subjects_and_areas_are_told_apart():
    assert [subject_of(part) for part in ("sub01", "sub10", "V1", "")] == ["sub-01", "sub-10", None, None]


def test_real_and_simulated_data_never_share_a_place():
    assert (REAL.simulated, SIMULATED.simulated) == (False, True)
    assert REAL.neural_data().simulated is False
    assert REAL.stored_as == "things-eeg2"
    assert SIMULATED.stored_as.startswith("sim-things-eeg2-")
    other = simulated_source(Specification(seed=8))
    assert other.stored_as != SIMULATED.stored_as
    assert REAL.subjects == tuple(f"sub-{number:02d}" for number in range(1, 11))


def test_real_data_are_never_made(own_store, monkeypatch):
    monkeypatch.setattr(adapter.simulation, "ensure", lambda *_, **__: pytest.fail("simulated a real data set"))
    for access in (REAL.stimuli, lambda: REAL.recording("sub-01"), lambda: REAL.require(REAL.subjects)):
        with pytest.raises(MissingDataError, match="brainscore data add things-eeg2"):
            access()


def test_simulated_data_are_made_once_on_first_use(small, monkeypatch):
    made = []
    ensure = adapter.simulation.ensure
    monkeypatch.setattr(
        adapter.simulation, "ensure", lambda *given, **options: made.append(given) or ensure(*given, **options)
    )
    small.require(("sub-01",))
    small.stimuli()
    small.recording("sub-01", "training")
    assert made == [(SMALL,)]
    assert things_eeg2.subjects("test", small.stored_as) == ["sub-01"]


def test_stimuli_and_epochs_of_both_splits_fit_together(small):
    for split, shape in (("test", (8, 8, 17, 100)), ("training", (4, 2, 17, 100))):
        stimuli, recording = small.stimuli(split), small.recording("sub-01", split)
        assert stimuli.identifier.startswith(f"SimThingsEEG2_{SMALL.digest}_{split}--")
        assert recording.data.shape == shape
        assert len(stimuli) == shape[0]
        assembly = small.assembly("sub-01", split)
        assert assembly.attrs["identifier"] == f"SimThingsEEG2_{SMALL.digest}.sub01_{split}"
        assert assembly.shape == (shape[0] * shape[1], 17, 100)


def test_changed_image_changes_the_identifier_of_the_set(small):
    stimuli = small.stimuli()
    first, second = (stimuli.get_stimulus(stimuli["stimulus_id"].values[number]) for number in (0, 1))
    first.write_bytes(second.read_bytes())
    assert small.stimuli().identifier != stimuli.identifier


def test_benchmark_data_name_everything(small):
    data = small.neural_data()
    assert (data.name, data.subjects, data.visual_degrees, data.simulated) == (
        small.stored_as,
        ("sub-01",),
        7.0,
        True,
    )
    data.require(("sub-01",))
    with pytest.raises(MissingDataError, match="sub-02"):
        data.require(("sub-01", "sub-02"))


def test_benchmark_scores_on_recordings_prepared_from_raw_eeg(own_store, tmp_path, stub_brain, random_features):
    from PIL import Image

    from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark
    from brainscore_realnet.simulation.raw_eeg import RawSpecification, write_raw

    source = EEGSource("SimRaw", "sim-raw", ("sub-01", "sub-02"), lambda: None)
    few = RawSpecification(subjects=2, test_images=8, test_repetitions=20, training_images=4, training_repetitions=2)
    write_raw(tmp_path, few)
    metadata = {}
    for split, count in (("train", 4), ("test", 8)):
        names = [f"sim_{split}_{number}" for number in range(count)]
        concepts = [f"{number + 1:05d}_{name}" for number, name in enumerate(names)]
        metadata |= {f"{split}_img_concepts": concepts, f"{split}_img_concepts_THINGS": concepts}
        metadata[f"{split}_img_files"] = [f"{name}.png" for name in names]
        for concept, name in zip(concepts, names, strict=True):
            path = tmp_path / f"{split}{'ing' * (split == 'train')}_images" / concept / f"{name}.png"
            path.parent.mkdir(parents=True)
            Image.new("RGB", (8, 8), len(name)).save(path)
    np.save(tmp_path / "image_metadata.npy", np.array(metadata, dtype=object), allow_pickle=True)
    things_eeg2.add(tmp_path, "sim-raw", progress=False)
    plain = EEGRSABenchmark("SimRaw-rsa", source.neural_data(), parent="IT", version=1, bibtex="")
    with pytest.raises(MissingDataError, match="sub-01 test"):
        plain.require_data()
    benchmark = plain.with_options(recordings="mvnn-training-100hz", rdm="lda", screen="fullfield", window=(0.1, 0.12))
    with pytest.raises(MissingDataError, match="prepare"):
        benchmark.require_data()
    things_eeg2.prepare(name="sim-raw", progress=False)
    assert benchmark.identifier.endswith("-mvnn-training-100hz")
    candidate = stub_brain(random_features([f"sim_test_{number}" for number in range(8)]))
    provenance = benchmark(candidate).attrs["benchmark_provenance"]
    prepared = things_eeg2.open_subject("sub-02", "test", "sim-raw-mvnn-training-100hz")
    assert provenance["recordings"]["sub-02"] == prepared.sha256
    assert provenance["options"]["recordings"] == "mvnn-training-100hz"
    assert provenance["dataset"] == "sim-raw"
