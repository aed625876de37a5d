"""numba's kernels and Python's threads."""

import threading

one_at_a_time = threading.Lock()
"""To be held around parallel kernels: some of numba's threading layers abort when two threads of Python start one."""
