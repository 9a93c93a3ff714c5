"""Drawn street scenes with labels; a kind and a seed always give the same scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskomaly.tiny.anomalies import MINING, TEST
from maskomaly.tiny.canvas import Canvas, Floats
from maskomaly.tiny.clutter import CLUTTER
from maskomaly.tiny.labels import ANOMALY, SKY, VOID
from maskomaly.tiny.street import Street, draw_bonnet, draw_street, haze
from maskomaly.tiny.things import (
    Spot,
    draw_car,
    draw_person,
    draw_sign,
    draw_tree,
    random_spot,
)
from maskomaly.tiny.unknown import Accumulator, draw_unknown
from mdmkit.core.errors import InputError

SCENES_VERSION = 1
"""Raised whenever a seed gives another scene than before."""

SIZE = (128, 256)
"""Height and width of a scene, unless told otherwise."""

# A kind's place in this tuple is part of the seed: append only.
KINDS = ("train", "validation", "mining", "validation-anomaly", "test")

ANOMALY_POOLS = {"mining": MINING, "validation-anomaly": MINING, "test": TEST}

FEWEST_ANOMALOUS_PIXELS = 40
"""Least number of anomalous pixels of a scene of 128 x 256; one with fewer is made anew."""


@dataclass(frozen=True)
class Scene:
    """Holds one synthetic street.

    Attributes
    ----------
    image : uint8 array, (height, width, 3)
        RGB.
    labels : uint8 array, (height, width)
        Class numbers as in `maskomaly.tiny.labels.CLASSES`, ANOMALY or VOID (unlabelled).
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def draw_scene(seed: int, kind: str = "train", size: tuple[int, int] = SIZE) -> Scene:
    """Draw a street.

    Parameters
    ----------
    seed : int
        At least 0. Kinds do not share scenes: the kind is part of what is seeded.
    kind : str
        "train" and "validation" hold the known classes and unlabelled clutter; "mining" and
        "validation-anomaly" anomalies of one pool besides; "test" anomalies of another one.
    size : (int, int)
        Height and width in pixels.

    Returns
    -------
    Scene

    Raises
    ------
    InputError
        If the kind is unknown, the seed negative or the size below 32 x 32.

    Examples
    --------
    >>> scene = draw_scene(0, "mining")
    >>> scene.image.shape, scene.labels.shape
    ((128, 256, 3), (128, 256))
    """
    if kind not in KINDS:
        raise InputError(f"expected one of {', '.join(KINDS)}, found {kind!r}", argument="kind")
    if seed < 0:
        raise InputError(f"expected an integer of at least 0, found {seed!r}", argument="seed")
    if len(size) != 2 or min(size) < 32:
        raise InputError(
            f"expected (height, width), at least 32 each, found {size!r}", argument="size"
        )
    pool = ANOMALY_POOLS.get(kind)
    fewest = FEWEST_ANOMALOUS_PIXELS * size[0] * size[1] / (SIZE[0] * SIZE[1])
    attempt = 0
    while True:
        rng = np.random.default_rng((SCENES_VERSION, KINDS.index(kind), seed, attempt))
        scene = _compose(rng, pool, size)
        if pool is None or np.count_nonzero(scene.labels == ANOMALY) >= fewest:
            return scene
        attempt += 1


def _compose(rng: np.random.Generator, pool: Accumulator | None, size: tuple[int, int]) -> Scene:
    """Make an attempt: the street, its objects from far to near, bonnet, light and camera."""
    canvas = Canvas(rng, *size, label=SKY)
    street = draw_street(canvas)
    objects = _choose_things(street, rng) + _choose_clutter(street, rng, scarce=pool is not None)
    if pool is not None:
        objects += _choose_anomalies(street, rng, pool)
    for spot, draw in sorted(objects, key=lambda pair: pair[0].y):
        draw(canvas, spot)
    if rng.random() < 0.5:
        draw_bonnet(canvas, VOID)
    if rng.random() < 0.4:
        haze(canvas, street)
    return Scene(_expose(canvas), canvas.labels)


Placed = tuple[Spot, Callable[[Canvas, Spot], None]]


def _choose_things(street: Street, rng: np.random.Generator) -> list[Placed]:
    """Objects of the known classes with their spots; each class may be missing."""
    chosen: list[Placed] = []
    for draw, most, road, farthest, nearest in (
        (draw_tree, 3, 0.0, 0.15, 0.8),
        (draw_car, 4, 0.85, 0.1, 0.85),
        (draw_person, 6, 0.25, 0.15, 0.85),
        (draw_sign, 4, 0.0, 0.2, 0.8),
    ):
        count = rng.integers(most + 1)
        chosen.extend(
            (random_spot(street, rng, road, nearest, farthest), draw) for _ in range(count)
        )
    return chosen


def _choose_clutter(street: Street, rng: np.random.Generator, scarce: bool) -> list[Placed]:
    """Unlabelled objects, up to five, or up to two where anomalies are what matters."""

    def draw(canvas: Canvas, spot: Spot) -> None:
        draw_unknown(canvas, spot, CLUTTER, VOID, height=(0.15, 0.58))

    most = 2 if scarce else 5
    return [
        (random_spot(street, rng, 0.65, 0.95, 0.2), draw) for _ in range(rng.integers(most + 1))
    ]


def _choose_anomalies(street: Street, rng: np.random.Generator, pool: Accumulator) -> list[Placed]:
    """Add an anomaly, sometimes two, mostly on the road and not too far away."""

    def draw(canvas: Canvas, spot: Spot) -> None:
        draw_unknown(canvas, spot, pool, ANOMALY, height=(0.28, 0.62))

    count = 1 if rng.random() < 0.7 else 2
    return [(random_spot(street, rng, 0.9, 0.9, 0.3), draw) for _ in range(count)]


def _expose(canvas: Canvas) -> NDArray[np.uint8]:
    """Exposure, white balance, blur and sensor noise; the image as uint8."""
    rng = canvas.rng
    image = canvas.image * rng.uniform(0.7, 1.2) * (1.0 + rng.uniform(-0.06, 0.06, size=3))
    image = np.clip(image, 0.0, 255.0)
    side = rng.uniform(0.06, 0.27)
    for axis in (0, 1):
        image = _smooth(image, side, axis)
    image += rng.uniform(1.0, 7.0) * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(np.rint(image), 0.0, 255.0).astype(np.uint8)


def _smooth(image: Floats, side: float, axis: int) -> Floats:
    """Weigh each pixel with its two neighbours along an axis, `side` each."""
    lines = image.swapaxes(0, axis)
    padded = np.concatenate([lines[:1], lines, lines[-1:]])
    mixed = (1.0 - 2.0 * side) * lines + side * (padded[:-2] + padded[2:])
    smooth: Floats = mixed.swapaxes(0, axis)
    return smooth
