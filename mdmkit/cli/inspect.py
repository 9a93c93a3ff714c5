"""`mdmkit inspect`: a check of files before a long run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mdmkit.cli.groups import ImageJudging, PicturedFrames, with_groups
from mdmkit.cli.options import (
    NUMBERS,
    Key,
    Missing,
    Normalize,
    OptionalMethods,
    option,
    parse_methods,
    parse_normalize,
)
from mdmkit.cli.terminal import Debug, Quiet, as_options, progress_bars
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from mdmkit.datasets import Choice, DataSet


@with_groups
def inspect(
    frames: PicturedFrames,
    judging: ImageJudging,
    methods: OptionalMethods = None,
    metrics: Annotated[
        str | None,
        option(
            NUMBERS,
            "NAME[,NAME...]",
            "Also the trivial level of these measures: what predicting all valid pixels, or none, "
            "scores on these masks, as siou,pro,boundary_f@px=3.",
            "--metrics",
        ),
    ] = None,
    normalize: Normalize = [],  # noqa: B006 (typer copies it)
    missing: Missing = "error",
    key: Key = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check a data set and score maps before a long run; exit code 2 if compare would fail.

    Example: mdmkit inspect mine=scores/mine --dataset smiyc-anomaly:dataset_AnomalyTrack
    """
    from mdmkit.datasets.inspection import inspect_frames

    folders = parse_methods(methods or [])
    kinds = parse_normalize(normalize, folders)
    truth = choice = None
    if frames != PicturedFrames(invert=frames.invert) or not folders:
        truth = frames.find()
        choice = judging.choose(truth)
    if metrics is not None:
        _check_metrics(choice, metrics)
    with progress_bars(quiet) as progress:
        found = inspect_frames(
            folders,
            truth,
            choice,
            missing=missing,
            key=key,
            invert=frames.invert,
            normalize=kinds,
            progress=progress,
        )
    found.problems = [as_options(problem) for problem in found.problems]
    found.remarks = [as_options(remark) for remark in found.remarks]
    typer.echo(found.to_text(), nl=False)
    if metrics is not None and truth and choice and not found.problems:
        _echo_trivial(truth, choice, metrics, quiet)
    if found.problems:
        raise typer.Exit(2)


def _check_metrics(choice: Choice | None, metrics: str) -> None:
    """Refuse names that are none, and masks that are not there, before the work is done."""
    from mdmkit.thresholds.trivial import measures_of

    if choice is None:
        raise InputError(
            "expected --target FOLDER or --dataset LAYOUT:ROOT with it, found neither",
            argument="metrics",
        )
    measures_of(metrics, choice)


def _echo_trivial(truth: DataSet, choice: Choice, metrics: str, quiet: bool) -> None:
    from mdmkit.core.progress import begin
    from mdmkit.thresholds.trivial import trivial_levels

    with progress_bars(quiet) as progress:
        advance = begin(progress, "trivial levels", len(truth.targets))
        for level in trivial_levels(truth, choice, metrics, advance):
            typer.echo(f"trivial    {level}")
