"""Compiled loops on validated arrays. Nothing is checked here: judgement lives above.

Importing a module of this package imports numba; the modules above do so inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, TypeVar, cast

from numba import njit
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
