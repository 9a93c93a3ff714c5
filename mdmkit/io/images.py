"""Images, upright and of any size; the ground truth of frames that have no mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.extras import needed_by
from mdmkit.core.files import as_path, check_regular, readable
from mdmkit.core.types import Array

if TYPE_CHECKING:
    from PIL import Image

#: Suffixes that images of frames may have.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")

_ORIENTATION = 274  # the tag of Exif and of TIFF
_LOCK = Lock()

#: What turns stored pixels upright, by the value of the orientation tag.
_UPRIGHT: dict[int, Callable[[Array], Array]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    7: lambda pixels: pixels.swapaxes(0, 1)[::-1, ::-1],
    8: lambda pixels: pixels.swapaxes(0, 1)[::-1],
}
_LYING = (5, 6, 7, 8)  # rows were stored as columns


def turned_upright(pixels: Array, orientation: int) -> Array:
    """Pixels (H, W, ...) as a viewer shows them, of those stored under an orientation tag."""
    turn = _UPRIGHT.get(orientation)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


@contextmanager
def open_image(path: str | Path) -> Iterator[Image.Image]:
    """A Pillow image of whatever size; its pixels may be stored turned, see `upright`."""
    path = as_path(path, "path")
    with needed_by(str(path)):
        from PIL import Image
    check_regular(path)
    with path.open("rb") as file:  # given a path, Pillow maps plain TIFF into memory, and misreads
        with _LOCK:  # Pillow takes large images for attacks; masks and score maps may be large
            most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                image = Image.open(file)
            finally:
                Image.MAX_IMAGE_PIXELS = most
        with image:
            yield image


@contextmanager
def readable_image(path: str | Path) -> Iterator[Image.Image]:
    """A Pillow image as of `open_image`; whatever fails becomes an error that names the file."""
    with readable(path, "image"), open_image(path) as image:
        yield image


def upright(image: Image.Image, mode: str | None = None) -> Array:
    """The pixels of an image (H, W) or (H, W, channels), in some mode, as viewers show them."""
    image.load()  # of TIFF turns them, and drops the tag; of PNG reads the tags behind the pixels
    orientation = image.getexif().get(_ORIENTATION, 1)
    # a copy, as Pillow's own array is read-only, for which loops would be compiled once more
    return turned_upright(np.array(image if mode is None else image.convert(mode)), orientation)


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """An image as viewers show it, RGB (H, W, 3).

    Raises
    ------
    InputError
        If it is no image.
    """
    with readable_image(path) as image:
        return upright(image, "RGB")


def image_shape(path: str | Path) -> tuple[int, int]:
    """Height and width as viewers show it, from the head of the file.

    Raises
    ------
    InputError
        If it is no image.
    """
    with readable_image(path) as image:
        width, height = image.size
        if image.format == "TIFF":  # as stored; some versions of Pillow turn its size
            width, height = (int(image.tag_v2[tag]) for tag in (256, 257))  # type: ignore[attr-defined]
        lying = width != height and _is_lying(image, Path(path))
        return (width, height) if lying else (height, width)


def _is_lying(image: Image.Image, path: Path) -> bool:
    if image.format == "PNG" and not _has_tags(path):
        return False  # to be asked for tags it would read all pixels
    return image.getexif().get(_ORIENTATION, 1) in _LYING


def _has_tags(path: Path) -> bool:
    """Whether a PNG file has a chunk that may hold an orientation."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            if head[4:] in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                return True
            file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return False


@dataclass(frozen=True)
class AllNormal:
    """Stands for the ground truth of a frame without a mask, which shows nothing anomalous.

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
