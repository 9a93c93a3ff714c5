"""d over the threshold: one curve, with its margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, overload

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from mdmkit.core.margin import Interval, Margin, check_t_margin, trivial_level
from mdmkit.plots import style

Floats = NDArray[np.float64]

_MOST_DRAWN = 4000
_LINE = 0.125  # inches that a line of small type takes


class Curve(Protocol):
    """The part of a `ThresholdCurve` that is drawn."""

    @property
    def metric(self) -> str: ...

    @property
    def min_prediction(self) -> int | None: ...

    @property
    def min_target(self) -> int | None: ...

    @property
    def edges(self) -> Floats: ...

    @property
    def values(self) -> Floats: ...

    @property
    def ends(self) -> Interval | None: ...

    @overload
    def __call__(self, z: float) -> float: ...

    @overload
    def __call__(self, z: ArrayLike) -> Floats: ...

    @overload
    def margin(self, t_margin: float) -> Margin: ...

    @overload
    def margin(self, t_margin: Sequence[float]) -> tuple[Margin, ...]: ...


def _points(curve: Curve, extra: Sequence[float]) -> tuple[Floats, Floats]:
    """Steps to draw: all of them, or as many as a page can show with those at `extra`."""
    edges = curve.edges
    if edges.size > _MOST_DRAWN:
        edges = np.unique(np.concatenate([np.linspace(0, 1, _MOST_DRAWN), list(extra)]))
    return edges, curve(np.minimum(edges[:-1], 1.0))


def draw_curve(
    curve: Curve,
    ax: Axes | None = None,
    t_margin: float | None = None,
    *,
    label: str | None = None,
    colour: str = style.COLOURS[0],
    dash: style.Dash = "-",
    fill: float = 0.18,
) -> Axes:
    """Draw d, in percent, over the threshold; with T, mark the margin on the curve and shade it.

    Parameters
    ----------
    curve : ThresholdCurve
    ax : matplotlib Axes, optional
        A new figure's by default, with names, T and the trivial level.
    t_margin : float, optional
        The required quality T, in [0, 1).
    label, colour, dash
        Of the line, as matplotlib takes them.
    fill : float
        How opaque the area between T and the curve is, in [0, 1].

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        For a T outside [0, 1).

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> from mdmkit.plots import draw_curve
    >>> curve = threshold_curve([[0.25, 0.5, 0.75]], [[0, 1, 1]])
    >>> draw_curve(curve, t_margin=0.7).get_ylabel()
    'pixel F1, %'
    """
    style.check_some({"": curve}, "curve")
    margin = None if t_margin is None else curve.margin(check_t_margin(t_margin))
    alone, ax = ax is None, style.own_axes(ax, (3.5, 2.4))
    if alone:
        with rc_context(style.STYLE):
            name_axes(ax, curve, 100.0)
            if margin is not None:
                draw_levels(ax, [margin.t_margin], margin.trivial, 1.9)
    interval = margin.interval if margin else None
    edges, fractions = _points(curve, interval or ())
    values = 100 * fractions
    ax.stairs(
        values, edges, baseline=None, color=colour, linestyle=dash, label=label, linewidth=1.2
    )
    if interval is not None and margin is not None:
        inside = (edges[:-1] >= interval[0]) & (edges[:-1] < interval[1])
        x = np.append(edges[:-1][inside], interval[1])
        y = np.append(values[inside], values[inside][-1])
        ax.fill_between(
            x, 100 * margin.t_margin, y, step="post", color=colour, alpha=fill, linewidth=0
        )
        ax.step(x, y, where="post", color=colour, linewidth=3, alpha=0.45, label="_margin")
    return ax


def name_axes(ax: Axes, curve: Curve, top: float) -> None:
    """Name both axes, with the component sizes of the metric; the upper one ends at `top` %."""
    name = f"{style.METRIC_LABELS.get(curve.metric, style.plain(curve.metric))}, %"
    if curve.min_prediction or curve.min_target:
        name += f"\n(sizes {curve.min_prediction} / {curve.min_target})"
    ax.set(xlim=(0, 1), ylim=(0, top), xlabel="threshold z", ylabel=name)


def highest(curves: Mapping[str, Curve], t_values: Sequence[float]) -> float:
    """End of a quality axis, in percent: a round number above all that is drawn."""
    drawn = [*t_values]
    for curve in curves.values():
        drawn.append(trivial_of(curve) or 0.0)
        drawn.extend(curve.values[np.isfinite(curve.values)])
    return float(min(100, max(10, 5 * np.ceil(100 * max(drawn) * 1.04 / 5))))


def trivial_of(curve: Curve) -> float | None:
    """The metric's trivial level on the curve's frames, a fraction."""
    return trivial_level(curve.ends)


def draw_levels(ax: Axes, t_values: Sequence[float], trivial: float | None, inches: float) -> None:
    """Draw each T dashed and the trivial level dotted, named right of an axis of that height."""
    named = [(100 * t, percent_of(t)) for t in t_values]
    for height, _ in named:
        ax.axhline(height, color="0.35", linewidth=0.8, linestyle=(0, (3, 2)))
    if trivial is not None:
        ax.axhline(100 * trivial, color="0.35", linewidth=0.6, linestyle=(0, (1, 1.5)))
        named.append((100 * trivial, f"trivial\n{100 * trivial:.3g} %"))
    named.sort(key=lambda each: each[0])
    bottom, top = ax.get_ylim()
    places = _apart(named, (top - bottom) / inches, bottom, top)
    for place, (_, text) in zip(places, named, strict=True):
        name_right(ax, place, text)


def _apart(named: Sequence[tuple[float, str]], unit: float, low: float, high: float) -> list[float]:
    """Heights of labels, moved as little as it takes to keep them apart and on the axis."""
    halves = [_LINE / 2 * (text.count("\n") + 1) * unit for _, text in named]
    places: list[float] = []
    for (height, _), half in zip(named, halves, strict=True):
        least = places[-1] + halves[len(places) - 1] + half if places else low
        places.append(max(height, least))
    ceiling = high + _LINE * unit
    for n in reversed(range(len(places))):
        places[n] = min(places[n], ceiling - halves[n])
        ceiling = places[n] - halves[n]
    return places


def percent_of(t: float) -> str:
    """A required quality in words: T = 50 %."""
    return f"T = {100 * t:.4g} %"


def name_right(ax: Axes, height: float, text: str) -> None:
    """Write right of the axes."""
    ax.annotate(
        text,
        (1, height),
        (3, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=7,
        color=style.INK,
        linespacing=1.0,
        annotation_clip=False,
    )


def draw_marked(ax: Axes) -> None:
    """Draw a thin line at each threshold that all figures mark."""
    for z in style.MARKED:
        ax.axvline(z, color=style.GUIDE, linewidth=0.6, zorder=0)


Curves = Mapping[str, Curve]
