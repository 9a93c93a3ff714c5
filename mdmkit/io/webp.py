"""WebP images without loss, as label masks."""

from __future__ import annotations

from pathlib import Path

from mdmkit.core.errors import InputError
from mdmkit.core.types import Array
from mdmkit.io.formats import Format
from mdmkit.io.grey import read_labels

_FIRST_CHUNK = 12  # behind "RIFF", the size and "WEBP"


def read_mask(path: Path, key: str | None) -> Array:
    """Labels, of colours that are grey; a lossy image is refused, which changes labels."""
    if _is_lossy(path):
        raise InputError(
            f"{path}: expected a WebP image without loss, which keeps labels, found a lossy one"
        )
    return read_labels(path, "WEBP")


def _is_lossy(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(_FIRST_CHUNK)
        while len(head := file.read(8)) == 8:
            if head[:4] in (b"VP8 ", b"ALPH"):
                return True
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, 1)
    return False


FORMAT = Format((".webp",), read=None, read_mask=read_mask)
