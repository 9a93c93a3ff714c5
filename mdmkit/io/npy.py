"""NumPy arrays, `.npy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read(path: Path, key: str | None) -> NDArray[Any]:
    """The array; pickled objects are refused."""
    with path.open("rb") as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
