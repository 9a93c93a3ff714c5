"""`mdmkit plot thresholds`, `plot grid`: pictures of single frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mdmkit.cli.options import (
    AnomalyLabel,
    DataSetName,
    IgnoreIndex,
    Images,
    Jobs,
    Key,
    Memory,
    Methods,
    Missing,
    Normalize,
    NormalLabel,
    Resize,
    ScoreEnding,
    Target,
    choose_judging,
    find_ground_truth,
    parse_methods,
)
from mdmkit.cli.plot_datasets import Output, Width, check_figure, counting, finish
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, progress_bars

if TYPE_CHECKING:
    from mdmkit.comparison.study import Study
    from mdmkit.core.frame import Frame

FrameKeys = Annotated[
    list[str],
    typer.Option(
        metavar="KEY",
        help="A frame, by its path below the folder without suffix; may be repeated.",
        show_default="those with most anomalous pixels",
    ),
]


def _frames(study: Study, keys: list[str]) -> dict[str, dict[str, Frame]]:
    return {key: {name: study.frame(name, key) for name in study.methods} for key in keys}


def plot_thresholds(
    methods: Methods,
    output: Output,
    dataset: DataSetName = None,
    target: Target = None,
    frame: FrameKeys = [],  # noqa: B006 (typer copies it)
    at: Annotated[
        str, typer.Option(metavar="Z[,Z...]", help="Thresholds in [0, 1].")
    ] = "0.3,0.5,0.8",
    images: Images = None,
    width: Width = 7.0,
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
    """Draw frames as each method scores them, and their predictions at several thresholds.

    One frame a figure: where several are named, each goes to a numbered file.

    Example: mdmkit plot thresholds mine=scores/mine --target masks --frame a1 -o thresholds.pdf
    """
    from mdmkit.comparison.study import study_methods
    from mdmkit.core.component_sizes import ComponentSizes
    from mdmkit.plots import thresholds_figure

    folders = parse_methods(methods)
    thresholds = _parse_thresholds(at)
    places = [output]
    if len(frame) > 1:
        places = [output.with_stem(f"{output.stem}-{n}") for n in range(1, len(frame) + 1)]
    for place in places:
        check_figure(place, width, overwrite)
    truth = find_ground_truth(dataset, target, images, score_ending=score_ending, resize=resize)
    choice = choose_judging(truth, anomaly_label, normal_label, ignore_index, None, None)
    with progress_bars(quiet) as progress:
        study = study_methods(
            folders,
            truth,
            "best_f1",
            codes=choice.codes,
            sizes=ComponentSizes(),
            progress=progress,
            **counting(folders, normalize, missing, key, memory, jobs),
        )
    keys = study.chosen_keys(frame, 1)
    for key_of_frame, place in zip(keys, places, strict=True):
        frames = {name: study.frame(name, key_of_frame) for name in folders}
        image = study.image(key_of_frame, next(iter(frames.values())).shape)
        figure = thresholds_figure(frames, thresholds, image=image, width=width)
        finish(figure, place, quiet, study.pairing)


def _parse_thresholds(text: str) -> list[float]:
    from mdmkit.core.errors import InputError

    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = [-1.0]
    if not all(0 <= value <= 1 for value in values):
        raise InputError(f"at: expected thresholds in [0, 1] such as 0.3,0.5, found {text!r}")
    return values


def plot_grid(
    methods: Methods,
    output: Output,
    dataset: DataSetName = None,
    target: Target = None,
    frame: FrameKeys = [],  # noqa: B006
    most: Annotated[
        int, typer.Option(metavar="N", help="So many frames, where none is named.")
    ] = 4,
    t_margin: Annotated[
        float | None,
        typer.Option(
            metavar="T",
            help="Use the threshold that the F1 margin at T recommends, where there is one.",
            show_default="the threshold of the best F1",
        ),
    ] = None,
    images: Images = None,
    width: Width = 7.0,
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
    """Draw a row a frame: image, ground truth, each method at its own threshold.

    The threshold is one a method, from all frames: that of its best pixel F1, or with --t-margin
    the recommended one.
    Example: mdmkit plot grid mine=scores/mine msp=scores/msp --target masks -o grid.pdf
    """
    from mdmkit.comparison.study import study_methods
    from mdmkit.core.component_sizes import ComponentSizes
    from mdmkit.core.errors import InputError
    from mdmkit.core.margin import check_t_margin
    from mdmkit.metrics.pixel_metrics import F1
    from mdmkit.plots import grid_figure

    folders = parse_methods(methods)
    check_figure(output, width, overwrite)
    if most < 1:
        raise InputError(f"most: expected a number >= 1, found {most}")
    if t_margin is not None:
        check_t_margin(t_margin)
    truth = find_ground_truth(dataset, target, images, score_ending=score_ending, resize=resize)
    choice = choose_judging(truth, anomaly_label, normal_label, ignore_index, None, None)
    with progress_bars(quiet) as progress:
        study = study_methods(
            folders,
            truth,
            "best_f1",
            codes=choice.codes,
            sizes=ComponentSizes(),
            progress=progress,
            **counting(folders, normalize, missing, key, memory, jobs),
        )
    keys = study.chosen_keys(frame, most)
    frames = _frames(study, keys)
    thresholds = {name: study.threshold(name, F1(), t_margin) for name in folders}
    pictures = {}
    for each, row in frames.items():
        picture = study.image(each, next(iter(row.values())).shape)
        if picture is not None:
            pictures[each] = picture
    figure = grid_figure(frames, thresholds, images=pictures, width=width)
    finish(figure, output, quiet, study.pairing)
