"""`mdmkit plot margin`, `margins-by-t`, `curves`: figures of whole data sets."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli import completion
from mdmkit.cli.options import (
    AnomalyLabel,
    IgnoreIndex,
    Jobs,
    Key,
    Memory,
    Methods,
    MinPrediction,
    MinTarget,
    Missing,
    Normalize,
    NormalLabel,
    Resize,
    ScoreEnding,
    choose_judging,
    parse_memory,
    parse_methods,
    parse_normalize,
)
from mdmkit.cli.panels import DataSetNames, Targets, evaluate_panels, find_panels, left_out
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, deliver_file, note

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mdmkit.core.component_sizes import ComponentSizes
    from mdmkit.datasets import Pairing
    from mdmkit.metrics.base import Metric

plot_app = typer.Typer(
    help="Figures for papers.\n\n"
    "Example: mdmkit plot margin mine=scores/mine --target masks --t-margin 0.5 -o margin.pdf",
    no_args_is_help=True,
)

Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", help="A .pdf, .svg or .png.", show_default=False
    ),
]
Width = Annotated[
    float,
    typer.Option(metavar="INCHES", help="5.2 for two columns, 3.4 for one, 7 for a whole page."),
]
MetricNames = Annotated[
    str,
    typer.Option(
        metavar="METRIC[,METRIC...]",
        autocompletion=completion.metrics,
        help="f1, iou, precision, recall, siou, ppv, mean_f1; several stand side by side.",
    ),
]


def check_figure(output: Path, width: float, overwrite: bool) -> None:
    """Refuse what cannot be written, before the work is done."""
    from mdmkit.core.files import check_output
    from mdmkit.plots import check_figure_name, check_width

    check_output(output, overwrite)
    check_figure_name(output)
    check_width(width)


def counting(
    folders: dict[str, str], normalize: list[str], missing: str, key: str | None, memory: str,
    jobs: int,
) -> dict[str, Any]:  # fmt: skip
    """How to count, as `evaluate_methods` and `study_methods` take it."""
    return {
        "normalize": parse_normalize(normalize, folders),
        "missing": missing,
        "key": key,
        "memory": parse_memory(memory),
        "jobs": jobs,
    }


def finish(figure: Figure, output: Path, quiet: bool, pairing: Pairing | None = None) -> None:
    """Write a figure and say so, and how many frames it does not show."""
    from mdmkit.plots import save_figure

    if pairing and pairing.left_out:
        note(left_out(pairing), quiet)
    deliver_file(partial(save_figure, figure), output, quiet)


def _parse_metrics(text: str, sizes: ComponentSizes) -> list[Metric]:
    from mdmkit.metrics.registry import as_metric

    names = [name.strip() for name in text.split(",")]
    return [as_metric(name, sizes) for name in dict.fromkeys(names)]


@plot_app.command("margin")
def plot_margin(
    methods: Methods,
    output: Output,
    t_margin: Annotated[
        list[float],
        typer.Option(
            metavar="T",
            help="The required quality, in [0, 1); may be repeated.",
            show_default=False,
        ),
    ],
    dataset: DataSetNames = [],  # noqa: B006 (typer copies it)
    target: Targets = [],  # noqa: B006
    metric: MetricNames = "f1",
    width: Width = 5.2,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    normalize: Normalize = [],  # noqa: B006
    min_prediction: MinPrediction = None,
    min_target: MinTarget = None,
    missing: Missing = "error",
    score_ending: ScoreEnding = "",
    resize: Resize = None,
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
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
    check_figure(output, width, overwrite)
    found = evaluate_panels(
        find_panels(folders, dataset, target, score_ending=score_ending, resize=resize),
        lambda sizes: [MarginAt(d, t) for d in _parse_metrics(metric, sizes) for t in t_margin],
        lambda one: {
            METRIC_LABELS[d.name]: one.curves(d) for d in _parse_metrics(metric, one.sizes)
        },
        judge=lambda truth: choose_judging(
            truth, anomaly_label, normal_label, ignore_index, min_prediction, min_target
        ),
        quiet=quiet,
        **counting(folders, normalize, missing, key, memory, jobs),
    )
    several = len(next(iter(found.values()))) > 1
    panels = {
        "\n".join(part for part in (name, label if several else "") if part): curves
        for name, by_metric in found.items()
        for label, curves in by_metric.items()
    }
    across = len(panels) // len(found) if several else None  # a row a data set
    finish(margin_multiples(panels, t_margin, width=width, across=across), output, quiet)


@plot_app.command("margins-by-t")
def plot_margins_by_t(
    methods: Methods,
    output: Output,
    dataset: DataSetNames = [],  # noqa: B006 (typer copies it)
    target: Targets = [],  # noqa: B006
    metric: Annotated[
        str,
        typer.Option(
            metavar="METRIC",
            autocompletion=completion.metrics,
            help="f1, iou, precision, recall, siou, ppv or mean_f1.",
        ),
    ] = "f1",
    width: Width = 3.4,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    normalize: Normalize = [],  # noqa: B006
    min_prediction: MinPrediction = None,
    min_target: MinTarget = None,
    missing: Missing = "error",
    score_ending: ScoreEnding = "",
    resize: Resize = None,
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draw each method's MDM as a function of T: which T tells them apart.

    Example: mdmkit plot margins-by-t mine=scores/mine msp=scores/msp --target masks -o by-t.pdf
    """
    from mdmkit.metrics.measures import MarginAt
    from mdmkit.metrics.registry import as_metric
    from mdmkit.plots import margins_by_t_multiples

    folders = parse_methods(methods)
    check_figure(output, width, overwrite)
    panels = evaluate_panels(
        find_panels(folders, dataset, target, score_ending=score_ending, resize=resize),
        lambda sizes: [MarginAt(as_metric(metric, sizes), 0.5)],
        lambda one: one.curves(as_metric(metric, one.sizes)),
        judge=lambda truth: choose_judging(
            truth, anomaly_label, normal_label, ignore_index, min_prediction, min_target
        ),
        quiet=quiet,
        **counting(folders, normalize, missing, key, memory, jobs),
    )
    finish(margins_by_t_multiples(panels, width=width), output, quiet)


@plot_app.command("curves")
def plot_curves(
    methods: Methods,
    output: Output,
    dataset: DataSetNames = [],  # noqa: B006 (typer copies it)
    target: Targets = [],  # noqa: B006
    width: Width = 5.2,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    normalize: Normalize = [],  # noqa: B006
    missing: Missing = "error",
    score_ending: ScoreEnding = "",
    resize: Resize = None,
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draw precision-recall and ROC curves with AP, AUROC and FPR95.

    Example: mdmkit plot curves mine=scores/mine msp=scores/msp --target masks -o curves.pdf
    """
    from mdmkit.plots import ranking_multiples

    folders = parse_methods(methods)
    check_figure(output, width, overwrite)
    panels = evaluate_panels(
        find_panels(folders, dataset, target, score_ending=score_ending, resize=resize),
        lambda _: "ap,auroc,fpr95",
        lambda one: one.pixels(),
        judge=lambda truth: choose_judging(
            truth, anomaly_label, normal_label, ignore_index, None, None
        ),
        quiet=quiet,
        **counting(folders, normalize, missing, key, memory, jobs),
    )
    finish(ranking_multiples(panels, width=width), output, quiet)
