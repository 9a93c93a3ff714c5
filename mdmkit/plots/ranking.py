"""Precision-recall and ROC curves, with the numbers that are read off them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mdmkit.core.errors import InputError
from mdmkit.plots import style
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.ranking import auroc, average_precision, fpr_at_tpr

_MOST_DRAWN = 4000
_TPR = 0.95


def _points(sweep: PixelCounts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """TP and FP of as many predictions as a page can show, from the empty one to everything."""
    tp, fp = sweep.totals[::-1, 0], sweep.totals[::-1, 1]
    if tp.size <= _MOST_DRAWN:
        return tp, fp
    # evenly along the curve, not along the scores: both ends are steep
    along = tp / sweep.anomalous + fp / sweep.normal
    kept = np.searchsorted(along, np.linspace(0, 2, _MOST_DRAWN), side="left")
    first = int(np.argmax(tp / sweep.anomalous >= _TPR))
    kept = np.unique(np.concatenate([np.minimum(kept, tp.size - 1), [0, first, tp.size - 1]]))
    return tp[kept], fp[kept]


def _check(sweeps: Mapping[str, PixelCounts]) -> None:
    style.check_some(sweeps, "sweeps")
    for name, sweep in sweeps.items():
        if not (sweep.anomalous and sweep.normal):
            raise InputError(
                f"{name}: expected anomalous and normal pixels, found {sweep.anomalous} "
                f"and {sweep.normal}"
            )


def draw_precision_recall(sweeps: Mapping[str, PixelCounts], ax: Axes | None = None) -> Axes:
    """Draw precision over recall, AP in the legend; returns the axes.

    Parameters
    ----------
    sweeps : mapping of str to PixelCounts
        By method.
    ax : matplotlib Axes, optional
        A new figure's by default.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        Without anomalous or without normal pixels.

    Examples
    --------
    >>> from mdmkit import Frame
    >>> sweep = PixelCounts.of(Frame([[0.1, 0.6, 0.4, 0.9]], [[0, 0, 1, 1]]))
    >>> draw_precision_recall({"mine": sweep}).lines[0].get_label()
    'mine: AP 83.3'
    """
    _check(sweeps)
    ax = style.own_axes(ax, (style.SINGLE, 2.8))
    for name, sweep, line in style.styled(sweeps):
        tp, fp = _points(sweep)
        some = tp + fp > 0
        recall, precision = tp[some] / sweep.anomalous, tp[some] / (tp + fp)[some]
        label = f"{name}: AP {100 * average_precision(sweep):.1f}"
        ax.plot(100 * recall, 100 * precision, drawstyle="steps-pre", label=label, **line)
    ax.set(xlim=(0, 100), ylim=(0, 100), xlabel="recall, %", ylabel="precision, %")
    return ax


def draw_roc(sweeps: Mapping[str, PixelCounts], ax: Axes | None = None) -> Axes:
    """Draw TPR over FPR with FPR95 as a dot, AUROC in the legend; returns the axes.

    Parameters
    ----------
    sweeps : mapping of str to PixelCounts
        By method.
    ax : matplotlib Axes, optional
        A new figure's by default.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        Without anomalous or without normal pixels.

    Examples
    --------
    >>> from mdmkit import Frame
    >>> sweep = PixelCounts.of(Frame([[0.1, 0.6, 0.4, 0.9]], [[0, 0, 1, 1]]))
    >>> draw_roc({"mine": sweep}).lines[1].get_label()
    'mine: AUROC 75.0, FPR95 50.0'
    """
    _check(sweeps)
    ax = style.own_axes(ax, (style.SINGLE, 2.8))
    ax.axhline(100 * _TPR, color="0.7", linewidth=0.6, linestyle=(0, (3, 2)), zorder=0)
    for name, sweep, line in style.styled(sweeps):
        tp, fp = _points(sweep)
        fpr95 = fpr_at_tpr(sweep, _TPR)
        label = f"{name}: AUROC {100 * auroc(sweep):.1f}, FPR95 {100 * fpr95:.1f}"
        fpr, tpr = 100 * fp / sweep.normal, 100 * tp / sweep.anomalous
        ax.plot(fpr, tpr, label=label, **line)
        first = int(np.argmax(tp / sweep.anomalous >= _TPR))
        dot = {"color": line["color"], "markersize": 3.5, "label": "_", "clip_on": False}
        ax.plot(fpr[first], tpr[first], "o", **dot)
    ax.set(xlim=(0, 100), ylim=(0, 100))
    ax.set(xlabel="false positive rate, %", ylabel="true positive rate, %")
    return ax


def ranking_figure(
    sweeps: Mapping[str, PixelCounts], *, width: float | str = style.DOUBLE
) -> Figure:
    """Draw precision-recall and ROC curves side by side, or below each other in one column.

    Parameters
    ----------
    sweeps : mapping of str to PixelCounts
        By method.
    width : float or str
        In inches, or by name as in `margin_figure`.

    Returns
    -------
    matplotlib Figure
        With the numbers of each curve beneath it.

    Raises
    ------
    InputError
        Without anomalous or without normal pixels, or for a width that no page has.

    Examples
    --------
    >>> from mdmkit import Frame
    >>> sweep = PixelCounts.of(Frame([[0.1, 0.6, 0.4, 0.9]], [[0, 0, 1, 1]]))
    >>> [ax.get_xlabel() for ax in ranking_figure({"mine": sweep}).axes]
    ['recall, %', 'false positive rate, %']
    """
    return ranking_multiples({"": sweeps}, width=width)


@rc_context(style.STYLE)
def ranking_multiples(
    panels: Mapping[str, Mapping[str, PixelCounts]], *, width: float | str = style.DOUBLE
) -> Figure:
    """Draw `ranking_figure` for several data sets, one row each.

    Parameters
    ----------
    panels : mapping of str to mapping of str to PixelCounts
        The sweeps of each data set by method, under its title ("": none).
    width : float or str
        In inches, or by name as in `margin_figure`; in less than 5 inches the ROC
        curve stands below the other one.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        Without data sets or methods, without anomalous or without normal pixels, or for a width
        that no page has.

    Examples
    --------
    >>> from mdmkit import Frame
    >>> from mdmkit.plots import ranking_multiples
    >>> sweep = PixelCounts.of(Frame([[0.1, 0.6, 0.4, 0.9]], [[0, 0, 1, 1]]))
    >>> figure = ranking_multiples({"day": {"mine": sweep}, "night": {"mine": sweep}})
    >>> [ax.get_title() for ax in figure.axes]
    ['day', 'day', 'night', 'night']
    """
    style.check_panels(panels, "sweeps")
    width = style.as_width(width)
    across = 2 if width >= 5 else 1
    legend = 0.145 * max(map(len, panels.values())) + 0.15
    cell, down = width / across, len(panels) * (3 - across)
    figure = Figure(figsize=(width, (0.8 * cell + legend + 0.3) * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).reshape(-1, 2)
    for pair, (title, sweeps) in zip(axes, panels.items(), strict=True):
        for ax, draw in zip(pair, (draw_precision_recall, draw_roc), strict=True):
            draw(sweeps, ax).set_title(style.plain(title))
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.42 / (0.8 * cell)))  # inches
    return figure
