"""`mdmkit plot margin`: a metric over the threshold, with margins."""

from __future__ import annotations

from typing import Annotated

from mdmkit.cli.figures import MetricNames, common_normalizer, finish, parse_metrics
from mdmkit.cli.groups import Counting, FigureFile, Judging, with_groups
from mdmkit.cli.options import NUMBERS, Methods, option, parse_methods
from mdmkit.cli.panels import PanelFrames, evaluate_panels
from mdmkit.cli.result_options import Width


@with_groups
def plot_margin(
    methods: Methods,
    panels: PanelFrames,
    judging: Judging,
    counting: Counting,
    file: FigureFile,
    t_margin: Annotated[
        list[float],
        option(NUMBERS, "T", "The required quality, in [0, 1); may be repeated.", default="0.5"),
    ] = [0.5],  # noqa: B006 (typer copies it)
    metric: MetricNames = "f1",
    width: Width = "neurips",
) -> None:
    """Draw a metric over the threshold, with each method's margin at T.

    Example: mdmkit plot margin mine=scores/mine --target masks --t-margin 0.5 -o margin.pdf

    Several data sets, here with score maps in anomaly_p/mine/AnomalyTrack-validation and beside it:
    mdmkit plot margin mine=anomaly_p/mine --dataset AnomalyTrack-validation=smiyc-anomaly:RA21
    --dataset ObstacleTrack-validation=smiyc-obstacle:RO21 --t-margin 0.5 -o margins.pdf
    """
    from mdmkit.metrics.measures import MarginAt
    from mdmkit.plots import METRIC_LABELS, margin_multiples

    folders = parse_methods(methods)
    file.check(width)
    how = counting.of(folders)
    found = evaluate_panels(
        panels.find(folders),
        lambda sizes: [MarginAt(d, t) for d in parse_metrics(metric, sizes) for t in t_margin],
        lambda one: {
            METRIC_LABELS.get(d.name, d.name): one.curves(d)
            for d in parse_metrics(metric, one.sizes)
        },
        judge=judging.choose,
        quiet=file.quiet,
        **how,
    )
    several = len(next(iter(found.values()))) > 1
    pictures = {
        "\n".join(part for part in (name, label if several else "") if part): curves
        for name, by_metric in found.items()
        for label, curves in by_metric.items()
    }
    across = len(pictures) // len(found) if several else None  # one row per data set
    normalizer = common_normalizer(how["normalize"])
    figure = margin_multiples(pictures, t_margin, width=width, across=across, normalizer=normalizer)
    finish(figure, file.output, file.quiet)
