"""The anomalies: one pool to mine queries and to choose settings on, another to test on.

The two share no shape and no fill with each other or with the clutter of the training scenes.
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

# Shapes and fills of the mining and of the validation scenes.


def ring(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A ring, the street seen through it."""
    hole = rng.uniform(0.2, 0.32)
    return assemble(
        ellipse(u, v, (0.5, 0.5), (0.5, 0.5)) & ~ellipse(u, v, (0.5, 0.5), (hole, hole))
    )


def animal(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """Something on four legs with a head and a tail."""
    body = ellipse(u, v, (0.45, 0.55), (0.33, 0.24)) | ellipse(u, v, (0.84, 0.82), (0.15, 0.17))
    body |= polygon(u, v, [(0.2, 0.6), (0.0, 0.9), (0.06, 0.5)])
    for left in (0.18, 0.29, 0.57, 0.68):
        body |= rectangle(u, v, (left, 0.0), (left + 0.08, 0.5))
    return assemble(body)


def cone(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A cone on a flat foot."""
    body = polygon(u, v, [(0.1, 0.0), (0.45, 1.0), (0.55, 1.0), (0.9, 0.0)])
    return assemble(body | rectangle(u, v, (0.0, 0.0), (1.0, 0.09)))


def blob(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A round outline with bulges."""
    angles = 2.0 * np.pi * np.arange(24) / 24
    waves = np.sin(angles * rng.integers(2, 5) + rng.uniform(0.0, 6.0))
    radii = 0.5 * np.clip(0.72 + 0.2 * waves + 0.06 * rng.standard_normal(24), 0.2, 1.0)
    return assemble(polygon(u, v, around(radii.tolist(), 0.0)))


def hourglass(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """Two triangles, tip to tip."""
    waist = rng.uniform(0.08, 0.2)
    half = [(0.0, 0.0), (0.5 - waist, 0.5), (0.0, 1.0)]
    return assemble(polygon(u, v, half + [(1.0 - x, y) for x, y in reversed(half)]))


def stripes(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Stripes in some direction."""
    along, _ = turned(u, v, rng.uniform(0.0, np.pi))
    return (np.mod(along * rng.uniform(3.0, 7.0), 1.0) < 0.5).astype(np.float64)


def checker(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """A chessboard in some direction."""
    along, across = turned(u, v, rng.uniform(0.0, np.pi))
    count = rng.uniform(3.0, 7.0)
    squares = np.floor(along * count) + np.floor(across * count)
    odd: Floats = np.mod(squares, 2.0)
    return odd


def waves(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Soft bands that wind."""
    along, across = turned(u, v, rng.uniform(0.0, np.pi))
    count = rng.uniform(10.0, 25.0)
    bands: Floats = 0.5 + 0.5 * np.sin(along * count + 2.0 * np.sin(across * 0.6 * count))
    return bands


# Shapes and fills of the test scenes.


def star(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A star of five to eight points."""
    points = int(rng.integers(5, 9))
    return assemble(polygon(u, v, around([0.5, 0.22] * points, rng.uniform(0.0, 6.0))))


def bird(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A bird on two thin legs with beak and tail."""
    body = ellipse(u, v, (0.46, 0.45), (0.28, 0.24)) | ellipse(u, v, (0.74, 0.8), (0.14, 0.18))
    body |= polygon(u, v, [(0.3, 0.5), (0.0, 0.85), (0.1, 0.4)])
    beak = polygon(u, v, [(0.85, 0.86), (1.0, 0.76), (0.85, 0.72)])
    legs = rectangle(u, v, (0.4, 0.0), (0.45, 0.25)) | rectangle(u, v, (0.52, 0.0), (0.57, 0.25))
    return assemble(body, beak | (legs & ~body))


def tyres(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """Flat round things stacked, light and dark in turn."""
    count = int(rng.integers(2, 5))
    half = 0.5 / (0.5 * count + 0.5)
    parts = np.zeros(np.broadcast_shapes(u.shape, v.shape), dtype=np.uint8)
    for level in range(count):
        disc = ellipse(u, v, (0.5, half * (1.0 + level)), (0.5, half))
        parts[disc] = 1 + level % 2
    return parts


def boat(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A hull with a mast and a sail."""
    hull = polygon(u, v, [(0.0, 0.38), (1.0, 0.38), (0.82, 0.0), (0.15, 0.0)])
    sail = polygon(u, v, [(0.46, 0.44), (0.46, 1.0), (0.92, 0.44)])
    return assemble(hull | rectangle(u, v, (0.4, 0.38), (0.45, 1.0)), sail)


def arch(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A gate, the street seen through it."""
    whole = ellipse(u, v, (0.5, 0.5), (0.5, 0.5)) | rectangle(u, v, (0.0, 0.0), (1.0, 0.5))
    return assemble(whole & ~rectangle(u, v, (0.3, 0.0), (0.7, 0.55)))


def ramp(u: Floats, v: Floats, rng: np.random.Generator) -> Parts:
    """A wedge, its side in the second colour."""
    front = polygon(u, v, [(0.0, 0.0), (0.08, 0.3), (0.78, 1.0), (0.82, 0.0)])
    return assemble(front, polygon(u, v, [(0.78, 1.0), (1.0, 0.8), (1.0, 0.1), (0.82, 0.0)]))


def dots(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Round spots on a grid."""
    along, across = turned(u, v, rng.uniform(0.0, np.pi))
    count = rng.uniform(3.0, 7.0)
    away = (np.mod(along * count, 1.0) - 0.5) ** 2 + (np.mod(across * count, 1.0) - 0.5) ** 2
    return (away < 0.1).astype(np.float64)


def swirl(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """A spiral around the middle."""
    turns = rng.uniform(18.0, 40.0)
    angle = np.arctan2(v - 0.5, u - 0.5)
    return (np.sin(np.hypot(u - 0.5, v - 0.5) * turns + 2.0 * angle) > 0).astype(np.float64)


def fur(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Fine ragged strands."""
    along, across = turned(u, v, rng.uniform(0.0, np.pi))
    count = rng.uniform(3.0, 7.0)
    strands = np.sin(along * count * 9.0 + 3.0 * np.sin(across * count * 2.0)) > 0.2
    return strands.astype(np.float64)


def rays(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Sectors around a point."""
    angle = np.arctan2(v - rng.uniform(0.2, 0.8), u - rng.uniform(0.2, 0.8))
    sectors = np.sin(angle * rng.integers(4, 10))
    shares: Floats = (sectors > 0).astype(np.float64)
    return shares


MINING = Accumulator(
    shapes=(ring, animal, cone, blob, hourglass),
    fills=(stripes, checker, waves),
)
TEST = Accumulator(
    shapes=(star, bird, tyres, boat, arch, ramp),
    fills=(dots, swirl, fur, rays),
)
