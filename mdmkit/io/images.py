"""Images of frames: their size, and the ground truth of those that have no mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError

#: Suffixes that images of frames may have.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def image_shape(path: Path) -> tuple[int, int]:
    """Height and width, from the head of the file.

    Raises
    ------
    InputError
        If it is no image.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            return image.height, image.width
    except Exception as error:  # on damaged and foreign files libraries raise nearly anything
        raise InputError(f"{path}: expected a readable image, found: {error}") from error


@dataclass(frozen=True)
class AllNormal:
    """Ground truth of a frame without a mask, which shows nothing anomalous.

    Attributes
    ----------
    image : Path
        The frame's image, which gives its size.
    label : int
        The label of all its pixels.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (3, 2)).save(f"{folder}/good.png")
    ...     AllNormal(Path(folder) / "good.png").labels().tolist()
    [[0, 0, 0], [0, 0, 0]]
    """

    image: Path
    label: int = 0

    def labels(self) -> NDArray[np.uint8]:
        """Labels, shape (H, W)."""
        return np.full(image_shape(self.image), self.label, np.uint8)

    def __str__(self) -> str:
        return f"{self.image} (no mask: all normal)"
