"""Which software and machine made something: what every record and model card says."""

import importlib.metadata
import platform

PACKAGES = (
    "brainscore_realnet",
    "brainscore_vision",
    "brainscore-core",
    "numba",
    "numpy",
    "open_clip_torch",
    "pillow",
    "scikit-learn",
    "scipy",
    "timm",
    "torch",
    "torchvision",
)


def versions() -> dict[str, str | None]:
    """Give the versions of the packages that numbers depend on, and of Python; None for one that is not installed."""
    return {name: _version(name) for name in PACKAGES} | {"python": platform.python_version()}


def machine() -> dict[str, str]:
    """Give the operating system and the processor's architecture; no name of the computer."""
    return {"system": platform.system(), "processor": platform.machine()}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
