"""d over the threshold: one curve, with its margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mdmkit.plots.style import (
    COLOURS,
    MARKED,
    METRIC_LABELS,
    STYLE,
    plain,
)

_MOST_DRAWN = 4000


class Curve(Protocol):
    """What is drawn of a `ThresholdCurve`."""

    @property
    def metric(self) -> str: ...

    @property
    def min_prediction(self) -> int | None: ...

    @property
    def min_target(self) -> int | None: ...

    @property
    def edges(self) -> NDArray[np.float64]: ...

    def __call__(self, z: Any) -> Any: ...

    def margin(self, t_margin: Any) -> Any: ...


def _points(curve: Curve, extra: Sequence[float]) -> tuple[NDArray[Any], NDArray[Any]]:
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
        Of the line, as matplotlib takes them.

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
    'pixel F1'
    """
    if ax is None:
        with rc_context(STYLE):
            ax = Figure(figsize=(3.5, 2.4), layout="constrained").add_subplot()
            name_axes(ax, curve)
            if t_margin is not None:
                draw_t(ax, t_margin)
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


def name_axes(ax: Axes, curve: Curve) -> None:
    """Name both axes, with the component sizes of the metric."""
    name = METRIC_LABELS.get(curve.metric, plain(curve.metric))
    if curve.min_prediction or curve.min_target:
        name += f"\n(sizes {curve.min_prediction} / {curve.min_target})"
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="threshold z", ylabel=name)


def draw_t(ax: Axes, t_margin: float) -> None:
    """Draw a dashed line at the required quality."""
    ax.axhline(t_margin, color="0.35", linewidth=0.8, linestyle=(0, (3, 2)))
    name_t(ax, t_margin, t_margin)


def name_t(ax: Axes, height: float, t_margin: float) -> None:
    """Right of the axes."""
    ax.annotate(
        f"T = {t_margin:g}", (1, height), (3, 0), textcoords="offset points",
        ha="left", va="center", fontsize=7, color="0.35", annotation_clip=False,
    )  # fmt: skip


def draw_marked(ax: Axes) -> None:
    """Draw a thin line at each threshold that all figures mark."""
    for z in MARKED:
        ax.axvline(z, color="0.8", linewidth=0.6, zorder=0)


Curves = Mapping[str, Curve]
