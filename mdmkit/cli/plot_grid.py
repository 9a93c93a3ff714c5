"""`mdmkit plot grid`: several frames, each method at its own threshold."""

from __future__ import annotations

from typing import Annotated

from mdmkit.cli.figures import FrameKeys, finish, named, parse_frames, row_names, study_frames
from mdmkit.cli.groups import Counting, FigureFile, Labels, PicturedFrames, with_groups
from mdmkit.cli.options import INPUT, NUMBERS, OUTPUT, Methods, flag, option, parse_methods
from mdmkit.cli.result_options import Width


@with_groups
def plot_grid(
    methods: Methods,
    source: PicturedFrames,
    labels: Labels,
    counting: Counting,
    file: FigureFile,
    frame: FrameKeys = [],  # noqa: B006 (typer copies it)
    most: Annotated[
        int,
        option(INPUT, "N", "Number of frames to draw, if none is named."),
    ] = 4,
    t_margin: Annotated[
        float | None,
        option(
            NUMBERS,
            "T",
            "Use the threshold that the F1 margin at T recommends, where there is one.",
            default="the threshold of the best F1",
        ),
    ] = None,
    score_maps: Annotated[
        bool,
        flag(OUTPUT, "Draw each score map as a heat map above its prediction.", "--score-maps"),
    ] = False,
    width: Width = "cvpr-wide",
) -> None:
    """Draw one row per frame: image, ground truth, each method at its own threshold.

    The threshold is one a method, from all frames: that of its best pixel F1, or with --t-margin
    the recommended one.
    Example: mdmkit plot grid mine=scores/mine msp=scores/msp --target masks -o grid.pdf
    """
    from mdmkit.core.errors import InputError
    from mdmkit.core.margin import check_t_margin
    from mdmkit.metrics.pixel_metrics import F1
    from mdmkit.plots import grid_figure

    folders = parse_methods(methods)
    file.check(width)
    if most < 1:
        raise InputError(f"expected a number >= 1, found {most}", argument="most")
    if t_margin is not None:
        check_t_margin(t_margin)
    study = study_frames(folders, source.find(), labels, counting, file.quiet)
    asked = parse_frames(frame, study.keys)
    keys = study.chosen_keys(asked, most)
    rows = row_names(keys, asked)
    titles = {name: named(name, study.evaluations[name].kind.name) for name in folders}
    frames = {rows[key]: {titles[name]: study.frame(name, key) for name in folders} for key in keys}
    thresholds = {titles[name]: study.threshold(name, F1(), t_margin) for name in folders}
    shapes = {key: next(iter(frames[rows[key]].values())).shape for key in keys}
    found = {key: study.image(key, shapes[key]) for key in keys}
    figure = grid_figure(
        frames,
        thresholds,
        images={rows[key]: image for key, image in found.items() if image is not None},
        score_maps=score_maps,
        width=width,
    )
    finish(figure, file.output, file.quiet, study.pairing)
