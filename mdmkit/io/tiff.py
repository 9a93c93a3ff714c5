"""TIFF images of one page and one channel: floats, or 8- and 16-bit integers (value / maximum)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.extras import needed_by
from mdmkit.core.types import Array
from mdmkit.io.formats import Format
from mdmkit.io.grey import read_labels
from mdmkit.io.images import turned_upright

_DTYPES = ("float16", "float32", "float64", "uint8", "uint16")
_MIN_IS_BLACK = 1  # other codes turn the scale around, or give colours


def read(path: Path, key: str | None) -> Array:
    """The only page, turned upright by its tag; stacks and colour images are refused."""
    with needed_by(str(path)):
        import tifffile
    with tifffile.TiffFile(path) as file:
        shapes = [tuple(series.shape) for series in file.series]
        if len(file.pages) != 1 or len(shapes) != 1:
            raise InputError(f"{path}: expected one page, found {len(file.pages)}")
        page = file.pages[0]
        if len(shapes[0]) != 2:
            raise InputError(
                f"{path}: expected one channel of shape (H, W), found shape {shapes[0]}"
            )
        if int(page.photometric) != _MIN_IS_BLACK:
            raise InputError(
                f"{path}: expected grey values that rise with brightness, found the colour "
                f"model {page.photometric.name}"
            )
        if page.dtype is None or page.dtype.name not in _DTYPES:
            raise InputError(f"{path}: expected {', '.join(_DTYPES)}, found {page.dtype}")
        tag = page.tags.get("Orientation")
        return turned_upright(np.asarray(page.asarray()), 1 if tag is None else int(tag.value))


def read_mask(path: Path, key: str | None) -> Array:
    """Labels of the only page; images in colour or with a palette must spell grey levels."""
    return read_labels(path, "TIFF")


def write(path: Path, scores: Array, key: str | None) -> None:
    """Write one page in the dtype of the scores."""
    with needed_by("TIFF"):
        import tifffile
    if scores.dtype.name not in _DTYPES:
        raise InputError(f"expected {', '.join(_DTYPES)} for TIFF, found {scores.dtype}")
    tifffile.imwrite(path, scores, photometric="minisblack")


FORMAT = Format((".tif", ".tiff"), read, read_mask=read_mask, write=write)
