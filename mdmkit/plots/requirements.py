"""Ranges of thresholds at which requirements hold, as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mdmkit.core.margin import Interval
from mdmkit.core.records import Json
from mdmkit.plots import style

#: Of a bar: what it is about, where it holds on the frames, and where that is certified.
Bar = tuple[str, Sequence[Interval], Interval | None]


class Required(Protocol):
    """The part of a `RequiredThreshold` that is drawn."""

    @property
    def threshold(self) -> float: ...

    @property
    def bars(self) -> Sequence[Bar]: ...


@rc_context(style.STYLE)
def requirements_figure(
    methods: Mapping[str, Required], *, width: float | str = style.DOUBLE
) -> Figure:
    """Draw bars of the thresholds at which requirements hold, each and all, by method.

    Parameters
    ----------
    methods : mapping of str to RequiredThreshold
    width : float or str
        In inches, or by name as in `margin_figure`.

    Returns
    -------
    matplotlib Figure
        Light: on these frames; dark: certified for the population; the dot: the threshold.

    Raises
    ------
    InputError
        Without methods, or for a width that no page has.

    Examples
    --------
    >>> from mdmkit import recommend_threshold
    >>> from mdmkit.plots import requirements_figure
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    >>> found = recommend_threshold(frames, require="recall >= 0.9, fpr <= 0.1")
    >>> figure = requirements_figure({"mine": found})
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['recall >= 0.9', 'fpr <= 0.1', 'all']
    """
    style.check_some(methods, "methods")
    heights = [len(found.bars) for found in methods.values()]
    size = style.as_width(width), 0.22 * sum(heights) + 0.28 * len(methods) + 0.5
    figure, axes = style.stacked(methods, size, sharex=True, gridspec_kw={"height_ratios": heights})
    for ax, (name, found, line) in zip(axes, style.styled(methods), strict=True):
        _draw(ax, found, line["color"])
        ax.set_title(name, loc="left")
    axes[-1].set_xlabel("threshold z")
    certified = any(bar[2] is not None for found in methods.values() for bar in found.bars)
    _explain(figure, style.COLOURS[0], certified)
    return figure


def _draw(ax: Axes, found: Required, colour: str) -> None:
    for place, (_, runs, certified) in enumerate(found.bars):
        for low, high in runs:
            ax.barh(place, high - low, left=low, height=0.6, color=colour, alpha=0.3, linewidth=0)
        if certified is not None:
            low, high = certified
            ax.barh(place, high - low, left=low, height=0.6, color=colour, alpha=0.8, linewidth=0)
            if low == high:  # a threshold that is certified alone has no length
                ax.vlines(low, place - 0.3, place + 0.3, color=colour, linewidth=2)
    last = len(found.bars) - 1
    ax.axhline(last - 0.5, color="0.8", linewidth=0.6)
    dot: Json = {"markersize": 4, "markeredgecolor": "white", "markeredgewidth": 0.6}
    ax.plot([found.threshold], [last], "o", color="black", clip_on=False, **dot)
    ax.set(xlim=(0, 1), ylim=(last + 0.5, -0.5), yticks=range(last + 1))
    ax.set_yticklabels([style.plain(name) for name, _, _ in found.bars])
    ax.tick_params(axis="y", length=0)


def _explain(figure: Figure, colour: str, certified: bool) -> None:
    handles = [Patch(color=colour, alpha=0.3, linewidth=0)]
    labels = ["holds on these frames"]
    if certified:
        handles.append(Patch(color=colour, alpha=0.8, linewidth=0))
        labels.append("certified")
    figure.legend(handles=handles, labels=labels, loc="outside upper center", ncols=2)
