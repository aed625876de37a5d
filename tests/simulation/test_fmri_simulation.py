from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation import fmri
from brainscore_realnet.simulation.components import AREAS, IMAGES_TO_FIT, ComponentAxes, fitted_components

ROIS = tuple(fmri.POWERS)
VOXELS = 40


@pytest.fixture(scope="module")
def cortex():
    return fmri.virtual_cortex(1, ROIS, VOXELS, seed=3)


@pytest.fixture(scope="module")
def components():
    rng = np.random.default_rng(0)
    return {area: rng.standard_normal((6, fmri.COMPONENTS)) for area in AREAS}


def silent(cortex):
    """The same cortex without noise."""
    return replace(cortex, noise_mixing=np.zeros_like(cortex.noise_mixing))


def weights(cortex, roi, area):
    """Power of each component, which a mixing without overlap has on the diagonal of its product with itself."""
    return np.diag(cortex.mixing[roi][area] @ cortex.mixing[roi][area].T) / VOXELS


def test_responses_are_those_of_the_formula(cortex, components):
    shown = np.array([4, 0, 4, 2])
    responses = fmri.simulate_responses(components, shown, cortex, 0.7, np.random.default_rng(5))
    noise = np.random.default_rng(5).standard_normal((4, len(cortex.roi)))
    for trial, image in enumerate(shown):
        for column in range(0, len(cortex.roi), 7):
            roi = cortex.roi[column]
            within = int(np.sum(cortex.roi[:column] == roi))
            evoked = sum(
                components[area][image, k] * mixing[k, within]
                for area, mixing in cortex.mixing[roi].items()
                for k in range(fmri.COMPONENTS)
            )
            correlated = sum(cortex.noise_mixing[column, other] * noise[trial, other] for other in range(column + 1))
            expected = cortex.offset[column] + cortex.gain[column] * (0.7 * evoked + correlated)
            assert responses[trial, column] == pytest.approx(expected, rel=1e-12)


def test_components_lie_side_by_side_in_a_region(cortex):
    for of_areas in cortex.mixing.values():
        every = np.concatenate(list(of_areas.values()))
        product = every @ every.T
        np.testing.assert_allclose(product, np.diag(np.diag(product)), atol=1e-10)


def test_power_of_areas_in_regions_is_that_of_the_table():
    cortices = [fmri.virtual_cortex(number, ROIS, VOXELS, seed=3) for number in range(1, 41)]
    for roi, powers in fmri.POWERS.items():
        for area, power in powers.items():
            logarithms = [np.log(weights(cortex, roi, area)) for cortex in cortices]
            if roi not in ("FFA", "PPA"):
                assert np.mean(logarithms) == pytest.approx(np.log(power), abs=0.1)
        assert set(cortices[0].mixing[roi]) == set(powers)


def test_regions_of_one_area_weigh_its_components_differently_in_all_subjects_alike():
    cortices = [fmri.virtual_cortex(number, ROIS, VOXELS, seed=3) for number in range(1, 41)]
    usual = {
        roi: np.mean([np.log(weights(cortex, roi, "IT")) for cortex in cortices], axis=0)
        for roi in ("LOC", "FFA", "PPA")
    }
    assert np.std(usual["LOC"]) < 0.25
    assert np.std(usual["FFA"]) > 0.6
    assert np.std(usual["FFA"] - usual["PPA"]) > 0.6


def test_subjects_differ_in_weights_mixing_and_places(cortex):
    other = fmri.virtual_cortex(2, ROIS, VOXELS, seed=3)
    assert not np.allclose(weights(cortex, "V1", "V1"), weights(other, "V1", "V1"))
    assert not np.allclose(cortex.mixing["V1"]["V1"], other.mixing["V1"]["V1"])
    assert not np.array_equal(cortex.coordinates, other.coordinates)


def test_same_numbers_give_the_same_cortex(cortex):
    again = fmri.virtual_cortex(1, ROIS, VOXELS, seed=3)
    np.testing.assert_array_equal(cortex.coordinates, again.coordinates)
    np.testing.assert_array_equal(cortex.noise_mixing, again.noise_mixing)
    np.testing.assert_array_equal(cortex.mixing["V3"]["V4"], again.mixing["V3"]["V4"])


def test_voxels_fill_places_of_a_grid_once_in_both_hemispheres_and_regions_are_scattered_over_columns(cortex):
    assert len(np.unique(cortex.coordinates, axis=0)) == len(cortex.roi) == VOXELS * len(ROIS)
    np.testing.assert_allclose(cortex.coordinates % fmri.VOXEL_SIZE, 0.0)
    for roi in ROIS:
        columns = np.flatnonzero(cortex.roi == roi)
        assert len(columns) == VOXELS
        assert np.any(np.diff(columns) > 1)
        assert (cortex.coordinates[columns, 0] > 0).any()
        assert (cortex.coordinates[columns, 0] < 0).any()


def test_noise_has_the_covariance_of_the_cortex_and_no_memory(cortex):
    nothing = {area: np.zeros((1, fmri.COMPONENTS)) for area in AREAS}
    responses = fmri.simulate_responses(nothing, np.zeros(20_000, int), cortex, 1.0, np.random.default_rng(1))
    noise = (responses - cortex.offset) / cortex.gain
    np.testing.assert_allclose(np.cov(noise.T), cortex.noise_mixing @ cortex.noise_mixing.T, atol=0.06)
    lagged = np.mean(noise[1:] * noise[:-1], axis=0)
    np.testing.assert_allclose(lagged, 0.0, atol=0.04)


def test_noise_is_shared_by_neighbours_across_regions_and_less_by_distant_voxels(cortex):
    covariance = cortex.noise_mixing @ cortex.noise_mixing.T
    distance = np.linalg.norm(cortex.coordinates[:, None] - cortex.coordinates[None], axis=-1)
    neighbours = np.isclose(distance, fmri.VOXEL_SIZE)
    across = neighbours & (cortex.roi[:, None] != cortex.roi[None])
    assert across.any()
    np.testing.assert_allclose(covariance[neighbours], 0.4 * np.exp(-fmri.VOXEL_SIZE / fmri.NOISE_REACH), rtol=1e-9)
    assert covariance[distance > 40].max() < 1e-4
    assert np.mean(np.diag(covariance)) == pytest.approx(1.0, abs=0.1)


def test_imagined_images_answer_less_in_the_regions_that_are_named(cortex, components):
    shown = np.arange(6)
    rng = np.random.default_rng(0)
    seen = fmri.simulate_responses(components, shown, silent(cortex), 1.0, rng) - cortex.offset
    imagined = fmri.simulate_responses(components, shown, silent(cortex), 1.0, rng, {"V1": 0.25}) - cortex.offset
    factor = np.where(cortex.roi == "V1", 0.25, 1.0)
    np.testing.assert_allclose(imagined, factor * seen, atol=1e-12)


@given(st.permutations(range(6)))
@settings(max_examples=10, deadline=None)
def test_order_of_trials_changes_the_order_of_noise_free_responses_only(cortex, components, order):
    rng = np.random.default_rng(0)
    in_order = fmri.simulate_responses(components, np.arange(6), silent(cortex), 1.0, rng)
    permuted = fmri.simulate_responses(components, np.array(order), silent(cortex), 1.0, rng)
    np.testing.assert_allclose(permuted, in_order[list(order)], rtol=1e-12)


@pytest.mark.parametrize(("rois", "voxels"), [(("V1", "V9"), 60), (("V1", "V3"), 2 * fmri.COMPONENTS), (("V1",), 0)])
def test_unknown_regions_and_too_few_voxels_are_refused(rois, voxels):
    with pytest.raises(BadInputError, match="expected regions out of"):
        fmri.virtual_cortex(1, rois, voxels, seed=0)


@pytest.mark.parametrize("change", [{"IT": np.zeros((6, 3))}, {"IT": None}])
def test_components_that_are_missing_or_of_another_number_are_refused(cortex, components, change):
    wrong = {area: values for area, values in (components | change).items() if values is not None}
    with pytest.raises(BadInputError, match="expected \\(n_images, 16\\) for each"):
        fmri.simulate_responses(wrong, np.arange(2), cortex, 1.0, np.random.default_rng(0))


def test_components_of_all_splits_come_from_axes_fitted_on_their_first_images():
    rng = np.random.default_rng(2)
    features = {
        split: {area: rng.standard_normal((n, 30)) for area in AREAS} for split, n in (("a", 20), ("b", IMAGES_TO_FIT))
    }
    found = fitted_components(features, 8)
    for area in AREAS:
        together = np.concatenate([features["a"][area], features["b"][area]])
        axes = ComponentAxes.fit(together[:IMAGES_TO_FIT], 8)
        for split in features:
            np.testing.assert_array_equal(found[split][area], axes.scores(features[split][area]))
