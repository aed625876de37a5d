import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from brainscore_realnet.errors import BadFileError
from brainscore_realnet.networks.checkpoint_forms import check_weights, join_state_dict, published_form
from brainscore_realnet.networks.checkpoints import split_state_dict
from brainscore_realnet.networks.generation_head import GenerationHead


def network():
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 4))


def head():
    return GenerationHead({"0": 8, "3": 4}, n_signals=6, hidden=5)


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


NAMES = st.dictionaries(
    st.sampled_from(["V1.a", "fc.weight", "module.b", "layer1.0.c", "norm.d"]), st.just(torch.ones(1))
)
HEADS = st.dictionaries(st.sampled_from(["fc_v1.weight", "fc_it.bias"]), st.just(torch.zeros(2)))


@given(NAMES.filter(len), HEADS)
def test_splitting_gives_back_what_was_joined(backbone, head):
    head = {**head, "fc.bias": torch.zeros(3)} if head else {}
    assume(head or not all(name.startswith("module.") for name in backbone))  # DataParallel's prefix is not kept
    for form in (join_state_dict(backbone, head), published_form(backbone, head)):
        found, found_head = split_state_dict(form)
        assert same(found, backbone)
        assert same(found_head, head)


def test_with_a_head_the_form_is_that_of_published_realnets():
    form = published_form({"V1.conv1.weight": torch.ones(1)}, {"fc_v1.weight": torch.ones(2), "fc.bias": torch.ones(3)})
    assert list(form) == ["realnet.module.V1.conv1.weight", "fc_v1.weight", "fc.bias"]


def test_without_a_head_the_form_is_that_of_published_cornets():
    form = published_form({"V1.conv1.weight": torch.ones(1)}, {})
    assert {key: list(value) for key, value in form.items()} == {"state_dict": ["module.V1.conv1.weight"]}


def test_the_head_comes_back_with_its_sizes_its_weights_and_the_networks_order_of_layers():
    torch.manual_seed(0)
    original = head()
    state = original.state_dict()
    shuffled = {name: state[name] for name in sorted(state, reverse=True)}
    found = check_weights(network, network().state_dict(), shuffled)
    assert list(found.in_features.items()) == [("0", 8), ("3", 4)]
    assert found.n_signals == 6
    features = {"0": torch.randn(2, 8), "3": torch.randn(2, 4)}
    assert torch.equal(found(features), original(features))


def test_several_subjects_heads_come_back_and_each_is_checked():
    torch.manual_seed(0)
    heads = {who: head() for who in ("sub-01", "sub-02")}
    state = {f"{who}.{name}": value for who, one in heads.items() for name, value in one.state_dict().items()}
    trunk = network().state_dict()
    backbone, found = split_state_dict(join_state_dict(trunk, state))
    assert same(found, state)
    assert same(backbone, trunk)
    first = check_weights(network, backbone, found)
    features = {"0": torch.randn(2, 8), "3": torch.randn(2, 4)}
    assert torch.equal(first(features), heads["sub-01"](features))
    found.pop("sub-02.fc_3.bias")
    with pytest.raises(BadFileError, match=r"1 missing \(fc_3\.bias\)"):
        check_weights(network, backbone, found)


def test_a_backbone_alone_has_no_head():
    assert check_weights(network, network().state_dict(), {}) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("fc_0.weight"), r"nothing under 'fc_0\.weight', expected a matrix"),
        (lambda w: w.pop("fc.weight"), r"nothing under 'fc\.weight'"),
        (lambda w: w.pop("fc_3.bias"), r"GenerationHead: 1 missing \(fc_3\.bias\)"),
        (
            lambda w: w.update({"fc_7.weight": torch.ones(5, 4)}),
            r"'fc_7' reads no layer of Sequential.*fc_0, fc_1, fc_2",
        ),
        (lambda w: w.update({"fc_0.weight": torch.ones(5)}), r"shape \(5,\) under 'fc_0\.weight'"),
        (lambda w: w.update({"fc_0.weight": torch.ones(0, 8)}), r"shape \(0, 8\)"),
        (
            lambda w: w.update({"fc_3.weight": torch.ones(7, 4)}),
            r"1 of another shape \(fc_3\.weight \(7, 4\) instead of \(5",
        ),
        (lambda w: w.update({"fc.weight": torch.ones(6, 9)}), r"fc\.weight \(6, 9\) instead of \(6, 10\)"),
        (lambda w: w.update({"fc_0.gain": torch.ones(1)}), r"1 unexpected \(fc_0\.gain\)"),
        (lambda w: w["fc_0.bias"].fill_(torch.inf), r"NaN or infinite values in 1 entries \(fc_0\.bias\)"),
        (lambda w: [w.pop(name) for name in list(w) if name.startswith("fc_")], "the head has fc alone"),
    ],
)
def test_a_head_that_does_not_fit_is_refused_by_name(change, told):
    state = head().state_dict()
    change(state)
    with pytest.raises(BadFileError, match=told):
        check_weights(network, network().state_dict(), state)
