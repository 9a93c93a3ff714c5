"""Curves with their margins, and ranges under requirements, as shapes for an inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.margin import Interval, Margin, trivial_level
from mdmkit.metrics.curve import ThresholdCurve

Numbers = TypeVar("Numbers", float, NDArray[np.float64])

WIDTH, PLOT_HEIGHT, LEFT, TOP = 420, 190, 30, 8
PLOT_WIDTH = WIDTH - LEFT - 10
LANE, LANES_TOP = 20, TOP + PLOT_HEIGHT + 26
BAR = 32
_MOST_STEPS = 500


@dataclass(frozen=True)
class Line:
    """Curve and margin of one method.

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
    """A metric at one T over all methods."""

    title: str
    t_margin: float
    lines: tuple[Line, ...]
    trivial: float | None = None
    end: float = 1.0

    @property
    def height(self) -> int:
        """Height of the whole drawing, lanes included."""
        return LANES_TOP + LANE * len(self.lines) + 8

    @property
    def t_height(self) -> float:
        """Place of T."""
        return _y(self.t_margin, self.end)

    @property
    def ticks(self) -> list[tuple[int, float]]:
        """Percent and height of the lines across: five steps or so."""
        step = 20 if self.end > 0.5 else 10 if self.end > 0.2 else 5
        return [(t, _y(t / 100, self.end)) for t in range(0, round(100 * self.end) + 1, step)]

    @property
    def trivial_height(self) -> float | None:
        """Place of the trivial level."""
        return None if self.trivial is None else _y(min(self.trivial, self.end), self.end)

    @property
    def passed(self) -> bool:
        """Whether a constant prediction passes T."""
        return self.trivial is not None and self.t_margin <= self.trivial

    @property
    def words(self) -> str:
        """Description of the drawing."""
        return "; ".join(f"{line.method}: {line.text}" for line in self.lines)


class Required(Protocol):
    """The part of a `RequiredThreshold` that is drawn."""

    @property
    def threshold(self) -> float: ...

    @property
    def confidence(self) -> float | None: ...

    @property
    def bars(self) -> Sequence[tuple[str, Sequence[Interval], Interval | None]]: ...


@dataclass(frozen=True)
class Range:
    """Ranges of a requirement, or of all: pixels from the left, and words.

    Attributes
    ----------
    name : str
    runs : tuple of (float, float)
        Left end and width of each range on these frames.
    certified : (float, float) or None
    dot : float or None
        Where the recommended threshold is; on the bar of all requirements.
    text : str
    """

    name: str
    runs: tuple[tuple[float, float], ...]
    certified: tuple[float, float] | None
    dot: float | None
    text: str


def said_confidence(found: Iterable[Required]) -> str:
    """Behind "certified": how sure; where nothing was, what asks for it."""
    sure = {one.confidence for one in found if one.confidence is not None}
    return "".join(f" with {100 * level:g} %" for level in sure) or ", where --confidence asks"


def draw_bars(required: Mapping[str, Required]) -> dict[str, list[Range]]:
    """The ranges of each method: one for each requirement, the last for all of them."""
    return {name: [_range(found, *bar) for bar in found.bars] for name, found in required.items()}


def _range(
    found: Required, name: str, runs: Sequence[Interval], certified: Interval | None
) -> Range:
    last = name == found.bars[-1][0]
    text = ", ".join(f"{low:.3f} to {high:.3f}" for low, high in runs) or "nowhere"
    if certified is not None:
        text += f"; certified {certified[0]:.3f} to {certified[1]:.3f}"
    return Range(
        name,
        tuple(map(_bar, runs)),
        None if certified is None else _bar(certified),
        _x(found.threshold) if last else None,
        text,
    )


def _bar(run: Interval) -> tuple[float, float]:
    low, high = map(_x, run)
    return low, round(max(high - low, 1.0), 2)


def _across(z: Numbers) -> Numbers:
    return LEFT + PLOT_WIDTH * z


def _down(value: Numbers, end: float) -> Numbers:
    return TOP + PLOT_HEIGHT * (1 - value / end)


def _x(z: float) -> float:
    return round(_across(z), 2)


def _y(value: float, end: float) -> float:
    return round(_down(value, end), 2)


def _end(t_margin: float, curves: Mapping[str, ThresholdCurve]) -> float:
    """End of the quality axis: a multiple of 0.1 above T and all curves."""
    highest = max(np.nanmax(curve.values, initial=t_margin) for curve in curves.values())
    return float(min(1.0, np.ceil(10 * highest + 0.2) / 10))


def _path(curve: ThresholdCurve, margin: Margin, axis_end: float) -> str:
    """The steps, thinned to what a screen shows, the margin's ends among them."""
    edges = curve.edges
    if edges.size > _MOST_STEPS:
        ends = margin.interval or ()
        edges = np.unique(np.concatenate([np.linspace(0, 1, _MOST_STEPS), list(ends)]))
    parts: list[str] = []
    drawing = False
    ends_of_steps = np.round(_across(edges), 2).tolist()
    heights = np.round(_down(curve(np.minimum(edges[:-1], 1.0)), axis_end), 2).tolist()
    for (start, stop), y in zip(pairwise(ends_of_steps), heights, strict=True):
        if isnan(y):
            drawing = False
            continue
        parts.append(f"V{y:g}" if drawing else f"M{start:g} {y:g}")
        parts.append(f"H{stop:g}")
        drawing = True
    return "".join(parts)


def draw_chart(title: str, t_margin: float, curves: Mapping[str, ThresholdCurve]) -> Chart:
    """The curves of one metric by method, with the margins at T."""
    lines = []
    end = _end(t_margin, curves)
    for method, curve in curves.items():
        margin = curve.margin(t_margin)
        places: tuple[float | None, float | None, float | None] = None, None, None
        text = f"MDM 0, never above T = {t_margin:g}"
        if margin.interval is not None and margin.threshold is not None:
            low, high = margin.interval
            places = _x(low), _x(high), _x(margin.threshold)
            text = (
                f"MDM {100 * margin.value:.1f}, from {low:.3f} to {high:.3f}, "
                f"recommended {margin.threshold:.3f}"
            )
        lines.append(Line(method, _path(curve, margin, end), *places, text))
    levels = [trivial_level(curve.ends) for curve in curves.values()]
    known = [level for level in levels if level is not None]
    return Chart(title, t_margin, tuple(lines), max(known, default=None), end)
