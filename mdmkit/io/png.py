"""PNG images of one channel: 8- or 16-bit scores (value / maximum), or label masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.extras import needed_by
from mdmkit.core.types import Array
from mdmkit.io.formats import Format
from mdmkit.io.grey import check_image, grey_values
from mdmkit.io.images import open_image

_BIT_DEPTH = 24  # its place in the header
_STEPS = 65_535


def read(path: Path, key: str | None) -> Array:
    """uint8, uint16 or bool; colour and palette images are refused, their values unknown."""
    return _read(path, in_colour=False)


def read_mask(path: Path, key: str | None) -> Array:
    """Read a mask; images in colour or with a palette count if they spell grey levels."""
    return _read(path, in_colour=True)


def _read(path: Path, in_colour: bool) -> Array:
    with open_image(path) as image:
        check_image(path, image, "PNG")
        with path.open("rb") as file:
            depth = file.read(_BIT_DEPTH + 1)[_BIT_DEPTH]
        if depth not in (1, 8, 16):  # Pillow stretches 2 and 4 bits to 8, and labels with them
            raise InputError(f"{path}: expected 1, 8 or 16 bits a pixel, found {depth}")
        return grey_values(path, image, in_colour)


def write(path: Path, scores: Array, key: str | None) -> None:
    """8 and 16 bits as they are; floats in [0, 1] on the 65,536 values of 16 bits."""
    with needed_by("PNG"):
        from PIL import Image
    if scores.dtype.kind == "f":
        outside = ~((scores >= 0) & (scores <= 1))  # NaN too
        if outside.any():
            row, column = np.argwhere(outside)[0]
            raise InputError(
                f"expected scores in [0, 1] for PNG, found {scores[row, column]} at row {row}, "
                f"column {column} ({int(outside.sum())} such pixels); npy and hdf5 hold any"
            )
        scores = np.rint(scores.astype(np.float64) * _STEPS).astype(np.uint16)
    if scores.dtype.itemsize > 2:
        raise InputError(f"expected floats or at most 16 bits for PNG, found {scores.dtype}")
    Image.fromarray(np.ascontiguousarray(scores.astype(scores.dtype.newbyteorder("=")))).save(path)


FORMAT = Format((".png",), read, read_mask=read_mask, write=write)
