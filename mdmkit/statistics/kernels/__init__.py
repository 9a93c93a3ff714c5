"""Compiled loops on validated arrays. Nothing is checked here: judgement lives above.

Importing a module of this package imports numba; the modules above do so inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

with suppress(ImportError, AttributeError):  # of another numba
    from numba.np import linalg

    # Only to see that there is a BLAS, numba imports scipy.linalg: 0.15 s for what no kernel uses.
    # It still does where a kernel of somebody else multiplies matrices.
    imports_blas = linalg.ensure_blas
    if find_spec("scipy"):
        linalg.ensure_blas = lambda: None
    from numba.np import arraymath  # noqa: F401

    linalg.ensure_blas = imports_blas

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile on first use, without the interpreter lock, cached on disk where that can be."""
    return _compiled(function, {})


def inner_kernel(function: F) -> F:
    """Compile a part of kernels: not to be called from Python, which saves much of the work."""
    return _compiled(function, {"no_cpython_wrapper": True, "no_cfunc_wrapper": True})


def inlined_kernel(function: F) -> F:
    """Compile a part of kernels into each place that calls it.

    A call that hands on a state of many arrays copies a hundred words, which costs more than what
    is done for a pixel.
    """
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
    return _compiled(function, options)


def _compiled(function: F, options: dict[str, Any]) -> F:
    try:
        compiled: Any = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # no writable folder for the cache: a read-only install
        compiled = njit(nogil=True, **options)(function)
    return cast("F", compiled)


@intrinsic
def borrowed(typing_context, value):
    """An array, or a tuple of them, in a kernel without reference counts; the caller holds them.

    Kernels that call kernels with many arrays spend up to half their time on atomic counting.
    """

    def generate(context, builder, signature, arguments):
        return _without_owner(context, builder, signature.args[0], arguments[0])

    return value(value), generate


def _without_owner(context, builder, kind, value):
    if isinstance(kind, types.BaseTuple):
        for i, item in enumerate(kind.types):
            lent = _without_owner(context, builder, item, builder.extract_value(value, i))
            value = builder.insert_value(value, lent, i)
    elif isinstance(kind, types.Array):
        view = cgutils.create_struct_proxy(kind)(context, builder, value=value)
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        value = view._getvalue()
    return value
