"""Pages of pictures in rows and columns: where each stands, and what is written above it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from mdmkit.plots import style

SMALLEST = 5.5  # points that can still be read
CAPTION_SIZE = 6.5
_GAP = 0.035  # inches between pictures
_CAPTION = 0.13  # inches of a row's caption
_FOOT = 0.16  # inches of a line of the legend


def sheet(
    width: float,
    columns: int,
    shapes: Sequence[tuple[int, int]],
    captions: Sequence[bool],
    head: int,
    foot: Collection[str],
) -> tuple[Figure, NDArray[np.object_]]:
    """An empty page: pictures of these shapes, a row each, between headings and a legend.

    There is room for so many lines of headings, for captions of the rows that have one, and for a
    legend of these names at the foot. Everything is placed in inches: nothing moves, no gaps open.
    """
    cell = column_width(width, columns)
    heights = [cell * rows / across for rows, across in shapes]
    bands = [
        height + _GAP + (_CAPTION if caption else 0.0)
        for height, caption in zip(heights, captions, strict=True)
    ]
    top = 0.145 * head + 0.05
    lines = ceil(len(foot) / style.legend_columns(list(foot), width))
    whole = top + sum(bands) + _FOOT * lines + 0.08
    figure = Figure(figsize=(width, whole))
    axes = np.empty((len(shapes), columns), object)
    for row, used in enumerate(accumulate(bands)):
        bottom = whole - top - used + _GAP
        for column in range(columns):
            left, height = column * (cell + _GAP), heights[row]
            ax = figure.add_axes((left / width, bottom / whole, cell / width, height / whole))
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            axes[row, column] = ax
    return figure, axes


def column_width(width: float, columns: int) -> float:
    """Inches of each of so many columns on a page of that width."""
    return (width - (columns - 1) * _GAP) / columns


def without_empty(axes: NDArray[np.object_]) -> None:
    """Hide the places that hold nothing."""
    for ax in axes.flat:
        if not (ax.images or ax.texts):
            ax.set_axis_off()


def write_head(
    axes: NDArray[np.object_],
    named: Mapping[int, tuple[str, str]],
    inches: float,
    above: Mapping[int, str] | None = None,
) -> None:
    """Write headings of columns, long or short as columns are wide, with methods' names above."""
    inches *= 0.94  # between one heading and the next there is air
    longest = max((long for long, _ in named.values()), key=len)
    short = _size(longest, inches) < SMALLEST
    parts = [heading[short] for heading in named.values()]
    for name in (above or {}).values():
        words = _words(name)
        parts += words if len(words) > 1 else []
    size = max(SMALLEST, min(_size(part, inches) for part in parts))
    for column, heading in named.items():
        lines = [heading[short]]
        if above and column in above:
            lines = [_folded(above[column], inches, size), *lines]
        # above the row's own caption
        pad = CAPTION_SIZE + 3 if _has_captions(axes) else 3
        axes[column].set_title("\n".join(lines), fontsize=size, pad=pad)


def _has_captions(axes: NDArray[np.object_]) -> bool:
    return any(ax.texts for ax in axes)


def write_caption(ax: Axes, name: str, inches: float) -> None:
    """Write a row's name above a picture, over its neighbours if it is long."""
    ax.annotate(
        _fitted(name, inches, CAPTION_SIZE),
        (0, 1),
        (0, 2),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=CAPTION_SIZE,
        annotation_clip=False,
    )


def _breadth(text: str, size: float) -> float:
    """Inches that a line takes."""
    wide, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=size), ismath=False
    )
    return float(wide) / 72


def _size(text: str, inches: float) -> float:
    """Points at which a line fits, 8 at most."""
    return 8 * min(1.0, inches / _breadth(text, 8))


def _fitted(name: str, inches: float, size: float) -> str:
    """A name shortened to a length on paper, by what is in its middle."""
    shown = name
    for kept in range(len(name) - 1, 2, -1):
        if _breadth(shown, size) <= inches:
            break
        end = kept // 3
        shown = f"{name[: kept - end]}…{name[len(name) - end :]}"
    return style.plain(shown)


def _words(name: str) -> list[str]:
    """Split a name where it may be folded: after hyphens, underscores and blanks."""
    return re.findall(r"[^-_ ]+[-_ ]*|[-_ ]+", name)


def _folded(name: str, inches: float, size: float) -> str:
    """A name on one line or two, shortened only where two are too few."""
    words = _words(name)
    for first in range(len(words), 0, -1):
        lines = [line for line in ("".join(words[:first]), "".join(words[first:])) if line]
        if all(_breadth(line, size) <= inches for line in lines):
            return "\n".join(map(style.plain, lines))
    return _fitted(name, inches, size)


def name_lines(name: str, inches: float) -> int:
    """Number of lines of a heading: two where its name is folded."""
    return 1 + ("\n" in _folded(name, 0.94 * inches, SMALLEST + 2.5))
