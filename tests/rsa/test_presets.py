from pathlib import Path

import numpy as np
import pytest

from brainscore_realnet.rsa import PRESETS, decoding_rdm

GOLDEN = Path(__file__).parents[1] / "data" / "neurora"


@pytest.fixture(scope="module")
def neurora_1():
    return np.load(GOLDEN / "neurora-1.1.6.npz", allow_pickle=False)


@pytest.fixture(scope="module")
def neurora_2():
    return np.load(GOLDEN / "neurora-2.0.1.npz", allow_pickle=False)


def test_neurora_1_is_replayed_to_the_last_classification(neurora_1):
    result = decoding_rdm(neurora_1["trials"], preset="neurora-1", replay=True, seed=int(neurora_1["seed"]))
    assert (result != np.swapaxes(result, 1, 2)).any()
    np.testing.assert_allclose(result, neurora_1["rdm"], atol=1e-12)


def test_some_time_points_are_replayed_as_all_are(neurora_1):
    options = {"preset": "neurora-1", "replay": True, "seed": 3}
    whole = decoding_rdm(neurora_1["trials"], **options)
    np.testing.assert_array_equal(decoding_rdm(neurora_1["trials"], times=[4, 0], **options), whole[[4, 0]])


def test_another_seed_replays_other_shuffles(neurora_1):
    result = decoding_rdm(neurora_1["trials"], preset="neurora-1", replay=True, seed=8)
    assert np.abs(result - neurora_1["rdm"]).max() > 0.01


def test_neurora_1_without_replay_agrees_within_the_error_of_its_shuffles(neurora_1):
    ours = decoding_rdm(neurora_1["trials"], preset="neurora-1")
    theirs = (neurora_1["rdm"] + np.swapaxes(neurora_1["rdm"], 1, 2)) / 2
    upper = np.triu_indices(4, 1)
    # Five shuffles of 4 pseudotrials, smoothed over time: replayed seeds scatter by .03 around their mean.
    assert np.abs((ours - theirs)[:, *upper]).mean() < 0.05


def test_neurora_2_with_many_repeats_has_the_same_means(neurora_2):
    repeats = int(neurora_2["repeats"])
    ours = decoding_rdm(neurora_2["trials"], repeats=repeats, smooth=PRESETS["neurora-2"]["smooth"])
    # A repeat's accuracy of 32 classifications has a standard deviation of about .2, the difference .2 √(2 / 400).
    np.testing.assert_allclose(ours, neurora_2["rdm"], atol=4 * 0.2 * np.sqrt(2 / repeats))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_options(name):
    data = np.random.default_rng(0).standard_normal((3, 20, 4, 6))
    expected = decoding_rdm(data, seed=1, **PRESETS[name])
    np.testing.assert_array_equal(decoding_rdm(data, preset=name, seed=1), expected)


def test_presets_differ_where_their_authors_do():
    assert PRESETS["neurora-1"]["smooth"] == 5
    assert PRESETS["neurora-2"] == {**PRESETS["neurora-1"], "smooth": None}
    assert (PRESETS["gifford"]["pseudotrial_size"], PRESETS["gifford"]["folds"]) == (4, 2)
