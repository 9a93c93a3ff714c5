"""`mdmkit plot margins-by-t`: each method's margin over the required quality."""

from __future__ import annotations

from typing import Annotated

from mdmkit.cli import completion
from mdmkit.cli.figures import common_normalizer, finish
from mdmkit.cli.groups import Counting, FigureFile, Judging, with_groups
from mdmkit.cli.options import NUMBERS, Methods, option, parse_methods
from mdmkit.cli.panels import PanelFrames, evaluate_panels
from mdmkit.cli.result_options import Width


@with_groups
def plot_margins_by_t(
    methods: Methods,
    panels: PanelFrames,
    judging: Judging,
    counting: Counting,
    file: FigureFile,
    metric: Annotated[
        str,
        option(
            NUMBERS,
            "METRIC",
            "f1, iou, precision, recall, siou, ppv or mean_f1.",
            complete=completion.metrics,
        ),
    ] = "f1",
    width: Width = "cvpr",
) -> None:
    """Draw each method's MDM as a function of T: which T tells them apart.

    Example: mdmkit plot margins-by-t mine=scores/mine msp=scores/msp --target masks -o by-t.pdf
    """
    from mdmkit.metrics.measures import MarginAt
    from mdmkit.metrics.registry import as_metric
    from mdmkit.plots import margins_by_t_multiples

    folders = parse_methods(methods)
    file.check(width)
    how = counting.of(folders)
    curves = evaluate_panels(
        panels.find(folders),
        lambda sizes: [MarginAt(as_metric(metric, sizes), 0.5)],
        lambda one: one.curves(as_metric(metric, one.sizes)),
        judge=judging.choose,
        quiet=file.quiet,
        **how,
    )
    normalizer = common_normalizer(how["normalize"])
    figure = margins_by_t_multiples(curves, width=width, normalizer=normalizer)
    finish(figure, file.output, file.quiet)
