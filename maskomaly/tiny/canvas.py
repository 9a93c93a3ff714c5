"""A canvas that is painted and labelled at once: colours and classes under the same mask.

Everything is rasterised by numpy in float64, so that a scene does not depend on the version of
an image library, and hardly ever on the last digit of a sine.
"""

from __future__ import annotations

import colorsys
import functools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float]
Point = tuple[float, float]

NOISE_SIZE = 384


def random_color(
    rng: np.random.Generator,
    hue: tuple[float, float] = (0.0, 1.0),
    saturation: tuple[float, float] = (0.1, 0.6),
    value: tuple[float, float] = (0.2, 0.9),
) -> Floats:
    """Return an RGB colour, float64 (3,) in 0 .. 255; ranges are those of HSV, hue wraps."""
    h, s, v = rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value)
    return np.array(colorsys.hsv_to_rgb(h % 1.0, s, v)) * 255.0


def grey(level: float) -> Floats:
    """Return the RGB colour of one grey level in 0 .. 255."""
    return np.full(3, level)


@functools.cache
def _noise_field(soft: bool) -> Floats:
    """Sum of octaves of noise, about unit variance, periodic, (NOISE_SIZE, NOISE_SIZE).

    `soft` gives the weight to the coarse octaves (clouds, patches of shade), otherwise to the fine
    ones (asphalt, leaves).
    """
    rng = np.random.default_rng(7)
    knots = (3, 6, 12, 24, 48, 96, 192, 384)
    coarse, fine = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05, 0.05), (0.1, 0.2, 0.4, 0.6, 0.8, 1, 1, 1)
    weights = coarse if soft else fine
    field = np.zeros((NOISE_SIZE, NOISE_SIZE))
    position = np.arange(NOISE_SIZE)
    for count, weight in zip(knots, weights, strict=True):
        left, fraction = np.divmod(position * count / NOISE_SIZE, 1.0)
        fraction = fraction * fraction * (3.0 - 2.0 * fraction)
        spread = np.zeros((NOISE_SIZE, count))
        spread[position, left.astype(int)] += 1.0 - fraction
        spread[position, (left.astype(int) + 1) % count] += fraction
        field += weight * (spread @ rng.standard_normal((count, count)) @ spread.T)
    scale: Floats = field / field.std()
    return scale


def inside_polygon(points: Sequence[Point], x: Floats, y: Floats) -> Mask:
    """Return which grid points lie inside a polygon, by the even-odd rule.

    Parameters
    ----------
    points : sequence of (x, y)
        The corners in order; the polygon closes itself and may cross itself.
    x : float64 array, (1, w)
    y : float64 array, (h, 1)

    Returns
    -------
    bool array, (h, w)
    """
    corners = np.asarray(points, dtype=np.float64)
    x0, y0 = corners.T[:, :, None]
    x1, y1 = np.roll(corners, -1, axis=0).T[:, :, None]
    rows = y.reshape(1, -1)
    crossed = (y0 <= rows) != (y1 <= rows)
    rise = np.where(y1 == y0, 1.0, y1 - y0)
    crossing = np.where(crossed, x0 + (rows - y0) * (x1 - x0) / rise, np.inf)
    inside: Mask = np.logical_xor.reduce(crossing[:, :, None] < x[None], axis=0)
    return inside


class Canvas:
    """An image and its labels, painted together.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where textures take their offsets from.
    height, width : int
        In pixels. Pixel (row, column) has its centre at y = row + 0.5, x = column + 0.5.
    label : int
        The label of the empty canvas.

    Attributes
    ----------
    image : float64 array, (height, width, 3), 0 .. 255 (not clipped)
    labels : uint8 array, (height, width)
    x : float64 array, (1, width)
    y : float64 array, (height, 1)
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int, label: int) -> None:
        self.rng = rng
        self.height, self.width = height, width
        self.image: Floats = np.zeros((height, width, 3))
        self.labels: NDArray[np.uint8] = np.full((height, width), label, dtype=np.uint8)
        self.x: Floats = np.arange(width, dtype=np.float64)[None, :] + 0.5
        self.y: Floats = np.arange(height, dtype=np.float64)[:, None] + 0.5

    def noise(self, height: int, width: int, soft: bool = False) -> Floats:
        """Return a random window of the noise field, float64 (height, width)."""
        row, column = self.rng.integers(NOISE_SIZE, size=2)
        rows = (row + np.arange(height)) % NOISE_SIZE
        columns = (column + np.arange(width)) % NOISE_SIZE
        window: Floats = _noise_field(soft)[rows[:, None], columns]
        return window

    def paint(
        self,
        box: Box,
        inside: Callable[[Floats, Floats], Mask],
        color: Floats | Callable[[Floats, Floats], Floats],
        label: int,
        *,
        grain: float = 0.0,
        shade: float = 0.0,
    ) -> None:
        """Paint and label the pixels of a region.

        Parameters
        ----------
        box : (x0, y0, x1, y1)
            The region's bounds in pixels; what lies outside the canvas is cut off.
        inside : callable (x (1, w), y (h, 1)) -> bool (h, w)
            The region.
        color : float64 (3,), or callable (x, y) -> (h, w, 3)
            Its colour.
        label : int
            Its label.
        grain : float
            Standard deviation of the texture, as a share of the colour.
        shade : float
            How much lighter the right side is than the left one, as a share of the colour.
        """
        x0, y0 = max(int(np.floor(box[0])), 0), max(int(np.floor(box[1])), 0)
        x1 = min(int(np.ceil(box[2])) + 1, self.width)
        y1 = min(int(np.ceil(box[3])) + 1, self.height)
        if x1 <= x0 or y1 <= y0:
            return
        x, y = self.x[:, x0:x1], self.y[y0:y1]
        mask = inside(x, y)
        light: float | Floats = 1.0
        if grain:
            light = light + grain * self.noise(y1 - y0, x1 - x0)
        if shade:
            light = light * (1.0 + shade * ((x - box[0]) / max(1.0, box[2] - box[0]) - 0.5))
        surface = np.broadcast_to(color(x, y) if callable(color) else color, (*mask.shape, 3))
        if isinstance(light, np.ndarray):
            surface = surface * light[..., None]
        np.copyto(self.image[y0:y1, x0:x1], surface, where=mask[..., None])
        self.labels[y0:y1, x0:x1][mask] = label

    def polygon(
        self,
        points: Sequence[Point],
        color: Floats | Callable[[Floats, Floats], Floats],
        label: int,
        *,
        grain: float = 0.0,
        shade: float = 0.0,
    ) -> None:
        """Paint a polygon with corners (x, y) in pixels; the rest is as in `paint`."""
        xs, ys = zip(*points, strict=True)
        box = (min(xs), min(ys), max(xs), max(ys))
        inside = functools.partial(inside_polygon, points)
        self.paint(box, inside, color, label, grain=grain, shade=shade)

    def rectangle(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        color: Floats,
        label: int,
        *,
        grain: float = 0.0,
        shade: float = 0.0,
    ) -> None:
        """Paint an upright rectangle; the rest is as in `paint`."""

        def inside(x: Floats, y: Floats) -> Mask:
            within: Mask = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
            return within

        self.paint((x0, y0, x1, y1), inside, color, label, grain=grain, shade=shade)

    def ellipse(
        self,
        x: float,
        y: float,
        radius_x: float,
        radius_y: float,
        color: Floats,
        label: int,
        *,
        grain: float = 0.0,
        shade: float = 0.0,
    ) -> None:
        """Paint an upright ellipse around (x, y); the rest is as in `paint`."""

        def inside(px: Floats, py: Floats) -> Mask:
            within: Mask = ((px - x) / radius_x) ** 2 + ((py - y) / radius_y) ** 2 < 1.0
            return within

        box = (x - radius_x, y - radius_y, x + radius_x, y + radius_y)
        self.paint(box, inside, color, label, grain=grain, shade=shade)

    def darken(self, x: float, y: float, radius_x: float, radius_y: float, share: float) -> None:
        """Multiply the colours in an ellipse by `share`, for a shadow; labels stay."""
        columns = slice(max(int(x - radius_x), 0), max(int(x + radius_x) + 1, 0))
        rows = slice(max(int(y - radius_y), 0), max(int(y + radius_y) + 1, 0))
        across, down = (self.x[:, columns] - x) / radius_x, (self.y[rows] - y) / radius_y
        self.image[rows, columns][across**2 + down**2 < 1.0] *= share
