import ast
import copy
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from brainscore_realnet.networks import cornet_s
from brainscore_realnet.networks.cornet_s import AREAS, CORnetS

CHANNELS = {"V2": (64, 128, 2), "V4": (128, 256, 4), "IT": (256, 512, 2)}


def norm_shapes(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    vectors = {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {**vectors, f"{name}.num_batches_tracked": ()}


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published checkpoint, without `module.`, in its order."""
    shapes = {"V1.conv1.weight": (64, 3, 7, 7), **norm_shapes("V1.norm1", 64)}
    shapes |= {"V1.conv2.weight": (64, 64, 3, 3), **norm_shapes("V1.norm2", 64)}
    for area, (before, after, times) in CHANNELS.items():
        shapes[f"{area}.conv_input.weight"] = (after, before, 1, 1)
        shapes[f"{area}.skip.weight"] = (after, after, 1, 1)
        shapes |= norm_shapes(f"{area}.norm_skip", after)
        shapes[f"{area}.conv1.weight"] = (4 * after, after, 1, 1)
        shapes[f"{area}.conv2.weight"] = (4 * after, 4 * after, 3, 3)
        shapes[f"{area}.conv3.weight"] = (after, 4 * after, 1, 1)
        for t in range(times):
            shapes |= norm_shapes(f"{area}.norm1_{t}", 4 * after)
            shapes |= norm_shapes(f"{area}.norm2_{t}", 4 * after)
            shapes |= norm_shapes(f"{area}.norm3_{t}", after)
    return {**shapes, "decoder.linear.weight": (1000, 512), "decoder.linear.bias": (1000,)}


def literal_forward(weights: dict[str, Tensor], images: Tensor, training: bool) -> dict[str, Tensor]:
    """CORnet-S written out step by step on a state dict; running statistics of `weights` stay as they are."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, var = weights[f"{name}.running_mean"].clone(), weights[f"{name}.running_var"].clone()
        return functional.batch_norm(x, mean, var, weights[f"{name}.weight"], weights[f"{name}.bias"], training)

    def conv(x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        return functional.conv2d(x, weights[f"{name}.weight"], stride=stride, padding=padding)

    outputs = {}
    x = functional.relu(norm(conv(images, "V1.conv1", stride=2, padding=3), "V1.norm1"))
    x = functional.max_pool2d(x, 3, stride=2, padding=1)
    outputs["V1"] = x = functional.relu(norm(conv(x, "V1.conv2", padding=1), "V1.norm2"))
    for area, (_, _, times) in CHANNELS.items():
        x = conv(x, f"{area}.conv_input")
        for t in range(times):
            if t == 0:
                skip, stride = norm(conv(x, f"{area}.skip", stride=2), f"{area}.norm_skip"), 2
            else:
                skip, stride = x, 1
            x = functional.relu(norm(conv(x, f"{area}.conv1"), f"{area}.norm1_{t}"))
            x = functional.relu(norm(conv(x, f"{area}.conv2", stride=stride, padding=1), f"{area}.norm2_{t}"))
            x = functional.relu(norm(conv(x, f"{area}.conv3"), f"{area}.norm3_{t}") + skip)
        outputs[area] = x
    pooled = x.mean(dim=(2, 3))
    outputs["decoder"] = pooled @ weights["decoder.linear.weight"].T + weights["decoder.linear.bias"]
    return outputs


@pytest.fixture(scope="module")
def network() -> CORnetS:
    """A network in evaluation mode whose batch norms are not the identity."""
    torch.manual_seed(3)
    network = CORnetS()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
            module.running_mean.normal_(0.0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.randn(3, 3, 48, 48, generator=torch.Generator().manual_seed(4))


def test_state_dict_has_the_published_names_and_shapes_in_the_published_order(network: CORnetS) -> None:
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert list(shapes.items()) == list(published_shapes().items())


def test_parameters_number_53_416_616(network: CORnetS) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == 53_416_616


def test_children_are_the_areas_and_the_decoder(network: CORnetS) -> None:
    assert [name for name, _ in network.named_children()] == [*AREAS, "decoder"]


@pytest.mark.parametrize("training", [False, True])
def test_areas_and_logits_equal_the_literal_computation(network: CORnetS, images: Tensor, training: bool) -> None:
    images = images[:2].double()
    double = copy.deepcopy(network).double().train(training)
    expected = literal_forward({name: value.clone() for name, value in double.state_dict().items()}, images, training)
    seen: dict[str, Tensor] = {}
    for name in [*AREAS, "decoder"]:
        getattr(double, name).register_forward_hook(lambda _m, _i, output, name=name: seen.update({name: output}))
    with torch.no_grad():
        logits = double(images)
    for name, value in expected.items():
        torch.testing.assert_close(seen[name], value, rtol=1e-9, atol=1e-9)
    assert torch.equal(logits, seen["decoder"])


def test_gradient_reaches_every_parameter(images: Tensor) -> None:
    network = CORnetS()
    network(images[:2]).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 1e-5)])
def test_evaluation_does_not_depend_on_the_batch(
    network: CORnetS, images: Tensor, dtype: torch.dtype, tolerance: float
) -> None:
    # In float32 convolution kernels for one image and for several round differently: 1e-6 of the largest logit.
    network, images = copy.deepcopy(network).to(dtype), images.to(dtype)
    with torch.no_grad():
        together, again = network(images), network(images)
        alone = torch.cat([network(image[None]) for image in images])
    assert torch.equal(together, again)
    assert (together - alone).abs().max() <= tolerance * together.abs().max()


def test_nothing_that_a_hook_received_changes_afterwards(network: CORnetS, images: Tensor) -> None:
    kept: list[tuple[str, Tensor, Tensor]] = []
    handles = [
        module.register_forward_hook(lambda _m, _i, output, name=name: kept.append((name, output, output.clone())))
        for name, module in network.named_modules()
    ]
    try:
        with torch.no_grad():
            network(images[:1])
    finally:
        for handle in handles:
            handle.remove()
    assert len(kept) > 60
    assert [name for name, output, copy in kept if not torch.equal(output, copy)] == []


def test_no_convolution_is_changed_while_the_network_runs(network: CORnetS, images: Tensor) -> None:
    def settings() -> dict[str, tuple]:
        convolutions = {name: m for name, m in network.named_modules() if isinstance(m, nn.Conv2d)}
        return {name: (m.stride, m.padding, m.kernel_size, m.dilation) for name, m in convolutions.items()}

    before, during = settings(), []
    handles = [m.register_forward_hook(lambda *_: during.append(settings())) for m in network.modules()]
    try:
        with torch.no_grad():
            network(images[:1])
    finally:
        for handle in handles:
            handle.remove()
    assert during
    assert all(now == before for now in during)


def test_shared_convolution_is_called_once_a_step_with_stride_2_first(network: CORnetS, images: Tensor) -> None:
    sides: list[int] = []
    handle = network.V4.conv2.register_forward_hook(lambda _m, _i, output: sides.append(output.shape[-1]))
    with torch.no_grad():
        network(images[:1])
    handle.remove()
    assert sides == [3, 3, 3, 3]


def test_convolutions_start_with_he_normal_weights_by_fan_out_and_batch_norms_as_identity() -> None:
    torch.manual_seed(0)
    for name, module in CORnetS().named_modules():
        if isinstance(module, nn.Conv2d):
            count = module.weight.numel()
            std = math.sqrt(2 / (module.weight.shape[2] * module.weight.shape[3] * module.weight.shape[0]))
            assert abs(module.weight.std().item() / std - 1) < 6 / math.sqrt(2 * count), name
            assert abs(module.weight.mean().item()) < 6 * std / math.sqrt(count), name
        elif isinstance(module, nn.BatchNorm2d):
            assert torch.equal(module.weight, torch.ones_like(module.weight)), name
            assert torch.equal(module.bias, torch.zeros_like(module.bias)), name


def test_graph_is_traced_in_one_piece_and_computes_the_same(network: CORnetS, images: Tensor) -> None:
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    with torch.no_grad():
        assert torch.equal(compiled(images[:1]), network(images[:1]))


def test_module_imports_nothing_but_torch_and_the_standard_library() -> None:
    tree = ast.parse(Path(cornet_s.__file__).read_text(encoding="utf-8"))
    roots = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    roots |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert roots == {"math", "collections", "torch"}
