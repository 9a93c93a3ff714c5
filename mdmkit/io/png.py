"""PNG images of one channel: 8- or 16-bit scores (value / maximum), or label masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError
from mdmkit.io.formats import Format

if TYPE_CHECKING:
    from PIL import Image

_BIT_DEPTH = 24  # its place in the header
_STEPS = 65_535


def read(path: Path, key: str | None) -> NDArray[Any]:
    """uint8, uint16 or bool; colour and palette images are refused, their values unknown."""
    return _read(path, in_colour=False)


def read_mask(path: Path, key: str | None) -> NDArray[Any]:
    """As `read`, and images in colour or with a palette if they spell grey levels."""
    return _read(path, in_colour=True)


def _read(path: Path, in_colour: bool) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path) as image:
        if image.format != "PNG":
            raise InputError(f"{path}: expected a PNG file, found {image.format}")
        depth = path.read_bytes()[_BIT_DEPTH]
        if depth not in (1, 8, 16):  # Pillow stretches 2 and 4 bits to 8, and labels with them
            raise InputError(f"{path}: expected 1, 8 or 16 bits a pixel, found {depth}")
        if image.mode in ("L", "1"):
            return np.asarray(image)
        if image.mode.startswith("I"):  # 16 bits of grey
            return np.asarray(image).astype(np.uint16)
        grey = _grey_levels(image) if in_colour else None
        if grey is not None:
            return grey
        raise InputError(
            f"{path}: expected one channel of 8 or 16 bits, found mode {image.mode!r} "
            f"(the values of colour and palette images are not known); {_ADVICE[image.mode == 'P']}"
        )


def _grey_levels(image: Image.Image) -> NDArray[np.uint8] | None:
    """The values of an image in colour, where they are known: each colour is a level of grey.

    In a palette the grey of every used index must be that index, or it could mean either.
    """
    if image.mode not in ("P", "RGB") or "transparency" in image.info:
        return None
    colours = np.asarray(image.convert("RGB"))
    levels = colours[..., 0]
    same = (colours == levels[..., None]).all()
    if image.mode == "P":
        same = same and (np.asarray(image) == levels).all()
    return levels.copy() if same else None


_ADVICE = {
    True: "if the palette's indices are the values, save them as one channel: "
    "Image.fromarray(np.asarray(image))",
    False: "save the values as one channel of integers",
}


def write(path: Path, scores: NDArray[Any], key: str | None) -> None:
    """8 and 16 bits as they are; floats in [0, 1] on the 65,536 values of 16 bits."""
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
