"""A frame's image and maps as small files in base64."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray


def drawn_shape(shape: tuple[int, int], most: int) -> tuple[int, int]:
    """Height and width at which a frame is drawn: at most `most` pixels wide."""
    height, width = shape
    if width <= most:
        return shape
    return max(1, round(height * most / width)), most


def every_so_often(pixels: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """The nearest pixel for each of a smaller map: values are kept, not mixed."""
    rows, columns = (
        ((np.arange(small) + 0.5) * large / small).astype(int)
        for small, large in zip(shape, pixels.shape[:2], strict=True)
    )
    return np.asarray(pixels[np.ix_(rows, columns)])


def png(pixels: NDArray[np.uint8]) -> str:
    """A map of bytes as PNG in base64."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "png", optimize=True)
    return b64encode(buffer.getvalue()).decode()


def jpeg(image: NDArray[np.uint8], shape: tuple[int, int]) -> str:
    """An image as JPEG in base64, smoothed where it is made smaller."""
    from PIL import Image

    buffer = io.BytesIO()
    drawn = Image.fromarray(image).resize(shape[::-1], Image.Resampling.LANCZOS)
    drawn.save(buffer, "jpeg", quality=80, optimize=True)
    return b64encode(buffer.getvalue()).decode()
