"""A frame's image and maps as small files in base64."""

from __future__ import annotations

import io
import struct
import zlib
from base64 import b64encode
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

_UP, _EFFORT = 2, 3


def drawn_shape(shape: tuple[int, int], most: int) -> tuple[int, int]:
    """Height and width at which a frame is drawn: at most `most` pixels wide."""
    height, width = shape
    if width <= most:
        return shape
    return max(1, round(height * most / width)), most


def every_so_often(pixels: NDArray[T], shape: tuple[int, int]) -> NDArray[T]:
    """The nearest pixel for each of a smaller map: values are kept, not mixed."""
    rows, columns = (
        ((np.arange(small) + 0.5) * large / small).astype(int)
        for small, large in zip(shape, pixels.shape[:2], strict=True)
    )
    return np.asarray(pixels[np.ix_(rows, columns)])


def png(pixels: NDArray[np.uint8]) -> str:
    """A map of bytes as PNG in base64.

    Each row is stored as its difference to the one above (filter 2, up), which suits score maps:
    within 7 % of the smallest file that Pillow finds, in a tenth of the time.
    """
    height, width = pixels.shape
    rows = np.empty((height, width + 1), np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = pixels[0]
    np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
    packer = zlib.compressobj(_EFFORT, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_FILTERED)
    packed = packer.compress(rows.tobytes()) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits of grey
    parts = (_chunk(b"IHDR", head), _chunk(b"IDAT", packed), _chunk(b"IEND", b""))
    return b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG file: length, kind, content, checksum."""
    held = kind + content
    return struct.pack(">I", len(content)) + held + struct.pack(">I", zlib.crc32(held))


def jpeg(image: NDArray[np.uint8], shape: tuple[int, int]) -> str:
    """An image as JPEG in base64, smoothed where it is made smaller."""
    from PIL import Image

    buffer = io.BytesIO()
    drawn = Image.fromarray(image).resize(shape[::-1], Image.Resampling.LANCZOS)
    drawn.save(buffer, "jpeg", quality=80, optimize=True)
    return b64encode(buffer.getvalue()).decode()
