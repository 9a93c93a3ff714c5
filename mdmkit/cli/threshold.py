"""`mdmkit threshold`: choose a threshold on one set of frames, see what it gives on another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from mdmkit.cli import required
from mdmkit.cli.intervals import Replicates
from mdmkit.cli.options import (
    Aggregate,
    AnomalyLabel,
    DataSetName,
    Form,
    IgnoreIndex,
    Invert,
    Jobs,
    Key,
    Memory,
    MinPrediction,
    MinTarget,
    Missing,
    Normalize,
    NormalLabel,
    OptionalMethods,
    Output,
    Resize,
    ScoreEnding,
    Target,
    choose_judging,
    find_ground_truth,
    form_of,
    given_labels,
    parse_memory,
    parse_methods,
    parse_normalize,
)
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, deliver_text, progress_bars
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from mdmkit.datasets import DataSet
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


def threshold(
    methods: OptionalMethods = None,
    t_margin: Annotated[
        float | None,
        typer.Option(
            metavar="T",
            help="Required quality, in [0, 1): the metric must exceed it.",
            show_default=False,
        ),
    ] = None,
    require: required.Require = [],  # noqa: B006
    normal: required.Normal = [],  # noqa: B006
    dataset: DataSetName = None,
    target: Target = None,
    metric: Annotated[
        str, typer.Option(metavar="NAME", help="f1, iou, precision, recall, siou, ppv, mean_f1.")
    ] = "f1",
    on: Annotated[
        list[str],
        typer.Option(
            "--on",
            metavar="NAME=FOLDER...",
            help="The methods' score maps of a second set: what does the threshold give there?",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    on_dataset: Annotated[
        str | None,
        typer.Option(metavar="LAYOUT:ROOT", help="The second data set.", show_default=False),
    ] = None,
    on_target: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Masks of the second set.", show_default=False),
    ] = None,
    confidence: required.Confidence = None,
    start_share: required.StartShare = 0.2,
    cap: required.Cap = 0.1,
    alarm_cap: required.AlarmCap = 10,
    replicates: Replicates = 0,
    save: required.Save = None,
    figure: required.Figure = None,
    check: required.Check = None,
    aggregate: Aggregate = None,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    normalize: Normalize = [],  # noqa: B006
    min_prediction: MinPrediction = None,
    min_target: MinTarget = None,
    missing: Missing = "error",
    score_ending: ScoreEnding = "",
    resize: Resize = None,
    invert: Invert = [],  # noqa: B006
    format: Form = None,
    output: Output = None,
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Recommend a threshold: the middle of the margin, or one that meets requirements.

    Example: mdmkit threshold mine=val/mine --target val/masks --t-margin 0.5
    --on mine=test/mine --on-target test/masks
    """
    from mdmkit.core.files import check_output
    from mdmkit.tables.forms import check_form, show
    from mdmkit.thresholds.recommend import choose_thresholds
    from mdmkit.thresholds.result import Thresholds

    form = check_form(format or form_of(output))
    if output is not None:
        check_output(output, overwrite)
    folders, others = required.first_folders(methods, normal), parse_methods(on)
    truth = None
    named: dict[str, Any] = {"score_ending": score_ending, "resize": resize, "invert": invert}
    if dataset is not None or target is not None or not (normal or check):
        truth = find_ground_truth(dataset, target, **named)
    judging = (anomaly_label, normal_label, ignore_index)
    choice = choose_judging(truth, *judging, min_prediction, min_target, aggregate)
    if check is not None:
        found = required.run_check(check, folders, truth, choice, key, jobs, score_ending)
        deliver_text(required.text_of(found, form), output, quiet)
        raise typer.Exit(0 if found.passes else 1)
    required.check_required(require, t_margin, confidence, save, figure, folders, overwrite)
    second = second_set(others, on_dataset, on_target, **named)
    work: dict[str, Any] = {
        "normalize": parse_normalize(normalize, folders),
        "memory": parse_memory(memory),
        "jobs": jobs,
    }
    chosen: Thresholds | RequiredThresholds
    with progress_bars(quiet) as progress:
        if require:
            first = required.first_set(
                folders, truth, choice, missing, key, score_ending=score_ending, invert=invert
            )
            there = None
            if second is not None:
                judged = choose_judging(second, *judging, None, None)
                there = required.first_set(others, second, judged, missing, key)
            chosen = required.choose_required(
                require,
                first,
                there,
                replicates=replicates,
                progress=progress,
                how=required.certification(confidence, start_share, cap, alarm_cap),
                **work,
            )
        else:
            chosen = choose_thresholds(
                folders,
                t_margin=t_margin,
                metric=metric,
                dataset=truth,
                on=others or None,
                on_dataset=second,
                min_prediction=choice.sizes.min_prediction,
                min_target=choice.sizes.min_target,
                missing=missing,
                key=key,
                progress=progress,
                **given_labels(*judging),
                **work,
            )
    if not isinstance(chosen, Thresholds):
        required.finish_required(chosen, save, figure, overwrite, quiet)
    if output is None and form == "table":
        show(chosen.view())
    else:
        deliver_text(chosen.to_text(form), output, quiet)


def second_set(
    others: dict[str, str], on_dataset: str | None, on_target: Path | None, **named: Any
) -> DataSet | None:
    """The ground truth of the second set; None without one."""
    from mdmkit.datasets import from_folders, open_dataset

    if on_dataset is not None and on_target is not None:
        raise InputError("expected --on-dataset or --on-target, found both", argument="on_target")
    if others and on_dataset is None and on_target is None:
        raise InputError(
            "expected --on-target FOLDER or --on-dataset LAYOUT:ROOT with it, found neither",
            argument="on",
        )
    if on_dataset is not None:
        return open_dataset(on_dataset, **named)
    return None if on_target is None else from_folders(on_target, **named)
