"""Compiled loops on validated arrays. Nothing is checked here: judgement lives above.

Importing a module of this package imports numba; the modules above do so inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile on first use, without the interpreter lock, cached on disk where that can be."""
    try:
        compiled: Any = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no writable folder for the cache: a read-only install
        compiled = njit(nogil=True)(function)
    return cast("F", compiled)
