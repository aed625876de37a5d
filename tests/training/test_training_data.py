import itertools
import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from brainscore_realnet.datasets import kamitani, things_eeg2
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.simulation import kamitani as simulated_fmri
from brainscore_realnet.simulation import things_eeg2 as simulated_eeg
from brainscore_realnet.store import sha256_files
from brainscore_realnet.training import reading
from brainscore_realnet.training.data import AcrossSubjects, TrainingData, across_subjects
from brainscore_realnet.training.division import derangement, holdout
from brainscore_realnet.training.leakage import refuse_test_images
from brainscore_realnet.training.reading import (
    eeg_training_data,
    fmri_training_data,
    selection_data,
    training_data,
    without_signals,
)
from brainscore_realnet.training.recipes import REALNET_EEG, REALNET_FMRI

REAL_METADATA = Path(__file__).parents[1] / "data" / "eeg2" / "image_metadata.npy"
EEG = simulated_eeg.Specification(
    subjects=2,
    test_images=6,
    test_repetitions=2,
    training_concepts=5,
    training_exemplars=3,
    training_repetitions=3,
    image_size=32,
)
FMRI = simulated_fmri.Specification(
    subjects=2,
    voxels=40,
    test_images=4,
    test_repetitions=2,
    training_concepts=5,
    training_exemplars=3,
    shapes=2,
    shape_repetitions=2,
    letters=2,
    letter_repetitions=2,
    image_size=32,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(scope="module")
def eeg_folder(store):
    folder = simulated_eeg.ensure(EEG)
    things_eeg2.add(folder, folder.name, progress=False)
    return folder


@pytest.fixture(scope="module")
def fmri_folder(store):
    folder = simulated_fmri.ensure(FMRI)
    kamitani.add(folder, folder.name, progress=False)
    return folder


@pytest.fixture
def eeg(eeg_folder):
    return eeg_training_data("sub-01", eeg_folder.name)


@contextmanager
def moved_away(path):
    away = path.with_name(f"away-{path.name}")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


def changed_recording(monkeypatch, **changes):
    opened = things_eeg2.open_subject
    monkeypatch.setattr(things_eeg2, "open_subject", lambda *given, **more: replace(opened(*given, **more), **changes))


def test_eeg_is_the_standardised_mean_of_the_published_array(eeg_folder, eeg):
    published = np.load(eeg_folder / "sub-01" / "preprocessed_eeg_training.npy", allow_pickle=True).item()
    averages = published["preprocessed_eeg_data"].mean(axis=1)
    inside = [index for index, time in enumerate(published["times"]) if -1e-9 <= time < 0.2 - 1e-9]
    averages = averages[:, [published["ch_names"].index(name) for name in things_eeg2.CHANNELS]][:, :, inside]
    expected = (averages - averages.mean()) / averages.std()
    assert eeg.signals.shape == (15, 340)
    assert eeg.signals.dtype == np.float32
    np.testing.assert_allclose(eeg.signals.reshape(15, 17, 20), expected, rtol=1e-6, atol=1e-6)
    assert (eeg.signal_shape, eeg.n_signals, eeg.ch_names) == ((17, 20), 340, things_eeg2.CHANNELS)
    np.testing.assert_allclose(eeg.times, np.arange(20) / 100, atol=1e-12)
    np.testing.assert_allclose([eeg.mean, eeg.std], [averages.mean(), averages.std()], rtol=1e-12)


def test_eeg_read_in_blocks_is_the_same(eeg_folder, eeg, monkeypatch):
    monkeypatch.setattr(reading, "_IMAGES_AT_ONCE", 4)
    in_blocks = eeg_training_data("sub-01", eeg_folder.name)
    np.testing.assert_array_equal(in_blocks.signals, eeg.signals)
    assert in_blocks.sha256 == eeg.sha256


def test_images_and_concepts_are_those_of_the_events(eeg_folder, eeg):
    metadata = np.load(eeg_folder / "image_metadata.npy", allow_pickle=True).item()
    assert [image.name for image in eeg.images] == list(metadata["train_img_files"])
    assert [image.parent.name for image in eeg.images] == list(metadata["train_img_concepts"])
    assert list(eeg.concepts) == [concept[6:] for concept in metadata["train_img_concepts"]]
    assert eeg.images_sha256 == sha256_files(eeg.images)


def test_window_chooses_samples_by_time(eeg_folder, eeg):
    short = eeg_training_data("sub-01", eeg_folder.name, window=(0.05, 0.08))
    assert short.signal_shape == (17, 3)
    np.testing.assert_allclose(short.times, [0.05, 0.06, 0.07])
    values = eeg.signals.reshape(15, 17, 20)[:, :, 5:8].astype(np.float64) * eeg.std + eeg.mean
    np.testing.assert_allclose(short.signals.reshape(values.shape), (values - values.mean()) / values.std(), atol=1e-5)
    with pytest.raises(BadInputError, match=r"window 2 ≤ t < 3 s, in which no sample lies: expected times from -0.2"):
        eeg_training_data("sub-01", eeg_folder.name, window=(2, 3))


def test_hash_follows_what_went_in(eeg_folder, eeg):
    others = [
        eeg_training_data("sub-02", eeg_folder.name),
        eeg_training_data("sub-01", eeg_folder.name, window=(0.0, 0.19)),
        without_signals(eeg_folder.name),
    ]
    assert len({eeg.sha256, *(other.sha256 for other in others)}) == 4
    image = eeg.images[2]
    content = image.read_bytes()
    try:
        image.write_bytes(content + b"\0")
        assert eeg_training_data("sub-01", eeg_folder.name).sha256 != eeg.sha256
    finally:
        image.write_bytes(content)
    assert eeg_training_data("sub-01", eeg_folder.name).sha256 == eeg.sha256


def test_fmri_is_the_standardised_components_of_the_averages(fmri_folder):
    made = fmri_training_data("sub-01", fmri_folder.name, n_components=6)
    recording = kamitani.open_subject("sub-01", "training", fmri_folder.name)
    averages = recording.responses("VC").mean(axis=1)
    z = (averages - averages.mean(axis=0)) / averages.std(axis=0)
    left, values, _ = np.linalg.svd(z, full_matrices=False)
    scores = left[:, :6] * values[:6]
    scores *= np.sign((scores * made.signals).sum(axis=0))
    np.testing.assert_allclose(made.signals, (scores - scores.mean()) / scores.std(), atol=1e-5)
    assert (made.signal_shape, made.ch_names, made.times) == ((6,), (), ())
    assert [image.stem for image in made.images] == list(recording.stimuli)
    assert list(made.concepts) == [stimulus.split("_")[0] for stimulus in recording.stimuli]
    assert sorted(Counter(made.concepts).values()) == [3] * 5


def test_fewer_fmri_components_than_asked_for_are_all_there_are(fmri_folder):
    assert fmri_training_data("sub-02", fmri_folder.name).signal_shape == (14,)


def test_recipes_lead_to_their_data(eeg_folder, fmri_folder, eeg):
    recipe = REALNET_EEG.changed(dataset=eeg_folder.name)
    assert training_data(recipe.changed(subject=1)).sha256 == eeg.sha256
    everyone = training_data(recipe)
    assert isinstance(everyone, AcrossSubjects)
    assert [data.subject for data in everyone.by_subject] == ["sub-01", "sub-02"]
    alone = training_data(recipe.changed(beta=0))
    assert (alone.images, alone.concepts, alone.n_signals, alone.subject) == (eeg.images, eeg.concepts, 0, None)
    fmri = REALNET_FMRI.changed(dataset=fmri_folder.name, n_components=5)
    assert training_data(fmri.changed(subject=2)).signal_shape == (5,)
    assert training_data(fmri.changed(beta=0)).images == training_data(fmri.changed(subject=1)).images


def test_subjects_are_joined_over_the_same_images_only(eeg_folder, eeg):
    other = eeg_training_data("sub-02", eeg_folder.name)
    joined = across_subjects([eeg, other])
    assert (joined.images, joined.concepts, joined.n_signals) == (eeg.images, eeg.concepts, 340)
    assert joined.sha256 not in (across_subjects([other, eeg]).sha256, eeg.sha256)
    with pytest.raises(BadInputError, match="other images of sub-02 than of sub-01"):
        across_subjects([eeg, replace(other, images_sha256="0" * 64)])
    with pytest.raises(BadInputError, match="other signal_shape of sub-02"):
        across_subjects([eeg, eeg_training_data("sub-02", eeg_folder.name, window=(0, 0.1))])
    for wrong, named in (([], "none"), ([eeg, eeg], "sub-01, sub-01"), ([without_signals(eeg_folder.name)], "None")):
        with pytest.raises(BadInputError, match=f"subjects {named}: expected different"):
            across_subjects(wrong)


@pytest.mark.parametrize(
    "recipe", [REALNET_EEG.changed(subject=1), REALNET_EEG, REALNET_EEG.changed(beta=0)], ids=lambda one: one.identifier
)
def test_missing_eeg_says_how_to_get_it(own_store, recipe):
    with pytest.raises(MissingDataError, match="brainscore data fetch things-eeg2"):
        training_data(recipe)


@pytest.mark.parametrize(
    "recipe",
    [REALNET_FMRI.changed(subject=1), REALNET_FMRI, REALNET_FMRI.changed(beta=0)],
    ids=lambda one: one.identifier,
)
def test_missing_fmri_says_how_to_get_it(own_store, recipe):
    with pytest.raises(MissingDataError, match="brainscore data fetch shen2019"):
        training_data(recipe)


def test_missing_subject_is_named(eeg_folder, fmri_folder):
    with pytest.raises(MissingDataError, match="no training data of sub-09"):
        eeg_training_data("sub-09", eeg_folder.name)
    with pytest.raises(MissingDataError, match="no training data of sub-09"):
        fmri_training_data("sub-09", fmri_folder.name)


def test_missing_image_is_named(eeg_folder, fmri_folder, eeg):
    with moved_away(eeg.images[4]), pytest.raises(MissingDataError, match=eeg.images[4].name):
        eeg_training_data("sub-01", eeg_folder.name)
    image = fmri_training_data("sub-01", fmri_folder.name, 4).images[2]
    with moved_away(image), pytest.raises(MissingDataError, match=image.stem):
        fmri_training_data("sub-01", fmri_folder.name, 4)


def test_missing_test_image_does_not_hinder_training(eeg_folder, eeg):
    test_image = Path(things_eeg2.open_images("test", eeg_folder.name).rows[0]["path"])
    with moved_away(test_image):
        assert eeg_training_data("sub-01", eeg_folder.name).sha256 == eeg.sha256


def test_other_numbers_of_signals_and_images_are_refused(eeg_folder, fmri_folder, eeg, monkeypatch):
    with pytest.raises(BadInputError, match="Got 14 signals, 15 images and 15 concepts of sub-01"):
        replace(eeg, signals=eeg.signals[:-1])
    with pytest.raises(BadInputError, match="Got 15 signals, 15 images and 16 concepts"):
        replace(eeg, concepts=(*eeg.concepts, "more"))
    with pytest.raises(BadInputError, match="Got 0 signals, 0 images and 0 concepts"):
        replace(eeg, signals=eeg.signals[:0], images=(), concepts=())
    changed_recording(monkeypatch, data=np.ones((14, 3, 17, 100)))
    with pytest.raises(BadInputError, match="Got 14 signals, 15 images and 15 concepts of sub-01"):
        eeg_training_data("sub-01", eeg_folder.name)
    table = kamitani.open_images("training", fmri_folder.name)
    fewer = replace(table, rows=table.rows[:-2])
    monkeypatch.setattr(kamitani, "open_images", lambda *_: fewer)
    with pytest.raises(BadInputError, match="Got 15 signals, 13 images and 13 concepts of sub-01"):
        fmri_training_data("sub-01", fmri_folder.name)


def test_signals_of_another_size_than_said_are_refused(eeg):
    with pytest.raises(BadInputError, match=r"shape \(15, 340\) .* expected float32 of shape \(15, 323\)"):
        replace(eeg, signal_shape=(17, 19))
    with pytest.raises(BadInputError, match="Got float64 signals"):
        replace(eeg, signals=eeg.signals.astype(np.float64))


@pytest.mark.parametrize(("n_channels", "names"), [(16, things_eeg2.CHANNELS[:-1]), (16, things_eeg2.CHANNELS)])
def test_wrong_channel_count_is_refused(eeg_folder, monkeypatch, n_channels, names):
    changed_recording(monkeypatch, data=np.ones((15, 3, n_channels, 100)), ch_names=names)
    with pytest.raises(BadFileError, match=r"Got 16 channels .* of sub-01 .*: expected Pz, P3"):
        eeg_training_data("sub-01", eeg_folder.name)


def test_other_order_of_channels_is_refused(eeg_folder, monkeypatch):
    changed_recording(monkeypatch, ch_names=things_eeg2.CHANNELS[::-1])
    with pytest.raises(BadFileError, match="Got 17 channels"):
        eeg_training_data("sub-01", eeg_folder.name)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_with_their_image(eeg_folder, eeg, monkeypatch, bad):
    epochs = np.random.default_rng(0).normal(size=(15, 3, 17, 100))
    epochs[[7, 11], 1, 3, 25] = bad
    changed_recording(monkeypatch, data=epochs)
    with pytest.raises(BadInputError, match=f"sub-01 .* to 2 images, the first is .*{eeg.images[7].name}"):
        eeg_training_data("sub-01", eeg_folder.name)
    signals = eeg.signals.copy()
    signals[3, 0] = bad
    with pytest.raises(BadInputError, match=f"to 1 images, the first is .*{eeg.images[3].name}"):
        replace(eeg, signals=signals)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7e5])
def test_constant_signal_is_refused(eeg_folder, monkeypatch, value):
    changed_recording(monkeypatch, data=np.full((15, 3, 17, 100), value))
    with pytest.raises(BadInputError, match=r"signals of sub-01 in .* that are all"):
        eeg_training_data("sub-01", eeg_folder.name)


def test_test_concept_among_the_training_images_is_named(eeg):
    with pytest.raises(
        BadInputError, match=rf"Got 1 test concepts .* first is {eeg.concepts[3]} .*{eeg.images[3].name}"
    ):
        refuse_test_images(eeg, [], ["elsewhere", eeg.concepts[3]])


def test_test_image_among_the_training_images_is_named_whatever_it_is_called(eeg, tmp_path):
    copy, longer = tmp_path / "innocent.png", tmp_path / "longer.png"
    shutil.copy(eeg.images[5], copy)
    longer.write_bytes(copy.read_bytes() + b"\0")
    same_size = tmp_path / "same_size.png"
    same_size.write_bytes(bytes(copy.stat().st_size))
    refuse_test_images(eeg, [longer, same_size], ["elsewhere"])
    with pytest.raises(BadInputError, match=rf"test image .*innocent.png among .*, as .*{eeg.images[5].name}"):
        refuse_test_images(eeg, [longer, same_size, copy], [])


def test_training_set_with_a_test_image_in_it_is_refused(eeg_folder, fmri_folder, eeg):
    test_image = Path(things_eeg2.open_images("test", eeg_folder.name).rows[2]["path"])
    content = eeg.images[1].read_bytes()
    try:
        shutil.copyfile(test_image, eeg.images[1])
        for read in (lambda: eeg_training_data("sub-01", eeg_folder.name), lambda: without_signals(eeg_folder.name)):
            with pytest.raises(BadInputError, match=rf"{test_image.name} among .*, as .*{eeg.images[1].name}"):
                read()
    finally:
        eeg.images[1].write_bytes(content)
    row = kamitani.open_images("test", fmri_folder.name).rows[0]
    image = fmri_training_data("sub-01", fmri_folder.name, 4).images[0]
    content = image.read_bytes()
    try:
        shutil.copyfile(row["path"], image)
        with pytest.raises(BadInputError, match=rf"{row['filename']} among .*, as .*{image.name}"):
            fmri_training_data("sub-01", fmri_folder.name, 4)
    finally:
        image.write_bytes(content)


def test_published_training_and_test_concepts_are_different():
    lists = things_eeg2.read_image_metadata(REAL_METADATA)
    data = bare(lists["training"].unique_ids)
    refuse_test_images(data, [], lists["test"].unique_ids)
    with pytest.raises(BadInputError, match=r"Got 1 test concepts .* aardvark"):
        refuse_test_images(data, [], ["aardvark"])
    trained_on, validated_on = holdout(data.concepts, 0.05, seed=0)
    assert (len(trained_on), len(validated_on)) == (16540 - 830, 830)


def bare(concepts):
    """Training data of which only the concepts matter."""
    signals = np.empty((len(concepts), 0), dtype=np.float32)
    images = tuple(Path(f"{number}.jpg") for number in range(len(concepts)))
    return TrainingData("sim-bare", None, images, tuple(concepts), signals, (0,), 0.0, 1.0, (), (), "", "")


CONCEPTS = st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=60)


@settings(max_examples=200, deadline=None)
@given(concepts=CONCEPTS, fraction=st.floats(0, 0.5), seed=st.integers(0, 1000))
def test_no_concept_is_on_both_sides(concepts, fraction, seed):
    n_concepts = len(set(concepts))
    if n_concepts == 1 and fraction:
        with pytest.raises(BadInputError, match="Got one concept"):
            holdout(concepts, fraction, seed)
        return
    trained_on, validated_on = holdout(concepts, fraction, seed)
    np.testing.assert_array_equal(np.sort([*trained_on, *validated_on]), np.arange(len(concepts)))
    assert (np.diff(trained_on) > 0).all()
    assert (np.diff(validated_on) > 0).all()
    held = {concepts[index] for index in validated_on}
    assert held.isdisjoint(concepts[index] for index in trained_on)
    if fraction:
        assert 1 <= len(held) < n_concepts
        assert abs(len(held) - fraction * n_concepts) <= 0.5 or len(held) == 1
    else:
        assert not held


@pytest.mark.parametrize(
    ("n_concepts", "fraction", "n_held"), [(1654, 0.05, 83), (10, 0.25, 3), (10, 0.24, 2), (3, 0.001, 1), (2, 0.5, 1)]
)
def test_held_out_concepts_are_rounded_as_documented(n_concepts, fraction, n_held):
    assert len(holdout([f"c{number}" for number in range(n_concepts)], fraction, 0)[1]) == n_held


def test_held_out_concepts_depend_on_seed_and_names_alone():
    concepts = [f"c{number % 40}" for number in range(120)]
    order = np.random.default_rng(0).permutation(120)
    shuffled = [concepts[index] for index in order]

    def held(given_concepts, seed):
        return {given_concepts[index] for index in holdout(given_concepts, 0.2, seed)[1]}

    assert held(concepts, 3) == held(shuffled, 3)
    assert len({frozenset(held(concepts, seed)) for seed in range(6)}) == 6


def test_every_concept_is_held_out_as_often_as_any_other():
    concepts = [f"c{number}" for number in range(10)]
    counts = Counter(int(index) for seed in range(2000) for index in holdout(concepts, 0.3, seed)[1])
    assert sum(counts.values()) == 6000
    assert max(abs(count - 600) for count in counts.values()) < 5 * np.sqrt(2000 * 0.3 * 0.7)


@pytest.mark.parametrize("fraction", [-0.1, 0.51, float("nan")])
def test_shares_out_of_range_are_refused(fraction):
    with pytest.raises(BadInputError, match=r"expected 0 to 0\.5"):
        holdout("ab", fraction, 0)


@settings(max_examples=300, deadline=None)
@given(concepts=CONCEPTS, seed=st.integers(0, 1000))
def test_derangement_keeps_what_it_promises(concepts, seed):
    order = derangement(concepts, seed)
    np.testing.assert_array_equal(np.sort(order), np.arange(len(concepts)))
    assert (order != np.arange(len(concepts))).all()
    same = sum(concepts[index] == concepts[other] for index, other in enumerate(order))
    most = max(Counter(concepts).values())
    assert same == max(0, 2 * most - len(concepts))
    np.testing.assert_array_equal(derangement(concepts, seed), order)


@pytest.mark.parametrize("concepts", ["aabb", "aaab", "aabc"])
def test_no_permutation_has_fewer_images_with_signals_of_their_own_concept(concepts):
    fewest = min(
        sum(concepts[index] == concepts[other] for index, other in enumerate(order))
        for order in itertools.permutations(range(4))
    )
    order = derangement(list(concepts), 0)
    assert sum(concepts[index] == concepts[other] for index, other in enumerate(order)) == fewest


def test_derangement_breaks_up_concepts():
    concepts = np.repeat(np.arange(100), 10).astype(str)
    order = derangement(concepts, 5)
    assert (order != derangement(concepts, 6)).mean() > 0.9
    partners = concepts[order].reshape(100, 10)
    assert np.mean([len(set(row)) for row in partners]) > 9


@pytest.mark.parametrize("concepts", [[], ["a"]])
def test_too_few_images_to_unpair_are_refused(concepts):
    with pytest.raises(BadInputError, match="expected at least two"):
        derangement(concepts, 0)


def test_what_the_released_code_selects_on_is_the_test_split_in_units_of_training(eeg_folder, eeg):
    recipe = REALNET_EEG.changed(dataset=eeg_folder.name, subject=1, reference=True)
    test = selection_data(recipe, eeg)
    published = np.load(eeg_folder / "sub-01" / "preprocessed_eeg_test.npy", allow_pickle=True).item()
    inside = (published["times"] > -1e-9) & (published["times"] < 0.2 - 1e-9)
    order = [published["ch_names"].index(name) for name in things_eeg2.CHANNELS]
    averages = published["preprocessed_eeg_data"].mean(axis=1)[:, order][:, :, inside]
    np.testing.assert_allclose(test.signals.reshape(6, 17, 20), (averages - eeg.mean) / eeg.std, rtol=1e-5, atol=1e-6)
    assert not set(test.concepts) & set(eeg.concepts)
    every = training_data(recipe.changed(subject=None))
    assert [one.subject for one in selection_data(recipe.changed(subject=None), every).by_subject] == [
        "sub-01",
        "sub-02",
    ]
    bare = selection_data(recipe.changed(subject=None, beta=0), without_signals(eeg_folder.name))
    assert (len(bare.images), bare.n_signals) == (6, 0)


def test_fmri_is_selected_on_with_components_and_scale_of_training(fmri_folder):
    recipe = REALNET_FMRI.changed(dataset=fmri_folder.name, subject=1, n_components=5, reference=True)
    data = training_data(recipe)
    targets = kamitani.open_targets("sub-01", fmri_folder.name, 5)
    test = selection_data(recipe, data)
    np.testing.assert_allclose(test.signals, (targets.test - data.mean) / data.std, rtol=1e-5, atol=1e-6)
    assert len(test.images) == len(targets.test_stimuli) == 4
