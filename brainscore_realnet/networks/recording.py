"""Keeping the outputs of named layers while a network runs."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError


def find_layer(network: nn.Module, name: str) -> nn.Module:
    """Return the submodule of that dotted name.

    Raises
    ------
    BadInputError
        The network has no such layer; the nearest names are given.
    """
    layers = dict(network.named_modules())
    if not name or name not in layers:
        named = [layer for layer in layers if layer]
        near = difflib.get_close_matches(name, named, n=3, cutoff=0.3) or named[:5]
        raise BadInputError(
            f"{type(network).__name__} has no layer {name!r}; the nearest are {', '.join(near) or 'none'}: "
            "name a layer from network.named_modules()"
        )
    return layers[name]


@contextmanager
def recorded_layers(network: nn.Module, layers: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Record layers during the forward passes that run inside the `with` block.

    Gradients flow through what is recorded. A layer that runs several times leaves its last output.

    Parameters
    ----------
    network : nn.Module
    layers : iterable of str
        Dotted module names.

    Yields
    ------
    dict of str to Tensor
        Filled by each forward pass; shape (n, …) as the layer puts it out. A layer that did not run is not in it.

    Raises
    ------
    BadInputError
        A layer does not exist or puts out something other than one tensor.
    """
    features: dict[str, Tensor] = {}
    handles = []

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if not isinstance(output, Tensor):
                raise BadInputError(
                    f"layer {name!r} puts out a {type(output).__name__}, expected one tensor: record a layer inside it"
                )
            features[name] = output

        return hook

    try:
        for name in layers:
            handles.append(find_layer(network, name).register_forward_hook(keep(name)))
        yield features
    finally:
        for handle in handles:
            handle.remove()
