"""MDM over T: which T tells methods apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mdmkit.core.arguments import as_floats
from mdmkit.plots import style
from mdmkit.plots.curves import Curves, trivial_of
from mdmkit.plots.margins import rows_and_columns


def draw_margins_by_t(
    curves: Curves, ax: Axes | None = None, t_values: Sequence[float] | None = None
) -> Axes:
    """Draw the MDM as a function of T, by method; returns the axes.

    The dotted line is the trivial level: at a T up to it a constant prediction passes, and a margin
    says nothing.

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
    [75.0, 50.0, 25.0]
    """
    style.check_some(curves, "curves")
    ax = style.own_axes(ax, (style.SINGLE, 2.4))
    at = np.arange(200) / 200 if t_values is None else as_floats(t_values, "t_values")
    trivial = max((trivial_of(curve) or 0.0 for curve in curves.values()), default=0.0)
    last = trivial
    for name, curve, line in style.styled(curves):
        margins = np.array([margin.value for margin in curve.margin(at.tolist())])
        last = max(last, at[margins > 0].max(initial=0.0))
        ax.plot(100 * at, 100 * margins, label=name, **line)
    first = next(iter(curves.values()))
    metric = style.METRIC_LABELS.get(first.metric, style.plain(first.metric))
    end = min(100.0, 10 * np.ceil(10 * last + 0.1))
    ax.set(xlim=(0, end), ylim=(0, 100), xlabel=f"required quality T, % ({metric})")
    ax.set_ylabel("MDM, %")
    if 0 < trivial < 1:
        _draw_trivial(ax, 100 * trivial, end)
    return ax


def _on(normalizer: str) -> str:
    return f"\n(scores by {style.plain(normalizer)})" if normalizer else ""


def _draw_trivial(ax: Axes, level: float, end: float) -> None:
    """A thin line, its name on the side with more room; what is left of it is passed by nothing."""
    ax.axvspan(0, level, color="0.94", linewidth=0, zorder=0)
    ax.axvline(level, color="0.35", linewidth=0.6, linestyle=(0, (1, 1.5)))
    right = level < 0.6 * end
    ax.annotate(
        f"trivial level {level:.3g} %",
        (level, 1),
        (3 if right else -3, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=7,
        color=style.INK,
        ha="left" if right else "right",
        va="top",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
    )


def margins_by_t_figure(curves: Curves, *, width: float | str = style.SINGLE) -> Figure:
    """Draw `draw_margins_by_t` on a page of its own: which T tells the methods apart.

    Parameters
    ----------
    curves : mapping of str to ThresholdCurve
        Of one metric, by method.
    width : float or str
        In inches, or by name as in `margin_figure`.

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
    'MDM, %'
    """
    return margins_by_t_multiples({"": curves}, width=width)


@rc_context(style.STYLE)
def margins_by_t_multiples(
    panels: Mapping[str, Curves], *, width: float | str = style.SINGLE, normalizer: str = ""
) -> Figure:
    """Draw `margins_by_t_figure` for several data sets, side by side or below each other.

    Parameters
    ----------
    panels : mapping of str to mapping of str to ThresholdCurve
        The curves of each panel by method, under the panel's title ("": none).
    width : float or str
        In inches, or by name as in `margin_figure`; in less than 5 inches the panels
        stand below each other.
    normalizer : str
        What the scores of all methods were normalised by, which the axis then says.

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
    style.check_panels(panels, "curves")
    width = style.as_width(width)
    down, across = rows_and_columns(len(panels), width)
    titles = 0.15 if any(panels) else 0
    height = down * (0.62 * width / across + titles) + 0.25
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).flat
    for ax, (title, curves) in zip(axes, panels.items(), strict=False):
        draw_margins_by_t(curves, ax).set_title(style.plain(title))
        ax.set_ylabel(f"MDM, %{_on(normalizer)}")
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    style.explain_methods(figure, chain.from_iterable(panels.values()), above=True)
    return figure
