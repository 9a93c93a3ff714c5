"""The command line: `maskomaly predict`, `score`, `mine`, `queries`, `ablate`, `demo`, ....

Exit codes: 0 done, 1 failed, 2 wrong usage or input. Heavy imports wait inside the commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli import completion
from mdmkit.cli.options import (
    AnomalyLabel,
    DataSetName,
    IgnoreIndex,
    NormalLabel,
    Target,
    choose_judging,
    find_ground_truth,
)
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, note, progress_bars, run
from mdmkit.core.errors import InputError
from mdmkit.core.extras import installed_version
from mdmkit.core.label_values import parse_labels

if TYPE_CHECKING:
    from maskomaly.config import MaskomalyConfig
    from maskomaly.models import Network
    from maskomaly.predict import Destination, Scorer

app = typer.Typer(
    name="maskomaly",
    help="Anomaly segmentation by post-processing the masks of a plain segmentation network.\n\n"
    "Example: maskomaly predict images -o scores/mine --model my-mask2former --queries queries.toml"
    "\n\nBegin with `maskomaly demo`, which needs no data; `maskomaly mine` finds queries.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# ---------------------------------------------------------------- options that commands share

Images = Annotated[
    Path,
    typer.Argument(
        metavar="IMAGES",
        help="Folder of images; the RoadAnomaly layout is understood.",
        show_default=False,
    ),
]
LabelledImages = Annotated[
    Path | None,
    typer.Argument(
        metavar="[IMAGES]", help="Folder of images, to go with --target.", show_default=False
    ),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="SOURCE",
        help="A folder that save_pretrained wrote, a detectron2 Mask2Former .pkl, a model's name "
        "on the hub, or tiny: the small network in the package.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda",
        autocompletion=completion.one_of("auto|cpu|cuda"),
        help="Where the network runs.",
    ),
]
Batch = Annotated[int, typer.Option(metavar="N", help="Images that run together.")]
#: The keys of `SCORES`, which needs torch to be looked into.
SCORE_NAMES = ("maskomaly", "msp", "max-logit", "entropy", "energy", "rba", "eam")
ScoreNames = Annotated[
    str,
    typer.Option(
        "--score",
        metavar="NAME[,NAME...]",
        autocompletion=completion.several_of(lambda: SCORE_NAMES),
        help=f"{', '.join(SCORE_NAMES)}; several get a folder each.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="paper|release",
        autocompletion=completion.one_of("paper|release"),
        help="Thresholds of Maskomaly.",
        show_default="the network's own config, else paper",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Thresholds and queries in TOML.", show_default=False),
]
Queries = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Take the queries from there, as mine wrote it.", show_default=False
    ),
]
ForceQueries = Annotated[
    bool, typer.Option("--force-queries", help="Use queries that belong to other weights.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Keep the score maps that are there.")]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Leave broken files out, and list them at the end.")
]
Format = Annotated[
    str,
    typer.Option(
        metavar="hdf5|npy",
        autocompletion=completion.one_of("hdf5|npy"),
        help="Files of score maps.",
    ),
]
Dtype = Annotated[
    str,
    typer.Option(
        metavar="float16|float32",
        autocompletion=completion.one_of("float16|float32"),
        help="Numbers in them.",
    ),
]


def _print_version(value: bool) -> None:
    if value:
        from mdmkit.comparison.planning import versions

        found = versions() | {name: installed_version(name) for name in ("torch", "transformers")}
        typer.echo(", ".join(f"{name} {number}" for name, number in found.items()))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show versions."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Turn a plain segmentation network into one that finds what it was never shown."""


def resolve_config(
    preset: str | None,
    config: Path | None,
    queries: Path | None,
    own: MaskomalyConfig | None = None,
) -> MaskomalyConfig:
    """The config that these options mean, for a network with a config of its own or without."""
    from maskomaly.config import MaskomalyConfig

    if preset is not None and config is not None:
        raise InputError("config: expected --preset or --config, found both")
    if config is not None:
        chosen = MaskomalyConfig.read(config)
    elif preset is None and own is not None:
        chosen = own
    else:  # the preset's thresholds, with queries that this network has
        chosen = MaskomalyConfig.preset(preset or "paper")
        chosen = chosen if own is None else chosen.with_queries_of(own)
    if queries is None:
        return chosen
    return chosen.with_queries_of(MaskomalyConfig.read(queries))


def _load(model: str, device: str, quiet: bool) -> Network:
    from maskomaly.models import load_model

    note(f"loading {model}", quiet)
    return load_model(model, device=device)


def _scorers(
    names: str, config: MaskomalyConfig, force: bool
) -> dict[str, tuple[Scorer, dict[str, Any]]]:
    """For each score asked for: how to compute it, and the settings that decide it."""
    from functools import partial

    from maskomaly.scores import check_score, score

    found: dict[str, tuple[Scorer, dict[str, Any]]] = {}
    for name in (part.strip() for part in names.split(",")):
        check_score(name)
        if name in found:
            raise InputError(f"score: expected each score once, found {name!r} again")
        settings: dict[str, Any] = {"score": name}
        if name == "maskomaly":
            settings["config"] = config.to_toml().splitlines()
        found[name] = (partial(score, name=name, config=config, force=force), settings)
    return found


def _destinations(
    output: Path,
    scorers: Mapping[str, tuple[Scorer, dict[str, Any]]],
    form: str,
    dtype: str,
    common: dict[str, Any],
) -> list[Destination]:
    """One folder for one score, a folder below it for each of several."""
    from maskomaly.predict import SCORE_DTYPES, Destination

    if form not in ("hdf5", "npy"):
        raise InputError(f"format: expected hdf5 or npy, found {form!r}")
    if dtype not in SCORE_DTYPES:
        raise InputError(f"dtype: expected {' or '.join(SCORE_DTYPES)}, found {dtype!r}")
    return [
        Destination(
            output if len(scorers) == 1 else output / name, scorer, common | settings, f".{form}",
            dtype,
        )
        for name, (scorer, settings) in scorers.items()
    ]  # fmt: skip


# --------------------------------------------------------------------------------- commands


@app.command()
def predict(
    images: Images,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Of score maps.", show_default=False),
    ],
    model: Model = "tiny",
    score: ScoreNames = "maskomaly",
    preset: Preset = None,
    config: Config = None,
    queries: Queries = None,
    force_queries: ForceQueries = False,
    device: Device = "auto",
    batch: Batch = 1,
    save_outputs: Annotated[
        bool,
        typer.Option(
            "--save-outputs",
            help="Keep the network's outputs in FOLDER-outputs, for `maskomaly score`.",
        ),
    ] = False,
    format: Format = "hdf5",
    dtype: Dtype = "float16",
    resume: Resume = False,
    keep_going: KeepGoing = False,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write a score map for each image, which `mdmkit compare` reads.

    Example: maskomaly predict images -o scores/mine --model my-mask2former --queries queries.toml
    """
    from maskomaly.config import own_config
    from maskomaly.predict import (
        Broken,
        outputs_of_images,
        unfinished,
        write_score_maps,
    )
    from mdmkit.datasets import find_images

    found = find_images(images)
    network = _load(model, device, quiet)
    chosen = resolve_config(preset, config, queries, own_config(network.source))
    destinations = _destinations(
        output, _scorers(score, chosen, force_queries), format, dtype,
        {"checkpoint": network.digest, "preprocessing": repr(network.preprocessing)},
    )  # fmt: skip
    left = unfinished(found, destinations, resume=resume, overwrite=overwrite)
    broken = Broken(keep_going)
    kept = output.with_name(f"{output.name}-outputs") if save_outputs else None
    with progress_bars(quiet) as bar:
        progress = bar("predict", len(left)) if bar else (lambda: None)
        stream = outputs_of_images(left, network, batch=batch, broken=broken)
        count = write_score_maps(stream, destinations, outputs_folder=kept, progress=progress)
    _say_written(count, destinations, quiet)
    broken.raise_all()


def _say_written(count: int, destinations: Iterable[Destination], quiet: bool) -> None:
    for destination in destinations:
        note(f"wrote {count} score maps to {destination.folder}", quiet)


@app.command("score")
def score_outputs(
    outputs: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUTS", help="Folder that --save-outputs wrote.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Of score maps.", show_default=False),
    ],
    score: ScoreNames = "maskomaly",
    preset: Preset = None,
    config: Config = None,
    queries: Queries = None,
    force_queries: ForceQueries = False,
    format: Format = "hdf5",
    dtype: Dtype = "float16",
    resume: Resume = False,
    keep_going: KeepGoing = False,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write score maps from saved outputs, without the network.

    Example: maskomaly score scores/mine-outputs -o scores/rba --score rba
    """
    from maskomaly.predict import Broken, outputs_of_files, unfinished, write_score_maps
    from mdmkit.datasets.keys import existing_folder, files_by_key

    found = files_by_key(existing_folder(outputs, "outputs"), (".npz",), "outputs")
    chosen = resolve_config(preset, config, queries)
    destinations = _destinations(
        output, _scorers(score, chosen, force_queries), format, dtype, {"outputs": str(outputs)}
    )
    left = unfinished(found, destinations, resume=resume, overwrite=overwrite)
    broken = Broken(keep_going)
    with progress_bars(quiet) as bar:
        progress = bar("score", len(left)) if bar else (lambda: None)
        stream = outputs_of_files(left, broken=broken)
        count = write_score_maps(stream, destinations, progress=progress)
    _say_written(count, destinations, quiet)
    broken.raise_all()


@app.command()
def mine(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A .toml file.", show_default=False),
    ],
    images: LabelledImages = None,
    dataset: DataSetName = None,
    target: Target = None,
    top: Annotated[int, typer.Option(metavar="N", help="How many anomaly queries.")] = 4,
    inlier_label: Annotated[
        str,
        typer.Option(
            metavar="N[,N...]",
            help="Label values of known classes: for each, its best query is always an inlier.",
        ),
    ] = "none",
    threshold: Annotated[
        float, typer.Option(metavar="M", help="A mask is predicted where m > M.")
    ] = 0.9,
    model: Model = "tiny",
    preset: Preset = None,
    config: Config = None,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    device: Device = "auto",
    batch: Batch = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Find the queries whose masks overlap anomalies, on labelled images.

    The queries of largest mean IoU with the anomalies, among those which mostly say void.

    Example: maskomaly mine images --target masks --top 4 -o queries.toml
    """
    from dataclasses import replace

    from maskomaly.config import own_config
    from maskomaly.mining import labelled_images, mine_folder
    from mdmkit.core.files import check_output

    check_output(output, overwrite)
    judged = find_ground_truth(dataset, target, images)
    choice = choose_judging(judged, anomaly_label, normal_label, ignore_index, None, None)
    frames = labelled_images(judged, choice.codes, parse_labels(inlier_label, "inlier-label"))
    network = _load(model, device, quiet)
    with progress_bars(quiet) as bar:
        progress = bar("mine", len(frames.images)) if bar else (lambda: None)
        mined = mine_folder(
            frames, network, top=top, threshold=threshold, batch=batch, progress=progress
        )
    typer.echo(mined.table(), nl=False)
    chosen = replace(
        resolve_config(preset, config, None, own_config(network.source)),
        anomaly_queries=mined.anomaly.indices,
        init_queries=mined.init_queries,
        checkpoint=network.digest,
    )
    mined.write(output, chosen)
    note(f"wrote {output}", quiet)


@app.command("queries")
def draw_queries(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="An image file.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="A .png, .pdf or .svg.", show_default=False
        ),
    ],
    target: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its ground-truth mask.", show_default=False),
    ] = None,
    most: Annotated[int, typer.Option(metavar="N", help="Queries to show.")] = 22,
    width: Annotated[float, typer.Option(metavar="INCHES", help="Of the page.")] = 7.0,
    model: Model = "tiny",
    preset: Preset = None,
    config: Config = None,
    queries: Queries = None,
    force_queries: ForceQueries = False,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    device: Device = "auto",
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draw the masks of the queries: their class, p(void), IoU, and which are fixed.

    Example: maskomaly queries street.jpg -o page.png --target street-mask.png
    """
    from maskomaly.algorithm import check_queries
    from maskomaly.config import own_config
    from maskomaly.mining import anomaly_mask
    from maskomaly.outputs import MaskOutputs
    from maskomaly.pages import queries_page
    from maskomaly.predict import read_image
    from mdmkit.core.files import check_output
    from mdmkit.plots import check_figure_name, check_width, save_figure

    check_output(output, overwrite)
    check_figure_name(output)
    check_width(width)
    pixels = read_image(image)
    codes = choose_judging(None, anomaly_label, normal_label, ignore_index, None, None).codes
    truth, valid = (None, None) if target is None else anomaly_mask(target, codes)
    network = _load(model, device, quiet)
    (outputs,) = network.predict([pixels])
    if not isinstance(outputs, MaskOutputs):
        raise InputError(f"model: expected a network that proposes masks, found {model}")
    own = own_config(network.source)
    fixed = resolve_config(preset, config, queries, own)
    known = own is not None or config is not None or queries is not None or preset is not None
    if known:
        check_queries(outputs, fixed, force_queries)
    page = queries_page(
        pixels,
        outputs,
        anomaly_queries=fixed.used_anomaly_queries if known else (),
        init_queries=fixed.used_init_queries if known else (),
        target=truth,
        valid=valid,
        most=most,
        width=width,
    )
    save_figure(page, output)
    note(f"wrote {output}", quiet)


@app.command()
def ablate(
    images: LabelledImages = None,
    dataset: DataSetName = None,
    target: Target = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="FOLDER", help="Keep the score maps there.", show_default=False
        ),
    ] = None,
    t_margin: Annotated[float, typer.Option(metavar="T", help="Required F1 of the MDM.")] = 0.5,
    model: Model = "tiny",
    preset: Preset = None,
    config: Config = None,
    queries: Queries = None,
    force_queries: ForceQueries = False,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    device: Device = "auto",
    batch: Batch = 1,
    format: Annotated[
        str, typer.Option(metavar="table|markdown|csv|json|latex", help="Form of the result.")
    ] = "table",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write there.", show_default="standard output"
        ),
    ] = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Compare the terms of Algorithm 1: accept, reject, border, init, as the paper does.

    Rows: A accept, R reject, RB with the border rule, ARB all three, ARBI with fixed inliers too.

    Example: maskomaly ablate images --target masks --queries queries.toml
    """
    from maskomaly.ablation import ABLATION_METRICS, compare_configs
    from maskomaly.config import ablation_configs, own_config
    from mdmkit.core.files import check_output, write_text
    from mdmkit.tables.forms import FORMATS

    if output is not None:
        check_output(output, overwrite)
    if format not in FORMATS:
        raise InputError(f"format: expected one of {', '.join(FORMATS)}, found {format!r}")
    judged = find_ground_truth(dataset, target, images)
    codes = choose_judging(judged, anomaly_label, normal_label, ignore_index, None, None).codes
    network = _load(model, device, quiet)
    chosen = resolve_config(preset, config, queries, own_config(network.source))
    with progress_bars(quiet) as bar:
        comparison = compare_configs(
            judged, network, ablation_configs(chosen), f"{ABLATION_METRICS},mdm_f1@{t_margin!r}",
            normal_label=codes.normal_label, anomaly_label=codes.anomaly_label,
            ignore_index=codes.ignore_index,
            force=force_queries, keep=keep, batch=batch, overwrite=overwrite, bar=bar,
        )  # fmt: skip
    text = comparison.to_text(format)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text)
        note(f"wrote {output}", quiet)


@app.command("train-tiny")
def train_tiny(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Gets the weights, and what is needed to go on: called again, training goes on.",
            show_default=False,
        ),
    ],
    steps: Annotated[int, typer.Option(metavar="N", help="Updates at most.")] = 5000,
    batch: Annotated[int, typer.Option(metavar="N", help="Scenes in one update.")] = 4,
    scenes: Annotated[int, typer.Option(metavar="N", help="Distinct scenes to train on.")] = 5000,
    learning_rate: Annotated[float, typer.Option(metavar="R", help="Its peak.")] = 5e-4,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="Time at most, earlier calls included.", show_default=False),
    ] = None,
    patience: Annotated[
        int, typer.Option(metavar="N", help="Validations without progress before it stops.")
    ] = 8,
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Faster where the processor has it.")
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of weights and order.")] = 0,
    device: Device = "auto",
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train the small network on drawn streets, as the one in the package was.

    Example: maskomaly train-tiny my-network --minutes 60
    """
    import math

    from maskomaly.models import choose_device
    from maskomaly.tiny.settings import TrainingConfig
    from maskomaly.tiny.train import train

    config = TrainingConfig(
        steps=steps, batch=batch, scenes=scenes, learning_rate=learning_rate,
        minutes=math.inf if minutes is None else minutes, patience=patience, bfloat16=bfloat16,
        seed=seed, device=str(choose_device(device)),
    )  # fmt: skip
    found = train(config, folder, quiet=quiet)
    note(
        f"{found.steps} steps, ended by {found.reason}; mean IoU {found.mean_iou:.3f} of the "
        f"weights in {folder / 'best'}", quiet,
    )  # fmt: skip


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new or empty folder.")
    ] = Path("maskomaly-demo"),
    scenes: Annotated[int, typer.Option(metavar="N", help="How many streets to draw.")] = 24,
    kind: Annotated[
        str, typer.Option(metavar="test|validation-anomaly|mining", help="Of which drawing.")
    ] = "test",
    bootstrap: Annotated[
        int,
        typer.Option(metavar="R", help="Resample the images so often, for intervals of the lead."),
    ] = 0,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw streets with anomalies, run the network in the package, compare its scores.

    Images -> network -> Maskomaly, its ablation and six other scores -> tables and figures.

    Example: maskomaly demo -o maskomaly-demo
    """
    from maskomaly.demo import run_demo

    with progress_bars(quiet) as bar:
        found = run_demo(output, scenes, kind=kind, replicates=bootstrap, bar=bar)
    for comparison in (found.comparison, found.ablation):
        typer.echo(comparison.to_text("table"))
    if found.lead:
        typer.echo(found.lead)
    for kind, paths in (("table", found.tables), ("figure", found.figures)):
        for path in paths:
            typer.echo(f"{kind:<7}  {path}")
    methods = " ".join(f"{name}={found.folders[name]}" for name in ("maskomaly", "msp"))
    typer.echo(
        f"\nThe score maps are files; try:\n  mdmkit plot margin {methods} "
        f"--target {found.target} --t-margin 0.5 -o margin.pdf"
    )


def main() -> None:
    """Run the command line."""
    run(app, "maskomaly")
