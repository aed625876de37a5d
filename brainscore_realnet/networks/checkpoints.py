"""Reading files of weights without running code, and telling backbone from head in them."""

import pickle
import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from brainscore_realnet.errors import BadFileError, MissingDataError, UnsafeFileError

# Training scripts leave NumPy numbers (a learning rate, an accuracy) beside the weights; rebuilding one runs no code.
_REBUILD_SCALAR = np.float64(0).__reduce__()[0]
_NUMPY_SCALARS: list[Any] = [
    (_REBUILD_SCALAR, "numpy.core.multiarray.scalar"),
    (_REBUILD_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32", "bool")),
]


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a file of weights onto the CPU; code in the file is never run.

    Parameters
    ----------
    path : str or Path
        `.safetensors`, or anything that `torch.save` wrote (zip or the format before torch 1.6).

    Returns
    -------
    dict
        As stored: a state dict, or a dict that holds one under `state_dict`; see `split_state_dict`.

    Raises
    ------
    MissingDataError
        No such file.
    UnsafeFileError
        The file wants to call something other than tensors and plain values when it is read.
    BadFileError
        Truncated, not a checkpoint, not a dict, or a TorchScript archive.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"{path} is not a file: check the path, or download the weights again")
    if path.suffix == ".safetensors":
        try:
            return load_file(path, device="cpu")
        except (SafetensorError, OSError, ValueError) as error:
            raise _unreadable(path, "a safetensors file", error) from error
    if is_torchscript(path):
        raise BadFileError(
            f"{path} is a TorchScript archive, expected a state dict: save the state_dict of its network"
        )
    try:
        with torch.serialization.safe_globals(_NUMPY_SCALARS):
            content = torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        foreign = _foreign_global(path, str(error))
        if foreign:
            raise UnsafeFileError(
                f"{path} asks to call {foreign} when it is read; nothing of it was run. Expected tensors and plain "
                "values only: where you trust it, save its state_dict with safetensors, and give that file"
            ) from error
        raise _unreadable(path, "a torch checkpoint", error) from error
    except Exception as error:  # damaged bytes can lead an unpickler to any of them
        raise _unreadable(path, "a torch checkpoint", error) from error
    if not isinstance(content, dict):
        raise BadFileError(f"{path} holds a {type(content).__name__}, expected a dict of tensors: save a state_dict")
    return content


def is_torchscript(path: str | Path) -> bool:
    """Tell whether a file is a TorchScript archive: a zip with constants beside the data."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _foreign_global(path: Path, message: str) -> str | None:
    named = re.search(r"GLOBAL (\S+)|[Uu]nsupported (?:class|function|global)s? (\S+)", message)
    if named:
        return next(name for name in named.groups() if name).rstrip(".,:")
    # torch does not get as far as the name in what pickle itself wrote (protocol 3 and later).
    return next(
        (name for name in _pickled_globals(path) if not name.startswith(("collections.", "torch._utils"))), None
    )


def _pickled_globals(path: Path) -> list[str]:
    found: list[str] = []
    strings: list[str] = []
    try:
        with path.open("rb") as file:
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name == "GLOBAL":
                    found.append(str(argument).replace(" ", "."))
                elif opcode.name == "STACK_GLOBAL":
                    found.append(".".join(strings[-2:]))
                elif "UNICODE" in opcode.name:
                    strings.append(str(argument))
    except ValueError:  # the file is no pickle, or ends early: what was found so far counts
        pass
    return found


def _unreadable(path: Path, expected: str, error: Exception) -> BadFileError:
    # torch's own advice, to read the file with code execution allowed, is not passed on.
    reason = str(error).partition("WeightsUnpickler error:")[2] or str(error)
    reason = reason.strip().partition("\n")[0].partition(". ")[0] or type(error).__name__
    if "weights_only" in reason or "Weights only load failed" in reason:
        reason = "its content is not that of one"
    return BadFileError(
        f"{path} ({path.stat().st_size} bytes) cannot be read as {expected} ({reason}): "
        "it may be truncated or of another format; download it again"
    )


def split_state_dict(state_dict: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Split weights into those of the backbone and those of the generation head, both under plain names.

    Understood are published CORnet-S checkpoints (`state_dict` → `module.V1…`), ReAlnet checkpoints (backbone under
    `realnet.` or `realnet.module.`, head as `fc_v1.weight` … `fc.bias`, all of it with or without `module.` in front)
    and plain state dicts. `module.` is what `DataParallel` puts in front of every name; it is dropped only where every
    name has it. A model across subjects has a head for each: `sub-01.fc_v1.weight`. A top-level `fc` belongs to the
    head if there are `fc_…` or `realnet.…` names beside it, and is the backbone's classifier (ResNet) otherwise.

    Parameters
    ----------
    state_dict : mapping of str to Tensor, or a mapping that holds one under `state_dict`

    Returns
    -------
    backbone, head : dict of str to Tensor
        The head is empty when there is none. Tensors are shared with the input.

    Raises
    ------
    BadFileError
        Empty, not a mapping, or with entries that are no tensors.
    """
    weights = _without_prefix(_tensors(state_dict), "module.")
    inner = {name: value for name, value in weights.items() if name.startswith("realnet.")}
    if inner:
        head = {name: value for name, value in weights.items() if name not in inner}
        strangers = [name for name in head if not _is_head(name)]
        if strangers:
            raise BadFileError(
                f"{strangers[0]!r} stands beside the backbone `realnet.…`, expected only the head fc_… and fc: "
                "give a ReAlnet checkpoint, or the state_dict of a backbone alone"
            )
        return _without_prefix(_without_prefix(inner, "realnet."), "module."), head
    # timm has a norm before its classifier that it calls fc_norm
    if not any(name.startswith("fc_") and not name.startswith("fc_norm.") for name in weights):
        return weights, {}
    head = {name: value for name, value in weights.items() if _is_head(name)}
    return {name: value for name, value in weights.items() if name not in head}, head


def _is_head(name: str) -> bool:
    return re.match(r"(sub-\d+\.)?fc[_.]", name) is not None


def _without_prefix(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    if all(name.startswith(prefix) for name in weights):
        return {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _tensors(state_dict: Any) -> dict[str, Tensor]:
    if isinstance(state_dict, Mapping) and isinstance(state_dict.get("state_dict"), Mapping):
        state_dict = state_dict["state_dict"]
    if not isinstance(state_dict, Mapping) or not state_dict:
        got = "an empty dict" if isinstance(state_dict, Mapping) else f"a {type(state_dict).__name__}"
        raise BadFileError(f"got {got}, expected a state dict of tensors: give what network.state_dict() returns")
    for name, value in state_dict.items():
        if not isinstance(value, Tensor):
            raise BadFileError(
                f"entry {name!r} is a {type(value).__name__}, expected a tensor: give the state dict alone, "
                "or a dict that holds it under 'state_dict'"
            )
    return dict(state_dict)


def read_backbone(path: str | Path) -> dict[str, Tensor]:
    """Read the backbone's weights from a file; raises as `read_checkpoint` and `split_state_dict` do."""
    return split_state_dict(read_checkpoint(path))[0]


def load_backbone(network: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Load weights strictly into a network, or leave it as it is.

    Batch norms' `num_batches_tracked`, which checkpoints before torch 0.4.1 lack and which no forward pass reads,
    may be missing.

    Raises
    ------
    BadFileError
        Missing or unexpected names, other shapes, or values that are not finite; the first of each kind are named.
    """
    expected = network.state_dict()
    missing = [name for name in expected if name not in state_dict and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state_dict if name not in expected]
    reshaped = [
        f"{name} {tuple(value.shape)} instead of {tuple(expected[name].shape)}"
        for name, value in state_dict.items()
        if name in expected and value.shape != expected[name].shape
    ]
    faults = {"missing": missing, "unexpected": unexpected, "of another shape": reshaped}
    told = [f"{len(names)} {kind} ({_first(names)})" for kind, names in faults.items() if names]
    if told:
        raise BadFileError(
            f"the weights do not fit {type(network).__name__}: {'; '.join(told)}: "
            "give weights of this architecture, or name the backbone that they belong to"
        )
    broken = [name for name, value in state_dict.items() if not torch.isfinite(value).all()]
    if broken:
        raise BadFileError(
            f"the weights hold NaN or infinite values in {len(broken)} entries ({_first(broken)}), expected finite "
            "numbers: download or train them again"
        )
    # Without the `_metadata` of an OrderedDict torch fills in a missing num_batches_tracked.
    network.load_state_dict(dict(state_dict), strict=True)


def _first(names: list[str], n: int = 3) -> str:
    return ", ".join(names[:n]) + (", …" if len(names) > n else "")
