"""Things that stand on the ground and have a class: trees, cars, persons, signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskomaly.tiny.canvas import Canvas, grey, random_color
from maskomaly.tiny.labels import CAR, PERSON, SIGN, VEGETATION
from maskomaly.tiny.street import Street


@dataclass(frozen=True)
class Spot:
    """A place on the ground: column and row in pixels, and the size of a full-size object there.

    `size` is the image's height times the depth.
    """

    x: float
    y: float
    size: float


def random_spot(
    street: Street, rng: np.random.Generator, road: float, nearest: float, farthest: float
) -> Spot:
    """Choose a spot, on the road with probability `road`, else beside it.

    `farthest` and `nearest` bound the depth; depths are spread evenly in their logarithm.
    """
    depth = float(np.exp(rng.uniform(np.log(farthest), np.log(nearest))))
    left, right = street.road(depth)
    if rng.random() < road:
        low = max(left, 0.0) + 2.0
        x = rng.uniform(low, max(min(right, street.width) - 2.0, low + 1.0))
    elif rng.random() < 0.5:
        x = left - rng.uniform(0.02, 0.35) * street.width * depth
    else:
        x = right + rng.uniform(0.02, 0.35) * street.width * depth
    return Spot(x, street.row(depth), street.height * depth)


def cast_shadow(canvas: Canvas, spot: Spot, radius: float) -> None:
    """Darken the ground under an object."""
    canvas.darken(spot.x, spot.y, radius, 0.033 * spot.size + 1.0, 0.45)


def draw_tree(canvas: Canvas, spot: Spot) -> None:
    """A trunk and a crown of several balls."""
    rng = canvas.rng
    height = rng.uniform(0.65, 1.17) * spot.size
    half = 0.5 * max(1.0, 0.03 * spot.size)
    bark = random_color(rng, (0.05, 0.12), (0.2, 0.6), (0.15, 0.4))
    leaves = random_color(rng, (0.2, 0.38), (0.3, 0.8), (0.15, 0.55))
    cast_shadow(canvas, spot, 0.12 * height)
    trunk_top = spot.y - 0.6 * height
    canvas.rectangle(
        spot.x - half, trunk_top, spot.x + half, spot.y, bark, VEGETATION, grain=0.15, shade=-0.5
    )
    for _ in range(rng.integers(4, 8)):
        radius = height * rng.uniform(0.15, 0.32)
        x = spot.x + rng.uniform(-0.25, 0.25) * height
        y = spot.y - height * rng.uniform(0.5, 0.95)
        color = leaves * rng.uniform(0.75, 1.25)
        canvas.ellipse(x, y, radius, radius, color, VEGETATION, grain=0.3)


def draw_car(canvas: Canvas, spot: Spot) -> None:
    """A car from ahead or behind, or from the side."""
    height = canvas.rng.uniform(0.3, 0.42) * spot.size
    if canvas.rng.random() < 0.5:
        _draw_car_front(canvas, spot, height)
    else:
        _draw_car_side(canvas, spot, height)


def _draw_car_front(canvas: Canvas, spot: Spot, height: float) -> None:
    rng = canvas.rng
    width = height * rng.uniform(1.0, 1.25)
    paint = random_color(rng, saturation=(0.0, 0.95), value=(0.1, 0.95))
    glass = random_color(rng, (0.5, 0.65), (0.05, 0.4), (0.1, 0.4))
    ahead = rng.random() < 0.5
    lamp = np.array([235.0, 230.0, 200.0]) if ahead else np.array([190.0, 20.0, 20.0])
    cast_shadow(canvas, spot, 0.55 * width)

    def at(u: float, v: float) -> tuple[float, float]:
        return spot.x + (u - 0.5) * width, spot.y - v * height

    tyre = np.array([20.0, 20.0, 22.0])
    for u in (0.03, 0.8):
        canvas.rectangle(*at(u, 0.2), *at(u + 0.17, 0.0), tyre, CAR)
    body = [(0.0, 0.1), (0.0, 0.55), (0.16, 0.97), (0.84, 0.97), (1.0, 0.55), (1.0, 0.1)]
    shade = rng.uniform(-0.3, 0.3)
    canvas.polygon([at(*p) for p in body], paint, CAR, grain=0.04, shade=shade)
    pane = [(0.12, 0.55), (0.2, 0.9), (0.8, 0.9), (0.88, 0.55)]
    canvas.polygon([at(*p) for p in pane], glass, CAR, shade=0.3)
    canvas.rectangle(*at(0.02, 0.26), *at(0.98, 0.18), paint * 0.6, CAR)
    for u in (0.04, 0.8):
        canvas.rectangle(*at(u, 0.45), *at(u + 0.16, 0.33), lamp, CAR)
    canvas.rectangle(*at(0.38, 0.3), *at(0.62, 0.2), grey(220.0), CAR)


def _draw_car_side(canvas: Canvas, spot: Spot, height: float) -> None:
    rng = canvas.rng
    width = height * rng.uniform(1.8, 2.4)
    paint = random_color(rng, saturation=(0.0, 0.95), value=(0.1, 0.95))
    glass = random_color(rng, (0.5, 0.65), (0.05, 0.4), (0.1, 0.4))
    facing = 1.0 if rng.random() < 0.5 else -1.0
    cast_shadow(canvas, spot, 0.55 * width)

    def at(u: float, v: float) -> tuple[float, float]:
        return spot.x + facing * (u - 0.5) * width, spot.y - v * height

    body = [
        *[(0.0, 0.12), (0.0, 0.55), (0.18, 0.6), (0.3, 0.97), (0.68, 0.97)],
        *[(0.82, 0.58), (1.0, 0.5), (1.0, 0.12)],
    ]
    shade = rng.uniform(-0.3, 0.3)
    canvas.polygon([at(*p) for p in body], paint, CAR, grain=0.04, shade=shade)
    rear = [(0.25, 0.6), (0.34, 0.9), (0.49, 0.9), (0.49, 0.6)]
    front = [(0.52, 0.6), (0.52, 0.9), (0.65, 0.9), (0.76, 0.6)]
    for pane in (rear, front):
        canvas.polygon([at(*p) for p in pane], glass, CAR)
    sill = [(0.0, 0.12), (0.0, 0.2), (1.0, 0.2), (1.0, 0.12)]
    canvas.polygon([at(*p) for p in sill], paint * 0.6, CAR)
    radius = 0.17 * height
    for u in (0.2, 0.8):
        x, y = at(u, 0.17)
        canvas.ellipse(x, y, radius, radius, np.array([20.0, 20.0, 22.0]), CAR)
        canvas.ellipse(x, y, 0.45 * radius, 0.45 * radius, np.array([130.0, 130.0, 135.0]), CAR)


def draw_person(canvas: Canvas, spot: Spot) -> None:
    """A person standing or walking: legs, trunk, arms, head, hair."""
    rng = canvas.rng
    height = rng.uniform(0.36, 0.46) * spot.size
    width = height * rng.uniform(0.26, 0.36)
    trousers = random_color(rng, saturation=(0.0, 0.7), value=(0.08, 0.6))
    coat = random_color(rng, saturation=(0.1, 0.9), value=(0.15, 0.9))
    skin = random_color(rng, (0.03, 0.1), (0.25, 0.6), (0.3, 0.9))
    hair = random_color(rng, (0.03, 0.12), (0.1, 0.6), (0.05, 0.5))
    stride, swing = rng.uniform(0.0, 0.5), rng.uniform(0.0, 0.2)
    cast_shadow(canvas, spot, 0.6 * width)

    def at(u: float, v: float) -> tuple[float, float]:
        return spot.x + u * width, spot.y - v * height

    for side in (-1.0, 1.0):
        foot = side * (0.12 + stride)
        leg = [
            (side * 0.15 - 0.15, 0.5),
            (side * 0.15 + 0.15, 0.5),
            (foot + 0.15, 0),
            (foot - 0.15, 0),
        ]
        canvas.polygon([at(*p) for p in leg], trousers * (1.0 + 0.1 * side), PERSON)
    trunk = [(-0.36, 0.83), (0.36, 0.83), (0.28, 0.45), (-0.28, 0.45)]
    shade = rng.uniform(-0.3, 0.3)
    canvas.polygon([at(*p) for p in trunk], coat, PERSON, grain=0.06, shade=shade)
    for side in (-1.0, 1.0):
        arm = [(0.3, 0.82), (0.48, 0.8), (0.48 + swing, 0.45), (0.34 + swing, 0.45)]
        canvas.polygon([at(side * u, v) for u, v in arm], coat * 0.85, PERSON)
    radius = 0.085 * height
    x, y = at(0.0, 0.915)
    canvas.ellipse(x, y, 0.9 * radius, radius, skin, PERSON)
    canvas.ellipse(x, y - 0.5 * radius, 0.9 * radius, 0.6 * radius, hair, PERSON)


def draw_sign(canvas: Canvas, spot: Spot) -> None:
    """A traffic sign on a pole: disc, triangle or square."""
    rng = canvas.rng
    height = rng.uniform(0.6, 0.95) * spot.size
    half = 0.5 * max(1.2, 0.02 * spot.size)
    pole, white = grey(rng.uniform(90.0, 170.0)), grey(235.0)
    top = spot.y - height
    canvas.rectangle(spot.x - half, top, spot.x + half, spot.y, pole, SIGN, shade=0.5)
    radius = height * rng.uniform(0.1, 0.16) + 1.0
    colors = ((200.0, 25.0, 25.0), (30.0, 70.0, 180.0), (235.0, 200.0, 30.0), (240.0, 240.0, 240.0))
    color = np.array(colors[rng.integers(4)])
    kind = rng.integers(3)
    for share, face in ((1.0, color), (0.58, white)):
        r = share * radius
        if kind == 0:
            canvas.ellipse(spot.x, top, r, r, face, SIGN)
        elif kind == 1:
            y = top + 0.25 * (radius - r)
            corners = [(spot.x - r, y + 0.8 * r), (spot.x + r, y + 0.8 * r), (spot.x, y - r)]
            canvas.polygon(corners, face, SIGN)
        else:
            canvas.rectangle(spot.x - r, top - r, spot.x + r, top + r, face, SIGN)
