import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.training import soft_ranks as ranking
from brainscore_realnet.training.losses import (
    CONTRASTIVE_MODES,
    LOG_CKA_FLOOR,
    alignment_loss,
    cka,
    classification_loss,
    contrastive_loss,
    generation_loss,
    log_cka_loss,
    mse_loss,
)
from brainscore_realnet.training.soft_ranks import TAU, soft_ranks

CORRELATING = ["spearman", "pearson", "published"]
DIFFERENTIABLE = ["spearman", "pearson"]


def signals(seed: int, n: int = 5, d: int = 12, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Generated and measured z-scored signals that correlate within an image."""
    rng = np.random.default_rng(seed)
    measured = rng.standard_normal((n, d))
    generated = 0.5 * measured + rng.standard_normal((n, d))
    return torch.tensor(generated, dtype=dtype), torch.tensor(measured, dtype=dtype)


def features(seed: int, n: int = 9, d: int = 6) -> Tensor:
    return torch.tensor(np.random.default_rng(seed).standard_normal((n, d)))


def gradient(loss: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    leaf = at.clone().requires_grad_()
    (result,) = torch.autograd.grad(loss(leaf), leaf)
    return result


def literal_soft_ranks(row: Sequence[float], tau: float = TAU) -> list[float]:
    mean = math.fsum(row) / len(row)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in row) / len(row))
    z = [(x - mean) / deviation for x in row]

    def logistic(x: float) -> float:
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))

    return [0.5 + math.fsum(logistic((a - b) / tau) for b in z) for a in z]


def literal_pearson(a: Sequence[float], b: Sequence[float]) -> float:
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    covariance = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return covariance / math.sqrt(math.fsum((x - mean_a) ** 2 for x in a) * math.fsum((y - mean_b) ** 2 for y in b))


def literal_contrastive(generated: Tensor, measured: Tensor, rho: Callable[..., float]) -> float:
    n = len(generated)
    own, others = 0.0, 0.0
    for i in range(n):
        for j in range(n):
            distance = 1 - rho(generated[i].tolist(), measured[j].tolist())
            if i == j:
                own += distance / n
            else:
                others += distance / (n * (n - 1))
    return own - others


def literal_mse(generated: Tensor, measured: Tensor) -> float:
    pairs = zip(generated.flatten().tolist(), measured.flatten().tolist(), strict=True)
    return math.fsum((a - b) ** 2 for a, b in pairs) / generated.numel()


LITERAL_RHO = {
    "spearman": lambda a, b: literal_pearson(literal_soft_ranks(a), literal_soft_ranks(b)),
    "pearson": literal_pearson,
    "published": literal_pearson,
    "none": lambda a, b: 0.0,
}


def hsic_cka(x: np.ndarray, y: np.ndarray) -> float:
    """CKA from the Hilbert-Schmidt independence criterion with linear kernels and a centring matrix."""
    n = len(x)
    centring = np.eye(n) - np.ones((n, n)) / n

    def hsic(a: np.ndarray, b: np.ndarray) -> float:
        return np.trace(a @ a.T @ centring @ b @ b.T @ centring) / (n - 1) ** 2

    return hsic(x, y) / math.sqrt(hsic(x, x) * hsic(y, y))


def test_the_literal_equations_cover_every_mode() -> None:
    assert set(LITERAL_RHO) == set(CONTRASTIVE_MODES)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@pytest.mark.parametrize("mode", CONTRASTIVE_MODES)
def test_generation_loss_and_its_parts_equal_literal_loops_over_the_equations(mode, dtype, tolerance) -> None:
    generated, measured = signals(0, n=4, d=30, dtype=dtype)
    parts = generation_loss(generated, measured, mode)
    mse, contrastive = literal_mse(generated, measured), literal_contrastive(generated, measured, LITERAL_RHO[mode])
    assert parts.total.dtype == dtype
    assert parts.mse.item() == pytest.approx(mse, rel=tolerance)
    assert parts.contrastive.item() == pytest.approx(contrastive, abs=tolerance)
    assert parts.total.item() == pytest.approx(mse + contrastive, rel=tolerance, abs=tolerance)
    assert torch.equal(parts.mse, mse_loss(generated, measured))
    assert torch.equal(parts.contrastive, contrastive_loss(generated, measured, mode))


def test_the_default_mode_is_spearman() -> None:
    pair = signals(1)
    assert torch.equal(generation_loss(*pair).contrastive, contrastive_loss(*pair, "spearman"))
    assert torch.equal(contrastive_loss(*pair), contrastive_loss(*pair, "spearman"))


@pytest.mark.parametrize("block", [None, 1, 100])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_soft_ranks_equal_literal_soft_ranks(dtype, tolerance, block, monkeypatch) -> None:
    if block is not None:
        monkeypatch.setitem(ranking.BLOCK_DIFFERENCES, "cpu", block)
    rows = 3 + 7 * signals(2, n=2, d=120, dtype=dtype)[0]
    for tau in (TAU, 0.5):
        expected = np.array([literal_soft_ranks(row, tau) for row in rows.tolist()])
        np.testing.assert_allclose(soft_ranks(rows, tau).numpy() / 120, expected / 120, rtol=0, atol=tolerance)


def test_soft_ranks_become_ranks_with_shared_ties_as_the_temperature_falls() -> None:
    rows = np.random.default_rng(3).integers(0, 6, (4, 15)).astype(float)
    np.testing.assert_allclose(soft_ranks(torch.tensor(rows), tau=1e-4), stats.rankdata(rows, axis=1), atol=1e-12)


@pytest.mark.parametrize("d", [340, 1024])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_soft_spearman_is_within_two_thousandths_of_exact_spearman(kind, d) -> None:
    rng = np.random.default_rng(4)
    first = getattr(rng, kind)(size=(8, d))
    second = rng.uniform(-1, 1, (8, 1)) * first + getattr(rng, kind)(size=(8, d))
    exact = stats.spearmanr(first, second, axis=1).statistic[:8, 8:]
    soft = np.corrcoef(soft_ranks(torch.tensor(first)), soft_ranks(torch.tensor(second)))[:8, 8:]
    assert np.abs(soft - exact).max() < 2e-3
    expected = (exact.sum() - np.trace(exact)) / (8 * 7) - np.trace(exact) / 8
    loss = contrastive_loss(torch.tensor(first, dtype=torch.float32), torch.tensor(second, dtype=torch.float32))
    assert loss.item() == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("block", [2**18, 40])
@pytest.mark.parametrize("mode", DIFFERENTIABLE)
def test_contrastive_gradients_equal_finite_differences(mode, block, monkeypatch) -> None:
    monkeypatch.setitem(ranking.BLOCK_DIFFERENCES, "cpu", block)
    pair = [signal.requires_grad_() for signal in signals(5, n=3, d=10)]
    assert torch.autograd.gradcheck(lambda *pair: contrastive_loss(*pair, mode), pair)
    assert torch.autograd.gradcheck(lambda *pair: generation_loss(*pair, mode).total, pair)


def test_soft_rank_gradients_equal_finite_differences() -> None:
    rows = signals(6, n=2, d=9)[0].requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: soft_ranks(rows, tau=0.3), [rows])
    assert torch.autograd.gradcheck(soft_ranks, [rows])


@pytest.mark.parametrize("loss", [mse_loss, cka, log_cka_loss])
def test_other_gradients_equal_finite_differences(loss) -> None:
    pair = [signal.requires_grad_() for signal in signals(7, n=5, d=4)]
    assert torch.autograd.gradcheck(loss, pair)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("mode", ["published", "none"])
def test_the_published_term_and_no_term_train_exactly_like_mse_alone(mode, dtype) -> None:
    generated, measured = signals(8, dtype=dtype)
    ours = gradient(lambda generated: generation_loss(generated, measured, mode).total, generated)
    assert torch.equal(ours, gradient(lambda generated: mse_loss(generated, measured), generated))
    assert not contrastive_loss(generated.requires_grad_(), measured.requires_grad_(), mode).requires_grad


def test_the_published_value_is_the_pearson_value() -> None:
    pair = signals(9)
    assert torch.equal(contrastive_loss(*pair, "published"), contrastive_loss(*pair, "pearson"))


@pytest.mark.parametrize("d", [340, 1024])
@pytest.mark.parametrize("mode", DIFFERENTIABLE)
def test_every_generated_value_gets_a_gradient(mode, d) -> None:
    generated, measured = signals(10, n=4, d=d, dtype=torch.float32)
    assert (gradient(lambda generated: contrastive_loss(generated, measured, mode), generated) != 0).all()


def test_following_the_soft_gradient_raises_exact_spearman() -> None:
    measured = signals(11, n=4, d=120, dtype=torch.float32)[1]
    generated = nn.Parameter(signals(12, n=4, d=120, dtype=torch.float32)[0])
    optimiser = torch.optim.Adam([generated], lr=0.05)
    for _ in range(80):
        optimiser.zero_grad()
        contrastive_loss(generated, measured).backward()
        optimiser.step()
    exact = stats.spearmanr(generated.detach(), measured, axis=1).statistic[:4, 4:]
    assert np.diag(exact).min() > 0.8
    assert exact[~np.eye(4, dtype=bool)].max() < 0.2


def test_soft_ranks_keep_no_pairs_of_values_for_the_gradient() -> None:
    generated, measured = signals(13, n=4, d=340, dtype=torch.float32)
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        contrastive_loss(generated.requires_grad_(), measured)
    assert max(kept) == generated.numel()


@pytest.mark.parametrize("value", [0.0, 0.1, -1e30, 1e-30])
@pytest.mark.parametrize("mode", CORRELATING)
def test_a_constant_signal_correlates_zero_with_all_and_gets_no_gradient(mode, value) -> None:
    generated, measured = signals(14, dtype=torch.float32)
    generated[2] = value
    measured[3] = value
    rho = LITERAL_RHO[mode]
    correlations = np.array(
        [
            [0 if i == 2 or j == 3 else rho(generated[i].tolist(), measured[j].tolist()) for j in range(5)]
            for i in range(5)
        ]
    )
    expected = (correlations.sum() - np.trace(correlations)) / 20 - np.trace(correlations) / 5
    assert contrastive_loss(generated, measured, mode).item() == pytest.approx(expected, abs=1e-6)
    if mode in DIFFERENTIABLE:
        slope = gradient(lambda generated: contrastive_loss(generated, measured, mode), generated)
        assert slope.isfinite().all()
        assert (slope == 0).all(dim=1).tolist() == [False, False, True, False, False]
        slope = gradient(lambda measured: contrastive_loss(generated, measured, mode), measured)
        assert slope.isfinite().all()
        assert (slope == 0).all(dim=1).tolist() == [False, False, False, True, False]


def test_constant_signals_have_equal_soft_ranks() -> None:
    assert torch.equal(soft_ranks(torch.full((2, 6), 0.1)), torch.full((2, 6), 3.5))


def test_features_that_are_the_same_for_all_images_have_no_cka_and_no_gradient() -> None:
    other = features(15).float()
    for same in (torch.zeros(9, 4), torch.full((9, 4), 0.1), torch.arange(4.0).repeat(9, 1) * 1e20):
        assert cka(same, other).item() == 0
        assert log_cka_loss(same, other).item() == 0
        for pair in ((same, other), (other, same)):
            assert torch.equal(gradient(lambda x, y=pair[1]: log_cka_loss(x, y), pair[0]), torch.zeros_like(pair[0]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), mode=st.sampled_from(CORRELATING))
def test_permuting_images_or_signals_in_both_leaves_the_losses_alone(seed, mode) -> None:
    generated, measured = signals(seed)
    rng = np.random.default_rng(seed)
    images, order = rng.permutation(5), rng.permutation(12)
    before, after = (
        generation_loss(generated, measured, mode),
        generation_loss(generated[images][:, order], measured[images][:, order], mode),
    )
    torch.testing.assert_close(after, before, rtol=1e-11, atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), mode=st.sampled_from(CORRELATING))
def test_scaling_and_shifting_each_signal_leaves_the_contrastive_loss_alone(seed, mode) -> None:
    generated, measured = signals(seed)
    rng = np.random.default_rng(seed)
    scales, shifts = (torch.tensor(rng.uniform(0.1, 10, (2, 5, 1))) for _ in range(2))
    moved = contrastive_loss(generated * scales[0] + shifts[0], measured * scales[1] - shifts[1], mode)
    torch.testing.assert_close(moved, contrastive_loss(generated, measured, mode), rtol=0, atol=1e-9)
    flipped = contrastive_loss(-generated, measured, mode)
    torch.testing.assert_close(flipped, -contrastive_loss(generated, measured, mode), rtol=0, atol=1e-11)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_monotone_map_of_each_value_hardly_moves_the_spearman_loss(seed) -> None:
    generated, measured = signals(seed, n=8, d=340)
    expected = contrastive_loss(generated, measured).item()
    assert contrastive_loss(torch.sinh(generated), torch.tanh(measured)).item() == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_the_size_of_float32_signals_does_not_matter(scale) -> None:
    pair = signals(16, dtype=torch.float32)
    for loss in (contrastive_loss, lambda *pair: contrastive_loss(*pair, "pearson"), cka):
        assert loss(pair[0] * scale, pair[1]).item() == pytest.approx(loss(*pair).item(), abs=2e-6)


def test_a_large_common_offset_does_not_cancel() -> None:
    # Multiples of 1/64 below 2^17 are exact in float32, so the offset loses nothing that could excuse an error.
    pair = [(signal * 64).round() / 64 for signal in signals(17, dtype=torch.float32)]
    for loss in (contrastive_loss, lambda *pair: contrastive_loss(*pair, "pearson"), cka):
        assert loss(pair[0] + 2.0**16, pair[1]).item() == pytest.approx(loss(*pair).item(), abs=2e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    "loss",
    [
        mse_loss,
        contrastive_loss,
        lambda *pair: contrastive_loss(*pair, "pearson"),
        lambda *pair: soft_ranks(pair[0]),
        cka,
        log_cka_loss,
        lambda x, y: classification_loss(x, torch.arange(len(x))),
    ],
)
def test_short_floats_are_computed_in_float32_within_autocast_too(loss, dtype) -> None:
    short = [signal.to(dtype) for signal in signals(18, d=60)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        within = loss(*short)
    assert within.dtype == torch.float32
    assert torch.equal(within, loss(*(signal.float() for signal in short)))
    slope = gradient(lambda generated: loss(generated, short[1]).sum(), short[0])
    assert slope.dtype == dtype


def test_float64_stays_float64_and_wins_over_float32() -> None:
    generated, measured = signals(19)
    assert generation_loss(generated, measured).total.dtype == torch.float64
    assert generation_loss(generated.float(), measured).total.dtype == torch.float64
    assert cka(generated, measured.bfloat16()).dtype == torch.float64


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@pytest.mark.parametrize("width", [3, 40])
def test_cka_equals_hsic_with_linear_kernels(width, dtype, tolerance) -> None:
    x, y = features(20).numpy() + 5, features(21, d=width).numpy()
    y[:, :2] += x[:, :2]
    ours = cka(torch.tensor(x, dtype=dtype), torch.tensor(y, dtype=dtype))
    assert ours.item() == pytest.approx(hsic_cka(x, y), abs=tolerance)
    logarithm = log_cka_loss(torch.tensor(x, dtype=dtype), torch.tensor(y, dtype=dtype))
    assert logarithm.item() == pytest.approx(math.log(1 - hsic_cka(x, y)), abs=10 * tolerance)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100))
def test_cka_ignores_rotation_scale_offset_and_the_order_of_images(seed, scale) -> None:
    x, y = features(seed), features(seed + 1, d=4)
    rotation = torch.linalg.qr(features(seed + 2, n=6)).Q
    order = torch.tensor(np.random.default_rng(seed).permutation(9))
    moved = cka((scale * x @ rotation + features(seed + 3, n=1))[order], y[order])
    torch.testing.assert_close(moved, cka(x, y), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(cka(y, x), cka(x, y), rtol=1e-12, atol=1e-12)
    assert cka(x, -scale * x @ rotation).item() == pytest.approx(1, abs=1e-12)


def test_maps_are_flattened_for_cka() -> None:
    x, y = features(22, d=24), features(23)
    assert torch.equal(cka(x.reshape(9, 2, 3, 4), y), cka(x, y))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_log_cka_is_floored_with_a_zero_gradient_where_features_agree(dtype) -> None:
    x = features(24).to(dtype)
    assert log_cka_loss(x, x).item() == pytest.approx(math.log(LOG_CKA_FLOOR))
    assert torch.equal(gradient(lambda y: log_cka_loss(x, y), x), torch.zeros_like(x))
    near = x + 0.05 * features(25).to(dtype)
    assert gradient(lambda y: log_cka_loss(x, y), near).abs().min() > 0


def test_classification_loss_equals_a_literal_cross_entropy() -> None:
    logits = features(26, n=4, d=5)
    labels = [3, 0, 4, 0]
    expected = [
        math.log(math.fsum(map(math.exp, row))) - row[k] for row, k in zip(logits.tolist(), labels, strict=True)
    ]
    assert classification_loss(logits, torch.tensor(labels)).item() == pytest.approx(math.fsum(expected) / 4, rel=1e-12)


def test_alignment_loss_weighs_generation_by_beta_and_leaves_it_out_at_zero() -> None:
    classification, generation = (torch.tensor(value, requires_grad=True) for value in (2.0, 3.0))
    total = alignment_loss(classification, generation, 100)
    assert total.item() == 302
    assert [slope.item() for slope in torch.autograd.grad(total, (classification, generation))] == [1, 100]
    assert alignment_loss(classification, torch.tensor(math.nan), 0) is classification


@pytest.mark.parametrize("beta", [-1, math.nan, math.inf])
def test_a_beta_that_is_no_weight_is_refused(beta) -> None:
    with pytest.raises(BadInputError, match=f"beta is {beta}, expected a finite number of at least 0"):
        alignment_loss(torch.tensor(1.0), torch.tensor(1.0), beta)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "loss", [mse_loss, contrastive_loss, generation_loss, *[lambda *p: contrastive_loss(*p, "pearson")], cka]
)
def test_values_that_are_not_finite_are_named_with_their_place(loss, value) -> None:
    generated, measured = signals(27)
    measured[3, 7] = value
    names = "y" if loss is cka else "measured"
    with pytest.raises(BadInputError, match=rf"{names}, of shape \(5, 12\), holds {value} at \(3, 7\) and 1 such"):
        loss(generated, measured)
    generated[2, 0] = generated[4, 1] = value
    names = "x" if loss is cka else "generated"
    with pytest.raises(BadInputError, match=rf"{names}, of shape \(5, 12\), holds {value} at \(2, 0\) and 2 such"):
        loss(generated, measured)


def test_values_whose_squares_overflow_are_named() -> None:
    with pytest.raises(BadInputError, match="generated and measured hold values whose squares exceed"):
        mse_loss(torch.full((2, 3), 1e30), torch.zeros(2, 3))


@pytest.mark.parametrize("shapes", [((4, 5), (4, 6)), ((4, 5), (3, 5)), ((5,), (5,)), ((2, 4, 5),) * 2, ((0, 5),) * 2])
@pytest.mark.parametrize("loss", [mse_loss, contrastive_loss, generation_loss])
def test_signals_of_other_shapes_are_refused(loss, shapes) -> None:
    with pytest.raises(BadInputError, match=r"generated has shape .* and measured .*, expected the same"):
        loss(*(torch.ones(shape) for shape in shapes))


@pytest.mark.parametrize(("shape", "found"), [((1, 6), "1 image.* of 6"), ((6, 1), r"6 image\(s\) of 1 signal")])
@pytest.mark.parametrize("mode", CORRELATING)
def test_one_image_or_one_signal_cannot_be_contrasted(mode, shape, found) -> None:
    with pytest.raises(BadInputError, match=f"{found}.*expected at least 2 of each"):
        generation_loss(torch.ones(shape), torch.ones(shape), mode)
    assert generation_loss(torch.ones(shape), torch.zeros(shape), "none").total.item() == 1


@pytest.mark.parametrize("shapes", [((4, 5), (3, 5)), ((2, 5), (2, 5)), ((4,), (4, 5)), ((4, 0), (4, 5))])
@pytest.mark.parametrize("loss", [cka, log_cka_loss])
def test_features_of_other_shapes_are_refused(loss, shapes) -> None:
    with pytest.raises(BadInputError, match=r"x has shape .* and y .*, expected .* at least 3 images"):
        loss(*(torch.ones(shape) for shape in shapes))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: contrastive_loss(*signals(28), "spearmann"), "'spearmann', expected one of .* mean spearman?"),
        (lambda: generation_loss(*signals(28), contrastive=None), "None, expected one of spearman, pearson"),
        (lambda: mse_loss(np.ones((2, 3)), torch.ones(2, 3)), "generated is of type ndarray"),
        (lambda: mse_loss(torch.ones(2, 3), torch.ones(2, 3, dtype=torch.int64)), "measured has dtype torch.int64"),
        (lambda: cka(torch.ones(3, 3), torch.ones(3, 3, dtype=torch.complex64)), "y has dtype torch.complex64"),
        (lambda: mse_loss(torch.ones(2, 3), torch.ones(2, 3, device="meta")), "generated on cpu, measured on meta"),
        (lambda: soft_ranks(torch.ones(3)), r"signals have shape \(3,\)"),
        (lambda: soft_ranks(torch.ones(2, 3), tau=0), "tau is 0, expected"),
        (lambda: classification_loss(torch.ones(2, 3), torch.ones(2)), "labels has dtype torch.float32"),
        (lambda: classification_loss(torch.ones(2, 3), torch.ones(3, dtype=torch.int64)), r"labels \(3,\)"),
        (lambda: classification_loss(torch.ones(2, 3), torch.tensor([0, 3])), r"lie in \[0, 3\], .* in \[0, 2\]"),
        (lambda: classification_loss(torch.ones(1, 3) / 0, torch.tensor([0])), r"logits, .* holds inf at \(0, 0\)"),
    ],
)
def test_other_bad_input_is_refused_with_what_was_expected(call, message) -> None:
    with pytest.raises(BadInputError, match=message):
        call()


@pytest.mark.parametrize("mode", DIFFERENTIABLE)
def test_a_compiled_loss_is_one_graph_with_the_same_gradient_and_does_not_mask_nan(mode) -> None:
    generated, measured = signals(29)
    compiled = torch.compile(lambda *pair: generation_loss(*pair, mode).total, backend="aot_eager", fullgraph=True)
    expected = gradient(lambda generated: generation_loss(generated, measured, mode).total, generated)
    torch.testing.assert_close(gradient(lambda generated: compiled(generated, measured), generated), expected)
    generated[0, 0] = math.nan
    assert compiled(generated, measured).isnan()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("mode", DIFFERENTIABLE)
def test_a_captured_loss_on_a_gpu_equals_that_on_the_cpu(mode) -> None:
    pair = signals(30, n=16, d=340, dtype=torch.float32)
    generated, measured = (signal.cuda() for signal in pair)
    expected = gradient(lambda generated: generation_loss(generated, pair[1], mode).total, pair[0])
    eager = gradient(lambda generated: generation_loss(generated, measured, mode).total, generated)
    torch.testing.assert_close(eager.cpu(), expected, rtol=1e-4, atol=1e-7)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = gradient(lambda generated: generation_loss(generated, measured, mode).total, generated)
    graph.replay()
    torch.testing.assert_close(captured, eager)
