"""Floor 1: readers of published data sets, one module or folder each, and the catalogue to fetch them by.

The readers read the files as their authors published them, check them, and convert what cannot be opened piecewise into
the store once. Importing them is light: NumPy only.
"""

from brainscore_realnet.datasets import kamitani, macaque_it, things, things_eeg2

__all__ = ["kamitani", "macaque_it", "things", "things_eeg2"]
