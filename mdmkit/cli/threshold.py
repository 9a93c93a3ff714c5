"""`mdmkit threshold`: choose a threshold on one set of frames, see what it gives on another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from mdmkit.cli.groups import Counting, Frames, ImageJudging, Result, with_groups
from mdmkit.cli.options import OptionalMethods
from mdmkit.cli.terminal import (
    as_options,
    deliver_table,
    deliver_text,
    note,
    note_remarks,
    progress_bars,
)
from mdmkit.cli.threshold_options import (
    Certifying,
    Kept,
    Normal,
    Second,
    Wanted,
    first_folders,
)
from mdmkit.core.errors import InputError
from mdmkit.core.records import Json

if TYPE_CHECKING:
    from mdmkit.thresholds.required_table import RequiredThresholds
    from mdmkit.thresholds.result import Thresholds


class SeveralAfterOn(TyperCommand):
    """`--on` and `--normal` take every folder up to the next option, as methods are given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, repeated(repeated(args, "--on"), "--normal"))


def repeated(arguments: list[str], option: str) -> list[str]:
    """`--on a b` as `--on a --on b`, up to the next option."""
    found: list[str] = []
    taking = False
    for argument in arguments:
        if argument.startswith("-"):
            taking = argument == option
        elif taking and found[-1] != option:
            found.append(option)
        found.append(argument)
    return found


@with_groups
def threshold(
    *,
    methods: OptionalMethods = None,
    normal: Normal = [],  # noqa: B006 (typer copies it)
    frames: Frames,
    wanted: Wanted,
    second: Second,
    judging: ImageJudging,
    certifying: Certifying,
    counting: Counting,
    kept: Kept,
    result: Result,
) -> None:
    """Recommend a threshold: the middle of the margin, or one that meets requirements.

    Example: mdmkit threshold mine=val/mine --target val/masks --t-margin 0.5
    --on mine=test/mine --on-target test/masks
    """
    from mdmkit.thresholds.recommend import choose_thresholds

    form = result.check()
    folders = first_folders(methods, normal)
    if wanted.check is not None:
        _check(wanted.check, folders, frames, judging, counting, result, form)
    kept.check(wanted.require, folders, result.overwrite)
    truth = None if normal else frames.find()
    if normal:
        _refuse_masks(frames)
    options: Json = {
        "normal": bool(normal),
        "score_ending": frames.score_ending,
        "resize": frames.resize,
        "invert": frames.invert,
        **judging.given(),
        **counting.of(folders),
        **wanted.options(),
        **certifying.options(wanted.require, result.overwrite),
        **second.options(),
    }
    with progress_bars(result.quiet) as progress:
        chosen = choose_thresholds(folders, dataset=truth, progress=progress, **options)
    if form != "table":
        note_remarks(chosen.remarks, result.quiet)
    _keep(chosen, kept, result)
    deliver_table(chosen, form, result.output, result.quiet)


def _refuse_masks(frames: Frames) -> None:
    """Normal frames need no masks."""
    for name in ("dataset", "target", "frames", "resize"):
        if getattr(frames, name) is not None:
            raise InputError(
                "expected none with --normal, whose frames need no masks; frames with masks are "
                "given without it, or go to --on",
                argument=name,
            )


def _keep(chosen: Thresholds | RequiredThresholds, kept: Kept, result: Result) -> None:
    """Write the chosen threshold and the figure."""
    from mdmkit.thresholds.required_table import RequiredThresholds

    if not isinstance(chosen, RequiredThresholds):
        return
    if kept.save is not None:
        next(iter(chosen.recommendations.values())).chosen.write(kept.save, result.overwrite)
        note(f"wrote {kept.save}", result.quiet)
    if kept.figure is not None:
        from mdmkit.plots import requirements_figure, save_figure

        save_figure(requirements_figure(chosen.recommendations), kept.figure)
        note(f"wrote {kept.figure}", result.quiet)


def _check(
    path: Path,
    folders: dict[str, str],
    frames: Frames,
    judging: ImageJudging,
    counting: Counting,
    result: Result,
    form: str,
) -> None:
    """`--check`: what a chosen threshold gives on new frames; exit code 1 where it fails."""
    import json

    from mdmkit.thresholds.arrays import check_threshold
    from mdmkit.thresholds.chosen import read_threshold

    if form not in ("table", "json"):
        raise InputError(f"expected table or json of a check, found {form}", argument="format")
    if len(folders) != 1:
        raise InputError(
            f"expected one folder of score maps, found {len(folders)}", argument="check"
        )
    labelled = frames.dataset is not None or frames.target is not None
    truth = frames.find() if labelled else None
    if not labelled:
        _refuse_masks(frames)
    chosen = read_threshold(path)
    ((name, folder),) = folders.items()
    found = check_threshold(
        chosen,
        folder,
        dataset=truth,
        missing=counting.missing,
        key=counting.key,
        score_ending=frames.score_ending,
        jobs=counting.jobs,
        **judging.given(),
    )
    other = f"the threshold was chosen for {chosen.method}, these score maps are of {name}"
    remarks = [other] * (chosen.method not in ("", name)) + list(map(as_options, found.remarks))
    found = replace(found, remarks=tuple(remarks))
    if form != "table" or result.output is not None:
        note_remarks(found.remarks, result.quiet)
    text = found.to_text() if form == "table" else json.dumps(found.to_dict(), indent=2) + "\n"
    deliver_text(text, result.output, result.quiet)
    raise typer.Exit(0 if found.passes else 1)
