import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

K92_VECTORS = Path(__file__).parents[1] / "data" / "k92" / "kriegeskorte2008_mIT_hIT_vectors.npz"


@pytest.fixture(scope="session")
def random_rdms() -> Callable[..., np.ndarray]:
    """Symmetric matrices of positive numbers with a zero diagonal, of any leading shape."""

    def make(seed: int, *shape: int, n: int = 7) -> np.ndarray:
        upper = np.triu(np.random.default_rng(seed).uniform(0.1, 2, (*shape, n, n)), 1)
        return upper + np.swapaxes(upper, -2, -1)

    return make


@pytest.fixture(scope="session")
def assembly_of() -> Callable[[np.ndarray], object]:
    """A Brain-Score assembly of (presentation, neuroid) features."""
    from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly

    def make(features: np.ndarray) -> NeuroidAssembly:
        n, d = features.shape
        return NeuroidAssembly(
            features,
            coords={
                "stimulus_id": ("presentation", [f"image{i:02d}" for i in range(n)]),
                "object_name": ("presentation", ["object"] * n),
                "neuroid_id": ("neuroid", np.arange(d)),
                "region": ("neuroid", ["IT"] * d),
                "site": ("neuroid", np.arange(d)),
            },
            dims=["presentation", "neuroid"],
        )

    return make


@pytest.fixture(scope="session")
def k92_vectors() -> np.lib.npyio.NpzFile:
    """Measured dissimilarities of monkey and human IT for 92 images (Kriegeskorte et al. 2008)."""
    return np.load(K92_VECTORS, allow_pickle=False)


@pytest.fixture(scope="session")
def rsatoolbox() -> ModuleType:
    """Import rsatoolbox with its noise ceilings, once and only when a test needs them."""
    importlib.import_module("rsatoolbox.inference.noise_ceiling")
    return importlib.import_module("rsatoolbox")
