"""The command line: `mdmkit compare`, `plot`, `report`, `published`, `inspect`, ....

Exit codes: 0 done, 1 failed, 2 wrong usage or input. Heavy imports wait inside the commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mdmkit.cli import completion
from mdmkit.cli.bootstrap_options import (
    Against,
    Cells,
    Replicates,
    Seed,
    StatesPath,
    add_bootstrap,
    check_bootstrap,
)
from mdmkit.cli.checkpoints import ShardOption, State, check_shard, count, merge
from mdmkit.cli.delivery import deliver
from mdmkit.cli.files import convert, datasets, inspect
from mdmkit.cli.options import (
    Aggregate,
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
    Scheduler,
    Target,
    choose_judging,
    find_ground_truth,
    measures_of,
    parse_memory,
    parse_methods,
    parse_normalize,
)
from mdmkit.cli.plot_by import plot_by
from mdmkit.cli.plot_datasets import plot_app
from mdmkit.cli.plot_frames import plot_grid, plot_thresholds
from mdmkit.cli.published import published as published_command
from mdmkit.cli.report import report
from mdmkit.cli.table_options import (
    Auxiliary,
    Bands,
    By,
    Form,
    Output,
    Protocol,
    Published,
    form_of,
)
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, note, progress_bars, run
from mdmkit.cli.threshold import SeveralAfterOn, threshold

app = typer.Typer(
    name="mdmkit",
    help="How good is a score map, and at which threshold may it be trusted?\n\n"
    "Example: mdmkit compare mine=scores/mine msp=scores/msp --target masks\n\n"
    "Begin with `mdmkit demo`, which needs no data; `mdmkit inspect` looks at yours first.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(plot_app, name="plot")
for command in (datasets, inspect, convert, report):
    app.command()(command)
plot_app.command("thresholds")(plot_thresholds)
plot_app.command("grid")(plot_grid)
plot_app.command("by")(plot_by)
app.command("published")(published_command)
app.command()(merge)
app.command("threshold", cls=SeveralAfterOn)(threshold)


def _print_version(value: bool) -> None:
    if value:
        from mdmkit.comparison.planning import versions

        typer.echo(", ".join(f"{name} {number}" for name, number in versions().items()))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show versions."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Say how good a score map is, and at which threshold it may be trusted."""


@app.command()
def compare(
    methods: Methods,
    dataset: DataSetName = None,
    target: Target = None,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME...]",
            autocompletion=completion.measures,
            help="ap, auroc, fpr95, best_f1, siou_gt, ppv, mean_f1 (the three at best F1), autc, "
            "aupro@fpr=0.3, aupimo, image_auroc, image_ap, image_f1, mdm_METRIC@T, METRIC@z=Z, "
            "fpr@z=Z, fpr@tpr=R; METRIC: f1, iou, precision, recall, fbeta@beta=B, siou, ppv, "
            "mean_f1, boundary_iou, boundary_f@px=3, nsd@px=3, pro, spro; NAME@band=PX near "
            "borders, NAME@size=A:B of objects of that size.",
            show_default="every metric, MDM at T = 0.5 and 0.7",
        ),
    ] = None,
    normalize: Normalize = [],  # noqa: B006 (typer copies it)
    aggregate: Aggregate = None,
    min_prediction: MinPrediction = None,
    min_target: MinTarget = None,
    missing: Missing = "error",
    protocol: Protocol = "exact",
    band: Bands = [],  # noqa: B006
    by: By = [],  # noqa: B006
    published: Published = None,
    aux: Auxiliary = [],  # noqa: B006
    bootstrap: Replicates = 0,
    seed: Seed = 0,
    against: Against = None,
    bootstrap_cells: Cells = 4096,
    bootstrap_states: StatesPath = None,
    state: State = None,
    shard: ShardOption = None,
    format: Form = None,
    output: Output = None,
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Compare the score maps of several methods: one table, exact at every threshold.

    Example: mdmkit compare mine=scores/mine msp=scores/msp --target masks --format markdown
    """
    from mdmkit.comparison.compare_methods import compare as compare_methods
    from mdmkit.core.files import check_output
    from mdmkit.tables.forms import check_form

    folders = parse_methods(methods)
    form = check_form(format or form_of(output))
    check_shard(shard, state, bootstrap=bootstrap, output=output)
    check_bootstrap(bootstrap, bootstrap_states, against, folders)
    if output is not None:
        check_output(output, overwrite)
    truth = find_ground_truth(dataset, target)
    choice = choose_judging(
        truth, anomaly_label, normal_label, ignore_index, min_prediction, min_target, aggregate
    )
    options: dict[str, Any] = {
        "metrics": measures_of(metrics, by, choice.sizes, folders, truth, missing),
        "dataset": truth,
        "min_prediction": choice.sizes.min_prediction,
        "min_target": choice.sizes.min_target,
        "normalize": parse_normalize(normalize, folders),
        "aggregate": choice.aggregate,
        "protocol": protocol,
        "band": band,
        "anomaly_label": choice.codes.anomaly_label,
        "normal_label": choice.codes.normal_label,
        "ignore_index": choice.codes.ignore_index,
        "missing": missing,
        "jobs": jobs,
        "key": key,
        "memory": parse_memory(memory),
    }
    if shard is not None and state is not None:
        count(folders, state, shard, quiet, options)
        return
    with progress_bars(quiet) as progress:
        comparison = compare_methods(
            folders,
            published=published,
            auxiliary=aux,
            state=state,
            scheduler=scheduler,
            progress=progress,
            **options,
        )
        if bootstrap:
            comparison = add_bootstrap(
                comparison, against, methods=folders, replicates=bootstrap, seed=seed,
                cells=bootstrap_cells, states=bootstrap_states, overwrite=overwrite,
                progress=progress, **options,
            )  # fmt: skip
    deliver(comparison, form, output, quiet)


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new or empty folder.")
    ] = Path("mdmkit-demo"),
    seed: Annotated[int, typer.Option(metavar="N", help="Of the drawing.")] = 0,
    frames: Annotated[int, typer.Option(metavar="N", help="Frames to draw.")] = 8,
    normal: Annotated[
        int, typer.Option(metavar="N", help="Also score maps of frames without any anomaly.")
    ] = 0,
    debug: Debug = False,
) -> None:
    """Compare three drawn methods: AP alike, margins far apart.

    Draws masks and score maps, then does what `compare` and `plot margin` do.

    Example: mdmkit demo -o mdmkit-demo
    """
    from mdmkit.cli.demo import T_MARGIN, run_demo

    found = run_demo(output, seed, frames, normal)
    deliver(found.comparison, "table", None, quiet=False)
    typer.echo(f"\ntable    {found.table}")
    for figure in found.figures:
        typer.echo(f"figure   {figure}")
    methods = " ".join(f"{name}={folder}" for name, folder in found.drawn.methods.items())
    typer.echo(
        f"\nThe drawn maps are files; try:\n  mdmkit plot margin {methods} "
        f"--target {found.drawn.target} --t-margin {T_MARGIN:g} -o margin.pdf"
    )


@app.command()
def warmup(quiet: Quiet = False, debug: Debug = False) -> None:
    """Compile the sweeps ahead, so that the first comparison need not.

    Takes half a minute, once for each installation.

    Example: mdmkit warmup
    """
    import numpy as np

    from mdmkit.evaluation.evaluation import evaluate

    target = np.eye(4, dtype=np.uint8)
    for dtype in ("float16", "float32", "float64", "uint8", "uint16"):
        evaluate([(target.astype(dtype), target)])
    note("compiled", quiet)


def main() -> None:
    """Run the command line."""
    run(app, "mdmkit")
