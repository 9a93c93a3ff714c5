"""`mdmkit plot froc`: objects found over false alarms per frame."""

from __future__ import annotations

from typing import Annotated

from mdmkit.cli.figures import finish
from mdmkit.cli.groups import Counting, FigureFile, Judging, with_groups
from mdmkit.cli.options import NUMBERS, Methods, option, parse_methods
from mdmkit.cli.panels import PanelFrames, evaluate_panels
from mdmkit.cli.result_options import Width


@with_groups
def plot_froc(
    methods: Methods,
    panels: PanelFrames,
    judging: Judging,
    counting: Counting,
    file: FigureFile,
    most_alarms: Annotated[
        float,
        option(NUMBERS, "N", "False alarms per frame at which the axis ends."),
    ] = 10.0,
    width: Width = "cvpr",
) -> None:
    """Draw the share of objects found over false alarms per frame, at every threshold.

    Example: mdmkit plot froc mine=scores/mine msp=scores/msp --target masks -o froc.pdf
    """
    from mdmkit.metrics.detection_measures import FoundAtAlarms
    from mdmkit.plots import froc_figure
    from mdmkit.statistics.detections import Detections

    folders = parse_methods(methods)
    file.check(width)
    found = evaluate_panels(
        panels.find(folders),
        lambda sizes: [FoundAtAlarms(1.0, sizes)],
        lambda one: {
            name: Detections(evaluation.sweeps().raw(FoundAtAlarms(1.0, one.sizes).statistics[-1]))
            for name, evaluation in one.evaluations.items()
        },
        judge=judging.choose,
        quiet=file.quiet,
        **counting.of(folders),
    )
    finish(froc_figure(found, most_alarms=most_alarms, width=width), file.output, file.quiet)
