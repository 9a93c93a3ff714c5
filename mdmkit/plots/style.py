"""Style that all figures share: colours, type, widths, names, and how they are written."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from mdmkit.core.arguments import check_kind, check_that
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.files import as_path, check_suffix, write_atomically
from mdmkit.core.records import Json
from mdmkit.tables.headings import METRIC_LABELS as METRIC_LABELS

T = TypeVar("T")

#: A line's dashes, as matplotlib takes them.
Dash: TypeAlias = LineStyleType
#: Okabe and Ito's colours, told apart by colour-blind readers too; with a dash for print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Dash, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)))
#: Thresholds at which the paper shows predictions.
MARKED = (0.3, 0.5, 0.8)
#: Confusion colours: true positive, false positive, miss, ignored, background.
OVERLAY = {"tp": "#009E73", "fp": "#D55E00", "fn": "#56B4E9", "ignored": "#BBBBBB", "tn": "#1A1A1A"}
#: Settings of matplotlib, whose own type lists every one of them.
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,
    "svg.hashsalt": "mdmkit",
    "savefig.dpi": 200,
    "figure.dpi": 200,
}
#: Widths by name, in inches: columns and text blocks of common templates, none rounded up.
WIDTHS: Mapping[str, float] = {
    "cvpr": 3.25,
    "cvpr-wide": 6.875,
    "neurips": 5.5,
    "ieee": 3.48,
    "ieee-wide": 7.14,
    "llncs": 4.8,
}
SINGLE, DOUBLE, FULL = WIDTHS["cvpr"], WIDTHS["neurips"], WIDTHS["cvpr-wide"]
#: Text that stays dark in print, and the lines behind it.
INK, GUIDE = "0.15", "0.8"
_SMALLEST_WIDTH, _LARGEST_WIDTH = 1.0, 100.0


def as_width(width: float | str) -> float:
    """Look up a figure's width in inches, by number or by the name of a template.

    Parameters
    ----------
    width : float or str
        Inches, 1 to 100, or a name in `WIDTHS`: cvpr (3.25, a column), cvpr-wide (6.875, the
        page), neurips (5.5), ieee (3.48), ieee-wide (7.14), llncs (4.8).

    Returns
    -------
    float
        Inches. A saved figure is as wide as that, never wider.

    Raises
    ------
    InputError
        For another name, or a width that no page has.

    Examples
    --------
    >>> as_width("cvpr"), as_width(5.2)
    (3.25, 5.2)
    """
    if isinstance(width, str) and width in WIDTHS:
        return WIDTHS[width]
    try:
        inches = float(width)
    except (TypeError, ValueError):
        inches = 0.0
    fit = _SMALLEST_WIDTH <= inches <= _LARGEST_WIDTH
    check_that(fit, f"{', '.join(WIDTHS)}, or 1 to 100 inches", width, "width")
    return inches


#: An attribute of what is drawn, by the parameter that holds one for each name.
_DRAWN = {
    **dict.fromkeys(("curve", "curves"), "breakpoints"),
    "sweeps": "anomalous",
    "detections": "found",
    "methods": "bars",
    "points": "__len__",
    "frames": "valid",
    "images": "shape",
    "thresholds": "__float__",
    "panels": "items",
}


def check_some(named: object, argument: str) -> None:
    """Refuse what is no mapping of names to what can be drawn, and an empty one."""
    check_kind(named, (Mapping,), argument)
    by_name, attribute = cast(Mapping[object, object], named), _DRAWN[argument]
    if not by_name:
        raise InputError("expected at least one, found none", argument=argument)
    for name, item in by_name.items():
        if not (isinstance(name, str) and hasattr(item, attribute)):
            raise InputTypeError(
                f"expected objects to draw, with `{attribute}`, by name, found "
                f"{reprlib.repr(item)}",
                argument=argument,
            )


def check_panels(panels: Mapping[str, object], argument: str) -> None:
    """Refuse no panels at all, and one without a method."""
    check_some(panels, "panels")
    for methods in panels.values():
        check_some(methods, argument)


@rc_context(STYLE)
def own_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """These axes; without any those of a new figure of that size in inches."""
    if ax is None:
        return Figure(figsize=size, layout="constrained").add_subplot()
    check_kind(ax, (Axes,), "ax")
    return ax


def stacked(
    panels: Mapping[str, object], size: tuple[float, float], **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure of panels below each other."""
    figure = Figure(figsize=size, layout="constrained")
    return figure, list(figure.subplots(len(panels), 1, squeeze=False, **options)[:, 0])


def explain_methods(figure: Figure, methods: Iterable[str], above: bool = False) -> None:
    """Draw one legend of all methods, below the panels or above them."""
    # handles by hand: matplotlib would leave out names that begin with an underscore
    names = list(dict.fromkeys(methods))
    figure.legend(
        handles=[Line2D([], [], **line) for _, _, line in styled(dict.fromkeys(names))],
        labels=list(map(plain, names)),
        loc="outside upper center" if above else "outside lower center",
        ncols=legend_columns(names, figure.get_figwidth()),
    )


def light(colour: str, share: float = 0.35) -> tuple[float, float, float]:
    """A colour on white paper, opaque: no line behind it shows."""
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def plain(name: str) -> str:
    """A name without mathematics: dollars are dollars."""
    return name.replace("$", r"\$")


def legend_columns(names: Sequence[str], width: float) -> int:
    """Number of names beside each other in a legend of that width in inches."""
    widths = [0.062 * len(name) + 0.45 for name in names]  # line, gap and type of 7 points
    if sum(widths) <= width:
        return len(names)
    return max(1, min(len(names), int(width / max(widths))))


def styled(methods: Mapping[str, T]) -> Iterator[tuple[str, T, Json]]:
    """Each method with its name as a label, and the colour and dash of its line."""
    looks = zip(methods.items(), cycle(COLOURS), cycle(DASHES), strict=False)
    for (name, drawn), colour, dash in looks:
        yield plain(name), drawn, {"color": colour, "linestyle": dash}


#: Suffixes of figures, with what keeps their bytes the same each time.
METADATA: Mapping[str, dict[str, None]] = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
    ".png": {"Software": None},
}


def check_figure_name(output: str | Path, argument: str = "output") -> None:
    """Refuse suffixes other than `.pdf`, `.svg`, `.png`.

    Parameters
    ----------
    output : path
    argument : str
        The parameter that an error names.

    Raises
    ------
    InputError
        For another suffix.

    Examples
    --------
    >>> check_figure_name("margin.pdf")
    """
    check_suffix(as_path(output, argument), METADATA, argument)


@rc_context(STYLE)
def save_figure(figure: Figure, output: str | Path) -> None:
    """Write a figure, whole or not at all, the same bytes each time.

    Parameters
    ----------
    figure : matplotlib Figure
    output : path
        `.pdf` (fonts embedded as TrueType), `.svg` or `.png` (200 dots an inch); what is there is
        replaced.

    Raises
    ------
    InputError
        Another suffix.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_figure(Figure(figsize=(1, 1)), f"{folder}/empty.svg")
    ...     (Path(folder) / "empty.svg").read_text()[:5]
    '<?xml'
    """
    check_kind(figure, (Figure,), "figure")
    output = as_path(output, "output")
    check_figure_name(output)
    metadata = METADATA[output.suffix.lower()]
    write_atomically(output, lambda path: figure.savefig(path, metadata=metadata))
