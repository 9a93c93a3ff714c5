"""Resizing of score maps to the size of their masks, where it is asked for; never of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_choice
from mdmkit.core.frame import as_unit
from mdmkit.core.types import Array

METHODS = ("bilinear", "nearest")


def check_resize(resize: object) -> str | None:
    """Check that a value is one of `METHODS`, or None."""
    return None if resize is None else str(as_choice(resize, METHODS, "resize"))


def resized(scores: Array, shape: tuple[int, int], resize: str) -> NDArray[np.float32]:
    """A score map of another shape, float32.

    Pixels are squares, so that centres lie at halves: the new pixel i has its centre at
    (i + 0.5) * old / new - 0.5 among the old ones. No antialiasing; the border is repeated. As
    torch's `interpolate` with `align_corners=False` (bilinear), and "nearest-exact".

    Parameters
    ----------
    scores : ndarray, shape (h, w)
        Unsigned integers mean value / maximum.
    shape : (int, int)
        Height and width wanted.
    resize : {"bilinear", "nearest"}

    Returns
    -------
    ndarray of float32, shape (H, W)

    Examples
    --------
    >>> resized(np.array([[0.0, 1.0]]), (1, 4), "bilinear").tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    >>> resized(np.array([[0.0, 1.0]]), (1, 4), "nearest").tolist()
    [[0.0, 0.0, 1.0, 1.0]]
    """
    unit = as_unit(scores).astype(np.float32)
    height, width = shape
    if resize == "nearest":
        rows, columns = _nearest(unit.shape[0], height), _nearest(unit.shape[1], width)
        return np.asarray(unit[rows[:, None], columns])
    low, high, weight = _between(unit.shape[1], width)
    wide = unit[:, low] + (unit[:, high] - unit[:, low]) * weight
    low, high, weight = _between(unit.shape[0], height)
    return np.asarray(wide[low] + (wide[high] - wide[low]) * weight[:, None], np.float32)


def _nearest(old: int, new: int) -> NDArray[np.intp]:
    places = np.floor((np.arange(new) + 0.5) * (old / new)).astype(np.intp)
    return np.asarray(np.minimum(places, old - 1))


def _between(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Find the old pixels on either side of each new one, and the share of the second."""
    places = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
    low = np.floor(places).astype(np.intp)
    high = np.minimum(low + 1, old - 1)
    return low, high, (places - low).astype(np.float32)
