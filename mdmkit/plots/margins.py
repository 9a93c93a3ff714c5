"""d over the threshold, with the margins of several methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mdmkit.core.errors import InputError
from mdmkit.plots.curves import Curve, Curves, draw_curve, draw_marked, draw_t, name_axes, name_t
from mdmkit.plots.style import (
    DOUBLE,
    MARKED,
    STYLE,
    check_width,
    legend_columns,
    looks,
    plain,
)

_SIDE_BY_SIDE = 5.0  # inches that panels need
_ROOMY = 4.5  # inches of a lane with more than the marked thresholds


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
    check_panels(panels)
    check_width(width)
    wanted = [t_margin] if isinstance(t_margin, (int, float)) else list(t_margin)
    if not wanted:
        raise InputError("expected at least one T, found none", argument="t_margin")
    down, across = rows_and_columns(len(panels), width, across)
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
        name_methods(figure, panels, width)
    return figure


def check_panels(panels: Mapping[str, Curves]) -> None:
    """Refuse panels without a curve."""
    if not panels or not all(panels.values()):
        raise InputError("expected at least one, found none", argument="curves")


def rows_and_columns(panels: int, width: float, across: int | None = None) -> tuple[int, int]:
    """How panels stand on a page of that width."""
    columns = min(panels, across or 3, 3) if width >= _SIDE_BY_SIDE else 1
    return -(-panels // columns), columns


def name_methods(figure: Figure, panels: Mapping[str, Curves], width: float) -> None:
    """Draw one legend of all methods below the panels."""
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
        draw_marked(ax)
    places: list[float] = []
    for group, t in enumerate(wanted):
        start = group * (len(curves) + 0.6)
        for row, curve in enumerate(curves.values()):
            colour, dash = looks(row)
            if group == 0:
                draw_curve(curve, top, t if len(wanted) == 1 else None, colour=colour, dash=dash)
            places.append(start + row)
            _draw_lane(bottom, places[-1], curve, t, colour, inches)
        draw_t(top, t)
        if len(wanted) > 1:
            name_t(bottom, start + (len(curves) - 1) / 2, t)
    name_axes(top, next(iter(curves.values())))
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
