"""d over the threshold, with the margins of several methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from mdmkit.core.arguments import as_integer
from mdmkit.core.errors import InputError
from mdmkit.core.margin import Margin, are_several, check_t_margin
from mdmkit.plots import style
from mdmkit.plots.curves import (
    Curves,
    draw_curve,
    draw_levels,
    draw_marked,
    highest,
    name_axes,
    name_right,
    percent_of,
    trivial_of,
)

_SIDE_BY_SIDE = 5.0  # inches that panels need
_ROOMY = 4.5  # inches of a lane with more than the marked thresholds
_MARK = "trivial"  # of margins at a T that a constant prediction passes


def margin_figure(
    curves: Curves, t_margin: float | Sequence[float], *, width: float | str = style.DOUBLE
) -> Figure:
    """Draw the metric over the threshold for several methods; beneath it each margin as a bar.

    Parameters
    ----------
    curves : mapping of str to ThresholdCurve
        Of one metric, by method.
    t_margin : float, or sequence of float
        The required quality T; with several, the bars of each stand together.
    width : float or str
        In inches, or by name: cvpr, cvpr-wide, neurips, ieee, ieee-wide, llncs.

    Returns
    -------
    matplotlib Figure
        Qualities and lengths in percent. The bar is the margin's interval with its length, the dot
        the recommended threshold, the dotted line the trivial level: what a constant prediction
        scores on these frames. Bars of margins at a T that does not exceed it are hatched.

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
    ['MDM 90.0', 'MDM 30.0 (trivial)']
    """
    return margin_multiples({"": curves}, t_margin, width=width)


@rc_context(style.STYLE)
def margin_multiples(
    panels: Mapping[str, Curves],
    t_margin: float | Sequence[float],
    *,
    width: float | str = style.DOUBLE,
    across: int | None = None,
    normalizer: str = "",
) -> Figure:
    """Draw `margin_figure` for several metrics or data sets, side by side or below each other.

    Parameters
    ----------
    panels : mapping of str to mapping of str to ThresholdCurve
        The curves of each panel by method, under the panel's title ("": none).
    t_margin : float, or sequence of float
    width : float or str
        In inches, or by name as in `margin_figure`; in less than 5 inches the panels stand below
        each other.
    across : int, optional
        So many panels a row, at most three.
    normalizer : str
        What the scores of all methods were normalised by, which the axis then says.

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
    style.check_panels(panels, "curves")
    width = style.as_width(width)
    several = are_several(t_margin)
    wanted = [check_t_margin(t) for t in (t_margin if several else [t_margin])]  # type: ignore
    if not wanted:
        raise InputError("expected at least one T, found none", argument="t_margin")
    down, across = rows_and_columns(len(panels), width, across)
    breadth = width / across
    lanes = 0.2 * max(map(len, panels.values())) * len(wanted) + 0.12 * (len(wanted) - 1) + 0.1
    top_height = (0.52 if across == 1 else 0.62) * breadth
    # what names, numbers at the axes and T leave to each panel's lanes, in inches
    longest = max(len(name) for curves in panels.values() for name in curves)
    lane = max(0.2, (width - 0.062 * longest - 0.52 * (2 * across - 1)) / across)
    height = down * (top_height + lanes + 0.3) + 0.25
    figure = Figure(figsize=(width, height), layout="constrained")
    ratios = {"height_ratios": [top_height, lanes] * down}
    axes = figure.subplots(2 * down, across, squeeze=False, gridspec_kw=ratios)
    pairs = axes.reshape(down, 2, across).swapaxes(1, 2).reshape(-1, 2)
    for place, (title, curves) in enumerate(panels.items()):
        top, bottom = pairs[place]
        top.sharex(bottom)
        top.tick_params(labelbottom=False)
        same = [other for other in panels.values() if _metric(other) == _metric(curves)]
        name_axes(top, next(iter(curves.values())), max(highest(c, wanted) for c in same))
        _draw_panel(top, bottom, curves, wanted, (lane, top_height))
        top.set_title(style.plain(title))
        bottom.set_xlabel(f"threshold z{_of_scores(normalizer)}")
        if place % across:
            bottom.set_yticklabels([])
    for ax in pairs[len(panels) :].flat:
        ax.set_axis_off()
    style.explain_methods(figure, chain.from_iterable(panels.values()), above=True)
    return figure


def _of_scores(normalizer: str) -> str:
    """Behind an axis's name: what all scores were normalised by."""
    return f" of scores normalised by {style.plain(normalizer)}" if normalizer else ""


def _metric(curves: Curves) -> str:
    return next(iter(curves.values())).metric


def rows_and_columns(panels: int, width: float, across: int | None = None) -> tuple[int, int]:
    """Arrange panels on a page of that width."""
    if across is not None:
        across = as_integer(across, "across", 1, "a number of columns")
    columns = min(panels, across or 3, 3) if width >= _SIDE_BY_SIDE else 1
    return -(-panels // columns), columns


def _draw_panel(
    top: Axes, bottom: Axes, curves: Curves, wanted: Sequence[float], inches: tuple[float, float]
) -> None:
    """Curves above and lanes below, about as wide and as high as that."""
    for ax in (top, bottom):
        draw_marked(ax)
    bottom.set_xlim(0, 1)
    fill = min(0.18, 0.36 / len(curves))  # seven fills on each other are still light
    places: list[float] = []
    for group, t in enumerate(wanted):
        start = group * (len(curves) + 0.6)
        for row, (_, curve, line) in enumerate(style.styled(curves)):
            colour, dash = line.values()
            if group == 0:
                marked = t if len(wanted) == 1 else None
                draw_curve(curve, top, marked, colour=colour, dash=dash, fill=fill)
            places.append(start + row)
            _draw_lane(bottom, places[-1], curve.margin(t), colour, inches[0])
        if len(wanted) > 1:
            name_right(bottom, start + (len(curves) - 1) / 2, percent_of(t))
    levels = [level for level in map(trivial_of, curves.values()) if level is not None]
    draw_levels(top, wanted, max(levels, default=None), inches[1])
    top.set_xlabel("")
    bottom.set(ylim=(places[-1] + 0.5, -0.5), yticks=places)
    bottom.set_yticklabels([style.plain(name) for name in curves] * len(wanted))
    more = {0.2, 0.4, 0.6} if inches[0] > _ROOMY else set()
    bottom.set_xticks(sorted({0.0, 1.0, *style.MARKED, *more}))
    bottom.tick_params(axis="y", length=0)


def _draw_lane(ax: Axes, row: float, margin: Margin, colour: str, inches: float) -> None:
    """A margin's bar, dot and length."""
    if margin.interval is None or margin.threshold is None:
        text = f"MDM 0: never above {percent_of(margin.t_margin)}"
        _write(ax, 0.01, row, text if _share(text, inches) < 1 else "MDM 0", "left")
        return
    low, high = margin.interval
    trivial = margin.trivial is not None and margin.t_margin <= margin.trivial
    ax.barh(
        row,
        high - low,
        left=low,
        height=0.5,
        facecolor=style.light(colour),
        linewidth=0,
        edgecolor=style.light(colour, 0.8),
        hatch="/////" if trivial else None,
    )
    ax.plot([margin.threshold], [row], "o", color=colour, markersize=3)
    length = f"MDM {100 * margin.value:.1f}"
    _write_beside(ax, row, margin, [f"{length} ({_MARK})"] * trivial + [length], colour, inches)


def _write_beside(
    ax: Axes, row: float, margin: Margin, texts: Sequence[str], colour: str, inches: float
) -> None:
    """A margin's length right or left of its bar, in the longest form there is room for.

    A bar that leaves none has it inside, beside its dot.
    """
    assert margin.interval is not None
    assert margin.threshold is not None
    low, high = margin.interval
    gap = 0.04 / inches
    ground = style.light(colour) if len(texts) > 1 else "none"  # hatches would cross it
    for text in texts:
        if high + gap + _share(text, inches) <= 1:
            return _write(ax, high + gap, row, text, "left")
        if low - gap - _share(text, inches) >= 0:
            return _write(ax, low - gap, row, text, "right")
    for text in texts:
        if margin.threshold + 2 * gap + _share(text, inches) <= high:
            return _write(ax, margin.threshold + 2 * gap, row, text, "left", ground)
    # left of the dot, or over it rather than out of the lane
    end = max(margin.threshold - 2 * gap, min(_share(texts[-1], inches), 1.0))
    return _write(ax, end, row, texts[-1], "right", ground)


def _write(
    ax: Axes, x: float, row: float, text: str, side: str, ground: ColorType = "white"
) -> None:
    """A text that no line crosses."""
    box = {"facecolor": ground, "edgecolor": "none", "pad": 0.6}
    ax.text(x, row, text, ha=side, va="center", fontsize=7, color=style.INK, bbox=box)


def _share(text: str, inches: float) -> float:
    """Share of a lane that a text of 7 points takes."""
    return 0.062 * len(text) / inches
