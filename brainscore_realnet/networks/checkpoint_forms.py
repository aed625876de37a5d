"""The forms in which weights are written: the inverse of `checkpoints.split_state_dict`, and the check of a head."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from brainscore_realnet.errors import BadFileError
from brainscore_realnet.networks.checkpoints import load_backbone
from brainscore_realnet.networks.generation_head import GenerationHead, module_name


def join_state_dict(backbone: Mapping[str, Tensor], head: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Join the weights of a backbone and of its generation head, as published ReAlnet checkpoints are.

    Parameters
    ----------
    backbone : mapping of str to Tensor
        Under plain names: `V1.conv1.weight`.
    head : mapping of str to Tensor
        `fc_v1.weight` … `fc.bias`, or `sub-01.fc_v1.weight` … of several subjects' heads; may be empty.

    Returns
    -------
    dict of str to Tensor
        `realnet.module.V1.conv1.weight` … `fc.bias`; without a head the backbone under plain names.
        `split_state_dict` gives both back. Tensors are shared with the input.
    """
    if not head:
        return dict(backbone)
    return {**{f"realnet.module.{name}": value for name, value in backbone.items()}, **head}


def published_form(backbone: Mapping[str, Tensor], head: Mapping[str, Tensor]) -> dict[str, Any]:
    """Lay weights out as `torch.save` is to write them.

    Returns
    -------
    dict
        With a head as `join_state_dict`, like published ReAlnet checkpoints; without, `module.V1.conv1.weight` … under
        `state_dict`, like published CORnet-S checkpoints.
    """
    if head:
        return join_state_dict(backbone, head)
    return {"state_dict": {f"module.{name}": value for name, value in backbone.items()}}


def check_weights(
    build: Callable[[], nn.Module], backbone: Mapping[str, Tensor], head: Mapping[str, Tensor]
) -> GenerationHead | None:
    """Check that weights fit a backbone, that heads beside them fit the backbone's layers, and that all are finite.

    How many features a layer has follows from the size of the images in training, which weights do not tell: the
    head's own sizes are taken, and must agree with each other.

    Parameters
    ----------
    build : callable
        Makes the network.
    backbone, head : mapping of str to Tensor
        As `split_state_dict` gives them; the head may be empty.

    Returns
    -------
    GenerationHead or None
        The head with its weights, its layers in the network's order, of several subjects' heads the first; None when
        there is none.

    Raises
    ------
    BadFileError
        Missing or unexpected names, other shapes, or values that are not finite; the first of each kind are named.
    """
    network = build()
    load_backbone(network, backbone)
    if not head:
        return None
    loaded = []
    for one in _heads(head):
        generation_head = GenerationHead(**_head_sizes(network, one))
        load_backbone(generation_head, one)
        loaded.append(generation_head)
    return loaded[0]


def _heads(head: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """Part the weights of several subjects' heads; those of a single head have no subject in front."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, value in head.items():
        subject, _, own = name.partition(".") if name.startswith("sub-") else ("", "", name)
        parts.setdefault(subject, {})[own] = value
    return [parts[subject] for subject in sorted(parts)]


def _head_sizes(network: nn.Module, head: Mapping[str, Tensor]) -> dict[str, Any]:
    """Give the arguments with which a `GenerationHead` has the sizes of these weights."""
    names = dict.fromkeys(name.rpartition(".")[0] for name in head)
    layers = {module_name(layer): layer for layer, _ in reversed(list(network.named_modules())) if layer}
    strangers = [name for name in names if name != "fc" and name not in layers]
    if strangers:
        raise BadFileError(
            f"the head's {strangers[0]!r} reads no layer of {type(network).__name__}, expected fc and such as "
            f"{', '.join(list(reversed(layers))[:3])}: name the backbone that the head belongs to"
        )
    # The order of the names in a file says nothing: safetensors sorts them.
    reading = {layers[name]: _matrix_shape(head, name) for name in reversed(layers) if name in names}
    if not reading:
        raise BadFileError("the head has fc alone, expected a layer's fc_… beside it: give all of the head, or none")
    hidden, _ = next(iter(reading.values()))
    return {
        "in_features": {layer: columns for layer, (_, columns) in reading.items()},
        "n_signals": _matrix_shape(head, "fc")[0],
        "hidden": hidden,
    }


def _matrix_shape(head: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    weight = head.get(f"{name}.weight")
    if weight is None or weight.ndim != 2 or 0 in weight.shape:
        got = "nothing" if weight is None else f"shape {tuple(weight.shape)}"
        raise BadFileError(f"the head holds {got} under '{name}.weight', expected a matrix: give the whole head")
    return weight.shape[0], weight.shape[1]
