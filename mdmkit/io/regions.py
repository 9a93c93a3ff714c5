"""Regions: ground truth in mask files whose every pixel that is not 0 belongs to an anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError, printable
from mdmkit.io.images import readable_image, upright


@dataclass(frozen=True)
class Saturation:
    """Holds the area from which on a region counts as found (sPRO, Bergmann et al. 2022).

    Attributes
    ----------
    value : int
        Pixel value of the masks that it is for.
    area : float
        In pixels, or as a share of the region where `relative`.
    relative : bool

    Examples
    --------
    >>> Saturation(255, 0.5, relative=True).pixels(region=10), Saturation(254, 3).pixels(region=2)
    (5.0, 2.0)
    """

    value: int
    area: float
    relative: bool = False

    def pixels(self, region: int) -> float:
        """The saturation area in pixels, of a region of so many; at most all of it."""
        return float(min(self.area * region if self.relative else self.area, region))


@dataclass(frozen=True)
class RegionMasks:
    """Names the ground truth of a frame in one or more mask files, each of which is one region.

    Attributes
    ----------
    masks : tuple of Path
        Images of one size; what is not 0 is anomalous, whatever its value or colour.
    saturations : tuple of Saturation
        By pixel value of the masks; a value without one saturates with all of the region.
    label : int
        The label of anomalous pixels; all others are 0.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, row in ("000.png", [9, 9, 0, 0]), ("001.png", [0, 7, 7, 0]):
    ...         Image.fromarray(np.array([row], np.uint8)).save(f"{folder}/{name}")
    ...     masks = RegionMasks(tuple(sorted(Path(folder).iterdir())), (Saturation(9, 1),))
    ...     regions = [(mask.tolist(), area) for mask, area in masks.regions()]
    ...     masks.labels().tolist()
    [[255, 255, 255, 0]]
    >>> regions
    [([[True, True, False, False]], 1.0), ([[False, True, True, False]], 2.0)]
    """

    masks: tuple[Path, ...]
    saturations: tuple[Saturation, ...] = ()
    label: int = 255

    def labels(self) -> NDArray[np.uint8]:
        """Labels of all regions together, shape (H, W)."""
        union = np.logical_or.reduce([mask for mask, _ in self.regions()])
        return np.asarray(union * np.uint8(self.label))

    def regions(self) -> list[tuple[NDArray[np.bool_], float]]:
        """Mask, shape (H, W), and saturation area in pixels of each region that is not empty."""
        found: list[tuple[NDArray[np.bool_], float]] = []
        shape: tuple[int, ...] | None = None
        for path in self.masks:
            values = _values(path)
            if shape not in (None, values.shape):
                raise InputError(
                    f"{printable(str(path))}: expected the shape {shape} of the other masks of "
                    f"this frame, found {values.shape}"
                )
            shape = values.shape
            region = values != 0
            pixels = int(region.sum())
            areas = {s.value: s.pixels(pixels) for s in self.saturations}
            found.append((region, areas.get(int(values.max(initial=0)), float(pixels))))
        return found

    def __str__(self) -> str:
        more = f" and {len(self.masks) - 1} more" if len(self.masks) > 1 else ""
        return f"{self.masks[0]}{more}"


def _values(path: Path) -> NDArray[np.int64]:
    """Pixel values as stored, palette indices too; of colours the largest of the channels."""
    with readable_image(path) as image:
        values = upright(image)
    if values.ndim == 3:
        values = values[..., :3].max(axis=2)
    return values.astype(np.int64)
