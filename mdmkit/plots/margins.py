"""d over the threshold, with the margins of several methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mdmkit.errors import InputError
from mdmkit.plots.style import COLOURS, MARKED, METRIC_LABELS, STYLE, check_width, looks, plain

if TYPE_CHECKING:
    from mdmkit.curves import ThresholdCurve

_MOST_DRAWN = 4000


def _points(curve: ThresholdCurve, extra: Sequence[float]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Steps to draw: all of them, or as many as a page can show with those at `extra`."""
    edges = curve.edges
    if edges.size > _MOST_DRAWN:
        edges = np.unique(np.concatenate([np.linspace(0, 1, _MOST_DRAWN), list(extra)]))
    return edges, curve(np.minimum(edges[:-1], 1.0))


def draw_curve(
    curve: ThresholdCurve,
    ax: Axes | None = None,
    t_margin: float | None = None,
    *,
    label: str | None = None,
    colour: str = COLOURS[0],
    dash: Any = "-",
) -> Axes:
    """Draw d over the threshold; with T, shade the margin between T and the curve.

    Parameters
    ----------
    curve : ThresholdCurve
    ax : matplotlib Axes, optional
        A new figure's by default.
    t_margin : float, optional
        The required quality T.
    label, colour, dash
        Of the line.

    Returns
    -------
    Axes
    """
    if ax is None:
        with rc_context(STYLE):
            ax = Figure(figsize=(3.5, 2.4), layout="constrained").add_subplot()
            _name_axes(ax, curve)
            if t_margin is not None:
                _draw_t(ax, t_margin)
    margin = None if t_margin is None else curve.margin(t_margin)
    interval = margin.interval if margin else None
    edges, values = _points(curve, interval or ())
    ax.stairs(
        values, edges, baseline=None, color=colour, linestyle=dash, label=label, linewidth=1.2
    )
    if interval is not None and t_margin is not None:
        inside = (edges[:-1] >= interval[0]) & (edges[:-1] < interval[1])
        x = np.append(edges[:-1][inside], interval[1])
        y = np.append(values[inside], values[inside][-1])
        ax.fill_between(x, t_margin, y, step="post", color=colour, alpha=0.18, linewidth=0)
    return ax


def _name_axes(ax: Axes, curve: ThresholdCurve) -> None:
    name = METRIC_LABELS.get(curve.metric, plain(curve.metric))
    if curve.min_prediction or curve.min_target:
        name += f"\n(sizes {curve.min_prediction} / {curve.min_target})"
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="threshold z", ylabel=name)


def _draw_t(ax: Axes, t_margin: float) -> None:
    ax.axhline(t_margin, color="0.35", linewidth=0.8, linestyle=(0, (3, 2)))
    ax.annotate(
        f"T = {t_margin:g}", (1, t_margin), (3, 0), textcoords="offset points",
        ha="left", va="center", fontsize=7, color="0.35", annotation_clip=False,
    )  # fmt: skip


def _draw_marked(ax: Axes) -> None:
    for z in MARKED:
        ax.axvline(z, color="0.8", linewidth=0.6, zorder=0)


def margin_figure(
    curves: Mapping[str, ThresholdCurve], t_margin: float, *, width: float = 5.2
) -> Figure:
    """D over the threshold for several methods, and beneath it each method's margin as a bar.

    Parameters
    ----------
    curves : mapping of str to ThresholdCurve
        Of one metric, by method.
    t_margin : float
        The required quality T.
    width : float
        In inches; 5.2 fits two columns, 3.4 one.

    Returns
    -------
    matplotlib Figure
        The bar is the margin's interval with its length; the dot the recommended threshold.
    """
    if not curves:
        raise InputError("curves: expected at least one, found none")
    check_width(width)
    first = next(iter(curves.values()))
    lane = 0.2
    with rc_context(STYLE):
        figure = Figure(
            figsize=(width, 0.52 * width + lane * len(curves) + 0.35), layout="constrained"
        )
        top, bottom = figure.subplots(
            2, 1, sharex=True,
            gridspec_kw={"height_ratios": [0.52 * width, lane * len(curves) + 0.1]},
        )  # fmt: skip
        _draw_marked(top)
        _draw_marked(bottom)
        for row, curve in enumerate(curves.values()):
            colour, dash = looks(row)
            draw_curve(curve, top, t_margin, colour=colour, dash=dash)
            _draw_lane(bottom, row, curve, t_margin, colour)
        _name_axes(top, first)
        _draw_t(top, t_margin)
        top.set_xlabel("")
        # handles by hand: matplotlib would leave out names that begin with an underscore
        top.legend(
            handles=list(top.patches), labels=[plain(name) for name in curves],
            loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=min(len(curves), 4),
        )  # fmt: skip
        bottom.set(ylim=(len(curves) - 0.5, -0.5), yticks=range(len(curves)), xlabel="threshold z")
        bottom.set_yticklabels([plain(name) for name in curves])
        bottom.set_xticks(sorted({0.0, 0.2, 0.4, 0.6, 1.0, *MARKED}))
        bottom.tick_params(axis="y", length=0)
    return figure


def _draw_lane(ax: Axes, row: int, curve: ThresholdCurve, t_margin: float, colour: str) -> None:
    margin = curve.margin(t_margin)
    style: dict[str, Any] = {"va": "center", "fontsize": 7}
    if margin.interval is None or margin.threshold is None:
        ax.text(0.01, row, f"MDM 0: never above T = {t_margin:g}", color=colour, **style)
        return
    low, high = margin.interval
    ax.barh(row, high - low, left=low, height=0.5, color=colour, alpha=0.35, linewidth=0)
    ax.plot([margin.threshold], [row], "o", color=colour, markersize=3)
    text = f"MDM {100 * margin.value:.1f}"
    if high <= 0.8:
        ax.text(high + 0.01, row, text, ha="left", color=colour, **style)
    elif low >= 0.2:
        ax.text(low - 0.01, row, text, ha="right", color=colour, **style)
    else:
        ax.text(margin.threshold + 0.015, row, text, ha="left", color="black", **style)
