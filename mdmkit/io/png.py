"""PNG images of one channel: 8- or 16-bit scores (value / maximum), or label masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.errors import InputError

_BIT_DEPTH = 24  # its place in the header


def read(path: Path, key: str | None) -> NDArray[Any]:
    """uint8, uint16 or bool; colour and palette images are refused, their values unknown."""
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
        raise InputError(
            f"{path}: expected one channel of 8 or 16 bits, found mode {image.mode!r} "
            "(the values of colour and palette images are not known)"
        )
