import hashlib

import numpy as np
import pytest

from brainscore_realnet.datasets import things_eeg2 as dataset
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation import eeg
from brainscore_realnet.simulation import things_eeg2 as simulation
from brainscore_realnet.simulation.hidden_network import AREAS, HiddenNetwork, NoiseNetwork, activity
from brainscore_realnet.simulation.images import draw_image

SMALL = simulation.Specification(
    subjects=2, test_images=12, test_repetitions=8, training_concepts=6, training_exemplars=2, image_size=64
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    simulation.write(folder, SMALL)
    return folder


def hashes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_specification_writes_the_same_bytes(written, tmp_path):
    simulation.write(tmp_path, SMALL)
    assert hashes(tmp_path) == hashes(written)


def test_another_seed_or_size_is_another_set():
    digests = {
        SMALL.digest,
        simulation.Specification().digest,
        simulation.FULL_SIZE.digest,
        simulation.Specification(seed=8).digest,
    }
    assert len(digests) == 4


def test_full_size_is_that_of_the_published_set():
    full = simulation.FULL_SIZE
    assert (full.test_images, full.test_repetitions) == dataset.SHAPES["test"][:2]
    assert (full.training_concepts * full.training_exemplars, full.training_repetitions) == dataset.SHAPES["training"][
        :2
    ]


@pytest.mark.parametrize("sizes", [{"subjects": 0}, {"test_images": 4, "training_concepts": 2}])
def test_sizes_that_cannot_be_simulated_are_refused(sizes):
    with pytest.raises(BadInputError, match="more than 10 images"):
        simulation.Specification(**sizes)


def test_loaders_of_the_real_set_read_the_simulated_one(written):
    metadata = dataset.read_image_metadata(written / "image_metadata.npy")
    for split, n_images, repetitions in (("test", 12, 8), ("training", 12, 4)):
        assert len(dataset.image_paths(written, metadata, split)) == n_images
        contents = dataset.read_preprocessed(written / "sub-01" / f"preprocessed_eeg_{split}.npy", split)
        assert contents["data"].shape == (n_images, repetitions, 17, 100)
        assert contents["data"].dtype == np.float64
    assert all(name.startswith("sim_") for name in metadata["test"].unique_ids)


def test_training_and_test_concepts_do_not_overlap(written):
    metadata = dataset.read_image_metadata(written / "image_metadata.npy")
    assert not set(metadata["test"].unique_ids) & set(metadata["training"].unique_ids)


def test_subjects_differ_in_how_they_weigh_features_and_not_only_in_mixing():
    first, second = (eeg.virtual_subject(number, 17, seed=7) for number in (1, 2))
    for area in eeg.AREAS:
        assert not np.allclose(first.weights[area], second.weights[area])
        assert not np.allclose(first.mixing[area], second.mixing[area])
        np.testing.assert_allclose(first.mixing[area] @ first.mixing[area].T, np.eye(eeg.COMPONENTS), atol=1e-12)


def test_time_courses_peak_with_one_at_the_latencies():
    times = np.arange(-200, 800) / 1000
    for area, latency in eeg.LATENCIES.items():
        course = eeg.time_course(area, times)
        assert course.max() == pytest.approx(1.0)
        assert times[course.argmax()] == pytest.approx(latency)


def test_noise_has_unit_variance_over_time_and_the_subjects_covariance_over_channels():
    subject = eeg.virtual_subject(1, 17, seed=0)
    components = {area: np.zeros((100, eeg.COMPONENTS)) for area in eeg.AREAS}
    trials = eeg.simulate_trials(components, subject, np.arange(12) / 100, 100, 1.0, np.random.default_rng(0))
    expected = subject.noise_mixing @ subject.noise_mixing.T
    last = trials[..., -1].reshape(-1, 17)
    np.testing.assert_allclose(np.cov(last.T), expected, atol=0.06)
    lagged = np.mean(trials[..., 1:] * trials[..., :-1]) / np.mean(trials**2)
    assert lagged == pytest.approx(0.6, abs=0.02)


def test_component_scores_keep_the_distances_of_the_features():
    features = np.random.default_rng(0).standard_normal((12, 6)) @ np.random.default_rng(1).standard_normal((6, 300))
    scores = eeg.ComponentAxes.fit(features).scores(features)
    z = (features - features.mean(1, keepdims=True)) / features.std(1, keepdims=True)
    full = ((z[:, None] - z[None]) ** 2).sum(-1)
    reduced = ((scores[:, None] - scores[None]) ** 2).sum(-1)
    np.testing.assert_allclose(reduced / reduced.mean(), full / full.mean(), atol=1e-10)
    assert reduced.mean() == pytest.approx(1.0)


def test_activity_is_what_the_brainscore_model_of_the_generator_answers(written):
    from brainscore_realnet import load_model

    metadata = dataset.read_image_metadata(written / "image_metadata.npy")
    paths = dataset.image_paths(written, metadata, "test")
    model = load_model("sim-hidden")
    for area, expected in activity(paths).items():
        answered = model.activations_model([str(path) for path in paths], layers=[area])
        np.testing.assert_allclose(answered.values, expected, atol=1e-5)


def test_network_weights_follow_from_the_seed_alone():
    first, same, other = HiddenNetwork(1), HiddenNetwork(1), HiddenNetwork(2)
    for name, value in first.state_dict().items():
        assert (same.state_dict()[name] == value).all()
        assert not (other.state_dict()[name] == value).all()


def test_noise_network_answers_equal_images_equally_and_knows_nothing_else():
    import torch

    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    images[1] = images[0]
    images[2] = images[0] + 0.01
    network = NoiseNetwork()
    for area in AREAS:
        answers = getattr(network, area)(images).numpy()
        np.testing.assert_array_equal(answers[0], answers[1])
        assert abs(np.corrcoef(answers[0], answers[2])[0, 1]) < 0.25


def test_images_are_determined_by_concept_exemplar_and_seed():
    reference = np.asarray(draw_image(3, 1, seed=7, size=48))
    assert reference.shape == (48, 48, 3)
    np.testing.assert_array_equal(reference, np.asarray(draw_image(3, 1, seed=7, size=48)))
    for other in (draw_image(4, 1, 7, 48), draw_image(3, 2, 7, 48), draw_image(3, 1, 8, 48)):
        assert not np.array_equal(reference, np.asarray(other))


def test_ensure_makes_the_set_once_and_says_that_it_is_simulated(own_store):
    folder = simulation.ensure(SMALL)
    stamp = (folder / "image_metadata.npy").stat().st_mtime_ns
    assert simulation.ensure(SMALL) == folder
    assert (folder / "image_metadata.npy").stat().st_mtime_ns == stamp
    assert folder.name.startswith("sim-")
    assert (folder / "SIMULATED.json").is_file()
