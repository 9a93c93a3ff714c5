"""Commands about files: `mdmkit datasets`, `inspect`, `convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli import completion
from mdmkit.cli.options import (
    Aggregate,
    AnomalyLabel,
    DataSetName,
    IgnoreIndex,
    Images,
    Key,
    MinPrediction,
    MinTarget,
    Missing,
    NormalLabel,
    OptionalMethods,
    Resize,
    ScoreEnding,
    Target,
    choose_judging,
    find_ground_truth,
    parse_methods,
)
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, as_options, note, progress_bars


def datasets(debug: Debug = False) -> None:
    """List the layouts of data sets that --dataset LAYOUT:ROOT understands.

    Example: mdmkit datasets
    """
    from mdmkit.core.errors import InputError
    from mdmkit.datasets import layout, layout_names

    for name in layout_names():
        try:
            found = layout(name)
        except InputError as error:  # another package's; the others can be listed all the same
            typer.echo(f"{name}\n  {error}\n")
            continue
        typer.echo(f"{name}: {found.title}")
        for line in found.tree.splitlines():
            typer.echo(f"    {line}")
        judged = f"labels {found.codes}; {found.sizes}; {found.aggregate}"
        for line in (judged, found.only_labelled, *found.notes):
            if line:
                typer.echo(f"  {line}")
        typer.echo()
    typer.echo("A frame's key is its path below the folder, without suffix and endings such as")
    typer.echo("_labels_semantic; score maps pair by it. NAME, CITY, DEFECT stand for any name.")


def inspect(
    methods: OptionalMethods = None,
    dataset: DataSetName = None,
    target: Target = None,
    images: Images = None,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    min_prediction: MinPrediction = None,
    min_target: MinTarget = None,
    aggregate: Aggregate = None,
    missing: Missing = "error",
    score_ending: ScoreEnding = "",
    resize: Resize = None,
    key: Key = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check a data set and score maps before a long run; exit code 2 if compare would fail.

    Example: mdmkit inspect mine=scores/mine --dataset smiyc-anomaly:dataset_AnomalyTrack
    """
    from mdmkit.datasets.inspection import inspect_frames

    folders = parse_methods(methods or [])
    truth = choice = None
    if dataset is not None or target is not None or images is not None or not folders:
        truth = find_ground_truth(dataset, target, images, score_ending=score_ending, resize=resize)
        choice = choose_judging(
            truth, anomaly_label, normal_label, ignore_index, min_prediction, min_target, aggregate
        )
    with progress_bars(quiet) as progress:
        found = inspect_frames(folders, truth, choice, missing=missing, key=key, progress=progress)
    found.problems = [as_options(problem) for problem in found.problems]
    found.remarks = [as_options(remark) for remark in found.remarks]
    typer.echo(found.to_text(), nl=False)
    if found.problems:
        raise typer.Exit(2)


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Folder of score maps.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write to.", show_default=False)
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="npy|npz|hdf5|png16|tif",
            autocompletion=completion.one_of("npy|npz|hdf5|png16|tif"),
            help="Format of the new files.",
            show_default=False,
        ),
    ],
    dtype: Annotated[
        str | None,
        typer.Option(
            metavar="float16|float32",
            autocompletion=completion.one_of("float16|float32"),
            help="Of the new files; benchmarks take float16 hdf5.",
            show_default="as they are",
        ),
    ] = None,
    key: Key = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write score maps in another file format: same frames, nothing clipped.

    Example: mdmkit convert scores/mine anomaly_p/mine/AnomalyTrack-all --to hdf5 --dtype float16
    """
    from mdmkit.datasets.conversion import convert as convert_folder

    with progress_bars(quiet) as progress:
        done = convert_folder(
            source, output, to, dtype=dtype, key=key, overwrite=overwrite, progress=progress
        )
    note(f"wrote {done.frames} score maps to {output}", quiet)
    if done.largest_change:
        note(f"rounding moved scores by at most {done.largest_change:.2g}", quiet)
    if done.vanished:
        note(f"{done.vanished} pixels with positive scores too small for it are 0 now", quiet)
