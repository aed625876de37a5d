"""Floor 1: readers of published data sets, one module or folder each.

They read the files as their authors published them, check them, and convert what cannot be opened piecewise into the
store once. Importing them is light: NumPy only.
"""

from brainscore_realnet.datasets import things, things_eeg2

__all__ = ["things", "things_eeg2"]
