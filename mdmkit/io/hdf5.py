"""HDF5 as SegmentMeIfYouCan's tools write it: one data set, named `value`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError
from mdmkit.io.formats import Format

DEFAULT_KEY = "value"


def read(path: Path, key: str | None) -> NDArray[Any]:
    """The data set of that key, `value` by default."""
    import h5py

    key = key or DEFAULT_KEY
    with h5py.File(path, "r") as file:
        if not isinstance(file.get(key), h5py.Dataset):
            raise InputError(
                f"{path}: expected the data set {key!r}, found {', '.join(file) or 'none'}"
            )
        return np.asarray(file[key])


def write(path: Path, scores: NDArray[Any], key: str | None) -> None:
    """One data set, `value` by default."""
    import h5py

    with h5py.File(path, "w") as file:
        file[key or DEFAULT_KEY] = scores


FORMAT = Format((".hdf5", ".h5"), read, write=write)
