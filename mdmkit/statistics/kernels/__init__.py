"""Compiled loops on validated arrays. Nothing is checked here: judgement lives above.

Importing a module of this package imports numba; the modules above do so inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import cgutils
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile on first use, without the interpreter lock, cached on disk where that can be."""
    return _compiled(function, {})


def inner_kernel(function: F) -> F:
    """Compile a part of kernels: not to be called from Python, which saves much of the work."""
    return _compiled(function, {"no_cpython_wrapper": True, "no_cfunc_wrapper": True})


def _compiled(function: F, options: dict[str, Any]) -> F:
    try:
        compiled: Any = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # no writable folder for the cache: a read-only install
        compiled = njit(nogil=True, **options)(function)
    return cast("F", compiled)


@intrinsic
def borrowed(typing_context, array):
    """An array in a kernel without its reference count; the caller of the kernel holds it.

    Kernels that call kernels with many arrays spend up to half their time on atomic counting.
    """

    def generate(context, builder, signature, arguments):
        view = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        return view._getvalue()

    return array(array), generate
