"""Objects that installed packages add to a table, by entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TypeVar

from mdmkit.core.errors import InputError

T = TypeVar("T")


def load_added(
    point: EntryPoint, kind: type[T], name: str, what: str, argument: str | None = None
) -> T:
    """Load an object that a package adds.

    Parameters
    ----------
    point : EntryPoint
    kind : type
        Class that it must be of.
    name, what : str
        In messages: the public name of that class, and what is loaded.
    argument : str, optional
        Parameter that asked for it.

    Raises
    ------
    InputError
        If it cannot be loaded, or is of another class.
    """
    try:
        added = point.load()
    except Exception as error:  # foreign code may raise anything
        raise InputError(
            f"expected to load {what} from {point.value}, found {type(error).__name__}: {error}",
            argument=argument,
        ) from error
    if not isinstance(added, kind):
        raise InputError(
            f"expected {what} to be a {name}, found {type(added).__name__} at {point.value}",
            argument=argument,
        )
    return added
