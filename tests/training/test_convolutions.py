from contextlib import nullcontext
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.cornet_s import CORnetS
from brainscore_realnet.training import convolutions
from brainscore_realnet.training.convolutions import FasterConvolutions, direct_convolution, winograd_convolution

FASTER = {
    "winograd": (winograd_convolution, 1),
    "direct": (partial(direct_convolution, stride=1), 1),
    "strided": (partial(direct_convolution, stride=2), 2),
}
ALL = pytest.mark.parametrize(("convolution", "stride"), FASTER.values(), ids=FASTER)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def narrow_too(monkeypatch):
    """Small convolutions are suited as well."""
    monkeypatch.setattr(convolutions, "LEAST_CHANNELS", 4)
    monkeypatch.setattr(convolutions, "LEAST_ROWS", 1)


def problem(shape, n_out, dtype=torch.float64, seed=0):
    """Inputs and weights whose outputs have a variance near 1."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=dtype)
    w = torch.randn(n_out, shape[1], 3, 3, generator=generator, dtype=dtype) / (9 * shape[1]) ** 0.5
    return x, w


def values_and_gradients(convolution, x, w):
    """Outputs, and the gradients of inputs and weights where the outputs' gradient is random."""
    leaves = x.clone().requires_grad_(), w.clone().requires_grad_()
    y = convolution(*leaves)
    gradient = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, leaves, gradient)]


def largest_difference(ours, theirs):
    """Of values of order 1, or relative to the largest if that is more."""
    return max(
        float((one.double() - other).abs().max() / max(1, other.abs().max()))
        for one, other in zip(ours, theirs, strict=True)
    )


@ALL
@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9)),
    n_out=st.integers(1, 6),
)
def test_values_and_gradients_are_those_of_torch_for_all_shapes(convolution, stride, shape, n_out):
    x, w = problem(shape, n_out)
    expected = values_and_gradients(partial(functional.conv2d, stride=stride, padding=1), x, w)
    ours = values_and_gradients(convolution, x, w)
    assert [one.shape for one in ours] == [one.shape for one in expected]
    assert largest_difference(ours, expected) < 1e-12


@ALL
@pytest.mark.parametrize("side", [7, 14])
def test_float32_is_exact_to_5e_6(convolution, stride, side):
    x, w = problem((4, 256, side, side), 256, torch.float32)
    exact = values_and_gradients(partial(functional.conv2d, stride=stride, padding=1), x.double(), w.double())
    for ours, theirs in zip(values_and_gradients(convolution, x, w), exact, strict=True):
        assert ours.dtype == torch.float32
        assert float((ours.double() - theirs).abs().max() / theirs.abs().max()) < 5e-6


@ALL
def test_gradients_are_those_of_finite_differences(convolution, stride):
    x, w = problem((2, 2, 3, 4), 3)
    assert torch.autograd.gradcheck(convolution, (x.requires_grad_(), w.requires_grad_()))


@ALL
def test_second_derivatives_are_refused(convolution, stride):
    x, w = problem((1, 2, 4, 4), 2)
    (gradient,) = torch.autograd.grad(convolution(x, w.requires_grad_()).square().sum(), w, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@ALL
@pytest.mark.parametrize("shape", [(4, 4, 9, 1), (4, 3, 3, 3), (4, 4, 3)])
def test_other_kernels_are_refused(convolution, stride, shape):
    with pytest.raises(BadInputError, match=r"expected \(n, C, h, w\) and \(K, C, 3, 3\)"):
        convolution(torch.ones(2, 4, 5, 5), torch.ones(shape))


@ALL
def test_any_order_in_memory_gives_the_same_values(convolution, stride):
    x, w = problem((3, 4, 5, 6), 4)
    turned = [one.contiguous(memory_format=torch.channels_last) for one in (x, w)]
    expected = values_and_gradients(convolution, x, w)
    assert largest_difference(values_and_gradients(convolution, *turned), expected) < 1e-14


@ALL
@pytest.mark.parametrize("wanted", [0, 1])
def test_only_the_gradient_that_is_wanted_is_computed(convolution, stride, wanted):
    leaves = problem((2, 3, 5, 5), 4)
    leaves[wanted].requires_grad_()
    convolution(*leaves).sum().backward()
    assert leaves[wanted].grad is not None
    assert leaves[1 - wanted].grad is None
    frozen = [one.detach() for one in leaves]
    frozen[wanted].requires_grad_()
    functional.conv2d(*frozen, stride=stride, padding=1).sum().backward()
    torch.testing.assert_close(leaves[wanted].grad, frozen[wanted].grad, rtol=1e-12, atol=1e-12)


@ALL
def test_two_runs_give_the_same_bits(convolution, stride):
    x, w = problem((8, 64, 9, 9), 64, torch.float32)
    first, second = (values_and_gradients(convolution, x, w) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.fixture
def called(monkeypatch):
    """Names of the functions that took the place of convolutions."""
    names = []

    def watched(name):
        function = getattr(convolutions, name)

        def call(*arguments):
            names.append(name)
            return function(*arguments)

        return call

    for name in ("winograd_convolution", "direct_convolution"):
        monkeypatch.setattr(convolutions, name, watched(name))
    return names


SUITED = {
    "winograd": ((8, 256, 16, 16), {"padding": 1}, ["winograd_convolution"]),
    "many small images": ((16, 256, 7, 7), {"padding": (1, 1)}, ["direct_convolution"]),
    "stride 2": ((16, 256, 14, 13), {"padding": [1], "stride": 2}, ["direct_convolution"]),
}


@pytest.mark.parametrize(("shape", "options", "expected"), SUITED.values(), ids=SUITED)
def test_suited_convolutions_are_replaced(called, shape, options, expected):
    x, w = problem(shape, 256, torch.float32)
    plain = functional.conv2d(x, w, **options)
    with FasterConvolutions():
        ours = functional.conv2d(x, w, **options)
    assert called == expected
    torch.testing.assert_close(ours, plain, rtol=0, atol=2e-5)
    functional.conv2d(x, w, **options)
    assert called == expected  # not after the block


def test_modules_are_replaced_with_and_without_gradients(called):
    x, _ = problem((8, 256, 16, 16), 256, torch.float32)
    layer = nn.Conv2d(256, 256, 3, padding=1, bias=False)
    with FasterConvolutions():
        recorded = layer(x)
        with torch.no_grad():
            plain = layer(x)
        with torch.inference_mode():
            bare = layer(x)
    assert called == ["winograd_convolution"] * 3
    assert recorded.requires_grad
    assert torch.equal(recorded, plain)
    assert torch.equal(recorded, bare)


OTHERS = {
    "bias": lambda x, w: functional.conv2d(x, w, torch.ones(len(w)), padding=1),
    "no padding": lambda x, w: functional.conv2d(x, w),
    "padding by name": lambda x, w: functional.conv2d(x, w, padding="same"),
    "padding of one axis": lambda x, w: functional.conv2d(x, w, padding=(1, 0)),
    "stride 3": lambda x, w: functional.conv2d(x, w, stride=3, padding=1),
    "stride of one axis": lambda x, w: functional.conv2d(x, w, stride=(1, 2), padding=1),
    "stride 2 of large images": lambda x, w: functional.conv2d(x, w, stride=2, padding=1),
    "dilation": lambda x, w: functional.conv2d(x, w, padding=1, dilation=2),
    "groups": lambda x, w: functional.conv2d(x, w[:, :128], padding=1, groups=2),
    "1 × 1": lambda x, w: functional.conv2d(x, w[:, :, :1, :1].contiguous(), padding=1),
    "few channels": lambda x, w: functional.conv2d(x[:, :255], w[:, :255], padding=1),
    "few outputs": lambda x, w: functional.conv2d(x, w[:255], padding=1),
    "few images": lambda x, w: functional.conv2d(x[:1], w, padding=1),
    "one image without batch": lambda x, w: functional.conv2d(x[0], w, padding=1),
    "float64": lambda x, w: functional.conv2d(x.double(), w.double(), padding=1),
    "transposed": lambda x, w: functional.conv_transpose2d(x, w, padding=1),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_other_convolutions_stay_as_they_are_bit_by_bit(called, other):
    x, w = problem((2, 256, 20, 36), 256, torch.float32)
    with torch.no_grad():
        plain = other(x, w)
        with FasterConvolutions():
            assert torch.equal(other(x, w), plain)
    assert called == []


def test_convolutions_under_autocast_stay_as_they_are(called):
    x, w = problem((8, 256, 16, 16), 256, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        plain = functional.conv2d(x, w, padding=1)
        with FasterConvolutions():
            ours = functional.conv2d(x, w, padding=1)
    assert ours.dtype == torch.bfloat16
    assert torch.equal(ours, plain)
    assert called == []


def test_what_torch_refuses_is_refused_in_its_words():
    x, w = problem((8, 256, 16, 16), 256, torch.float32)
    with FasterConvolutions(), pytest.raises(RuntimeError, match="expected input"):
        functional.conv2d(x[:, :200], w, padding=1)


def step_of(inside):
    """Loss of a step of a small CORnet-S, and its weights after it."""
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(4, 3, 64, 64, generator=generator)
    labels = torch.randint(1000, (4,), generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = CORnetS(4)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    before = {name: one.detach().clone() for name, one in network.named_parameters()}
    with inside:
        loss = functional.cross_entropy(network(images), labels)
    loss.backward()
    optimiser.step()
    return loss.item(), {name: one.detach() - before[name] for name, one in network.named_parameters()}


def test_a_network_learns_the_same(narrow_too, called):
    loss, changes = step_of(FasterConvolutions())
    assert called.count("winograd_convolution") == 6
    assert called.count("direct_convolution") == 3
    expected_loss, expected = step_of(nullcontext())
    assert len(called) == 9
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    for name, change in expected.items():
        assert change.norm() > 0, name
        assert (changes[name] - change).norm() < 1e-4 * change.norm(), name
