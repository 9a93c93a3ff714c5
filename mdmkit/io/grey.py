"""Grey: the values of one channel of an image file, where it says what they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.types import Array
from mdmkit.io.images import open_image, upright

if TYPE_CHECKING:
    from PIL import Image

_ADVICE = {
    True: "if the palette's indices are the values, save them as one channel: "
    "Image.fromarray(np.asarray(image))",
    False: "save the values as one channel of integers",
}


def read_labels(path: Path, form: str) -> Array:
    """Labels of an image file of that format: integers, bool of 1 bit a pixel.

    Images in colour or with a palette must spell grey levels, as some tools write them.
    """
    with open_image(path) as image:
        check_image(path, image, form)
        return grey_values(path, image, in_colour=True)


def check_image(path: Path, image: Image.Image, form: str) -> None:
    """Refuse another format than the suffix says, and several pages."""
    if image.format != form:
        raise InputError(f"{path}: expected a {form} file, found {image.format}")
    pages = getattr(image, "n_frames", 1)
    if pages != 1:
        raise InputError(f"{path}: expected one page, found {pages}")


def grey_values(path: Path, image: Image.Image, in_colour: bool) -> Array:
    """uint8, uint16 or bool (of 1 bit a pixel); with `in_colour` of colours that are grey, too."""
    pixels = upright(image)
    if image.mode in ("L", "1"):
        return pixels
    if image.mode == "I":
        return pixels.astype(np.uint16) if image.format == "PNG" else pixels
    if image.mode.startswith("I;16"):
        return pixels.astype(np.uint16)
    grey = _grey_levels(image, pixels) if in_colour else None
    if grey is not None:
        return grey
    raise InputError(
        f"{path}: expected one channel of 8 or 16 bits, found mode {image.mode!r} "
        f"(the values of colour and palette images are not known); {_ADVICE[image.mode == 'P']}"
    )


def _grey_levels(image: Image.Image, pixels: Array) -> Array | None:
    """The values of an image in colour, where they are known: each colour is a level of grey.

    In a palette the grey of every used index must be that index, or it could mean either; a
    palette of black and white alone is an image of 1 bit.
    """
    if image.mode not in ("P", "RGB") or "transparency" in image.info:
        return None
    colours = pixels if image.mode == "RGB" else upright(image, "RGB")
    levels: Array = colours[..., 0]
    if not (colours == levels[..., None]).all():
        return None
    if image.mode == "P" and (pixels <= 1).all() and (levels == 255 * pixels.astype(int)).all():
        return np.asarray(pixels.astype(bool))
    if image.mode == "P" and not (pixels == levels).all():
        return None
    return np.array(levels)
