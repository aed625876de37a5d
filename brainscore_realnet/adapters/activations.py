"""Activations of a torch network for Brain-Score: every committed area in one forward pass.

Brain-Score records one area after the other and its stock wrapper runs the network once for each. This wrapper extracts
all committed layers together, in batches of the size that is there, and keeps the last stimulus set's activations in
memory. They are found again by content (weights, preprocessing, pixels), never by name: a network whose weights changed
is run anew.

Only torch and Brain-Score are imported here, so that the file can travel inside a submission.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_vision.model_helpers.activations.core import ActivationsExtractorHelper, flatten
from brainscore_vision.model_helpers.activations.pytorch import PytorchWrapper

LARGEST_KEPT_BYTES = 2 * 1024**3
"""Layers of a stimulus set are kept in memory together only while they stay below this size."""

COORDINATES_OF = {
    1: ("channel",),
    2: ("channel", "embedding"),
    3: ("channel", "channel_x", "channel_y"),
    4: ("channel_temporal", "channel_x", "channel_y", "channel"),
}
"""Number of feature dimensions -> names of the neuroid coordinates, as Brain-Score names them."""

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Bytes of an element -> integers of that size."""
_ALL_COORDINATES = ("channel", "channel_x", "channel_y")
_SHIFTS = tuple(f"microsaccade_shift_{axis}_{unit}" for unit in ("pixels", "degrees") for axis in ("x", "y"))


class OnePassExtractor(ActivationsExtractorHelper):
    """Brain-Score's extractor, but one forward pass for all committed layers and no storage by name.

    Parameters
    ----------
    committed_layers : sequence of str
        Layers that are extracted together.
    fingerprint : callable returning str
        Hash of everything but the images that determines activations: weights and preprocessing.
    """

    def __init__(self, *args: Any, committed_layers: Sequence[str], fingerprint: Callable[[], str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._committed_layers = list(committed_layers)
        self._fingerprint = fingerprint
        self._kept: dict[str, dict[str, np.ndarray]] = {}
        self._bytes_of_one: dict[tuple[str, ...], int] = {}

    def from_paths(
        self,
        stimuli_paths: Sequence[str | Path],
        layers: Sequence[str] | None,
        stimuli_identifier: str | None = None,
        require_variance: bool | None = None,
    ) -> NeuroidAssembly:
        """Activations of ``layers`` (default: logits) for image files: assembly of presentation × neuroid, float32."""
        layers = list(layers) if layers is not None else ["logits"]
        paths = [str(path) for path in stimuli_paths]
        if require_variance:  # repetitions differ by microsaccades: upstream's own route, nothing to keep
            return self._from_paths(layers=layers, stimuli_paths=paths, require_variance=True)
        # Upstream's helper remembers the number of trials of an earlier call that required variance.
        self._microsaccade_helper.number_of_trials = 1
        unique_paths = self._reduce_paths(paths)
        activations = self._activations(unique_paths, layers)
        assembly = self._package({layer: activations[layer] for layer in layers}, unique_paths, require_variance=False)
        return assembly if len(unique_paths) == len(paths) else self._expand_paths(assembly, original_paths=paths)

    def _activations(self, paths: list[str], layers: list[str]) -> dict[str, np.ndarray]:
        """Layer -> (n_images, ...) activations, from memory when the same content was the last to be run."""
        if self._batch_activations_hooks:  # what they do to activations has no name to keep the result under
            return self._get_activations_batched(paths, layers, self._batch_size, require_variance=False)
        key = _content_hash(self._fingerprint(), paths)
        kept = self._kept.get(key, {})
        if not all(layer in kept for layer in layers):
            wanted = [*self._committed_layers, *(layer for layer in layers if layer not in self._committed_layers)]
            if self._bytes_of(paths, wanted) > LARGEST_KEPT_BYTES:
                return self._get_activations_batched(paths, layers, self._batch_size, require_variance=False)
            self._kept = {}  # two sets of activations need not fit into memory
            kept = self._get_activations_batched(paths, wanted, self._batch_size, require_variance=False)
            for values in kept.values():
                values.flags.writeable = False  # assemblies are views of what is kept
            self._kept = {key: kept}
        return kept

    def _bytes_of(self, paths: list[str], layers: list[str]) -> int:
        """Memory that the layers of all images would take, from the activations of the first image ever."""
        if len(paths) <= self._batch_size:
            return 0
        wanted = tuple(layers)
        if wanted not in self._bytes_of_one:
            one = self._get_batch_activations(paths[:1], layers, batch_size=1)
            self._bytes_of_one[wanted] = sum(values.nbytes for values in one.values())
        return len(paths) * self._bytes_of_one[wanted]

    def _pad(self, batch_images: Sequence[str], batch_size: int) -> tuple[Sequence[str], int]:
        """Leave batches as they are: upstream fills the last one up with copies of its last image."""
        return batch_images, 0

    def _package(
        self, layer_activations: Mapping[str, np.ndarray], stimuli_paths: Sequence[str], require_variance: bool
    ) -> NeuroidAssembly:
        """Package one layer without upstream's progress bar; several as upstream does."""
        if len(layer_activations) > 1:
            return super()._package(layer_activations, stimuli_paths, require_variance)
        ((layer, values),) = layer_activations.items()
        return self._package_layer(values, layer, stimuli_paths, require_variance)

    def _package_layer(
        self, layer_activations: np.ndarray, layer: str, stimuli_paths: Sequence[str], require_variance: bool = False
    ) -> NeuroidAssembly:
        """Package one layer as upstream does, with neuroid coordinates made by array operations."""
        if require_variance:
            return super()._package_layer(layer_activations, layer, stimuli_paths, require_variance)
        values = flatten(layer_activations)
        numbers = np.arange(values.shape[1])
        prefix = f"{self.identifier}.{layer}."
        coordinates = {
            "neuroid_num": numbers,
            "model": np.full(len(numbers), self.identifier, dtype=object),
            "layer": np.full(len(numbers), layer, dtype=object),
            **_feature_coordinates(layer_activations.shape[1:]),
            "neuroid_id": np.array([prefix + str(number) for number in numbers], dtype=object),
        }
        # Upstream's helper knows the shifts of the paths that were run, not of those whose content was.
        shifts = dict.fromkeys(_SHIFTS, ("presentation", np.zeros(len(values))))
        presentation = {"stimulus_path": ("presentation", list(stimuli_paths)), **shifts}
        neuroid = {name: ("neuroid", column) for name, column in coordinates.items()}
        return NeuroidAssembly(values, coords={**presentation, **neuroid}, dims=["presentation", "neuroid"])


class AreaActivations(PytorchWrapper):
    """A torch network as Brain-Score's activations model.

    Parameters
    ----------
    identifier : str
        The model's plugin identifier.
    model : torch.nn.Module
        Used by this wrapper alone; put into evaluation mode.
    preprocessing : callable
        Image paths -> (n, 3, height, width) float32 array.
    layers : sequence of str
        Names of the modules that are extracted in one forward pass.
    image_size : int
        Width and height of the network's input, pixels.
    origin : mapping
        Where the weights come from; shown in provenance.
    batch_size : int, optional
        Default: 64 on a GPU; 16 on the CPU, where more is no faster and takes memory.
    device : str, optional
        Default: the first CUDA device when there is one, otherwise the CPU.
    """

    def __init__(
        self,
        identifier: str,
        model: torch.nn.Module,
        preprocessing: Callable[[Sequence[str]], np.ndarray],
        layers: Sequence[str],
        image_size: int,
        origin: Mapping[str, Any],
        batch_size: int | None = None,
        device: str | None = None,
    ):
        self._model: torch.nn.Module
        self._layers = list(layers)
        self._batch_size = batch_size
        self._preprocessing_fingerprint = f"{getattr(preprocessing, 'keywords', preprocessing)}"
        # Convolutions are faster with channels last, on CPU and GPU alike.
        model = model.eval().to(memory_format=torch.channels_last)
        super().__init__(model=model, preprocessing=preprocessing, identifier=identifier)
        self.image_size = image_size
        self.origin = dict(origin)
        self._hashed: tuple[list[Any], str] = ([], "")
        self.to(device or str(self._device))

    def _build_extractor(self, *args: Any, **kwargs: Any) -> OnePassExtractor:
        return OnePassExtractor(*args, committed_layers=self._layers, fingerprint=self.fingerprint, **kwargs)

    def to(self, device: str) -> "AreaActivations":
        """Move the network to a torch device (``cpu``, ``cuda``, ``cuda:1``, …)."""
        self._device = torch.device(device)
        self._model = self._model.to(self._device)
        self._extractor._batch_size = self._batch_size or (16 if self._device.type == "cpu" else 64)
        return self

    @property
    def device(self) -> str:
        """The torch device that the network runs on."""
        return str(self._device)

    def weights_hash(self) -> str:
        """SHA-256 over names, shapes and bytes of all parameters and buffers; kept while none of them changes."""
        state = self._model.state_dict()
        marks = [_mark(tensor) for tensor in state.values()]
        if marks != self._hashed[0]:
            digest = hashlib.sha256()
            for name, tensor in state.items():
                digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
                digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
            self._hashed = marks, digest.hexdigest()
        return self._hashed[1]

    def fingerprint(self) -> str:
        """Hash of weights, device kind and preprocessing: equal ones give equal activations."""
        return _sha256(self.weights_hash(), self._device.type, self._preprocessing_fingerprint)

    def get_activations(self, images: Any, layer_names: Sequence[str]) -> Any:
        """Layer name -> activations of a batch of preprocessed images (n, 3, height, width)."""
        with torch.inference_mode(), _exact_arithmetic():
            return super().get_activations(images, layer_names)


def _mark(tensor: torch.Tensor) -> tuple[int, int, int]:
    """Tell a tensor's content from what it becomes: any write in place, and any one bit that changes, tells on it.

    Reading it once is several times cheaper than hashing it; the sum of its bits is exact in whatever order.
    """
    dense = tensor.detach()
    if not (dense.is_contiguous() or dense.is_contiguous(memory_format=torch.channels_last)):
        dense = dense.contiguous()
    flat = dense.as_strided((dense.numel(),), (1,))
    whole = 8 // flat.element_size()
    even = flat.numel() % whole == 0 and flat.storage_offset() % whole == 0
    words = flat.view(torch.int64 if even else _BITS[flat.element_size()])
    return tensor.data_ptr(), tensor._version, int(words.sum(dtype=torch.int64))


@contextmanager
def _exact_arithmetic() -> Iterator[None]:
    """Full float32 and repeatable kernels on GPUs: TF32 keeps ten bits, and scores would differ from the CPU's."""
    cudnn: Any = torch.backends.cudnn
    matmul: Any = torch.backends.cuda.matmul
    switches: list[tuple[Any, str, Any]]
    if hasattr(matmul, "fp32_precision"):  # since torch 2.9; the older switches must not be mixed with it
        switches = [(matmul, "fp32_precision", "ieee"), (cudnn.conv, "fp32_precision", "ieee")]
    else:
        switches = [(matmul, "allow_tf32", False), (cudnn, "allow_tf32", False)]
    switches.append((cudnn, "deterministic", True))
    before = [getattr(holder, name) for holder, name, _ in switches]
    try:
        for holder, name, value in switches:
            setattr(holder, name, value)
        yield
    finally:
        for (holder, name, _), value in zip(switches, before, strict=True):
            setattr(holder, name, value)


def _feature_coordinates(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Position of each flattened feature along the layer's dimensions; NaN for dimensions that it does not have."""
    names = COORDINATES_OF.get(len(shape), ())
    columns = dict(zip(names, (index.ravel() for index in np.indices(shape)), strict=True)) if names else {}
    if len(shape) == 1:
        size = shape[0]
        columns |= {name: np.full(size, np.nan) for name in _ALL_COORDINATES[1:]}
    return columns


def _content_hash(fingerprint: str, paths: Sequence[str]) -> str:
    return _sha256(fingerprint, *(_file_hash(path) for path in paths))


def _file_hash(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
