"""The empty street: sky, ground in perspective, and what stands along both of its sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskomaly.tiny.canvas import Canvas, Floats, Mask, random_color
from maskomaly.tiny.labels import BUILDING, ROAD, SIDEWALK, SKY, VEGETATION


@dataclass(frozen=True)
class Street:
    """Holds the place of the ground in the image.

    Depth is 0 at the horizon and 1 at the lower edge of the image: the share of its full size at
    which an object on the ground appears.

    Attributes
    ----------
    horizon : float
        Row of the horizon, in pixels.
    vanishing : float
        Column of the vanishing point.
    left, right : float
        Columns where the road's edges meet the lower edge of the image (they may lie outside).
    height, width : int
        Of the image, in pixels.
    """

    horizon: float
    vanishing: float
    left: float
    right: float
    height: int
    width: int

    def row(self, depth: float) -> float:
        """Return the row of the ground at a depth."""
        return self.horizon + (self.height - self.horizon) * depth

    def road(self, depth: float) -> tuple[float, float]:
        """Return the columns of the road's edges at a depth."""
        return (
            self.vanishing + (self.left - self.vanishing) * depth,
            self.vanishing + (self.right - self.vanishing) * depth,
        )


def draw_street(canvas: Canvas) -> Street:
    """Draw sky, ground, the sides' buildings and trees, the far end; return the geometry."""
    rng, width = canvas.rng, canvas.width
    vanishing = rng.uniform(0.3, 0.7) * width
    street = Street(
        horizon=rng.uniform(0.34, 0.5) * canvas.height,
        vanishing=vanishing,
        left=vanishing - rng.uniform(0.36, 0.88) * width,
        right=vanishing + rng.uniform(0.36, 0.88) * width,
        height=canvas.height,
        width=width,
    )
    _draw_sky(canvas, street)
    _draw_ground(canvas, street)
    _draw_far_end(canvas, street)
    _draw_side(canvas, street, -1)
    _draw_side(canvas, street, 1)
    return street


def _draw_sky(canvas: Canvas, street: Street) -> None:
    rng = canvas.rng
    if rng.random() < 0.8:
        zenith = random_color(rng, (0.52, 0.64), (0.0, 0.7), (0.55, 1.0))
    else:
        zenith = random_color(rng, (0.02, 0.15), (0.1, 0.5), (0.6, 1.0))
    low = 0.6 * zenith + 0.4 * 255.0 * rng.uniform(0.7, 1.0)
    fall = np.clip(canvas.y / street.horizon, 0.0, 1.0)[..., None]
    cover = canvas.noise(canvas.height, canvas.width, soft=True) * rng.uniform(0.0, 0.8)
    cloud = 0.6 * np.clip(cover + rng.uniform(-0.5, 0.5), 0.0, 1.0)[..., None]
    canvas.image[:] = (zenith * (1.0 - fall) + low * fall) * (1.0 - cloud)
    canvas.image += cloud * 255.0 * rng.uniform(0.6, 1.0)
    canvas.labels[:] = SKY


def _draw_ground(canvas: Canvas, street: Street) -> None:
    """Pavement below the horizon, the road upon it, kerbs between them, patches of shade."""
    rng, width = canvas.rng, canvas.width
    first = int(np.ceil(street.horizon - 0.5))  # the first row whose centre is on the ground
    image, labels, x = canvas.image[first:], canvas.labels[first:], canvas.x
    size = (street.height - first, width)
    depth = (canvas.y[first:] - street.horizon) / (street.height - street.horizon)
    distance = 1.0 / np.maximum(depth, 0.02)
    left = street.vanishing + (street.left - street.vanishing) * depth
    right = street.vanishing + (street.right - street.vanishing) * depth

    pavement = random_color(rng, (0.0, 0.18), (0.03, 0.28), (0.45, 0.8))
    flags = rng.uniform(2.0, 5.0)
    across = (x - street.vanishing) * distance / width * flags * 3.0
    joint = (np.mod(across, 1.0) < 0.1) | (np.mod(distance * flags, 1.0) < 0.12)
    light = 1.0 - 0.22 * joint * np.clip(2.0 * depth, 0.0, 1.0)
    image[:] = pavement * (light * (1.0 + 0.09 * canvas.noise(*size)))[..., None]
    labels[:] = SIDEWALK

    kerb = 1.2 + 2.0 * depth
    image[(abs(x - left) < kerb) | (abs(x - right) < kerb)] = pavement * rng.uniform(0.6, 1.2)

    road = (x >= left - 1.0) & (x <= right + 1.0)
    asphalt = random_color(rng, (0.55, 0.72), (0.0, 0.12), (0.2, 0.5))
    light = (1.0 + 0.07 * canvas.noise(*size)) * (1.0 + rng.uniform(-0.25, 0.25) * depth)
    surface = asphalt * light[..., None]
    share = (x - left) / np.maximum(right - left, 1e-3)
    surface[_lane_marks(rng, share, distance) & (depth > 0.03)] = rng.uniform(170.0, 245.0)
    np.copyto(image, surface, where=road[..., None])
    labels[road] = ROAD

    if rng.random() < 0.4:
        patches = canvas.noise(*size, soft=True) - rng.uniform(0.2, 0.8)
        image *= 1.0 - rng.uniform(0.2, 0.5) * np.clip(4.0 * patches, 0.0, 1.0)[..., None]


def _lane_marks(rng: np.random.Generator, share: Floats, distance: Floats) -> Mask:
    """Find the painted part of the road; `share` runs from its left edge (0) to its right (1)."""
    half_width = 0.012
    marks = np.zeros(share.shape, dtype=bool)
    lanes = rng.integers(2, 5)
    for lane in range(1, lanes):
        line = abs(share - lane / lanes) < half_width
        if rng.random() < 0.7:
            line &= np.mod(distance * rng.uniform(1.2, 2.5) + rng.random(), 1.0) < 0.5
        marks |= line
    if rng.random() < 0.5:
        marks |= (abs(share - 0.03) < half_width) | (abs(share - 0.97) < half_width)
    if rng.random() < 0.2:
        # A zebra crossing: distance grows fast towards the horizon, so a short stretch of it.
        start = rng.uniform(1.3, 3.0)
        crossing = (distance > start) & (distance < start * 1.25)
        marks |= crossing & (np.mod(share * rng.integers(8, 14), 1.0) < 0.5)
    return marks


def _draw_far_end(canvas: Canvas, street: Street) -> None:
    """A low strip of trees or houses along the horizon."""
    rng = canvas.rng
    if rng.random() >= 0.8:
        return
    if rng.random() < 0.6:
        color, label = random_color(rng, (0.2, 0.4), (0.15, 0.5), (0.2, 0.5)), VEGETATION
    else:
        color, label = random_color(rng, saturation=(0.0, 0.3), value=(0.4, 0.7)), BUILDING
    top = rng.uniform(0.016, 0.055) * canvas.height
    skyline = 1.0 + 0.3 * canvas.noise(1, canvas.width, soft=True)
    strip = (canvas.y >= street.horizon - top * skyline) & (canvas.y <= street.horizon + 1.0)
    texture = 1.0 + 0.2 * canvas.noise(canvas.height, canvas.width)
    canvas.image[strip] = color * texture[strip][:, None]
    canvas.labels[strip] = label


def _draw_side(canvas: Canvas, street: Street, side: int) -> None:
    """Houses, hedges and gaps from the image's edge towards the vanishing point.

    `side` is -1 (left) or 1 (right). Heights scale with the distance from the vanishing point, so
    that roofs and footings run towards it.
    """
    rng = canvas.rng
    edge = -8.0 if side < 0 else canvas.width + 8.0
    reach = abs(edge - street.vanishing)
    tallest = rng.uniform(0.5, 1.6) * canvas.height
    slopes = rng.uniform(0.15, 0.4) * (street.height - street.horizon) / reach
    spans = []
    near = 1.0
    while near > 0.06:
        far = near * rng.uniform(0.45, 0.85)
        spans.append((near, far))
        near = far
    for near, far in reversed(spans):
        plot = Plot(
            street,
            x0=street.vanishing + side * reach * near,
            x1=street.vanishing + side * reach * far,
            rise=0.9 * tallest * rng.uniform(0.5, 1.1) / reach,
            fall=slopes,
        )
        kind = rng.random()
        if kind < 0.72:
            _draw_building(canvas, plot, reach)
        elif kind < 0.93:
            _draw_bushes(canvas, plot)


@dataclass(frozen=True)
class Plot:
    """A stretch of a street's side.

    Attributes
    ----------
    street : Street
    x0, x1 : float
        Its near and its far column.
    rise, fall : float
        Rows by which its upper and lower edge leave the horizon, per column from the vanishing
        point.
    """

    street: Street
    x0: float
    x1: float
    rise: float
    fall: float

    def top(self, x: Floats, share: float = 1.0) -> Floats:
        """Return the row of the upper edge at columns, at a share of the full height."""
        return self.street.horizon - share * self.rise * abs(x - self.street.vanishing)

    def bottom(self, x: Floats) -> Floats:
        """Return the row of the lower edge at columns."""
        return self.street.horizon + self.fall * abs(x - self.street.vanishing) + 1.0

    def outline(self, share: float = 1.0) -> list[tuple[float, float]]:
        """Return the four corners."""
        x = np.array([self.x0, self.x1])
        (near_top, far_top), (near_foot, far_foot) = self.top(x, share), self.bottom(x)
        return [
            (self.x0, float(near_top)),
            (self.x1, float(far_top)),
            (self.x1, float(far_foot)),
            (self.x0, float(near_foot)),
        ]


def _draw_building(canvas: Canvas, plot: Plot, reach: float) -> None:
    """A facade with rows of windows, a cornice, and sometimes a shop floor."""
    rng = canvas.rng
    usual = rng.random() < 0.8
    wall = random_color(rng, (0.0, 0.14), (0.05, 0.5), (0.25, 0.85)) if usual else random_color(rng)
    dark = rng.random() < 0.8
    pane = (
        random_color(rng, (0.5, 0.7), (0.0, 0.4), (0.05, 0.5))
        if dark
        else random_color(rng, (0.1, 0.16), (0.2, 0.6), (0.7, 1.0))
    )
    columns, storeys = rng.uniform(3.0, 10.0), int(rng.integers(2, 8))
    wide, tall = rng.uniform(0.3, 0.65), rng.uniform(0.3, 0.6)
    shop = random_color(rng) if rng.random() < 0.3 else None
    cornice = rng.uniform(0.6, 1.3)

    def facade(x: Floats, y: Floats) -> Floats:
        away = np.maximum(abs(x - plot.street.vanishing), 1.0)
        top = plot.top(x)
        down = (y - top) / np.maximum(plot.bottom(x) - top, 1.0)
        # The logarithm makes windows narrow towards the vanishing point as perspective does.
        across = np.log(away / reach) * columns
        window = (np.mod(across, 1.0) < wide) & (np.mod(down * storeys + 0.3, 1.0) < tall)
        color: Floats = np.broadcast_to(wall, (*down.shape, 3)).copy()
        color[window & (down < 0.9)] = pane
        if shop is not None:
            color[down > 1.0 - 0.9 / storeys] = shop
            color[(down > 1.0 - 0.6 / storeys) & (np.mod(across * 0.5, 1.0) < 0.7)] = pane
        color[down < 0.04] *= cornice
        return color

    shade = rng.uniform(-0.25, 0.25)
    canvas.polygon(plot.outline(), facade, BUILDING, grain=0.07, shade=shade)


def _draw_bushes(canvas: Canvas, plot: Plot) -> None:
    """A row of crowns above a hedge."""
    rng = canvas.rng
    leaves = random_color(rng, (0.2, 0.38), (0.3, 0.8), (0.15, 0.55))
    share = rng.uniform(0.4, 0.9)
    for _ in range(5):
        x = rng.uniform(min(plot.x0, plot.x1), max(plot.x0, plot.x1))
        size = share * plot.rise * abs(x - plot.street.vanishing) / 0.9
        radius = 0.45 * size + 2.0
        y = plot.street.horizon - 0.35 * size + rng.uniform(-0.3, 0.3) * radius
        color = leaves * rng.uniform(0.8, 1.2)
        canvas.ellipse(x, y, radius, 0.8 * radius, color, VEGETATION, grain=0.3)
    canvas.polygon(plot.outline(0.39 * share), leaves, VEGETATION, grain=0.3)


def draw_bonnet(canvas: Canvas, label: int) -> None:
    """The bonnet of one's own car at the lower edge, unlabelled as in Cityscapes."""
    rng, height, width = canvas.rng, canvas.height, canvas.width
    rise = rng.uniform(0.04, 0.1) * height
    left, right = rng.uniform(-0.15, 0.0) * width, rng.uniform(1.0, 1.15) * width
    color = random_color(rng, saturation=(0.0, 0.5), value=(0.05, 0.5))
    x, y = 0.5 * (left + right), height + 0.5 * rise
    canvas.ellipse(x, y, 0.5 * (right - left), 1.5 * rise, color, label, shade=0.3)


def haze(canvas: Canvas, street: Street) -> None:
    """Lighten the image towards the horizon."""
    rng = canvas.rng
    depth = rng.uniform(0.05, 0.2) * canvas.height
    veil = np.exp(-abs(canvas.y - street.horizon) / depth)[..., None] * rng.uniform(0.1, 0.5)
    canvas.image = canvas.image * (1.0 - veil) + np.array([200.0, 205.0, 215.0]) * veil
