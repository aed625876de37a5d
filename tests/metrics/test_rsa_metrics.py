import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscore_realnet import load_metric
from brainscore_realnet.errors import BadInputError


def assembly_of(features, subjects=None, order=None):
    from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly

    n_images, n_neuroids = features.shape
    order = np.arange(n_images) if order is None else np.asarray(order)
    return NeuroidAssembly(
        features[order],
        coords={
            "stimulus_id": ("presentation", [f"image{number:02d}" for number in order]),
            "object_name": ("presentation", ["object"] * n_images),
            "neuroid_id": ("neuroid", np.arange(n_neuroids)),
            "subject": ("neuroid", ["one"] * n_neuroids if subjects is None else subjects),
            "region": ("neuroid", ["IT"] * n_neuroids),
        },
        dims=["presentation", "neuroid"],
    )


def random_features(seed, n_images=9, n_neuroids=12):
    return np.random.default_rng(seed).standard_normal((n_images, n_neuroids))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(9)))
def test_rdm_spearman_is_upstreams_rdm_metric_whatever_the_order_of_images(seed, order):
    first, second = random_features(seed), random_features(seed + 1, n_neuroids=7)
    expected = load_metric("rdm")(assembly_of(first), assembly_of(second))
    got = load_metric("rdm-spearman")(assembly_of(first), assembly_of(second, order=order))
    assert float(got) == pytest.approx(float(expected), abs=1e-12)


def test_equal_assemblies_compare_as_one():
    same = assembly_of(random_features(0))
    assert float(load_metric("rdm-spearman")(same, same)) == pytest.approx(1, abs=1e-12)


def test_constant_row_and_repeated_stimulus_are_refused():
    constant = random_features(0)
    constant[4] = 1
    metric = load_metric("rdm-spearman")
    with pytest.raises(BadInputError, match="constant"):
        metric(assembly_of(constant), assembly_of(random_features(1)))
    with pytest.raises(BadInputError, match="more than once"):
        metric(assembly_of(random_features(0), order=[0, 0, *range(2, 9)]), assembly_of(random_features(1)))


def subjects_of(seed, n_subjects, n_neuroids=6):
    shared = np.random.default_rng(seed).standard_normal((9, n_neuroids))
    noise = np.random.default_rng(seed + 1).standard_normal((n_subjects, 9, n_neuroids))
    features = np.concatenate([shared + each for each in noise], axis=1)
    return assembly_of(features, np.repeat([f"sub-{number}" for number in range(n_subjects)], n_neuroids))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_rank_ceiling_is_no_lower_than_upstreams_ceiling(seed, n_subjects):
    assembly = subjects_of(seed, n_subjects)
    upstream = load_metric("rsa_ceiling")(assembly)
    ceiling = load_metric("rdm-rank-ceiling")(assembly)
    assert float(ceiling) >= float(upstream) - 1e-12
    assert ceiling.attrs["lower"] <= ceiling.attrs["upper"] == float(ceiling)
    assert ceiling.attrs["n_subjects"] == n_subjects


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_rank_ceiling_bounds_the_mean_similarity_of_any_model(seed, model_seed):
    from brainscore_realnet.rsa import compare_rdms, correlation_rdm

    assembly = subjects_of(seed, 3)
    subjects = [assembly.values[:, assembly["subject"].values == f"sub-{number}"] for number in range(3)]
    # A model close to the subjects' mean is the hardest to bound.
    model = np.mean(subjects, axis=0) + 0.1 * random_features(model_seed, n_neuroids=6)
    similarity = np.mean([compare_rdms(correlation_rdm(model), correlation_rdm(each)) for each in subjects])
    assert similarity <= float(load_metric("rdm-rank-ceiling")(assembly)) + 1e-12


def test_ceiling_of_one_subject_is_refused():
    with pytest.raises(BadInputError, match="at least 2 subjects"):
        load_metric("rdm-rank-ceiling")(assembly_of(random_features(0)))


@pytest.mark.parametrize("identifier", ["rdm-spearman", "rdm-rank-ceiling"])
def test_metrics_load_through_the_stock_loader(identifier):
    import brainscore_vision
    from brainscore_core.metrics import Metric

    assert isinstance(load_metric(identifier), Metric)
    assert isinstance(brainscore_vision.load_metric(identifier), Metric)
