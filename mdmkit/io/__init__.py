"""Files of score maps and masks; a file's suffix chooses the format."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mdmkit.core import files
from mdmkit.core.errors import InputError, InputTypeError, SpoiltError, printable
from mdmkit.core.frame import one_map
from mdmkit.core.types import Array
from mdmkit.io.formats import Format, format_of, mask_suffixes, score_suffixes
from mdmkit.io.images import AllNormal
from mdmkit.io.regions import RegionMasks, Saturation

__all__ = [
    "AllNormal",
    "Format",
    "RegionMasks",
    "Saturation",
    "mask_suffixes",
    "read_mask",
    "read_scores",
    "score_suffixes",
    "source_files",
    "write_scores",
]


#: Formats in which a damaged number is a number; others have checksums of their own.
_WITHOUT_CHECKSUM = (".npy", ".hdf5", ".h5", ".tif", ".tiff")
#: Ground truth of a frame: a mask file, or what stands for one.
Target = Path | AllNormal | RegionMasks


def source_files(target: Target) -> tuple[Path, ...]:
    """List the files that the ground truth of a frame comes from.

    Parameters
    ----------
    target : path, AllNormal or RegionMasks

    Returns
    -------
    tuple of Path

    Examples
    --------
    >>> from mdmkit.io import AllNormal
    >>> source_files(AllNormal(Path("good/000.png"))) == (Path("good/000.png"),)
    True
    """
    if isinstance(target, RegionMasks):
        return target.masks
    return (target.image,) if isinstance(target, AllNormal) else (target,)


def _read(path: Path, suffixes: tuple[str, ...], mask: bool, key: str | None) -> Array:
    suffix, name = path.suffix.lower(), printable(str(path))
    form = format_of(suffix) if suffix in suffixes else None
    reader = None if form is None else form.read_mask if mask else form.read
    if reader is None:
        raise InputError(
            f"{name}: expected a file {' '.join(suffixes)}, found {printable(suffix) or 'none'}"
        )
    files.check_regular(path)
    if path.is_file() and files.is_spoilt(path):
        raise SpoiltError(f"{name}: expected the file as it was written, found it damaged")
    with files.readable(path, f"{suffix} file", _reason):
        return one_map(reader(path, key))


def _reason(error: Exception) -> str:
    """Take a library's message, without its advice to run what the file holds."""
    text = str(error) or type(error).__name__
    if re.search("pickle|weights_only|unsafe", text, re.IGNORECASE):
        return "pickled objects, which may run code and are not loaded"
    return printable(text)


def read_scores(path: str | Path, key: str | None = None) -> Array:
    """Read a score map.

    Parameters
    ----------
    path : path
        `.npy`, `.npz`, `.hdf5` or `.h5` (data set `value`), `.png` of 8 or 16 bits, `.tif` or
        `.tiff` of one page, `.pt` (a tensor), `.zarr` (a folder), and what installed packages add.
    key : str, optional
        Array of an `.npz` archive, data set of an HDF5 file, entry of a `.pt` dictionary, array
        of a Zarr group.

    Returns
    -------
    ndarray
        In the file's own dtype; unsigned integers mean value / maximum. Of arrays of shape
        (1, H, W) and (H, W, 1) the one map in them; images as viewers show them, turned by their
        orientation tag.

    Raises
    ------
    InputError
        Unknown suffix, unreadable or foreign file, missing key, a library that is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_scores(f"{folder}/frame0.png", [[0.0, 1.0]])
    ...     read_scores(file)
    array([[    0, 65535]], dtype=uint16)
    """
    return _read(files.as_path(path, "path"), score_suffixes(), False, key)


def read_mask(path: str | Target) -> Array:
    """Read a ground-truth mask.

    Parameters
    ----------
    path : path, AllNormal or RegionMasks
        `.png`, `.bmp`, `.tif`, `.webp` (without loss) of one channel (or in colour, where that
        spells grey levels), `.npy`, `.npz`. Of an `.npz` archive with several arrays, `gt` is the
        mask, and pixels where `ignore` is set get the label 255.

    Returns
    -------
    ndarray of int or bool, shape (H, W)
        Label values as stored; bool of images of 1 bit a pixel.

    Raises
    ------
    InputError
        As `read_scores`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/frame0.npy", np.array([[0, 1, 255]], np.uint8))
    ...     read_mask(f"{folder}/frame0.npy").tolist()
    [[0, 1, 255]]
    """
    if isinstance(path, (AllNormal, RegionMasks)):
        return path.labels()
    return _read(files.as_path(path, "path"), mask_suffixes(), True, None)


def write_scores(
    path: str | Path, scores: ArrayLike, *, key: str | None = None, overwrite: bool = False
) -> Path:
    """Write a score map, whole or not at all, in the format of the suffix.

    Parameters
    ----------
    path : path
        `.npy`, `.npz`, `.hdf5` or `.h5` (data set `value`), `.png` (16 bits of floats, which must
        lie in [0, 1]; integers as they are), `.tif` or `.tiff`. Its folder must exist.
    scores : array_like, shape (H, W)
        In the dtype that the file shall have.
    key : str, optional
        Name of the array in `.npz` (`scores`) and HDF5 files (`value`).
    overwrite : bool
        Replace a file that exists.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        Unfit dtype, shape or values, an unknown suffix, a file that exists.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_scores(f"{folder}/frame0.npy", [[0.1, 0.9]])
    ...     read_scores(file).tolist()
    [[0.1, 0.9]]
    """
    output = files.check_output(path, overwrite, "path")
    suffix = output.suffix.lower()
    form = format_of(suffix)
    if form is None or form.write is None:
        raise InputError(
            f"{output}: expected a name ending in {' '.join(_written())}, found {suffix or 'none'}"
        )
    array, write = np.asarray(scores), form.write
    if array.dtype.kind not in "fub" or array.dtype.itemsize > 8:
        raise InputTypeError(
            f"{output}: expected scores in float16, float32, float64, unsigned integers or bool, "
            f"found {array.dtype}"
        )
    if array.ndim != 2 or array.size == 0:
        raise InputError(f"{output}: expected scores of shape (H, W), found {array.shape}")

    def write_whole(temporary: Path) -> None:
        write(temporary, array, key)
        if suffix in _WITHOUT_CHECKSUM:
            files.seal(temporary)

    try:
        files.write_atomically(output, write_whole)
    except InputError as error:
        raise error.inside(output) from None
    return output


def _written() -> list[str]:
    forms = {suffix: format_of(suffix) for suffix in score_suffixes()}
    return [suffix for suffix, form in forms.items() if form is not None and form.write]
