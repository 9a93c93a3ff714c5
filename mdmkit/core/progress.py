"""Progress of what takes long: a function that a caller gives, or nobody."""

from __future__ import annotations

import reprlib
from collections.abc import Callable

from mdmkit.core.errors import InputTypeError

#: Called after each step.
Progress = Callable[[], None]
#: Called with a title and the number of steps, before the first.
Bar = Callable[[str, int], Progress]


def no_progress() -> None:
    """Tell nobody that a step is done."""


def begin(progress: Bar | None, title: str, steps: int) -> Progress:
    """Begin a bar of so many steps; the function that it returns is called after each.

    Raises
    ------
    InputTypeError
        For what is no function, or returns none.

    Examples
    --------
    >>> def shown(title, steps):
    ...     return lambda: print(title, "of", steps)
    >>> begin(shown, "frames", 3)()
    frames of 3
    >>> begin(None, "frames", 3)()
    """
    if progress is None:
        return no_progress
    usable = callable(progress) and not isinstance(progress, type)
    advance = progress(title, steps) if usable else None
    if advance is not None and callable(advance):
        return advance
    found = f"one that returns {reprlib.repr(advance)}" if usable else reprlib.repr(progress)
    raise InputTypeError(
        "expected a function progress(title, steps) that returns a function, which is called "
        f"after each step, found {found}",
        argument="progress",
    )
