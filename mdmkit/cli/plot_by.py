"""`mdmkit plot by`: measures over the size or place of objects, or over groups of frames."""

from __future__ import annotations

from typing import Annotated

from mdmkit.cli import completion
from mdmkit.cli.figures import finish
from mdmkit.cli.groups import Counting, FigureFile, Frames, Judging, with_groups
from mdmkit.cli.intervals import Intervals
from mdmkit.cli.options import NUMBERS, Methods, option, parse_methods
from mdmkit.cli.result_options import ImageScoreKind, Width
from mdmkit.cli.terminal import note_remarks, progress_bars
from mdmkit.core.records import Json


@with_groups
def plot_by(
    *,
    methods: Methods,
    frames: Frames,
    by: Annotated[
        str,
        option(
            NUMBERS,
            "PARTS",
            "size=0,300,3000,inf (pixels of the object), share=..., rows=... (its lowest "
            "row), folder[=N], or TABLE.csv:COLUMN.",
        ),
    ],
    metrics: Annotated[
        str,
        option(
            NUMBERS,
            "NAME[,NAME...]",
            "As for compare; each measure has a panel.",
            complete=completion.measures,
        ),
    ] = "ap",
    image_score: ImageScoreKind = None,
    judging: Judging,
    intervals: Intervals,
    counting: Counting,
    width: Width = "cvpr",
    file: FigureFile,
) -> None:
    """Draw measures over the size or place of objects, or over groups of frames.

    Example: mdmkit plot by mine=scores/mine --target masks --by size=0,300,3000,inf -o by-size.pdf
    """
    from mdmkit.comparison.compare_methods import compare
    from mdmkit.comparison.selection_table import points_by
    from mdmkit.plots import by_figure

    folders = parse_methods(methods)
    file.check(width)
    truth = frames.find()
    options: Json = {
        "metrics": metrics,
        "by": by,
        "image_score": image_score,
        "dataset": truth,
        **judging.given(),
        **counting.of(folders),
    }
    with progress_bars(file.quiet) as progress:
        comparison = compare(folders, progress=progress, **options)
        comparison = intervals.add(comparison, methods=folders, progress=progress, **options)
    note_remarks(comparison.settings.get("remarks", ()), file.quiet)
    finish(by_figure(*points_by(comparison), width=width), file.output, file.quiet)
