"""The command line: `mdmkit compare`, `plot`, `demo`, `warmup`.

Exit codes: 0 done, 1 failed, 2 wrong usage or input. Heavy imports wait inside the commands.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.errors import InputError

if TYPE_CHECKING:
    from mdmkit.comparison import Tick

app = typer.Typer(
    name="mdmkit",
    help="How good is a score map, and at which threshold may it be trusted?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
plot_app = typer.Typer(help="Figures for papers.", no_args_is_help=True)
app.add_typer(plot_app, name="plot")

_debugging = False


def _set_debug(value: bool) -> None:
    global _debugging
    _debugging = _debugging or value


def _print_version(value: bool) -> None:
    if value:
        from mdmkit.comparison import versions

        typer.echo(", ".join(f"{name} {number}" for name, number in versions().items()))
        raise typer.Exit


# ---------------------------------------------------------------- options that commands share

Methods = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=FOLDER...", help="Each method's folder of score maps.", show_default=False
    ),
]
Target = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER",
        help="Ground-truth masks; the RoadAnomaly layout is understood.",
        show_default=False,
    ),
]
AnomalyLabel = Annotated[
    str, typer.Option(metavar="N[,N...]", help="Label values that mean anomaly; a-b for a range.")
]
NormalLabel = Annotated[
    str, typer.Option(metavar="N[,N...]", help="Label values that mean normal, or none.")
]
IgnoreIndex = Annotated[
    str, typer.Option(metavar="N[,N...]", help="Label values to ignore, or none.")
]
Normalize = Annotated[
    list[str],
    typer.Option(
        metavar="[NAME=]KIND",
        help="Map scores to [0, 1] by none, minmax, sigmoid or rank: all methods', or one's.",
        show_default="none",
    ),
]
MinPrediction = Annotated[
    int, typer.Option(metavar="N", help="Drop predicted components with fewer pixels.")
]
MinTarget = Annotated[
    int, typer.Option(metavar="N", help="Ignore ground-truth components with fewer pixels.")
]
Missing = Annotated[
    str,
    typer.Option(
        metavar="error|skip", help="Frames that not every method has: refuse, or leave out."
    ),
]
Jobs = Annotated[int, typer.Option(metavar="N", help="Threads over frames.")]
Memory = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="Memory for the statistics of a method, as 500M or 2G: beyond it thresholds fall on "
        "a grid, files are read twice, and AP and AUROC get brackets.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Array of .npz files, data set of HDF5 files.", show_default=False
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")]
Debug = Annotated[
    bool, typer.Option("--debug", callback=_set_debug, help="Show a traceback on errors.")
]


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show versions."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Say how good a score map is, and at which threshold it may be trusted."""


def parse_labels(text: str, argument: str) -> list[int]:
    """Label values from "2", "1,2", "2-200" or "none"."""
    if text.strip().lower() == "none":
        return []
    values: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(-?\d+)(?:-(\d+))?\s*", part)
        if not match:
            raise InputError(
                f"{argument}: expected integers such as 1 or 2,3 or 2-200, or none, found {text!r}"
            )
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low or high - low > 100_000:
            raise InputError(f"{argument}: expected a rising range, found {part.strip()!r}")
        values += range(low, high + 1)
    return values


def parse_memory(text: str) -> int:
    """Bytes from "2G", "500M", "64k" or a plain number."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMG]?)(?:i?B)?", text.strip())
    if not match:
        raise InputError(f"memory: expected a size such as 500M or 2G, found {text!r}")
    return int(float(match[1]) * 2 ** {"": 0, "k": 10, "M": 20, "G": 30}[match[2]])


def parse_methods(items: list[str]) -> dict[str, str]:
    """Folders by name from NAME=FOLDER."""
    methods: dict[str, str] = {}
    for item in items:
        name, sign, folder = item.partition("=")
        if not (name and sign and folder):
            raise InputError(f"methods: expected NAME=FOLDER, found {item!r}")
        if name in methods:
            raise InputError(f"methods: expected each name once, found {name!r} again")
        methods[name] = folder
    return methods


def parse_normalize(items: list[str], methods: dict[str, str]) -> dict[str, str]:
    """The normaliser of each method; one without a name is for all others."""
    kinds: dict[str, str] = {}
    default = "none"
    for item in items:
        name, sign, kind = item.rpartition("=")
        if sign and name not in methods:
            raise InputError(
                f"normalize: expected a method among {', '.join(methods)}, found {name!r}"
            )
        if sign:
            kinds[name] = kind
        else:
            default = kind
    return {name: kinds.get(name, default) for name in methods}


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str, int], Tick] | None]:
    """A bar on the terminal, nothing elsewhere: `tick(method, frames)` starts one line."""
    if quiet or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def tick(method: str, frames: int) -> Tick:
            line = bars.add_task(method, total=frames)
            return lambda: bars.advance(line)

        yield tick


def _note(text: str, quiet: bool) -> None:
    if not quiet:
        typer.echo(text, err=True)


# --------------------------------------------------------------------------------- commands


@app.command()
def compare(
    methods: Methods,
    target: Target,
    anomaly_label: AnomalyLabel = "1",
    normal_label: NormalLabel = "0",
    ignore_index: IgnoreIndex = "255",
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME...]",
            help="ap, auroc, fpr95, best_f1, siou_gt, ppv, mean_f1 (the three at best F1), "
            "mdm_METRIC@T, METRIC@z=Z, fpr@z=Z, fpr@tpr=R; METRIC: f1, iou, precision, recall, "
            "siou, ppv, mean_f1.",
            show_default="every metric, MDM at T = 0.5 and 0.7",
        ),
    ] = None,
    normalize: Normalize = [],  # noqa: B006 (typer copies it)
    aggregate: Annotated[
        str,
        typer.Option(metavar="pooled|per_image", help="One set of pixels, or mean over images."),
    ] = "pooled",
    min_prediction: MinPrediction = 500,
    min_target: MinTarget = 100,
    missing: Missing = "error",
    format: Annotated[
        str | None,
        typer.Option(
            metavar="table|markdown|csv|json|latex",
            help="Form of the result.",
            show_default="by the suffix of --output, else table",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write there.", show_default="standard output"
        ),
    ] = None,
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Compare the score maps of several methods: one table, exact at every threshold.

    Example: mdmkit compare mine=scores/mine msp=scores/msp --target masks --format markdown
    """
    from mdmkit.comparison import compare as run
    from mdmkit.components import ComponentSizes
    from mdmkit.files import check_output, write_text
    from mdmkit.measures import parse_measures
    from mdmkit.tables import FORMATS, notes, render

    folders = parse_methods(methods)
    form = format or _form_of(output)
    if form not in FORMATS:
        raise InputError(f"format: expected one of {', '.join(FORMATS)}, found {form!r}")
    if output is not None:
        check_output(output, overwrite)
    parse_measures(metrics, ComponentSizes(min_prediction, min_target))
    with progress(quiet) as tick:
        comparison = run(
            folders,
            target,
            metrics,
            min_prediction=min_prediction,
            min_target=min_target,
            normalize=parse_normalize(normalize, folders),
            aggregate=aggregate,
            anomaly_label=parse_labels(anomaly_label, "anomaly-label"),
            normal_label=parse_labels(normal_label, "normal-label"),
            ignore_index=parse_labels(ignore_index, "ignore-index"),
            missing=missing,
            jobs=jobs,
            key=key,
            memory=parse_memory(memory),
            tick=tick,
        )
    if output is not None:
        write_text(output, render(comparison, form))
        _note(f"wrote {output}", quiet)
    elif form == "table":
        _print_table(comparison)
    else:
        typer.echo(render(comparison, form), nl=False)
    if form in ("csv", "json", "latex"):
        for line in notes(comparison)[3:]:
            _note(f"note: {line}", quiet)


_FORM_OF_SUFFIX = {".md": "markdown", ".csv": "csv", ".json": "json", ".tex": "latex"}


def _form_of(output: Path | None) -> str:
    return "table" if output is None else _FORM_OF_SUFFIX.get(output.suffix.lower(), "table")


def _print_table(comparison: Any) -> None:
    from mdmkit.tables import render, to_renderables

    if not sys.stdout.isatty():
        typer.echo(render(comparison, "table"), nl=False)
        return
    from rich.console import Console

    console = Console()
    for part in to_renderables(comparison):
        console.print(part)


@plot_app.command("margin")
def plot_margin(
    methods: Methods,
    target: Target,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="A .pdf, .svg or .png.", show_default=False
        ),
    ],
    t_margin: Annotated[
        float,
        typer.Option(metavar="T", help="The required quality, in [0, 1).", show_default=False),
    ],
    metric: Annotated[
        str,
        typer.Option(metavar="METRIC", help="f1, iou, precision, recall, siou, ppv or mean_f1."),
    ] = "f1",
    width: Annotated[
        float, typer.Option(metavar="INCHES", help="5.2 for two columns, 3.4 for one.")
    ] = 5.2,
    anomaly_label: AnomalyLabel = "1",
    normal_label: NormalLabel = "0",
    ignore_index: IgnoreIndex = "255",
    normalize: Normalize = [],  # noqa: B006
    min_prediction: MinPrediction = 500,
    min_target: MinTarget = 100,
    missing: Missing = "error",
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draw a metric over the threshold, with each method's margin at T.

    Example: mdmkit plot margin mine=scores/mine --target masks --t-margin 0.5 -o margin.pdf
    """
    from mdmkit.comparison import evaluate_methods
    from mdmkit.components import ComponentSizes
    from mdmkit.files import check_output
    from mdmkit.frames import LabelCodes
    from mdmkit.measures import MarginAt
    from mdmkit.metrics import as_metric
    from mdmkit.plots import check_figure_name, check_width, margin_figure, save_figure

    folders = parse_methods(methods)
    check_output(output, overwrite)
    check_figure_name(output)
    check_width(width)
    chosen = as_metric(metric, ComponentSizes(min_prediction, min_target))
    codes = LabelCodes(
        parse_labels(normal_label, "normal-label"),
        parse_labels(anomaly_label, "anomaly-label"),
        parse_labels(ignore_index, "ignore-index"),
    )
    with progress(quiet) as tick:
        evaluations, pairing = evaluate_methods(
            folders,
            target,
            codes=codes,
            missing=missing,
            normalize=parse_normalize(normalize, folders),
            jobs=jobs,
            key=key,
            tick=tick,
            memory=parse_memory(memory),
            metrics=[MarginAt(chosen, t_margin)],
        )
    curves = {name: evaluation.curve(chosen) for name, evaluation in evaluations.items()}
    save_figure(margin_figure(curves, t_margin, width=width), output)
    if pairing and pairing.left_out:
        _note(f"{len(pairing.left_out)} frames left out that not every method has", quiet)
    _note(f"wrote {output}", quiet)


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new or empty folder.")
    ] = Path("mdmkit-demo"),
    seed: Annotated[int, typer.Option(metavar="N", help="Of the drawing.")] = 0,
    debug: Debug = False,
) -> None:
    """Compare three drawn methods: AP alike, margins far apart.

    Draws masks and score maps, then does what `compare` and `plot margin` do.
    """
    from mdmkit.demo import T_MARGIN, run_demo

    found = run_demo(output, seed)
    _print_table(found.comparison)
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
    """Compile the sweeps ahead, so that the first comparison need not."""
    import numpy as np

    from mdmkit.evaluation import evaluate

    target = np.eye(4, dtype=np.uint8)
    for dtype in ("float16", "float32", "float64", "uint8", "uint16"):
        evaluate([(target.astype(dtype), target)])
    _note("compiled", quiet)


def main() -> None:
    """Run the command line, errors as one message and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # arrows need not be in a terminal's alphabet
        sys.stdout.reconfigure(errors="replace")
    try:
        app()
    except InputError as error:
        _fail(error, "error", 2)
    except Exception as error:  # the last line of defence: say what failed, without a traceback
        _fail(error, f"failed: {type(error).__name__}", 1)


def _fail(error: Exception, what: str, code: int) -> None:
    if _debugging:
        raise error
    hint = "" if code == 2 else " (--debug shows where)"
    typer.echo(f"mdmkit: {what}: {error}{hint}", err=True)
    sys.exit(code)
