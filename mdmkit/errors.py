"""What mdmkit raises when it is given something it cannot judge."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Bad input; the message names the file or argument, what was expected and what was found."""


class InputTypeError(InputError, TypeError):
    """Bad input whose kind or dtype is wrong, rather than its values."""


class NoTargetError(InputError):
    """The frames hold nothing to detect: no anomalous pixel, or no large enough component."""


class RangeError(InputError):
    """Scores outside [0, 1] where a threshold in [0, 1] is asked for and no normaliser is named."""


class NoMarginError(InputError):
    """No threshold exceeds the required quality T, so that none can be recommended."""


def listing(items: Iterable[object], most: int = 12) -> str:
    """Items as indented lines of an error message, the tail counted rather than shown."""
    lines = [str(item) for item in items]
    shown = [f"  {line}" for line in lines[:most]]
    if len(lines) > most:
        shown.append(f"  ... and {len(lines) - most} more")
    return "\n".join(shown)
