import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.training.validation import ConceptMeans, spearman_by_image

CONCEPTS = tuple("cadbeafbcdabeef")  # 15 images of 6 concepts


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def features_of(seed, dtype=torch.float64, n=15):
    generator = torch.Generator().manual_seed(seed)
    shapes = {"V1": (n, 3, 4, 5), "IT": (n, 30)}
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for name, shape in shapes.items()
    }


def signals_of(seed, n=15, n_signals=12, common=0.0):
    generator = torch.Generator().manual_seed(100 + seed)
    signals = torch.randn(n, n_signals, generator=generator, dtype=torch.float64)
    return signals + common * torch.randn(n_signals, generator=generator, dtype=torch.float64)


def means_of(features, concepts=CONCEPTS, size=4):
    means = ConceptMeans(concepts)
    for start in range(0, len(concepts), size):
        rows = slice(start, start + size)
        means.add({name: values[rows] for name, values in features.items()}, rows)
    return means


def literal(values, signals, concepts=CONCEPTS):
    """Spearman of the two RDMs, by concept and with loops."""
    chosen = {name: [i for i, concept in enumerate(concepts) if concept == name] for name in dict.fromkeys(concepts)}
    values = values.double().flatten(1).numpy()
    model = np.array([np.mean([values[i] for i in rows], axis=0) for rows in chosen.values()])
    brain = np.array([np.mean([signals[i].numpy() for i in rows], axis=0) for rows in chosen.values()])
    brain = brain - brain.mean(axis=0)
    return spearmanr(pdist(model, "correlation"), pdist(brain, "correlation")).statistic


@pytest.mark.parametrize("common", [0, 20])
@pytest.mark.parametrize("seed", range(3))
def test_similarity_is_the_literal_one(seed, common):
    features, signals = features_of(seed), signals_of(seed, common=common)
    found = means_of(features).similarity(signals)
    assert list(found) == ["V1", "IT"]
    for layer, value in found.items():
        assert value == pytest.approx(literal(features[layer], signals), abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_low_precision_is_added_up_in_float32(dtype):
    # Sums of bfloat16 would lose a quarter of these digits.
    features = {name: 256 + 4 * values.round() for name, values in features_of(1).items()}
    low = {name: values.to(dtype) for name, values in features.items()}
    assert all(torch.equal(low[name].double(), features[name]) or dtype == torch.bfloat16 for name in features)
    exact = {name: values.double() for name, values in low.items()}
    signals = signals_of(1)
    found, expected = means_of(low).similarity(signals.float()), means_of(exact).similarity(signals)
    assert found == pytest.approx(expected, abs=1e-9)


def test_channels_last_features_are_the_same_features():
    features, signals = features_of(2), signals_of(2)
    last = {**features, "V1": features["V1"].to(memory_format=torch.channels_last)}
    assert means_of(last).similarity(signals) == means_of(features).similarity(signals)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(CONCEPTS))), st.integers(1, 6))
def test_order_and_batches_of_images_do_not_matter(order, size):
    features, signals = features_of(3), signals_of(3)
    shuffled = {name: values[order] for name, values in features.items()}
    found = means_of(shuffled, [CONCEPTS[i] for i in order], size).similarity(signals[order])
    assert found == pytest.approx(means_of(features).similarity(signals), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.permutations("abcdef"), st.floats(0.1, 10), st.floats(-5, 5))
def test_names_of_concepts_and_scale_of_features_do_not_matter(names, factor, offset):
    features, signals = features_of(4), signals_of(4)
    renamed = [dict(zip("abcdef", names, strict=True))[name] for name in CONCEPTS]
    scaled = {name: factor * values + offset for name, values in features.items()}
    found = means_of(scaled, renamed).similarity(factor * signals + offset)
    assert found == pytest.approx(means_of(features).similarity(signals), abs=1e-12)


def test_what_all_images_evoke_alike_changes_nothing():
    features, signals = features_of(5), signals_of(5)
    alike = signals + 50 * signals_of(6)[:1]
    assert means_of(features).similarity(alike) == pytest.approx(means_of(features).similarity(signals), abs=1e-12)


def test_the_brain_s_own_geometry_is_similar_and_a_random_one_is_not():
    concepts = [f"c{number // 3}" for number in range(120)]
    signals = signals_of(0, n=120, n_signals=40)
    centred = signals - signals.mean(0)
    own = {"own": centred, "other": signals_of(9, n=120, n_signals=40)}
    found = means_of(own, concepts, 16).similarity(signals)
    assert found["own"] == pytest.approx(1, abs=1e-12)
    assert abs(found["other"]) < 0.15


def test_rows_may_be_numbers_in_any_order():
    features, signals = features_of(6), signals_of(6)
    order = torch.randperm(len(CONCEPTS), generator=torch.Generator().manual_seed(0))
    means = ConceptMeans(CONCEPTS)
    for rows in order.split(4):
        means.add({name: values[rows] for name, values in features.items()}, rows)
    assert means.similarity(signals) == pytest.approx(means_of(features).similarity(signals), abs=1e-12)


def test_similarity_with_several_subjects_is_their_mean():
    features, subjects = features_of(7), [signals_of(seed) for seed in (7, 8, 9)]
    means = means_of(features)
    alone = [means.similarity(signals) for signals in subjects]
    expected = {layer: np.mean([found[layer] for found in alone]) for layer in features}
    assert means.similarity(*subjects) == pytest.approx(expected, abs=1e-12)


def test_too_few_concepts_or_no_distances_between_signals_give_nothing():
    for concepts in ("aabbcc", "aaaaaa"):
        means = means_of(features_of(0, n=6), concepts)
        assert means.similarity(signals_of(0, n=6)) == {}
    assert means_of(features_of(0, n=4), "abcd").similarity(signals_of(0, n=4)).keys() == {"V1", "IT"}
    assert means_of(features_of(0)).similarity() == {}
    assert means_of(features_of(0)).similarity(signals_of(0, n_signals=1)) == {}
    assert means_of(features_of(0)).similarity(torch.ones(len(CONCEPTS), 5)) == {}
    assert means_of({}).similarity(signals_of(0)) == {}


@pytest.mark.parametrize("kind", ["constant", "one concept constant", "alike", "single"])
def test_layer_without_distances_counts_as_zero_and_is_named(kind, caplog):
    caplog.set_level(logging.WARNING)
    features = features_of(0, torch.float32)
    if kind == "constant":
        features["IT"] = torch.zeros_like(features["IT"])
    elif kind == "one concept constant":
        features["IT"][[i for i, concept in enumerate(CONCEPTS) if concept == "d"]] = 0.3
    elif kind == "alike":
        features["IT"] = features["IT"][:1].expand(len(CONCEPTS), -1)
    else:
        features["IT"] = features["IT"][:, :1]
    found = means_of(features).similarity(signals_of(0))
    assert found["IT"] == 0
    assert found["V1"] == pytest.approx(literal(features["V1"], signals_of(0)), abs=1e-12)
    assert "features of IT do not tell concepts apart" in caplog.text
    assert "V1" not in caplog.text


def test_no_gradient_is_kept():
    features = {name: values.requires_grad_() for name, values in features_of(0).items()}
    means = means_of(features)
    assert not any(sums.requires_grad for sums in means._sums.values())


def test_bad_input_is_refused_with_what_to_do():
    features, signals = features_of(0), signals_of(0)
    first = {name: values[:4] for name, values in features.items()}
    cases = [
        (first, slice(0, 5), "Got features of V1 of shape .* for the images 0, 1, 2, 3, 4: expected a row for each"),
        (first, [0, 1, 2, 15], "Got the images 0, 1, 2, 15: expected places from 0 to 14"),
        (first, [0, 1, 1, 2], "each image once"),
        ({"V1": torch.ones(4, 2, dtype=torch.int64)}, slice(0, 4), "V1 has dtype torch.int64"),
        ({"V1": np.ones((4, 2))}, slice(0, 4), "V1 is of type ndarray"),
        ({"V1": torch.ones(4, 0)}, slice(0, 4), r"Got features of V1 of shape \(4, 0\)"),
    ]
    for batch, rows, message in cases:
        with pytest.raises(BadInputError, match=message):
            ConceptMeans(CONCEPTS).add(batch, rows)
    means = ConceptMeans(CONCEPTS)
    means.add(first, slice(0, 4))
    with pytest.raises(BadInputError, match="Make a new ConceptMeans"):
        means.add(first, slice(0, 4))
    with pytest.raises(BadInputError, match=r"V1 of shape \(7,\) on cpu: expected \(3, 4, 5\) on cpu"):
        means.add({"V1": torch.ones(4, 7)}, slice(4, 8))
    with pytest.raises(BadInputError, match="V1 of 4 images: expected all 15; 4, 5, 6, 7, 8 and 6 more are missing"):
        means.similarity(signals)
    with pytest.raises(BadInputError, match=r"signals of shape \(14, 12\): expected \(15, n_signals\)"):
        means_of(features).similarity(signals[:-1])
    for where, what in ((features["IT"], "features of IT"), (signals, "signals")):
        kept = where[1, 0].item()
        where[1, 0] = float("nan")
        with pytest.raises(BadInputError, match=f"Got {what} of the concept a that are not finite"):
            means_of(features).similarity(signals)
        where[1, 0] = kept


def test_signals_are_correlated_as_scipy_does():
    generator = torch.Generator().manual_seed(0)
    generated = torch.randint(0, 9, (7, 20), generator=generator).float()
    measured = torch.randn(7, 20, generator=generator).bfloat16()
    expected = [spearmanr(*pair).statistic for pair in zip(generated.numpy(), measured.float().numpy(), strict=True)]
    np.testing.assert_allclose(spearman_by_image(generated, measured.float()).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(spearman_by_image(generated, measured).numpy(), expected, atol=1e-12)


def test_equal_signals_of_an_image_correlate_zero():
    measured = torch.tensor([[1.0, 3.0, 2.0], [3.0, 1.0, 2.0]])
    generated = torch.tensor([[5.0, 5.0, 5.0], [30.0, 1.0, 2.5]])
    torch.testing.assert_close(spearman_by_image(generated, measured), torch.tensor([0.0, 1.0]).double())


def test_signals_that_cannot_be_correlated_are_refused():
    with pytest.raises(BadInputError, match=r"\(2, 3\) and measured ones of \(2, 4\)"):
        spearman_by_image(torch.ones(2, 3), torch.ones(2, 4))
    broken = torch.ones(2, 3)
    broken[1, 2] = float("inf")
    with pytest.raises(BadInputError, match="measured signals of image 1 that are not finite"):
        spearman_by_image(torch.ones(2, 3), broken)
