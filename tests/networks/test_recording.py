import pytest
import torch
from torch import nn

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.recording import find_layer, recorded_layers


def chain() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 5), nn.Tanh()))


def test_recorded_features_are_the_layers_outputs_with_their_gradients() -> None:
    network, inputs = chain(), torch.randn(2, 3)
    with recorded_layers(network, ["0", "1.0"]) as features:
        network(inputs)
    assert torch.equal(features["0"], network[0](inputs))
    assert torch.equal(features["1.0"], network[1][0](network[0](inputs)))
    features["1.0"].sum().backward()
    assert network[0].weight.grad is not None


def test_nothing_is_recorded_after_the_block_or_after_an_error() -> None:
    network = chain()
    with recorded_layers(network, ["0"]) as features:
        pass
    network(torch.ones(1, 3))
    assert features == {}
    with pytest.raises(BadInputError, match="no layer '9'"), recorded_layers(network, ["0", "9"]):
        pass
    assert not any(module._forward_hooks for module in network.modules())


def test_an_unknown_layer_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(BadInputError, match=r"Sequential has no layer '1\.00'; the nearest are 1\.0"):
        find_layer(chain(), "1.00")
