import hypothesis.strategies as st
import pytest
from hypothesis import given

from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.errors import BadInputError, MissingDataError, UnknownIdentifierError
from brainscore_realnet.simulation import things_eeg2 as simulated
from brainscore_realnet.store import weights
from brainscore_realnet.training.plan import chosen_subjects, grid, planned
from brainscore_realnet.training.recipes import REALNET_EEG, REALNET_FMRI, controls

SMALL = simulated.Specification(
    subjects=2, test_images=5, test_repetitions=2, training_concepts=6, training_exemplars=2, image_size=32
)


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    """Name of a small simulated set with two subjects, in a store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))
        folder = simulated.ensure(SMALL)
        things_eeg2.add(folder, folder.name, progress=False)
        yield folder.name


def small(data_set, **changes):
    return REALNET_EEG.changed(dataset=data_set, backbone="sim_cornet_s_narrow", image_size=64, **changes)


def names(recipes):
    return [recipe.identifier for recipe in recipes]


def test_subjects_are_read_as_numbers_and_ranges():
    assert chosen_subjects(REALNET_EEG, ("1-3", "5", "sub-02")) == (1, 2, 3, 5)
    assert chosen_subjects(REALNET_EEG) == tuple(range(1, 11))
    assert chosen_subjects(REALNET_FMRI) == (1, 2, 3)


@pytest.mark.parametrize(("recipe", "words"), [(REALNET_EEG, "11"), (REALNET_FMRI, "1-4"), (REALNET_EEG, "all")])
def test_subjects_that_a_set_has_not_are_refused(recipe, words):
    with pytest.raises(BadInputError, match=f"Got subject .* for {recipe.dataset}"):
        chosen_subjects(recipe, (words,))


def test_subjects_of_a_simulated_set_are_those_in_the_store(data_set):
    assert chosen_subjects(small(data_set)) == (1, 2)
    with pytest.raises(BadInputError, match=f"'sub-03' for {data_set}"):
        chosen_subjects(small(data_set), ("1-3",))
    with pytest.raises(MissingDataError, match=r"sub-01 training.*To get them"):
        chosen_subjects(REALNET_EEG.changed(dataset="sim-things-eeg2-none"))


def test_grid_is_subjects_by_betas_by_seeds():
    found = grid(REALNET_EEG, (1, 2), (1, 100), (0, 7))
    assert names(found) == [
        f"realnet-eeg-sub0{subject}{beta}{seed}"
        for seed in ("", "-seed7")
        for subject in (1, 2)
        for beta in ("-beta1", "")
    ]


def test_beta_0_is_one_model_a_seed():
    assert names(grid(REALNET_EEG, (1, 2, 3), (0,), (0, 1))) == ["realnet-eeg-beta0", "realnet-eeg-beta0-seed1"]


def test_controls_join_the_grid_without_duplicates():
    found = grid(REALNET_EEG, (1, 2), (10, 100), control_names=())
    assert len(found) == 2 * len(("beta10", "100", "beta1", "beta1000", "nocont", "unpaired")) + len(("beta0", "all"))
    for subject in (1, 2):
        assert set(controls(REALNET_EEG.changed(subject=subject)).values()) <= set(found)


def test_controls_may_be_named():
    assert names(grid(REALNET_EEG, (1,), control_names=("unpaired", "all"))) == [
        "realnet-eeg-sub01",
        "realnet-eeg-sub01-unpaired",
        "realnet-eeg-all",
    ]
    with pytest.raises(BadInputError, match="Got the control 'nocont' of realnet-fmri-sub01: expected some of beta10"):
        grid(REALNET_FMRI, (1,), control_names=("nocont",))


@given(
    subjects=st.lists(st.integers(1, 10), min_size=1, max_size=4),
    betas=st.lists(st.sampled_from([0, 1, 10, 100, 1000]), max_size=5),
    seeds=st.lists(st.integers(0, 3), max_size=3),
    wanted=st.none() | st.just(()) | st.just(("beta0", "unpaired")),
)
def test_no_model_is_planned_twice_whatever_is_asked_for_twice(subjects, betas, seeds, wanted):
    found = grid(REALNET_EEG, subjects, betas, seeds, wanted)
    assert len({recipe.digest for recipe in found}) == len(set(names(found))) == len(found)
    once = grid(REALNET_EEG, set(subjects), set(betas), set(seeds), wanted)
    assert set(once) == set(found)


def test_a_combination_that_cannot_be_trained_is_refused_before_anything_runs():
    with pytest.raises(BadInputError, match=r"beta = -1"):
        grid(REALNET_EEG, (1, 2), (100, -1))
    with pytest.raises(BadInputError, match="which is a control"):
        grid(REALNET_EEG.changed(beta=0), (1,), control_names=())
    with pytest.raises(BadInputError, match="Got no subject"):
        grid(REALNET_EEG, ())


def test_data_that_lack_are_all_named_before_anything_runs(data_set):
    recipes = [small(data_set, subject=subject) for subject in (1, 2)]
    assert [one.card for one in planned(recipes)] == [None, None]
    with pytest.raises(MissingDataError, match=r"sub-03 training \(missing\), sub-04 training .*To get them"):
        planned([*recipes, *(small(data_set, subject=subject) for subject in (3, 4))])
    with pytest.raises(MissingDataError, match=r"sub-10 training .*brainscore data"):
        planned([REALNET_EEG])  # across subjects: of all ten


def test_the_control_without_signals_needs_no_subject(own_store):
    folder = simulated.ensure(SMALL)
    things_eeg2.add(folder, folder.name, progress=False)
    for card in (own_store / "data" / folder.name).glob("sub-*_training.json"):
        card.unlink()
    assert planned([small(folder.name, beta=0)])[0].card is None
    with pytest.raises(MissingDataError, match="sub-01 training"):
        planned([small(folder.name, subject=1)])


def test_network_without_a_name_is_refused_before_anything_runs(data_set):
    with pytest.raises(UnknownIdentifierError, match="cornet_s"):
        planned([REALNET_EEG.changed(dataset=data_set, subject=1, backbone="cornet_t")])


def test_what_is_finished_is_told_from_what_only_has_the_same_name(data_set, tmp_path):
    import torch

    mine, other = small(data_set, subject=1, seed=5), small(data_set, subject=2, seed=5)
    weights.save(mine.identifier, {"a": torch.ones(1)}, {"recipe_digest": mine.digest, "curves": []})
    found = planned([mine, other])
    assert [one.card is None for one in found] == [False, True]
    weights.save(other.identifier, {"a": torch.ones(1)}, {"imported": {}})
    with pytest.raises(BadInputError, match=f"Got {other.identifier}, of which .* --replace"):
        planned([mine, other])
    assert [one.card is None for one in planned([mine, other], replaced=True)] == [False, True]
