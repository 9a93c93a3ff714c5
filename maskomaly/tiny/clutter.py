"""The unlabelled clutter of every kind of scene: shapes and fills of the training pool.

It is what makes queries learn to segment things that belong to no class. None of its shapes and
fills occurs among the anomalies.
"""

from __future__ import annotations

import numpy as np

from maskomaly.tiny.canvas import Floats
from maskomaly.tiny.unknown import (
    Accumulator,
    Parts,
    around,
    assemble,
    ellipse,
    polygon,
    rectangle,
    turned,
)


def crate(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A box that fills its place."""
    return assemble(rectangle(u, v, (0.0, 0.0), (1.0, 1.0)))


def bin_with_lid(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A container, narrower below, under a lid."""
    body = polygon(u, v, [(0.14, 0.0), (0.06, 0.86), (0.94, 0.86), (0.86, 0.0)])
    return assemble(body, rectangle(u, v, (0.0, 0.86), (1.0, 1.0)))


def heap(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A heap of sand or leaves."""
    crown = [(0.1 + 0.2 * i, rng.uniform(0.55, 1.0)) for i in range(1, 4)]
    return assemble(polygon(u, v, [(0.0, 0.0), (0.1, 0.4), *crown, (0.9, 0.4), (1.0, 0.0)]))


def pallet(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """Boards with gaps of another colour."""
    boards = int(rng.integers(2, 5))
    gaps = np.mod(v * boards, 1.0) < 0.2
    body = rectangle(u, v, (0.0, 0.0), (1.0, 1.0))
    return assemble(body, body & gaps)


def cross(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """Two beams crossing."""
    upright = rectangle(u, v, (0.33, 0.0), (0.67, 1.0))
    return assemble(upright | rectangle(u, v, (0.0, 0.33), (1.0, 0.67)))


def stone(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A convex polygon of five to seven sides."""
    return assemble(polygon(u, v, around([0.5] * int(rng.integers(5, 8)), rng.uniform(0.0, 6.0))))


def handcart(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A box on two wheels."""
    wheels = ellipse(u, v, (0.2, 0.15), (0.13, 0.15)) | ellipse(u, v, (0.8, 0.15), (0.13, 0.15))
    return assemble(rectangle(u, v, (0.0, 0.25), (1.0, 1.0)), wheels)


def barrel(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """An upright cylinder, its upper end seen."""
    body = rectangle(u, v, (0.0, 0.1), (1.0, 0.9)) | ellipse(u, v, (0.5, 0.1), (0.5, 0.1))
    return assemble(body, ellipse(u, v, (0.5, 0.9), (0.5, 0.1)))


def sack(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A bag tied at its neck."""
    half = [(0.05, 0.0), (0.0, 0.5), (0.3, 0.7), (0.4, 1.0)]
    return assemble(polygon(u, v, half + [(1.0 - x, y) for x, y in reversed(half)]))


def bench(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A seat and a back on thin legs."""
    seat = rectangle(u, v, (0.0, 0.38), (1.0, 0.52)) | rectangle(u, v, (0.0, 0.7), (1.0, 0.97))
    legs = rectangle(u, v, (0.05, 0.0), (0.15, 0.72)) | rectangle(u, v, (0.85, 0.0), (0.95, 0.72))
    return assemble(seat, legs & ~seat)


def rubble(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A jagged outline."""
    teeth = [((i + 0.5) / 5.0, rng.uniform(0.3, 1.0)) for i in range(5)]
    return assemble(polygon(u, v, [(0.0, 0.0), *teeth, (1.0, 0.0)]))


def parcels(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """Boxes before and upon each other."""
    left, right = rng.uniform(0.0, 0.4), rng.uniform(0.0, 0.4)
    body = rectangle(u, v, (left, 0.0), (left + 0.6, 0.6))
    body |= rectangle(u, v, (right, 0.5), (right + 0.5, 1.0))
    return assemble(body, rectangle(u, v, (1.0 - 0.45, 0.0), (1.0, rng.uniform(0.3, 0.6))))


def parasol(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A half-round roof on a pole with a foot."""
    roof = ellipse(u, v, (0.5, 0.5), (0.5, 0.5)) & (v > rng.uniform(0.45, 0.65))
    pole = rectangle(u, v, (0.44, 0.0), (0.56, 0.7)) | rectangle(u, v, (0.3, 0.0), (0.7, 0.08))
    return assemble(roof, pole & ~roof)


def tent(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A gabled tent, its entrance in the second colour."""
    ridge = rng.uniform(0.3, 0.7)
    body = polygon(u, v, [(0.0, 0.0), (0.0, 0.5), (ridge, 1.0), (1.0, 0.5), (1.0, 0.0)])
    entrance = rectangle(u, v, (ridge - 0.15, 0.0), (ridge + 0.15, 0.5))
    return assemble(body, entrance & body)


def plain(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Fill with one colour."""
    return np.zeros(u.shape)


def gradient(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Fill from one colour to another in some direction."""
    along, _ = turned(u, v, rng.uniform(0.0, np.pi))
    clipped: Floats = np.clip(along, 0.0, 1.0)
    return clipped


def bricks(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Masonry with joints of the second colour."""
    courses = rng.uniform(2.0, 5.0)
    course = np.floor(v * courses)
    upright = np.mod(u * courses * 0.6 + 0.5 * np.mod(course, 2.0), 1.0) < 0.08
    return ((np.mod(v * courses, 1.0) < 0.14) | upright).astype(np.float64)


def patchwork(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Cells around random points, each of its own mixture."""
    points = rng.uniform(-0.1, 1.1, size=(int(rng.integers(4, 10)), 2))
    mixtures = rng.uniform(0.0, 1.0, size=len(points))
    away = (u - points[:, 0, None, None]) ** 2 + (v - points[:, 1, None, None]) ** 2
    cells: Floats = mixtures[away.argmin(axis=0)]
    return cells


def framed(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """A panel of the second colour within a frame of the first."""
    border = rng.uniform(0.1, 0.3)
    panel = (abs(u - 0.5) < 0.5 - border) & (abs(v - 0.5) < 0.5 - border)
    return panel.astype(np.float64)


CLUTTER = Accumulator(
    shapes=(
        *(crate, bin_with_lid, heap, pallet, cross, stone, handcart),
        *(barrel, sack, bench, rubble, parcels, parasol, tent),
    ),
    fills=(plain, gradient, bricks, patchwork, framed),
)
