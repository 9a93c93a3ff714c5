"""Objects found over false alarms per frame (FROC)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mdmkit.core.arguments import as_floats, check_kind
from mdmkit.core.errors import InputError
from mdmkit.plots import style


class FoundAndAlarms(Protocol):
    """Shares found and alarms per frame, ascending in the threshold, shape (n + 1,) each."""

    @property
    def found(self) -> NDArray[np.float64]: ...
    @property
    def alarms(self) -> NDArray[np.float64]: ...
    @property
    def most_alarms(self) -> NDArray[np.float64]: ...


def draw_froc(
    detections: Mapping[str, FoundAndAlarms], ax: Axes, most_alarms: float = 10.0
) -> Axes:
    """Draw the share of objects found over false alarms per frame; returns the axes.

    Parameters
    ----------
    detections : mapping of str to Detections
        By method.
    ax : matplotlib Axes
    most_alarms : float
        Where the axis ends.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        Without methods or objects.

    Notes
    -----
    The bold line is the largest share found with at most so many alarms at every higher threshold
    (`found@alarms=A`); the thin line shows single thresholds.

    Examples
    --------
    >>> from mdmkit import ComponentSizes, Frame
    >>> from mdmkit.statistics.detections import Detections
    >>> seen = Detections.of(Frame([[0.9, 0.1, 0.8, 0.2]], [[1, 0, 0, 0]]), ComponentSizes())
    >>> draw_froc({"mine": seen}, Figure().add_subplot()).get_ylabel()
    'objects found, %'
    """
    style.check_some(detections, "detections")
    check_kind(ax, (Axes,), "ax")
    check_kind(most_alarms, (int, float, np.number), "most_alarms")
    as_floats(most_alarms, "most_alarms")
    for name, seen, line in style.styled(detections):
        if np.isnan(seen.found).any():
            raise InputError(f"{name}: expected ground-truth components, found none")
        thin = {"color": line["color"], "linewidth": 0.4, "alpha": 0.5, "label": "_"}
        ax.plot(seen.alarms, 100 * seen.found, **thin)
        best = 100 * np.maximum.accumulate(seen.found[::-1])
        ax.plot(seen.most_alarms[::-1], best, drawstyle="steps-post", label=name, **line)
    ax.set(xlim=(0, most_alarms), ylim=(0, 100))
    ax.set(xlabel="false alarms per frame", ylabel="objects found, %")
    return ax


@rc_context(style.STYLE)
def froc_figure(
    panels: Mapping[str, Mapping[str, FoundAndAlarms]],
    *,
    most_alarms: float = 10.0,
    width: float | str = style.SINGLE,
) -> Figure:
    """Draw `draw_froc` for one data set or several, below each other.

    Parameters
    ----------
    panels : mapping of str to mapping of str to Detections
        Of each data set, under its title ("": none), by method.
    most_alarms : float
        Where the axis ends.
    width : float or str
        In inches, or by name as in `margin_figure`.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        Without data sets, methods or objects, or for a width that no page has.

    Examples
    --------
    >>> from mdmkit import ComponentSizes, Frame
    >>> from mdmkit.statistics.detections import Detections
    >>> seen = Detections.of(Frame([[0.9, 0.1, 0.8, 0.2]], [[1, 0, 0, 0]]), ComponentSizes())
    >>> froc_figure({"day": {"mine": seen}}).axes[0].get_title()
    'day'
    """
    style.check_panels(panels, "detections")
    width = style.as_width(width)
    figure, axes = style.stacked(panels, (width, 0.7 * width * len(panels) + 0.4))
    for ax, (title, detections) in zip(axes, panels.items(), strict=True):
        draw_froc(detections, ax, most_alarms).set_title(style.plain(title))
    style.explain_methods(figure, next(iter(panels.values())))
    return figure
