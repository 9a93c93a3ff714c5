"""What all figures share: colours, type, widths, names, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from mdmkit.core.errors import InputError
from mdmkit.core.files import write_atomically

#: Okabe and Ito's colours, told apart by colour-blind readers too; with a dash for print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)))
#: Thresholds at which the paper shows predictions.
MARKED = (0.3, 0.5, 0.8)
#: Confusion colours: true positive, false positive, miss, ignored, background.
OVERLAY = {"tp": "#009E73", "fp": "#D55E00", "fn": "#56B4E9", "ignored": "#BBBBBB", "tn": "#1A1A1A"}
STYLE: Any = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.6, "lines.linewidth": 1.2,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "hatch.linewidth": 0.5, "pdf.fonttype": 42, "svg.hashsalt": "mdmkit",
    "savefig.dpi": 200, "figure.dpi": 200,
}  # fmt: skip
#: Widths in inches: one column of a common two-column template, and a figure across both.
SINGLE, DOUBLE = 3.4, 5.2
FULL = 7.0
METRIC_LABELS = {
    "f1": "pixel F1", "iou": "pixel IoU", "precision": "pixel precision",
    "recall": "pixel recall", "siou": "mean sIoU", "ppv": "mean PPV",
    "mean_f1": "component mean F1",
}  # fmt: skip


def check_width(width: float) -> None:
    """Refuse widths that no page has.

    Parameters
    ----------
    width : float
        In inches, 1 to 100.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_width(3.4)
    """
    if not 1 <= width <= 100:
        raise InputError(f"expected 1 to 100 inches, found {width!r}", argument="width")


def plain(name: str) -> str:
    """A name without mathematics: dollars are dollars."""
    return name.replace("$", r"\$")


def legend_columns(names: Sequence[str], width: float) -> int:
    """How many names stand beside each other in a legend of that width in inches."""
    widths = [0.062 * len(name) + 0.45 for name in names]  # line, gap and type of 7 points
    if sum(widths) <= width:
        return len(names)
    return max(1, min(len(names), int(width / max(widths))))


def looks(row: int) -> tuple[str, Any]:
    """Colour and dash of the method in that row."""
    colours, dashes = cycle(COLOURS), cycle(DASHES)
    for _ in range(row):
        next(colours), next(dashes)
    return next(colours), next(dashes)


#: Suffixes of figures, with what keeps their bytes the same each time.
METADATA: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
    ".png": {"Software": None},
}


def check_figure_name(output: Path, argument: str = "output") -> None:
    """Refuse suffixes other than `.pdf`, `.svg`, `.png`.

    Parameters
    ----------
    output : Path
    argument : str
        What an error names.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_figure_name(Path("margin.pdf"))
    """
    if output.suffix.lower() not in METADATA:
        raise InputError(
            f"expected a name ending in {', '.join(METADATA)}, found {output.name!r}",
            argument=argument,
        )


def save_figure(figure: Figure, output: Path) -> None:
    """Write a figure, whole or not at all, the same bytes each time.

    Parameters
    ----------
    figure : matplotlib Figure
    output : Path
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
    ...     save_figure(Figure(figsize=(1, 1)), Path(folder) / "empty.svg")
    ...     (Path(folder) / "empty.svg").read_text()[:5]
    '<?xml'
    """
    check_figure_name(output)
    metadata = METADATA[output.suffix.lower()]
    with rc_context(STYLE):
        write_atomically(output, lambda path: figure.savefig(path, metadata=metadata))
