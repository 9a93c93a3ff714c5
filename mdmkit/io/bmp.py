"""BMP images of one channel, as label masks."""

from __future__ import annotations

from pathlib import Path

from mdmkit.core.types import Array
from mdmkit.io.formats import Format
from mdmkit.io.grey import read_labels


def read_mask(path: Path, key: str | None) -> Array:
    """Labels; images in colour or with a palette must spell grey levels."""
    return read_labels(path, "BMP")


FORMAT = Format((".bmp",), read=None, read_mask=read_mask)
