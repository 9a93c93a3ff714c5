"""Arguments that are plain numbers, judged in one place."""

from __future__ import annotations

import re
from operator import index
from typing import Any

from mdmkit.core.errors import InputError, InputTypeError

_UNITS = {"": 0, "k": 10, "M": 20, "G": 30, "T": 40}


def as_bytes(value: Any, argument: str = "memory") -> int:
    """Bytes from a number, or from "2G", "500M", "64k".

    Examples
    --------
    >>> as_bytes("1.5k"), as_bytes(1e3)
    (1536, 1000)
    """
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(?:i?B)?", value.strip())
        if match and len(match[1]) < 20:
            return int(float(match[1]) * 2 ** _UNITS[match[2]])
    elif not isinstance(value, (bool, bytes)):
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            number = -1
        if number >= 0:
            return number
    raise InputError(f"expected a size such as 500M or 2G, found {value!r}", argument=argument)


def as_integer(value: Any, argument: str, least: int, what: str = "an integer") -> int:
    """An integer, of Python or numpy, that is not smaller than `least`."""
    try:
        number = index(value)
    except TypeError:
        raise InputTypeError(
            f"expected {what} >= {least}, found {value!r}", argument=argument
        ) from None
    if number < least or isinstance(value, bool):
        raise InputError(f"expected {what} >= {least}, found {value!r}", argument=argument)
    return number
