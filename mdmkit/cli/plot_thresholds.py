"""`mdmkit plot thresholds`: single frames at several thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mdmkit.cli.figures import FrameKeys, finish, parse_frames, study_frames
from mdmkit.cli.groups import Counting, FigureFile, Labels, PicturedFrames, with_groups
from mdmkit.cli.options import NUMBERS, Methods, option, parse_methods
from mdmkit.cli.result_options import Width
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from mdmkit.comparison.study import Study


@with_groups
def plot_thresholds(
    methods: Methods,
    source: PicturedFrames,
    labels: Labels,
    counting: Counting,
    file: FigureFile,
    frame: FrameKeys = [],  # noqa: B006 (typer copies it)
    at: Annotated[
        str,
        option(NUMBERS, "Z[,Z...]", "Thresholds in [0, 1]."),
    ] = "0.3,0.5,0.8",
    width: Width = "cvpr-wide",
) -> None:
    """Draw frames as each method scores them, and their predictions at several thresholds.

    A figure shows one frame: of several, each goes to a numbered file.

    Example: mdmkit plot thresholds mine=scores/mine --target masks --frame a1 -o thresholds.pdf
    """
    from mdmkit.plots import thresholds_figure

    folders = parse_methods(methods)
    thresholds = _parse_thresholds(at)
    output, places = file.output, [file.output]
    if len(frame) > 1:
        places = [output.with_stem(f"{output.stem}-{n}") for n in range(1, len(frame) + 1)]
    file.check(width, names=places)
    study = study_frames(folders, source.find(), labels, counting, file.quiet)
    keys = study.chosen_keys(parse_frames(frame, study.keys), 1)
    for key, place in zip(keys, places, strict=True):
        frames = {_told(study, name): study.frame(name, key) for name in folders}
        image = study.image(key, next(iter(frames.values())).shape)
        figure = thresholds_figure(frames, thresholds, image=image, width=width)
        finish(figure, place, file.quiet, study.pairing)


def _told(study: Study, method: str) -> str:
    """A row's name, which says how its map came to lie in [0, 1]."""
    kind = study.evaluations[method].kind.name
    return method if kind == "none" else f"{method}, scores normalised by {kind}"


def _parse_thresholds(text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = [-1.0]
    if not all(0 <= value <= 1 for value in values):
        raise InputError(
            f"expected thresholds in [0, 1] such as 0.3,0.5, found {text!r}", argument="at"
        )
    return values
