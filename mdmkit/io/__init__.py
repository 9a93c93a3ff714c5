"""Files of score maps and masks. One reader a format, chosen by suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mdmkit.errors import InputError
from mdmkit.io import hdf5, npy, npz, png

Reader = Callable[[Path, str | None], NDArray[Any]]

SCORE_READERS: dict[str, Reader] = {
    ".npy": npy.read,
    ".npz": npz.read,
    ".hdf5": hdf5.read,
    ".h5": hdf5.read,
    ".png": png.read,
}
MASK_READERS: dict[str, Reader] = {".npy": npy.read, ".png": png.read}


def _read(path: Path, readers: dict[str, Reader], key: str | None) -> NDArray[Any]:
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise InputError(f"{path}: expected a file {' '.join(readers)}, found {suffix or 'none'}")
    try:
        return readers[suffix](path, key)
    except InputError:
        raise
    except Exception as error:  # on damaged and foreign files libraries raise nearly anything
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: expected a readable {suffix} file, found: {reason}") from error


def read_scores(path: str | Path, key: str | None = None) -> NDArray[Any]:
    """Read a score map.

    Parameters
    ----------
    path : path
        `.npy`, `.npz`, `.hdf5` or `.h5` (data set `value`), `.png` of 8 or 16 bits.
    key : str, optional
        Array of an `.npz` archive, or data set of an HDF5 file.

    Returns
    -------
    ndarray
        In the file's own dtype; unsigned integers mean value / maximum.

    Raises
    ------
    InputError
        Unknown suffix, unreadable or foreign file, missing key.
    """
    return _read(Path(path), SCORE_READERS, key)


def read_mask(path: str | Path) -> NDArray[Any]:
    """Read a ground-truth mask, `.png` of one channel or `.npy`; raises as `read_scores`."""
    return _read(Path(path), MASK_READERS, None)


def write_scores(path: str | Path, scores: NDArray[Any], overwrite: bool = False) -> None:
    """Write a score map by suffix, `.npy` or `.hdf5` (data set `value`), whole or not at all."""
    import h5py
    import numpy as np

    from mdmkit.files import check_output, write_atomically

    output = check_output(path, overwrite)

    def write(partial: Path) -> None:
        if output.suffix == ".npy":
            with partial.open("wb") as file:
                np.save(file, scores)
        else:
            with h5py.File(partial, "w") as file:
                file.create_dataset("value", data=scores, compression="gzip")

    write_atomically(output, write)
