"""Lean pickles: what travels between processes is the fields alone, as narrowly as they fit."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


def narrow(array: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in the smallest type that holds all of them."""
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            single = array.astype(np.float32)
        return single if np.array_equal(single, array, equal_nan=True) else array
    if array.dtype.kind in "iu" and array.size:
        low, high = int(array.min()), int(array.max())
        return array.astype(np.min_scalar_type(high if low >= 0 else min(low, -1 - high)))
    return array


def widened(array: NDArray[Any]) -> NDArray[Any]:
    """What `narrow` was given, floats and integers in 64 bits."""
    wide = {"f": np.float64, "i": np.int64, "u": np.int64}.get(array.dtype.kind)
    return array if wide is None else array.astype(wide)


class Lean:
    """A dataclass of arrays in 64 bits which pickles without what it has cached."""

    def __getstate__(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {n: narrow(v) if isinstance(v, np.ndarray) else v for n, v in values.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            wide = widened(value) if isinstance(value, np.ndarray) else value
            object.__setattr__(self, name, wide)  # they are frozen
