"""Compiled functions whose machine code is kept wherever something can be written."""

import contextlib
from collections.abc import Callable
from typing import Any

import numba

from brainscore_realnet.store.folders import home


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function as ``numba.njit`` does, without Python's lock, and keep the machine code between processes.

    numba keeps it beside the source or in the user's cache folder and refuses the function, when it is defined, if
    neither can be written, as in a container without a home. Then it goes to the store's ``cache`` folder, and if that
    cannot be written either, every process compiles anew.

    Parameters
    ----------
    **options
        As of ``numba.njit``: ``parallel``, ``fastmath``.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        chosen = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        try:
            for folder in (chosen, str(home() / "cache" / "numba")):
                numba.config.CACHE_DIR = folder  # type: ignore[attr-defined]
                with contextlib.suppress(RuntimeError):
                    return numba.njit(cache=True, nogil=True, **options)(function)
        finally:
            numba.config.CACHE_DIR = chosen  # type: ignore[attr-defined]
        return numba.njit(nogil=True, **options)(function)

    return compiled
