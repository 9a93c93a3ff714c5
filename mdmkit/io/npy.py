"""NumPy arrays, `.npy`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mdmkit.core.types import Array
from mdmkit.io.formats import Format


def read(path: Path, key: str | None) -> Array:
    """The array; pickled objects are refused."""
    with path.open("rb") as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def write(path: Path, scores: Array, key: str | None) -> None:
    """The array as it is."""
    with path.open("wb") as file:
        np.lib.format.write_array(file, scores, allow_pickle=False)


FORMAT = Format((".npy",), read, read_mask=read, write=write)
