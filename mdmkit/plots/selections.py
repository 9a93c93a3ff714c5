"""A measure over the size or place of objects, and over groups of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mdmkit.core.arguments import as_texts, check_kind
from mdmkit.core.errors import InputError
from mdmkit.plots import style

#: A value, NaN where undefined, and the ends of its interval where it has one.
Point = tuple[float, tuple[float, float] | None]


def draw_by(
    points: Mapping[str, Sequence[Point]], labels: Sequence[str], ylabel: str, ax: Axes
) -> Axes:
    """Draw a measure over bins or groups, one line per method; returns the axes.

    Parameters
    ----------
    points : mapping of str to sequence of (value, interval)
        Of each method: a fraction for each label, NaN where undefined, and its interval or None.
    labels : sequence of str
        Bins or groups, from left to right.
    ylabel : str
    ax : matplotlib Axes

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        Without methods, or with another number of values than labels.

    Examples
    --------
    >>> ax = Figure().add_subplot()
    >>> draw_by({"mine": [(0.2, None), (0.8, None)]}, ["day", "night"], "AP, %", ax).get_ylabel()
    'AP, %'
    """
    style.check_some(points, "points")
    check_kind(ax, (Axes,), "ax")
    labels = as_texts(labels, "labels")
    for row, (name, values, line) in enumerate(style.styled(points)):
        if len(values) != len(labels):
            raise InputError(
                f"expected {len(labels)} values for {name}, found {len(values)}", argument="points"
            )
        # beside each other, so that intervals can be told apart
        x = np.arange(len(labels)) + (row - (len(points) - 1) / 2) * 0.08
        y = 100 * np.array([value for value, _ in values])
        ends = [(value, value) if interval is None else interval for value, interval in values]
        spread = np.abs(100 * np.array(ends).T - y)
        bars = spread if any(interval for _, interval in values) else None
        ax.errorbar(x, y, bars, marker="o", markersize=3.5, capsize=2, label=name, **line)
    ax.set_xticks(range(len(labels)), [style.plain(label) for label in labels])
    tops = [top for values in points.values() for top in map(_top, values) if top == top]
    end = min(100, max(5, 5 * np.ceil(100 * max(tops, default=1) * 1.04 / 5)))
    ax.set(ylim=(0, end), ylabel=ylabel, xlim=(-0.5, len(labels) - 0.5))
    if max(map(len, labels)) * len(labels) > 45:
        ax.tick_params(axis="x", rotation=45)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    return ax


def _top(point: Point) -> float:
    """The upper end of what is drawn of a value."""
    value, interval = point
    return value if interval is None else interval[1]


@rc_context(style.STYLE)
def by_figure(
    panels: Mapping[str, Mapping[str, Sequence[Point]]],
    labels: Sequence[str],
    xlabel: str,
    *,
    width: float | str = style.SINGLE,
) -> Figure:
    """Draw measures over bins or groups, below each other, one line per method.

    Parameters
    ----------
    panels : mapping of str to mapping of str to sequence of (value, interval)
        Of each measure, under its heading, the points of each method; see `draw_by`.
    labels : sequence of str
    xlabel : str
    width : float or str
        In inches, or by name as in `margin_figure`.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        Without measures, or for a width that no page has.

    Examples
    --------
    >>> figure = by_figure({"AP, %": {"mine": [(0.2, (0.1, 0.4)), (0.8, None)]}},
    ...                    ["0 to 300", "300 or more"], "size, px")
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['0 to 300', '300 or more']
    """
    style.check_panels(panels, "points")
    figure, axes = style.stacked(panels, (style.as_width(width), 2.1 * len(panels) + 0.5))
    for ax, (heading, points) in zip(axes, panels.items(), strict=True):
        draw_by(points, labels, heading, ax)
    axes[-1].set_xlabel(xlabel)
    style.explain_methods(figure, next(iter(panels.values())))
    return figure
