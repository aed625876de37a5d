import os

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from kamitani_files import HORIKAWA, SHEN, image_table, presentation, write_fmriprep, write_horikawa, write_original
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from brainscore_realnet.datasets import kamitani
from brainscore_realnet.datasets.kamitani import components, targets
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError

TRAINING_FILE = "sub-01_perceptionNaturalImageTraining_original_VC.h5"
TEST_FILE = "sub-01_perceptionNaturalImageTest_original_VC.h5"


def write_download(folder, training_seed=1, test_seed=2, test=True):
    write_original(
        folder / TRAINING_FILE, image_table("training")[1], presentation(30, 3, training_seed), seed=training_seed
    )
    if test:
        write_original(folder / TEST_FILE, image_table("test")[1], presentation(5, 4, test_seed), seed=test_seed)
    kamitani.add(folder, SHEN, progress=False)


@pytest.fixture
def registered(tmp_path):
    write_download(tmp_path)
    return tmp_path


def averages(split, roi="VC"):
    return kamitani.open_subject("sub-01", split, SHEN).responses(roi).mean(axis=1)


def prepared(**options):
    kamitani.prepare(SHEN, progress=False, **options)
    return kamitani.open_targets("sub-01", SHEN, **{key: value for key, value in options.items() if key != "subjects"})


def test_targets_are_the_components_that_scikit_learn_finds(registered):
    made = prepared(n_components=8)
    scaler = StandardScaler().fit(averages("training"))
    pca = PCA(8, svd_solver="full").fit(scaler.transform(averages("training")))
    for ours, split in ((made.training, "training"), (made.test, "test")):
        theirs = pca.transform(scaler.transform(averages(split)))
        signs = np.sign((theirs * ours).sum(axis=0))
        np.testing.assert_allclose(ours, theirs * signs, atol=1e-11)
    np.testing.assert_allclose(made.explained_variance_ratio, pca.explained_variance_ratio_, rtol=1e-11)
    assert made.training_stimuli == kamitani.open_subject("sub-01", "training", SHEN).stimuli
    assert made.test_stimuli == kamitani.open_subject("sub-01", "test", SHEN).stimuli
    assert (made.n_components, made.training.shape, made.test.shape) == (8, (30, 8), (5, 8))


def test_components_are_the_eigenvectors_of_the_correlation_matrix():
    responses = np.random.default_rng(0).normal(size=(40, 7)) @ np.random.default_rng(1).normal(size=(7, 7))
    fitted = components.fit(responses, 7)
    values, vectors = np.linalg.eigh(np.corrcoef(responses.T))
    np.testing.assert_allclose(fitted.explained_variance_ratio, values[::-1] / 7, rtol=1e-10)
    np.testing.assert_allclose(np.abs(fitted.axes @ vectors[:, ::-1]), np.eye(7), atol=1e-7)
    scores = fitted.project(responses)
    np.testing.assert_allclose(np.cov(scores.T, bias=True), np.diag(values[::-1]), atol=1e-12)
    assert (fitted.axes[np.arange(7), np.abs(fitted.axes).argmax(axis=1)] > 0).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100), shift=st.floats(-10, 10))
def test_unit_and_offset_of_a_voxel_do_not_matter(seed, scale, shift):
    responses = np.random.default_rng(seed).normal(size=(12, 6))
    changed = responses.copy()
    changed[:, 2] = scale * changed[:, 2] + shift
    before, after = components.fit(responses, 4), components.fit(changed, 4)
    np.testing.assert_allclose(after.project(changed), before.project(responses), atol=1e-8)


def test_all_components_together_give_the_z_scores_back():
    responses = np.random.default_rng(2).normal(size=(9, 5))
    fitted = components.fit(responses, 1024)
    assert fitted.axes.shape == (5, 5)
    z = (responses - responses.mean(axis=0)) / responses.std(axis=0)
    np.testing.assert_allclose(fitted.project(responses) @ fitted.axes, z, atol=1e-12)
    assert fitted.explained_variance_ratio.sum() == pytest.approx(1, abs=1e-12)


def test_a_voxel_that_never_changes_counts_for_nothing():
    responses = np.random.default_rng(3).normal(size=(9, 5))
    fitted = components.fit(np.column_stack([responses, np.full(9, 0.1)]), 4)
    np.testing.assert_array_equal(fitted.axes[:, 5], 0)
    others = fitted.project(np.column_stack([responses, np.full(9, 5.0)]))
    np.testing.assert_allclose(others, components.fit(responses, 4).project(responses), atol=1e-12)


def test_the_randomised_decomposition_agrees_with_the_exact_one(monkeypatch):
    rng = np.random.default_rng(4)
    responses = rng.normal(size=(300, 40)) * 0.8 ** np.arange(40) @ rng.normal(size=(40, 200))
    exact = components.fit(responses, 10)
    monkeypatch.setattr(components, "EXACT_UP_TO", 100)
    randomised = components.fit(responses, 10)
    assert (exact.exact, randomised.exact) == (True, False)
    np.testing.assert_allclose(randomised.project(responses), exact.project(responses), atol=1e-6)
    np.testing.assert_array_equal(components.fit(responses, 10).axes, randomised.axes)
    assert components.fit(responses, 100).exact, "nearly all components are found exactly"


@pytest.mark.parametrize(
    ("responses", "n_components"),
    [(np.ones((1, 4)), 2), (np.ones((4, 0)), 2), (np.full((9, 3), 0.1), 2), (np.eye(4), 0)],
)
def test_data_without_components_are_refused(responses, n_components):
    with pytest.raises(BadInputError, match="expected"):
        components.fit(responses, n_components)


def test_test_data_leave_the_fit_as_it_is(registered):
    before = prepared(n_components=6)
    write_download(registered, test_seed=77)
    after = prepared(n_components=6)
    np.testing.assert_array_equal(after.training, before.training)
    np.testing.assert_array_equal(after.explained_variance_ratio, before.explained_variance_ratio)
    assert after.sha256 == before.sha256
    assert not np.allclose(after.test, before.test)


def test_training_data_change_the_projection_of_test_data(registered):
    before = prepared(n_components=6)
    write_download(registered, training_seed=77)
    assert not np.allclose(prepared(n_components=6).test, before.test)


def test_targets_are_kept_while_the_data_are_the_same(registered, monkeypatch):
    assert kamitani.prepare(SHEN, n_components=6, progress=False)["prepared"] == ["sub-01"]
    monkeypatch.setattr(components, "fit", lambda *arguments: pytest.fail("computed"))
    summary = kamitani.prepare(SHEN, ["sub-01"], 6, progress=False)
    assert (summary["kept"], summary["prepared"]) == (["sub-01"], [])


@pytest.mark.parametrize("damage", ["changed", "deleted", "card"])
def test_damaged_targets_are_refused_and_made_again(registered, store_home, damage):
    expected = prepared(n_components=6).training.copy()
    folder = store_home / "data" / SHEN / "targets"
    file = next(folder.glob("sub-01_VC-6-training-*.npy"))
    if damage == "card":
        (folder / "sub-01_VC-6.json").write_text("{}")
    elif damage == "deleted":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-8] + bytes(8))
        os.utime(file, ns=(1, 1))
    with pytest.raises(
        (BadFileError, MissingDataError), match=r"kamitani\.prepare\('sim-shen2019-tests', \['sub-01'\]"
    ):
        kamitani.open_targets("sub-01", SHEN, 6)
    np.testing.assert_array_equal(prepared(n_components=6).training, expected)


def test_targets_of_other_responses_are_refused(registered):
    prepared(n_components=6)
    write_download(registered, training_seed=78)
    with pytest.raises(BadFileError, match="other responses than are registered now"):
        kamitani.open_targets("sub-01", SHEN, 6)
    prepared(n_components=6)


def test_fewer_components_than_asked_for_are_told(registered):
    summary = kamitani.prepare(SHEN, progress=False)
    assert summary["notes"] == [
        "sub-01: 22 components instead of 1024, since there are 30 training stimuli and 22 voxels"
    ]
    assert kamitani.open_targets("sub-01", SHEN).n_components == 22


def test_without_a_test_split_there_are_no_test_targets(tmp_path):
    write_download(tmp_path, test=False)
    made = prepared(n_components=5)
    assert (made.test_stimuli, made.test.shape) == ((), (0, 5))
    assert "no test data" in kamitani.prepare(SHEN, n_components=5, progress=False)["notes"][0]
    write_download(tmp_path)
    assert prepared(n_components=5).test.shape == (5, 5)


def test_targets_of_one_region_are_of_its_voxels(registered):
    made = prepared(n_components=4, roi="V1")
    fitted = components.fit(averages("training", "V1"), 4)
    np.testing.assert_array_equal(made.training, fitted.project(averages("training", "V1")))
    assert made.roi == "V1"


def test_test_data_of_another_release_are_refused(registered):
    (registered / TEST_FILE).unlink()
    path = registered / "sub-01_ImageNetTest_fmriprep_volume_native.h5"
    write_fmriprep(path, image_table("test")[2][:5], presentation(5, 4, 3))
    kamitani.add(registered, SHEN, progress=False)
    with pytest.raises(BadFileError, match=rf"{TRAINING_FILE} \(original\) .*{path.name} \(fmriprep\)"):
        kamitani.prepare(SHEN, n_components=4, progress=False)


def test_horikawa_is_prepared_alike(tmp_path):
    write_horikawa(tmp_path / "Subject1.h5")
    kamitani.add(tmp_path, HORIKAWA, progress=False)
    kamitani.prepare(HORIKAWA, n_components=3, progress=False)
    made = kamitani.open_targets("sub-01", HORIKAWA, 3)
    assert (made.training.shape, made.test.shape) == ((6, 3), (4, 3))


def test_arrays_are_memory_mapped_and_read_only(registered):
    made = prepared(n_components=4)
    assert isinstance(made.training, np.memmap)
    assert not made.training.flags.writeable


def test_what_is_not_there_is_told_with_what_to_do(registered):
    with pytest.raises(MissingDataError, match=r"Prepare them: .*n_components=9, roi='V1'"):
        kamitani.open_targets("sub-01", SHEN, 9, "V1")
    with pytest.raises(MissingDataError, match="Got no training data of sub-02"):
        kamitani.prepare(SHEN, ["sub-02"], progress=False)
    with pytest.raises(MissingDataError, match="Got no training data"):
        kamitani.prepare("shen2019", progress=False)
    with pytest.raises(BadInputError, match="0 components"):
        kamitani.prepare(SHEN, n_components=0, progress=False)
    assert targets.N_COMPONENTS == 1024
