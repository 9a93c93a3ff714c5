"""`mdmkit inspect`: a check of files before a long run."""

from __future__ import annotations

import typer

from mdmkit.cli.groups import ImageJudging, PicturedFrames, with_groups
from mdmkit.cli.options import Key, Missing, OptionalMethods, parse_methods
from mdmkit.cli.terminal import Debug, Quiet, as_options, progress_bars


@with_groups
def inspect(
    frames: PicturedFrames,
    judging: ImageJudging,
    methods: OptionalMethods = None,
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
    truth = choice = None
    if frames != PicturedFrames(invert=frames.invert) or not folders:
        truth = frames.find()
        choice = judging.choose(truth)
    with progress_bars(quiet) as progress:
        found = inspect_frames(
            folders,
            truth,
            choice,
            missing=missing,
            key=key,
            invert=frames.invert,
            progress=progress,
        )
    found.problems = [as_options(problem) for problem in found.problems]
    found.remarks = [as_options(remark) for remark in found.remarks]
    typer.echo(found.to_text(), nl=False)
    if found.problems:
        raise typer.Exit(2)
