"""Preparation of an image for a network, as the paper's network had it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from maskomaly.outputs import Geometry, Size
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.files import as_path, as_sealed_json, read_sealed_json, write_text
from mdmkit.core.records import Json

ImageLike: TypeAlias = "Image.Image | NDArray[np.uint8]"

# A file of ours beside a checkpoint's weights. Each part of the package has a section of its own.
SETTINGS_FILE = "maskomaly.json"
_SECTION = "preprocessing"

# Mean and deviation of ImageNet's RGB values, in 0..255 (detectron2's PIXEL_MEAN, PIXEL_STD).
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Preprocessing:
    """Resize, normalise and pad an image.

    The defaults are those of the Mask2Former that was trained on Cityscapes, not those of the
    transformers processors (which make 672 x 1344 of 1024 x 2048 pixels).

    Parameters
    ----------
    shortest_edge : int or None
        The image is resized so that its shorter side has this many pixels, aspect kept
        (bilinear, as PIL does it: antialiased where the image shrinks). None: as it is.
    longest_edge : int or None
        Unless the longer side would exceed this many pixels; then that side gets them.
        None: no limit.
    size_divisor : int
        The input is padded at the right and the bottom to a multiple of it.
    mean, std : (float, float, float)
        Of red, green and blue, in 0..255. Padding is zero *after* normalisation, the mean colour.

    Raises
    ------
    InputError
        Sizes below 1, deviations that are not positive, a limit without `shortest_edge`.

    Notes
    -----
    Sizes follow detectron2's ResizeShortestEdge: both sides are scaled as floats by one or two
    factors, then rounded as int(side + 0.5).

    Examples
    --------
    >>> geometry = Preprocessing().geometry((720, 1280))
    >>> geometry.content, geometry.padded
    ((1024, 1820), (1024, 1824))
    >>> pixels, _ = Preprocessing.as_it_is()(np.zeros((64, 96, 3), np.uint8))
    >>> pixels.shape
    torch.Size([3, 64, 96])
    """

    shortest_edge: int | None = 1024
    longest_edge: int | None = 2048
    size_divisor: int = 32
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        for name in ("shortest_edge", "longest_edge", "size_divisor"):
            pixels = getattr(self, name)
            if pixels is None and name != "size_divisor":
                continue
            if isinstance(pixels, bool) or not isinstance(pixels, int) or pixels < 1:
                raise InputError(f"expected a whole number >= 1, found {pixels!r}", argument=name)
        if self.shortest_edge is None and self.longest_edge is not None:
            raise InputError(
                f"expected None with shortest_edge None (the image as it is), "
                f"found {self.longest_edge}",
                argument="longest_edge",
            )
        for name in ("mean", "std"):
            object.__setattr__(self, name, _three_numbers(getattr(self, name), name))
        if min(self.std) <= 0:
            raise InputError(f"expected numbers > 0, found {self.std}", argument="std")

    @classmethod
    def as_it_is(cls, size_divisor: int = 32) -> Preprocessing:
        """The image at its own size, normalised and padded."""
        return cls(None, None, size_divisor)

    def at(self, shortest_edge: int | None, longest_edge: int | None) -> Preprocessing:
        """Change the input size; both None: images as they are."""
        return replace(self, shortest_edge=shortest_edge, longest_edge=longest_edge)

    @property
    def input_size(self) -> str:
        """Input size in words."""
        if self.shortest_edge is None:
            return "images at their own size"
        limit = "" if self.longest_edge is None else f", longest at most {self.longest_edge}"
        return f"shortest edge {self.shortest_edge}{limit}"

    def geometry(self, size: Size) -> Geometry:
        """Place an image of this height and width in the network's input."""
        content = self._content(size)
        height, width = (
            math.ceil(side / self.size_divisor) * self.size_divisor for side in content
        )
        return Geometry(size, content, (height, width))

    def _content(self, size: Size) -> Size:
        if self.shortest_edge is None:
            return size
        scale = self.shortest_edge / min(size)
        # The shorter side is set, not scaled: its product might round to one pixel less.
        height, width = (
            float(self.shortest_edge) if side == min(size) else scale * side for side in size
        )
        if self.longest_edge is not None and max(height, width) > self.longest_edge:
            scale = self.longest_edge / max(height, width)
            height, width = height * scale, width * scale
        return max(1, int(height + 0.5)), max(1, int(width + 0.5))

    def __call__(self, image: ImageLike) -> tuple[Tensor, Geometry]:
        """Make a network's input of one image.

        Parameters
        ----------
        image : PIL image, or uint8 array (H, W, 3) in RGB order or (H, W) in grey
            See `as_rgb` for the kinds of PIL images.

        Returns
        -------
        Tensor, float32 (3, padded height, padded width)
            On the CPU.
        Geometry
        """
        pixels = as_rgb(image)
        geometry = self.geometry((pixels.shape[0], pixels.shape[1]))
        height, width = geometry.content
        if geometry.content != geometry.image:
            resized = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
            pixels = np.asarray(resized)
        mean, std = (np.array(values, dtype=np.float32) for values in (self.mean, self.std))
        padded = np.zeros((*geometry.padded, 3), dtype=np.float32)
        padded[:height, :width] = (pixels.astype(np.float32) - mean) / std
        return torch.from_numpy(padded).permute(2, 0, 1).contiguous(), geometry

    def save(self, folder: str | Path) -> None:
        """Write the section `preprocessing` of the folder's maskomaly.json; the others stay."""
        path = as_path(folder, "folder") / SETTINGS_FILE
        sections = read_settings(folder)
        sections[_SECTION] = asdict(self)
        write_text(path, as_sealed_json(sections))

    @classmethod
    def load(cls, folder: str | Path) -> Preprocessing | None:
        """Read what `save` wrote; None where the folder has no preprocessing.

        Raises
        ------
        InputError
            Unreadable JSON, unknown settings, bad values; the message names the file.
        """
        section = read_settings(folder).get(_SECTION)
        if section is None:
            return None
        path = Path(folder) / SETTINGS_FILE
        if not isinstance(section, Mapping):
            raise InputError(f"{path}: {_SECTION}: expected settings, found {section!r}")
        unknown = sorted(set(section) - {each.name for each in fields(cls)})
        if unknown:
            raise InputError(f"{path}: {_SECTION}: unknown settings {', '.join(unknown)}")
        try:
            return cls(**section)
        except InputError as error:
            raise InputError(f"{path}: {_SECTION}: {error}") from error


def read_settings(folder: str | Path) -> Json:
    """All sections of a folder's maskomaly.json; empty where there is no such file."""
    path = as_path(folder, "folder") / SETTINGS_FILE
    return read_sealed_json(path, required=False) if path.exists() else {}


def _three_numbers(values: Any, name: str) -> tuple[float, float, float]:
    try:
        red, green, blue = map(float, values)
    except (TypeError, ValueError) as error:
        raise InputError(f"expected three numbers, found {values!r}", argument=name) from error
    if not all(map(math.isfinite, (red, green, blue))):
        raise InputError(f"expected three finite numbers, found {values!r}", argument=name)
    return red, green, blue


def as_rgb(image: ImageLike) -> NDArray[np.uint8]:
    """Pixels of an image in RGB, converted only where nothing is lost.

    Grey, black-and-white and palette images are spelled out in RGB; alpha that is opaque
    everywhere is dropped. An orientation that a photograph names (JPEG, PNG, WebP, TIFF) is
    applied: masks are drawn on what every viewer shows.

    Returns
    -------
    array, uint8 (H, W, 3)

    Raises
    ------
    InputTypeError
        Neither a PIL image nor an array of uint8.
    InputError
        Transparent pixels, more than 8 bits a channel, another colour space, an empty image.
    """
    if isinstance(image, Image.Image):
        return _rgb_of_picture(image)
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        found = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise InputTypeError(
            f"expected a PIL image or an array of uint8, found {found}", argument="image"
        )
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(
            f"expected shape (H, W, 3) or (H, W), found {image.shape}", argument="image"
        )
    return image


def _rgb_of_picture(picture: Image.Image) -> NDArray[np.uint8]:
    if 0 in picture.size:
        raise InputError(f"expected pixels, found size {picture.size}", argument="image")
    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        if np.asarray(picture.getchannel("A")).min() < 255:
            raise InputError(
                "expected opaque pixels, found transparent ones; paste it on a background",
                argument="image",
            )
    elif picture.mode not in ("RGB", "RGBX", "L", "1", "P"):
        raise InputError(
            f"expected 8 bits a channel in RGB, grey or a palette, found mode "
            f"{picture.mode}; convert it to RGB first",
            argument="image",
        )
    return np.asarray(picture.convert("RGB"))
