"""d over the threshold, with the margins of several methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mdmkit.core.errors import InputError
from mdmkit.plots.style import (
    COLOURS,
    DOUBLE,
    MARKED,
    METRIC_LABELS,
    SINGLE,
    STYLE,
    check_width,
    legend_columns,
    looks,
    plain,
)

_MOST_DRAWN = 4000
_SIDE_BY_SIDE = 5.0  # inches that panels need
_ROOMY = 4.5  # inches of a lane with more than the marked thresholds


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


def _name_axes(ax: Axes, curve: Curve) -> None:
    name = METRIC_LABELS.get(curve.metric, plain(curve.metric))
    if curve.min_prediction or curve.min_target:
        name += f"\n(sizes {curve.min_prediction} / {curve.min_target})"
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="threshold z", ylabel=name)


def _draw_t(ax: Axes, t_margin: float) -> None:
    ax.axhline(t_margin, color="0.35", linewidth=0.8, linestyle=(0, (3, 2)))
    _name_t(ax, t_margin, t_margin)


def _name_t(ax: Axes, height: float, t_margin: float) -> None:
    """Right of the axes."""
    ax.annotate(
        f"T = {t_margin:g}", (1, height), (3, 0), textcoords="offset points",
        ha="left", va="center", fontsize=7, color="0.35", annotation_clip=False,
    )  # fmt: skip


def _draw_marked(ax: Axes) -> None:
    for z in MARKED:
        ax.axvline(z, color="0.8", linewidth=0.6, zorder=0)


Curves = Mapping[str, Curve]


def margin_figure(
    curves: Curves, t_margin: float | Sequence[float], *, width: float = DOUBLE
) -> Figure:
    """The metric over the threshold for several methods; beneath it each margin as a bar.

    Parameters
    ----------
    curves : mapping of str to ThresholdCurve
        Of one metric, by method.
    t_margin : float, or sequence of float
        The required quality T; with several, the bars of each stand together.
    width : float
        In inches; 5.2 fits two columns, 3.4 one.

    Returns
    -------
    matplotlib Figure
        The bar is the margin's interval with its length; the dot the recommended threshold.

    Raises
    ------
    InputError
        Without curves or T, or for a width that no page has.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> target = [[0, 1, 1]]
    >>> curves = {
    ...     "mine": threshold_curve([[0.1, 0.8, 0.9]], target),
    ...     "other": threshold_curve([[0.1, 0.2, 0.3]], target),
    ... }
    >>> from mdmkit.plots import margin_figure
    >>> figure = margin_figure(curves, 0.5, width=3.4)
    >>> [text.get_text() for text in figure.axes[1].texts]
    ['MDM 90.0', 'MDM 30.0']
    """
    return margin_multiples({"": curves}, t_margin, width=width)


def margin_multiples(
    panels: Mapping[str, Curves],
    t_margin: float | Sequence[float],
    *,
    width: float = DOUBLE,
    across: int | None = None,
) -> Figure:
    """As `margin_figure`, several metrics or data sets side by side or below each other.

    Parameters
    ----------
    panels : mapping of str to mapping of str to ThresholdCurve
        The curves of each panel by method, under the panel's title ("": none).
    t_margin : float, or sequence of float
    width : float
        In inches; in less than 5 the panels stand below each other.
    across : int, optional
        So many panels a row, at most three.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        Without curves or T, or for a width that no page has.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> from mdmkit.plots import margin_multiples
    >>> panels = {
    ...     name: {"mine": threshold_curve([[0.1, 0.8, 0.9]], [[0, 1, 1]], name)}
    ...     for name in ("f1", "siou")
    ... }
    >>> figure = margin_multiples(panels, (0.5, 0.7), width=7)
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['f1', 'siou']
    """
    _check_panels(panels)
    check_width(width)
    wanted = [t_margin] if isinstance(t_margin, (int, float)) else list(t_margin)
    if not wanted:
        raise InputError("t_margin: expected at least one T, found none")
    down, across = _rows_and_columns(len(panels), width, across)
    breadth = width / across
    lanes = 0.2 * max(map(len, panels.values())) * len(wanted) + 0.12 * (len(wanted) - 1) + 0.1
    top_height = (0.52 if across == 1 else 0.62) * breadth
    # what names, numbers at the axes and T leave to each panel's lanes, in inches
    longest = max(len(name) for curves in panels.values() for name in curves)
    lane = max(0.2, (width - 0.062 * longest - 0.45 * (2 * across - 1)) / across)
    with rc_context(STYLE):
        figure = Figure(
            figsize=(width, down * (top_height + lanes + 0.3) + 0.25), layout="constrained"
        )
        axes = figure.subplots(
            2 * down, across, squeeze=False,
            gridspec_kw={"height_ratios": [top_height, lanes] * down},
        )  # fmt: skip
        for place, (title, curves) in enumerate(panels.items()):
            row, column = divmod(place, across)
            top, bottom = axes[2 * row, column], axes[2 * row + 1, column]
            top.sharex(bottom)
            top.tick_params(labelbottom=False)
            _draw_panel(top, bottom, curves, wanted, lane)
            top.set_title(plain(title))
            if column:
                bottom.set_yticklabels([])
        for place in range(len(panels), down * across):
            row, column = divmod(place, across)
            axes[2 * row, column].set_axis_off()
            axes[2 * row + 1, column].set_axis_off()
        _name_methods(figure, panels, width)
    return figure


def _check_panels(panels: Mapping[str, Curves]) -> None:
    if not panels or not all(panels.values()):
        raise InputError("curves: expected at least one, found none")


def _rows_and_columns(panels: int, width: float, across: int | None = None) -> tuple[int, int]:
    """How panels stand on a page of that width."""
    columns = min(panels, across or 3, 3) if width >= _SIDE_BY_SIDE else 1
    return -(-panels // columns), columns


def _name_methods(figure: Figure, panels: Mapping[str, Curves], width: float) -> None:
    # handles by hand: matplotlib would leave out names that begin with an underscore
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    looked = map(looks, range(len(names)))
    handles = [Line2D([], [], color=colour, linestyle=dash) for colour, dash in looked]
    figure.legend(
        handles=handles, labels=[plain(name) for name in names],
        loc="outside upper center", ncols=legend_columns(names, width),
    )  # fmt: skip


def _draw_panel(
    top: Axes, bottom: Axes, curves: Curves, wanted: Sequence[float], inches: float
) -> None:
    """Curves above, and lanes of about so many inches below."""
    for ax in (top, bottom):
        _draw_marked(ax)
    places: list[float] = []
    for group, t in enumerate(wanted):
        start = group * (len(curves) + 0.6)
        for row, curve in enumerate(curves.values()):
            colour, dash = looks(row)
            if group == 0:
                draw_curve(curve, top, t if len(wanted) == 1 else None, colour=colour, dash=dash)
            places.append(start + row)
            _draw_lane(bottom, places[-1], curve, t, colour, inches)
        _draw_t(top, t)
        if len(wanted) > 1:
            _name_t(bottom, start + (len(curves) - 1) / 2, t)
    _name_axes(top, next(iter(curves.values())))
    top.set_xlabel("")
    bottom.set(ylim=(places[-1] + 0.5, -0.5), yticks=places, xlabel="threshold z", xlim=(0, 1))
    bottom.set_yticklabels([plain(name) for name in curves] * len(wanted))
    more = {0.2, 0.4, 0.6} if inches > _ROOMY else set()
    bottom.set_xticks(sorted({0.0, 1.0, *MARKED, *more}))
    bottom.tick_params(axis="y", length=0)


def _draw_lane(
    ax: Axes, row: float, curve: Curve, t_margin: float, colour: str, inches: float
) -> None:
    margin = curve.margin(t_margin)
    style: dict[str, Any] = {"va": "center", "fontsize": 7}
    if margin.interval is None or margin.threshold is None:
        text = f"MDM 0: never above T = {t_margin:g}"
        text = text if _share(text, inches) < 1 else "MDM 0"
        ax.text(0.01, row, text, color=colour, **style)
        return
    low, high = margin.interval
    ax.barh(row, high - low, left=low, height=0.5, color=colour, alpha=0.35, linewidth=0)
    ax.plot([margin.threshold], [row], "o", color=colour, markersize=3)
    text = f"MDM {100 * margin.value:.1f}"
    room, gap = _share(text, inches), 0.04 / inches
    if high + gap + room <= 1:
        ax.text(high + gap, row, text, ha="left", color=colour, **style)
    elif low - gap - room >= 0:
        ax.text(low - gap, row, text, ha="right", color=colour, **style)
    elif margin.threshold + 2 * gap + room <= 1:  # inside, beside the dot
        ax.text(margin.threshold + 2 * gap, row, text, ha="left", color="black", **style)
    else:  # on its other side, or over it rather than out of the lane
        end = max(margin.threshold - 2 * gap, min(room, 1.0))
        ax.text(end, row, text, ha="right", color="black", **style)


def _share(text: str, inches: float) -> float:
    """How much of a lane a text of 7 points takes."""
    return 0.062 * len(text) / inches


def draw_margins_by_t(
    curves: Curves, ax: Axes | None = None, t_values: Sequence[float] | None = None
) -> Axes:
    """Draw the MDM as a function of T, by method; returns the axes.

    Parameters
    ----------
    curves : mapping of str to ThresholdCurve
        Of one metric, by method.
    ax : matplotlib Axes, optional
        A new figure's by default.
    t_values : sequence of float, optional
        Where it is computed; 0, 0.005, ..., 0.995 by default.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        Without curves, or for a T outside [0, 1).

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> from mdmkit.plots import draw_margins_by_t
    >>> curve = threshold_curve([[0.25, 0.5, 0.75]], [[0, 1, 1]])
    >>> ax = draw_margins_by_t({"mine": curve}, t_values=(0.5, 0.7, 0.9))
    >>> ax.lines[0].get_ydata().tolist()
    [0.75, 0.5, 0.25]
    """
    if not curves:
        raise InputError("curves: expected at least one, found none")
    if ax is None:
        with rc_context(STYLE):
            ax = Figure(figsize=(SINGLE, 2.4), layout="constrained").add_subplot()
    at = np.arange(200) / 200 if t_values is None else np.asarray(t_values, np.float64)
    for row, (name, curve) in enumerate(curves.items()):
        colour, dash = looks(row)
        margins = [margin.value for margin in curve.margin(at.tolist())]
        ax.plot(at, margins, color=colour, linestyle=dash, label=plain(name))
    first = next(iter(curves.values()))
    metric = METRIC_LABELS.get(first.metric, plain(first.metric))
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel=f"required quality T ({metric})", ylabel="MDM")
    return ax


def margins_by_t_figure(curves: Curves, *, width: float = SINGLE) -> Figure:
    """`draw_margins_by_t` on a page of its own: which T tells the methods apart.

    Parameters
    ----------
    curves : mapping of str to ThresholdCurve
        Of one metric, by method.
    width : float
        In inches.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        Without curves, or for a width that no page has.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> from mdmkit.plots import margins_by_t_figure
    >>> curve = threshold_curve([[0.25, 0.5, 0.75]], [[0, 1, 1]])
    >>> margins_by_t_figure({"mine": curve}).axes[0].get_ylabel()
    'MDM'
    """
    return margins_by_t_multiples({"": curves}, width=width)


def margins_by_t_multiples(panels: Mapping[str, Curves], *, width: float = SINGLE) -> Figure:
    """As `margins_by_t_figure`, several data sets side by side or below each other.

    Parameters
    ----------
    panels : mapping of str to mapping of str to ThresholdCurve
        The curves of each panel by method, under the panel's title ("": none).
    width : float
        In inches; in less than 5 the panels stand below each other.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        Without panels or curves, or for a width that no page has.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> from mdmkit.plots import margins_by_t_multiples
    >>> curve = threshold_curve([[0.25, 0.5, 0.75]], [[0, 1, 1]])
    >>> figure = margins_by_t_multiples({"day": {"mine": curve}, "night": {"mine": curve}})
    >>> [ax.get_title() for ax in figure.axes]
    ['day', 'night']
    """
    _check_panels(panels)
    check_width(width)
    down, across = _rows_and_columns(len(panels), width)
    titles = 0.15 if any(panels) else 0
    with rc_context(STYLE):
        height = down * (0.62 * width / across + titles) + 0.25
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(down, across, squeeze=False).flat
        for ax, (title, curves) in zip(axes, panels.items(), strict=False):
            draw_margins_by_t(curves, ax).set_title(plain(title))
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        _name_methods(figure, panels, width)
    return figure
