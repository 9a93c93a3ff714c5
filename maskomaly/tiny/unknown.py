"""Objects of no class: a shape, a fill, a place on the ground.

A shape maps the unit square (u to the right, v upwards from the ground) to parts: 0 outside, BODY,
or ACCENT, which gets the second colour alone. A fill mixes the two colours over the body. Which
shapes and fills go together is the matter of the pools in `clutter` and `anomalies`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskomaly.tiny.canvas import Canvas, Floats, Mask, Point, inside_polygon, random_color
from maskomaly.tiny.things import Spot, cast_shadow

BODY, ACCENT = 1, 2

Parts = NDArray[np.uint8]
Shape = Callable[[Floats, Floats, np.random.Generator], Parts]
Fill = Callable[[Floats, Floats, np.random.Generator], Floats]


@dataclass(frozen=True)
class Accumulator:
    """Shapes and fills that are combined freely.

    Attributes
    ----------
    shapes : tuple of callables (u (1, w), v (h, 1), rng) -> uint8 (h, w)
    fills : tuple of callables (u (h, w), v (h, w), rng) -> float64 (h, w), 0 .. 1
        The share of the second colour.
    """

    shapes: tuple[Shape, ...]
    fills: tuple[Fill, ...]


def draw_unknown(
    canvas: Canvas, spot: Spot, pool: Accumulator, label: int, height: tuple[float, float]
) -> None:
    """Draw one object of a pool.

    Parameters
    ----------
    canvas : Canvas
    spot : Spot
        Where it stands.
    pool : Accumulator
    label : int
        ANOMALY or VOID.
    height : (float, float)
        The range of its height, as a share of the spot's size.
    """
    rng = canvas.rng
    tall = rng.uniform(*height) * spot.size
    wide = tall * rng.uniform(0.6, 1.5)
    shape = pool.shapes[rng.integers(len(pool.shapes))]
    fill = pool.fills[rng.integers(len(pool.fills))]
    first = random_color(rng, saturation=(0.05, 0.95), value=(0.1, 0.95))
    second = random_color(rng, saturation=(0.05, 0.95), value=(0.1, 0.95))
    # The object's own draws come from a stream of its own, so that its shape does not depend on
    # how much of it lies in the image.
    own = np.random.default_rng(rng.integers(2**32))
    mirrored = rng.random() < 0.5
    parts: list[Parts] = []
    cast_shadow(canvas, spot, 0.5 * wide)

    def unit(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        u = (x - spot.x) / wide + 0.5
        return (1.0 - u if mirrored else u), (spot.y - y) / tall

    def inside(x: Floats, y: Floats) -> Mask:
        parts.append(shape(*unit(x, y), own))
        return parts[0] > 0

    def color(x: Floats, y: Floats) -> Floats:
        u, v = np.broadcast_arrays(*unit(x, y))
        share = np.where(parts[0] == ACCENT, 1.0, fill(u, v, own))[..., None]
        mixed: Floats = first * (1.0 - share) + second * share
        return mixed

    box = (spot.x - 0.5 * wide, spot.y - tall, spot.x + 0.5 * wide, spot.y)
    grain, shade = rng.uniform(0.03, 0.15), rng.uniform(-0.45, 0.45)
    canvas.paint(box, inside, color, label, grain=grain, shade=shade)


# The parts that shapes are made of.


def ellipse(u: Floats, v: Floats, center: Point, radii: Point) -> Mask:
    """An upright ellipse in the unit square."""
    within: Mask = ((u - center[0]) / radii[0]) ** 2 + ((v - center[1]) / radii[1]) ** 2 < 1.0
    return within


def rectangle(u: Floats, v: Floats, low: Point, high: Point) -> Mask:
    """An upright rectangle in the unit square, from its lower left to its upper right corner."""
    within: Mask = (u >= low[0]) & (u < high[0]) & (v >= low[1]) & (v < high[1])
    return within


def polygon(u: Floats, v: Floats, points: Sequence[Point]) -> Mask:
    """A polygon in the unit square."""
    return inside_polygon(points, u, v)


def around(radii: Sequence[float], phase: float) -> list[Point]:
    """Corners at these distances from the middle of the unit square, at equal angles."""
    angles = phase + 2.0 * np.pi * np.arange(len(radii)) / len(radii)
    return [
        (0.5 + r * float(np.cos(a)), 0.5 + r * float(np.sin(a)))
        for r, a in zip(radii, angles, strict=True)
    ]


def assemble(body: Mask, accent: Mask | None = None) -> Parts:
    """Body and accent, the accent on top, as parts."""
    parts = np.where(body, BODY, 0).astype(np.uint8)
    if accent is not None:
        parts[accent] = ACCENT
    return parts


def turned(u: Floats, v: Floats, angle: float) -> tuple[Floats, Floats]:
    """Coordinates of the unit square turned about its origin, for fills with a direction."""
    cos, sin = np.cos(angle), np.sin(angle)
    return u * cos + v * sin, v * cos - u * sin
