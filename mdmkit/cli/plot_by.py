"""`mdmkit plot by`: measures over the size or place of objects, or over groups of frames."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mdmkit.cli import completion
from mdmkit.cli.bootstrap_options import Replicates, Seed, add_bootstrap
from mdmkit.cli.options import (
    AnomalyLabel,
    DataSetName,
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
    Target,
    choose_judging,
    find_ground_truth,
    measures_of,
    parse_memory,
    parse_methods,
    parse_normalize,
)
from mdmkit.cli.plot_datasets import Output, Width, check_figure, finish
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, progress_bars


def plot_by(
    methods: Methods,
    output: Output,
    by: Annotated[
        str,
        typer.Option(
            metavar="PARTS",
            help="size=0,300,3000,inf (pixels of the object), share=..., rows=... (its lowest "
            "row), folder[=N], or TABLE.csv:COLUMN.",
            show_default=False,
        ),
    ],
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAME[,NAME...]",
            autocompletion=completion.measures,
            help="As for compare; a panel each.",
        ),
    ] = "ap",
    dataset: DataSetName = None,
    target: Target = None,
    width: Width = 3.4,
    bootstrap: Replicates = 0,
    seed: Seed = 0,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    normalize: Normalize = [],  # noqa: B006 (typer copies it)
    min_prediction: MinPrediction = None,
    min_target: MinTarget = None,
    missing: Missing = "error",
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draw measures over the size or place of objects, or over groups of frames.

    Example: mdmkit plot by mine=scores/mine --target masks --by size=0,300,3000,inf -o by-size.pdf
    """
    from mdmkit.comparison.compare_methods import compare
    from mdmkit.comparison.selection_table import points_by
    from mdmkit.plots import by_figure

    folders = parse_methods(methods)
    check_figure(output, width, overwrite)
    truth = find_ground_truth(dataset, target)
    choice = choose_judging(
        truth, anomaly_label, normal_label, ignore_index, min_prediction, min_target
    )
    options: dict[str, Any] = {
        "metrics": measures_of(metrics, [by], choice.sizes, folders, truth, missing),
        "dataset": truth,
        "min_prediction": choice.sizes.min_prediction,
        "min_target": choice.sizes.min_target,
        "normalize": parse_normalize(normalize, folders),
        "anomaly_label": choice.codes.anomaly_label,
        "normal_label": choice.codes.normal_label,
        "ignore_index": choice.codes.ignore_index,
        "missing": missing,
        "jobs": jobs,
        "key": key,
        "memory": parse_memory(memory),
    }
    with progress_bars(quiet) as progress:
        comparison = compare(folders, progress=progress, **options)
        if bootstrap:
            comparison = add_bootstrap(
                comparison, None, methods=folders, replicates=bootstrap, seed=seed,
                cells=4096, states=None, overwrite=False, progress=progress, **options,
            )  # fmt: skip
    finish(by_figure(*points_by(comparison), width=width), output, quiet)
