"""The generation module: brain signals from the features of several layers.

Lu et al., ReAlnet, arXiv 2401.17231, §2.3.
"""

from collections.abc import Iterable, Mapping
from math import prod

import torch
from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.recording import recorded_layers


def module_name(layer: str) -> str:
    """Name the head's submodule for a layer: `V1` becomes `fc_v1` and `visual.layer1` becomes `fc_visual_layer1`."""
    return "fc_" + layer.lower().replace(".", "_")


class GenerationHead(nn.Module):
    """Linear read-out of brain signals from layers.

    With F_l the flattened features of layer l and ‖ concatenation over the layers:

        S = fc( ‖_l relu(fc_l(F_l)) ),     fc_l: in_features[l] → hidden,     fc: hidden · n_layers → n_signals

    For CORnet-S the submodules are fc_v1, fc_v2, fc_v4, fc_it and fc, as in published ReAlnet checkpoints.

    Parameters
    ----------
    in_features : mapping of str to int
        Layer name to its number of features an image, in the order of concatenation.
    n_signals : int
        Signals an image: channels × samples (EEG: 17 × 20 = 340) or components (fMRI: 1024).
    hidden : int
        Width of each layer's projection.

    Raises
    ------
    BadInputError
        No layer, a size below 1, or two layers whose submodules would have the same name.
    """

    def __init__(self, in_features: Mapping[str, int], n_signals: int, hidden: int = 128) -> None:
        super().__init__()
        _check_sizes(in_features, n_signals, hidden)
        self.in_features = dict(in_features)
        self.n_signals = n_signals
        for layer, size in self.in_features.items():
            self.add_module(module_name(layer), nn.Linear(size, hidden))
        self.fc = nn.Linear(hidden * len(self.in_features), n_signals)

    @classmethod
    def for_backbone(
        cls, backbone: nn.Module, layers: Iterable[str], n_signals: int, input_size: int = 224, hidden: int = 128
    ) -> "GenerationHead":
        """Build a head whose sizes are measured on a backbone; see `measure_layers`."""
        return cls(measure_layers(backbone, layers, input_size), n_signals, hidden)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Generate signals.

        Parameters
        ----------
        features : mapping of str to Tensor, each of shape (n, …)
            Every layer of `in_features`; further layers are ignored.

        Returns
        -------
        Tensor, shape (n, n_signals)
            In the units of the training signals (z-scored).

        Raises
        ------
        BadInputError
            A layer is missing, has another number of features, or holds another number of images.
        """
        _check_features(features, self.in_features)
        hidden = [
            torch.relu(self.get_submodule(module_name(layer))(features[layer].flatten(1))) for layer in self.in_features
        ]
        return self.fc(torch.cat(hidden, dim=1))


def measure_layers(backbone: nn.Module, layers: Iterable[str], input_size: int = 224) -> dict[str, int]:
    """Count the features an image that layers put out, by one forward pass of zeros.

    The pass runs in evaluation mode without gradients, so batch norm statistics stay as they are; every module gets
    its own training mode back.

    Parameters
    ----------
    backbone : nn.Module
        Takes images of shape (n, 3, input_size, input_size).
    layers : iterable of str
        Dotted module names.
    input_size : int
        Side of the images, in pixels.

    Returns
    -------
    dict of str to int
        In the order of `layers`.

    Raises
    ------
    BadInputError
        A layer does not exist, did not run, or puts out something other than one tensor of shape (n, …).
    """
    layers = list(layers)
    modes = {module: module.training for module in backbone.modules()}
    like = next(backbone.parameters(), torch.zeros(()))
    image = torch.zeros(1, 3, input_size, input_size, device=like.device, dtype=like.dtype)
    try:
        backbone.eval()
        with torch.no_grad(), recorded_layers(backbone, layers) as features:
            _run(backbone, image)
    finally:
        for module, training in modes.items():
            module.training = training
    for layer in layers:
        if layer not in features:
            raise BadInputError(
                f"layer {layer!r} did not run in the forward pass: choose a layer that the network uses"
            )
        if features[layer].ndim < 2 or len(features[layer]) != 1:
            raise BadInputError(
                f"layer {layer!r} puts out shape {tuple(features[layer].shape)} for one image, expected (1, …): "
                "choose a layer whose first axis is images"
            )
    return {layer: prod(features[layer].shape[1:]) for layer in layers}


def _run(backbone: nn.Module, image: Tensor) -> None:
    try:
        backbone(image)
    except (AssertionError, RuntimeError, ValueError) as error:
        size = tuple(image.shape[2:])
        raise BadInputError(
            f"{type(backbone).__name__} takes no images of {size[0]} × {size[1]} pixels ({error}): give the image size "
            "that it was made for"
        ) from error


def _check_sizes(in_features: Mapping[str, int], n_signals: int, hidden: int) -> None:
    if not in_features:
        raise BadInputError("got no layer, expected at least one: name the layers whose features generate the signals")
    sizes = {f"in_features[{layer!r}]": size for layer, size in in_features.items()}
    for name, size in {**sizes, "n_signals": n_signals, "hidden": hidden}.items():
        if size < 1:
            raise BadInputError(f"{name} is {size}, expected at least 1")
    owners: dict[str, str] = {}
    for layer in in_features:
        other = owners.setdefault(module_name(layer), layer)
        if other != layer:
            raise BadInputError(
                f"layers {other!r} and {layer!r} would both be called {module_name(layer)!r} in the head: drop one"
            )


def _check_features(features: Mapping[str, Tensor], in_features: Mapping[str, int]) -> None:
    missing = [layer for layer in in_features if layer not in features]
    if missing:
        raise BadInputError(
            f"features of layer {missing[0]!r} are missing: got {', '.join(features) or 'none'}, "
            f"expected {', '.join(in_features)}; record every layer that the head was built for"
        )
    n_images = len(features[next(iter(in_features))])
    for layer, size in in_features.items():
        shape = tuple(features[layer].shape)
        if len(shape) < 2 or prod(shape[1:]) != size:
            raise BadInputError(
                f"layer {layer!r} has {prod(shape[1:])} features an image (shape {shape}), expected {size}: "
                "use images of the size that the head was built for, or build it with that input_size"
            )
        if shape[0] != n_images:
            raise BadInputError(
                f"layer {layer!r} holds {shape[0]} images, the first layer {n_images}: pass features of one batch"
            )
