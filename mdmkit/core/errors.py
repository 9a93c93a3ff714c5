"""Errors that mdmkit raises when it is given something it cannot judge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Bad input was given; the message names the file or argument, and says what was expected.

    Parameters
    ----------
    message : str
        What was expected, what was found.
    argument : str, optional
        The parameter that was wrong; it opens the message, and the command line names the option
        that stands for it.

    Examples
    --------
    >>> from mdmkit import InputError, mdm
    >>> try:
    ...     mdm([[0.2, 1.5]], [[0, 1]], t_margin=0.5)
    ... except InputError as error:
    ...     print(str(error).partition(";")[0])
    scores: expected values in [0, 1] or a normaliser, found 0.2 to 1.5
    """

    def __init__(self, message: str = "", argument: str | None = None) -> None:
        super().__init__(message if argument is None else f"{argument}: {message}")
        self.argument = argument

    def inside(self, where: object) -> InputError:
        """Begin the message with a method or a file, if `where` names one."""
        return self._again(f"{where}: {self}" if where else str(self), self.argument)

    def because(self, why: str) -> InputError:
        """Add a line to the message."""
        return self._again(f"{self}\n{why}", self.argument)

    def of(self, argument: str) -> InputError:
        """Name another parameter, of a function that calls it otherwise."""
        said = self.naming(argument)
        return self._again(said, argument)

    def naming(self, option: str) -> str:
        """The message with another word for the parameter that was wrong."""
        if self.argument is None:
            return str(self)
        named = re.compile(rf"(^|: |\n){re.escape(self.argument)}: ")
        return named.sub(lambda found: f"{found[1]}{option}: ", str(self), count=1)

    def _again(self, said: str, argument: str | None) -> InputError:
        found = type(self).__new__(type(self), said)
        found.__dict__.update(self.__dict__)
        found.args, found.argument = (said,), argument
        return found


class InputTypeError(InputError, TypeError):
    """Bad input was given whose kind or dtype is wrong, not its values; a `TypeError`, too.

    Examples
    --------
    >>> import numpy as np
    >>> from mdmkit import Frame, InputTypeError
    >>> try:
    ...     Frame(np.array([[3, 4]], np.int32), [[0, 1]])
    ... except InputTypeError as error:
    ...     print(str(error).rpartition(", ")[2])
    found int32
    """


class NoTargetError(InputError):
    """The frames hold nothing to detect: no anomalous pixel, or no large enough component.

    Examples
    --------
    >>> from mdmkit import NoTargetError, mdm
    >>> try:
    ...     mdm([[0.2, 0.4]], [[0, 0]], t_margin=0.5)
    ... except NoTargetError as error:
    ...     print(str(error).partition(" (")[0])
    target: expected at least one anomalous pixel, found none
    """


@contextmanager
def inside(where: object) -> Iterator[None]:
    """Begin the messages of errors with a method or a file, if `where` names one."""
    try:
        yield
    except InputError as error:
        raise error.inside(where) from error


class SpoiltError(InputError):
    """A file that mdmkit wrote is not as it was written: damaged, or cut off."""


class RangeError(InputError):
    """Scores lie outside [0, 1] where a threshold is asked for and no normaliser is named.

    Examples
    --------
    >>> from mdmkit import RangeError, mdm
    >>> logits, target = [[-2.0, 0.5, 3.0]], [[0, 0, 1]]
    >>> try:
    ...     mdm(logits, target, t_margin=0.7)
    ... except RangeError:
    ...     print(mdm(logits, target, t_margin=0.7, normalize="minmax").interval)
    (0.5, 1.0)
    """


class NoMarginError(InputError):
    """No threshold exceeds the required quality T, so that none can be recommended.

    Examples
    --------
    >>> from mdmkit import NoMarginError, recommend_threshold
    >>> try:
    ...     recommend_threshold([([[0.2, 0.8, 0.9]], [[1, 0, 1]])], t_margin=0.9)
    ... except NoMarginError as error:
    ...     print(str(error).partition(", ")[0])
    no threshold: f1 never exceeds T = 0.9
    """


#: Control characters, line and paragraph separators, directions of writing, halves of surrogates.
_OTHERS = r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
_UNPRINTABLE = re.compile(r"[\x00-\x1f" + _OTHERS)
_BUT_LINES = re.compile(r"[\x00-\x09\x0b-\x1f" + _OTHERS)


def printable(text: str, lines: bool = False) -> str:
    r"""Text in which control characters are spelled out, as a terminal may be shown it.

    Parameters
    ----------
    text : str
    lines : bool
        Leave line breaks.

    Returns
    -------
    str

    Examples
    --------
    >>> print(printable("a\x1b[31mb\n"))
    a\x1b[31mb\n
    """
    return (_BUT_LINES if lines else _UNPRINTABLE).sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def listing(items: Iterable[object], most: int = 12) -> str:
    """Items as indented lines of an error message, the tail counted rather than shown."""
    lines = [printable(str(item)) for item in items]
    shown = [f"  {line}" for line in lines[:most]]
    if len(lines) > most:
        shown.append(f"  ... and {len(lines) - most} more")
    return "\n".join(shown)


for _error in (InputError, InputTypeError, NoMarginError, NoTargetError, RangeError):
    _error.__module__ = "mdmkit"  # as it is imported, and as tracebacks should name it
