"""What commands that draw share: their options, and how a figure is finished."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli import completion
from mdmkit.cli.groups import Counting, Labels
from mdmkit.cli.options import INPUT, NUMBERS
from mdmkit.cli.terminal import deliver_file, note, progress_bars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mdmkit.comparison.study import Study
    from mdmkit.core.component_sizes import ComponentSizes
    from mdmkit.datasets import DataSet, Pairing
    from mdmkit.metrics.base import Metric

MetricNames = Annotated[
    str,
    typer.Option(
        metavar="METRIC[,METRIC...]",
        autocompletion=completion.metrics,
        help="f1, iou, precision, recall, siou, ppv, mean_f1; several stand side by side.",
        rich_help_panel=NUMBERS,
    ),
]
FrameKeys = Annotated[
    list[str],
    typer.Option(
        metavar="KEY",
        help="A frame, by its path below the folder without suffix; may be repeated.",
        show_default="those with most anomalous pixels",
        rich_help_panel=INPUT,
    ),
]


def parse_metrics(text: str, sizes: ComponentSizes) -> list[Metric]:
    """Metrics by name, each once."""
    from mdmkit.metrics.registry import as_metric

    names = [name.strip() for name in text.split(",")]
    return [as_metric(name, sizes) for name in dict.fromkeys(names)]


def study_frames(
    folders: dict[str, str], truth: DataSet, labels: Labels, counting: Counting, quiet: bool
) -> Study:
    """Count pixels and keep at hand where the frames are."""
    from mdmkit.comparison.study import study_methods
    from mdmkit.core.component_sizes import ComponentSizes

    how: dict[str, Any] = counting.of(folders)
    codes = labels.choose(truth).codes
    with progress_bars(quiet) as progress:
        return study_methods(
            folders, truth, "best_f1", codes=codes, sizes=ComponentSizes(), progress=progress, **how
        )


def left_out(pairing: Pairing) -> str:
    """How many frames a figure does not show."""
    return f"{len(pairing.left_out)} frames left out that not every method has"


def finish(figure: Figure, output: Path, quiet: bool, pairing: Pairing | None = None) -> None:
    """Write a figure and say so, and how many frames it does not show."""
    from mdmkit.plots import save_figure

    if pairing and pairing.left_out:
        note(left_out(pairing), quiet)
    deliver_file(partial(save_figure, figure), output, quiet)
