"""Expensive results kept through ``result_caching``, in the store's ``cache`` folder unless the user chose another."""

import contextlib
import functools
import os
import pickle
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, overload

import numpy as np

from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.store.atomic import atomic_file, lock
from brainscore_realnet.store.folders import home
from brainscore_realnet.store.hashing import sha256_bytes

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

_VARIABLE = "RESULTCACHING_HOME"
_set_by_us: str | None = None


def use_store() -> None:
    """Point ``result_caching`` to the store's ``cache`` folder unless the user has set RESULTCACHING_HOME.

    It binds its folder when a function is decorated, so this is to be called before Brain-Score is imported.
    """
    global _set_by_us
    if os.environ.get(_VARIABLE) in (None, "", _set_by_us):
        _set_by_us = str(home() / "cache")
        os.environ[_VARIABLE] = _set_by_us


class CachedFunction(Protocol[P, R]):
    """A function whose results are kept."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give the kept result, or compute and keep it."""

    def is_stored(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Tell whether the result for these arguments is kept and can be read."""


@overload
def cached(function: Callable[P, R], /) -> CachedFunction[P, R]: ...
@overload
def cached(*, identifier_ignore: Iterable[str] = ()) -> Callable[[Callable[P, R]], CachedFunction[P, R]]: ...


def cached(function: Any = None, /, *, identifier_ignore: Iterable[str] = ()) -> Any:
    """Keep a function's results on disk, keyed by all its arguments but the ignored ones.

    Works as ``result_caching.store`` (RESULTCACHING_DISABLE and RESULTCACHING_CACHEDONLY hold), with these
    differences: the folder is found at each call; one process computes an entry while others wait for it; an entry
    that cannot be read is computed anew with a warning; a result that cannot be written is returned with a warning.

    Parameters
    ----------
    function : callable
        Its arguments are content hashes, versions, names and numbers.
    identifier_ignore : iterable of str
        Names of the arguments that do not decide the result, or whose content another argument names.

    Raises
    ------
    BadInputError
        (When called.) A deciding argument is neither text, a number, None nor a tuple or list of these: its text form
        would not name its content.
    """
    ignored = tuple(identifier_ignore)
    if function is None:
        return functools.partial(cached, identifier_ignore=ignored)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return _storage_class()(ignored)(function)(*args, **kwargs)

    def is_stored(*args: Any, **kwargs: Any) -> bool:
        storage = _storage_class()(ignored)
        call_args = storage.getcallargs(function, *args, **kwargs)
        return storage.is_stored(storage.get_function_identifier(function, call_args))

    wrapper.is_stored = is_stored  # type: ignore[attr-defined]
    return wrapper


@functools.cache
def _storage_class() -> type:
    """Make the storage class at first use: importing ``result_caching`` pulls pandas and xarray."""
    import result_caching

    class ResultStorage(result_caching._DiskStorage):
        """One call's view of the disk."""

        def __init__(self, identifier_ignore: tuple[str, ...]) -> None:
            super().__init__(identifier_ignore=identifier_ignore)
            chosen = os.environ.get(_VARIABLE)
            self._storage_directory = (
                str(home() / "cache") if chosen in (None, "", _set_by_us) else os.path.expanduser(chosen)
            )
            self._found: dict[str, Any] = {}

        def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
            call = super().__call__(function)

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                identifier = self.get_function_identifier(function, self.getcallargs(function, *args, **kwargs))
                computes = result_caching.is_enabled(identifier) and not self.is_stored(identifier)
                waiting = lock(f"result-{self.storage_path(identifier)}") if computes else contextlib.nullcontext()
                with waiting:
                    return call(*args, **kwargs)

            return wrapper

        def get_function_identifier(self, function: Callable[..., Any], call_args: dict[str, Any]) -> str:
            deciding = {
                key: _plain(key, value) for key, value in call_args.items() if key not in self.identifier_ignore
            }
            place, _, legible = super().get_function_identifier(function, dict(deciding)).partition("/")
            # the legible part mixes up '/' and '_', 1 and '1', and may be too long for a file name: the hash does not
            return f"{place}/{legible[:100]}-{sha256_bytes(repr(list(deciding.items())).encode())[:16]}"

        def is_stored(self, function_identifier: str) -> bool:
            if function_identifier in self._found:
                return True
            if not super().is_stored(function_identifier):
                return False
            path = self.storage_path(function_identifier)
            try:
                self._found[function_identifier] = self.load_file(path)
            except Exception as error:
                warnings.warn(
                    f"{path} cannot be read ({type(error).__name__}: {error}): computing it again", stacklevel=4
                )
                return False
            return True

        def load(self, function_identifier: str) -> Any:
            return self._found[function_identifier]

        def save(self, result: Any, function_identifier: str) -> None:
            path = Path(self.storage_path(function_identifier))
            try:
                with atomic_file(path) as part, open(part, "wb") as file:
                    pickle.dump({"data": result}, file, protocol=pickle.HIGHEST_PROTOCOL)
            except StoreError as error:
                warnings.warn(f"the result was computed but not kept: {error}", stacklevel=4)

    return ResultStorage


def _plain(key: str, value: Any) -> Any:
    """Give a key's plain value; refuse what cannot be told apart by its text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple | list):
        return tuple(_plain(key, item) for item in value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise BadInputError(
        f"Got {key}={type(value).__name__} in a call whose result is cached: expected text, numbers or tuples of them. "
        "Pass a content hash instead, or name the argument in identifier_ignore."
    )
