"""Arguments of functions that users bring along: these may read them, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from typing import TypeVar, cast

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.types import Array

T = TypeVar("T")


def ours(value: object) -> bool:
    """Whether an object is of one of this package's own classes, which write to no arguments."""
    return type(value).__module__.partition(".")[0] == "mdmkit"


def read_only(value: T) -> T:
    """A view of an array that cannot be written to; of a dataclass, one of such views.

    What it is a view of stays as it is.

    Examples
    --------
    >>> counts = np.arange(3)
    >>> read_only(counts).flags.writeable, counts.flags.writeable
    (False, True)
    """
    if isinstance(value, np.ndarray):
        view: Array = value.view()
        view.flags.writeable = False
        return cast(T, view)
    if isinstance(value, dict):
        return cast(T, {key: read_only(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return cast(T, type(value)(read_only(item) for item in value))
    if is_dataclass(value) and not isinstance(value, type):
        other = object.__new__(type(value))  # `copy` would go through pickling
        vars(other).update({name: read_only(item) for name, item in vars(value).items()})
        return cast(T, other)
    return value


@contextmanager
def leaving_arguments(argument: str, name: str) -> Iterator[None]:
    """Turn a write of the function given as `argument` to its own arguments into an InputError."""
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error) or isinstance(error, InputError):
            raise
        raise InputError(
            f"expected {name} to leave its arguments as they are, found that it writes to them; "
            "copy them first, as in x = x.copy()",
            argument=argument,
        ) from error
