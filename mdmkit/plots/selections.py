"""A measure over the size or place of objects, and over groups of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mdmkit.core.arguments import as_texts, check_kind
from mdmkit.core.errors import InputError
from mdmkit.plots.style import SINGLE, STYLE, as_width, check_named, legend_columns, looks, plain

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
    check_kind(ax, (Axes,), "ax")
    check_named(points, "__len__", "points")
    labels = as_texts(labels, "labels")
    for row, (name, values) in enumerate(points.items()):
        if len(values) != len(labels):
            raise InputError(
                f"expected {len(labels)} values for {name}, found {len(values)}", argument="points"
            )
        colour, dash = looks(row)
        # beside each other, so that intervals can be told apart
        x = np.arange(len(labels)) + (row - (len(points) - 1) / 2) * 0.08
        y = 100 * np.array([value for value, _ in values])
        ends = [(value, value) if interval is None else interval for value, interval in values]
        spread = np.abs(100 * np.array(ends).T - y)
        ax.errorbar(
            x,
            y,
            spread if any(interval for _, interval in values) else None,
            color=colour,
            linestyle=dash,
            marker="o",
            markersize=3.5,
            capsize=2,
            label=plain(name),
        )
    ax.set_xticks(range(len(labels)), [plain(label) for label in labels])
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


def by_figure(
    panels: Mapping[str, Mapping[str, Sequence[Point]]],
    labels: Sequence[str],
    xlabel: str,
    *,
    width: float | str = SINGLE,
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
    check_named(panels, "items", "panels", inside="__len__")
    width = as_width(width)
    with rc_context(STYLE):
        figure = Figure(figsize=(width, 2.1 * len(panels) + 0.5), layout="constrained")
        axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for ax, (heading, points) in zip(axes, panels.items(), strict=True):
            draw_by(points, labels, heading, ax)
        axes[-1].set_xlabel(xlabel)
        names = list(next(iter(panels.values())))
        handles, shown = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, shown, loc="outside lower center", ncols=legend_columns(names, width)
        )
    return figure
