"""Make neurora-1.1.6.npz and neurora-2.0.1.npz: simulated responses and what NeuroRA computes from them.

NeuroRA does not install beside Brain-Score. Run once for each version in an environment of its own:

    python3.11 -m venv neurora
    neurora/bin/pip install numpy scipy scikit-learn nibabel scikit-image tqdm joblib pandas
    neurora/bin/pip install --no-deps neurora==1.1.6.0
    neurora/bin/python make_golden.py
"""

import contextlib
import io
from importlib.metadata import version
from pathlib import Path

import numpy as np
from neurora.rdm_cal import eegRDM_bydecoding

SEED = 7
OPTIONS = {"time_win": 1, "time_step": 1, "navg": 5, "nfolds": 4}


def responses(n_images: int, n_trials: int, n_channels: int, n_times: int) -> np.ndarray:
    """Simulate responses (n_images, n_trials, n_channels, n_times) with differences between images that grow."""
    rng = np.random.RandomState(0)
    signal = rng.standard_normal((n_images, 1, n_channels, n_times)) * np.linspace(0, 1, n_times)
    return signal + rng.standard_normal((n_images, n_trials, n_channels, n_times))


def neurora(trials: np.ndarray, repeats: int) -> np.ndarray:
    """Let NeuroRA decode: (n_times, n_images, n_images)."""
    np.random.seed(SEED)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return eegRDM_bydecoding(trials[:, None], nrepeats=repeats, **OPTIONS)[0]


if __name__ == "__main__":
    release = version("neurora").removesuffix(".0")
    # 1.1.6 follows the seed, so that its shuffles can be replayed; 2.0.1 does not, so that only means can be compared.
    trials, repeats = (responses(4, 23, 3, 7), 5) if release == "1.1.6" else (responses(4, 20, 3, 3), 400)
    np.savez_compressed(
        Path(__file__).parent / f"neurora-{release}.npz",
        trials=trials,
        rdm=neurora(trials, repeats),
        seed=SEED,
        repeats=repeats,
        versions=[f"{name} {version(name)}" for name in ("neurora", "numpy", "scikit-learn")],
    )
