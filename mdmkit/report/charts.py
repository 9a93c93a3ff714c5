"""Curves with their margins as shapes for an inline SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mdmkit.core.margin import Margin
from mdmkit.metrics.curve import ThresholdCurve

WIDTH, PLOT_HEIGHT, LEFT, TOP = 420, 190, 30, 8
PLOT_WIDTH = WIDTH - LEFT - 10
LANE, LANES_TOP = 20, TOP + PLOT_HEIGHT + 26
_MOST_STEPS = 500


@dataclass(frozen=True)
class Line:
    """One method's curve and margin.

    Attributes
    ----------
    method : str
    path : str
        SVG path of the steps.
    left, right, middle : float or None
        Pixels of the margin's ends and of the recommended threshold.
    text : str
        The margin in words.
    """

    method: str
    path: str
    left: float | None
    right: float | None
    middle: float | None
    text: str


@dataclass(frozen=True)
class Chart:
    """One metric at one T over all methods."""

    title: str
    t_margin: float
    lines: tuple[Line, ...]

    @property
    def height(self) -> int:
        """Of the whole drawing, lanes included."""
        return LANES_TOP + LANE * len(self.lines) + 8

    @property
    def t_height(self) -> float:
        """Where T is."""
        return _y(self.t_margin)

    @property
    def words(self) -> str:
        """What the drawing shows."""
        return "; ".join(f"{line.method}: {line.text}" for line in self.lines)


def _x(z: float) -> float:
    return round(LEFT + PLOT_WIDTH * z, 2)


def _y(value: float) -> float:
    return round(TOP + PLOT_HEIGHT * (1 - value), 2)


def _path(curve: ThresholdCurve, margin: Margin) -> str:
    """The steps, thinned to what a screen shows, the margin's ends among them."""
    edges = curve.edges
    if edges.size > _MOST_STEPS:
        ends = margin.interval or ()
        edges = np.unique(np.concatenate([np.linspace(0, 1, _MOST_STEPS), list(ends)]))
    parts: list[str] = []
    drawing = False
    values = curve(np.minimum(edges[:-1], 1.0))
    for start, stop, value in zip(edges[:-1], edges[1:], values, strict=True):
        if np.isnan(value):
            drawing = False
            continue
        parts.append(f"V{_y(value):g}" if drawing else f"M{_x(start):g} {_y(value):g}")
        parts.append(f"H{_x(stop):g}")
        drawing = True
    return "".join(parts)


def draw_chart(title: str, t_margin: float, curves: Mapping[str, ThresholdCurve]) -> Chart:
    """The curves of one metric by method, with the margins at T."""
    lines = []
    for method, curve in curves.items():
        margin = curve.margin(t_margin)
        if margin.interval is None or margin.threshold is None:
            text = f"MDM 0, never above T = {t_margin:g}"
            lines.append(Line(method, _path(curve, margin), None, None, None, text))
            continue
        low, high = margin.interval
        text = (
            f"MDM {100 * margin.value:.1f}, from {low:.3f} to {high:.3f}, "
            f"recommended {margin.threshold:.3f}"
        )
        places = (_x(low), _x(high), _x(margin.threshold))
        lines.append(Line(method, _path(curve, margin), *places, text))
    return Chart(title, t_margin, tuple(lines))
