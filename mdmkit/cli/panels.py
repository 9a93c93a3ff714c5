"""Several data sets in one figure: how they are asked for, and each one's evaluations."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from mdmkit.cli.figures import common_normalizer, left_out, named
from mdmkit.cli.options import (
    INPUT,
    Invert,
    KeysFile,
    Resize,
    ScoreEnding,
    find_ground_truth,
    option,
)
from mdmkit.cli.terminal import note, note_remarks, progress_bars
from mdmkit.core.errors import InputError, inside
from mdmkit.core.progress import Bar

if TYPE_CHECKING:
    from mdmkit.core.component_sizes import ComponentSizes
    from mdmkit.datasets import Choice, DataSet
    from mdmkit.evaluation.evaluation import Evaluation
    from mdmkit.metrics.base import Metric
    from mdmkit.metrics.curve import ThresholdCurve
    from mdmkit.metrics.measures import Measure
    from mdmkit.statistics.pixels import PixelCounts

T = TypeVar("T")


@dataclass(frozen=True)
class PanelFrames:
    """The data sets of a figure."""

    dataset: Annotated[
        list[str],
        option(
            INPUT,
            "[NAME=]LAYOUT:ROOT",
            "A data set, with its labels and component sizes; `mdmkit datasets` lists the "
            "layouts. Several, each with a NAME, have a panel each: a method's score maps of it "
            "lie in FOLDER/NAME.",
        ),
    ] = field(default_factory=list)
    target: Annotated[
        list[str],
        option(
            INPUT,
            "[NAME=]FOLDER",
            "Ground-truth masks of what is no known layout; with a NAME as --dataset. The "
            "RoadAnomaly layout is understood.",
        ),
    ] = field(default_factory=list)
    frames: KeysFile = None
    score_ending: ScoreEnding = ""
    resize: Resize = None
    invert: Invert = field(default_factory=list)

    def find(self, methods: dict[str, str]) -> list[Panel]:
        """A panel each, in the order given."""
        several = len(self.dataset) + len(self.target)
        if self.frames is not None and several > 1:
            raise InputError(f"expected one data set with it, found {several}", argument="frames")
        return find_panels(methods, **vars(self))


@dataclass(frozen=True)
class Panel:
    """A data set, and where each method's score maps of it lie.

    Attributes
    ----------
    name : str
        Its title in the figure; empty where it is the only one and has none.
    truth : DataSet
    folders : dict of str
        By method.
    """

    name: str
    truth: DataSet
    folders: dict[str, str]


@dataclass(frozen=True)
class Evaluated:
    """A panel's methods, counted, all frames pooled."""

    sizes: ComponentSizes
    evaluations: dict[str, Evaluation]

    def curves(self, metric: Metric) -> dict[str, ThresholdCurve]:
        """d(z) of each method, by its name and, where they differ, its normaliser."""
        kinds = {name: evaluation.kind.name for name, evaluation in self.evaluations.items()}
        common = common_normalizer(kinds)
        return {
            name if common else named(name, kinds[name]): evaluation.curve(metric)
            for name, evaluation in self.evaluations.items()
        }

    def pixels(self) -> dict[str, PixelCounts]:
        """Each method's pixels by raw score: ranking needs no normaliser."""
        return {
            name: evaluation.sweeps().pixels.rows() for name, evaluation in self.evaluations.items()
        }


def find_panels(
    methods: dict[str, str], dataset: Sequence[str], target: Sequence[str], **named: Any
) -> list[Panel]:
    """The data sets in their order, those of --target last.

    Raises
    ------
    InputError
        Several without names, a name twice, or a method without a folder for one of them.
    """
    asked = [("dataset", *_named(text)) for text in dataset]
    asked += [
        ("target", "", text) if Path(text).is_dir() else ("target", *_named(text))
        for text in target
    ]
    if not asked:
        find_ground_truth(None, None)  # says what to give
    names = [name for _, name, _ in asked]
    for kind, name, text in asked:
        if len(asked) > 1 and not name:
            form = "LAYOUT:ROOT" if kind == "dataset" else "FOLDER"
            raise InputError(
                f"expected NAME={form} where several data sets are given, found "
                f"{text!r}; NAME is its folder in each method's folder of score maps",
                argument=kind,
            )
        if names.count(name) > 1:
            raise InputError(f"expected each name once, found {name!r} again", argument=kind)
    panels = []
    for kind, name, text in asked:
        with inside(name):
            places = (text, None) if kind == "dataset" else (None, Path(text))
            truth = find_ground_truth(*places, **named)
        folders = {method: _folder_of(method, given, name) for method, given in methods.items()}
        panels.append(Panel(name, truth, folders))
    return panels


def _named(text: str) -> tuple[str, str]:
    """Name and rest of NAME=REST; what stands before a sign in a path's middle is no name."""
    found = re.fullmatch(r"([^=:/\\]+)=(.+)", text)
    return (found[1], found[2]) if found else ("", text)


def _folder_of(method: str, folder: str, name: str) -> str:
    """Folder of a method's score maps of a data set."""
    if not name:
        return folder
    root = Path(folder)
    if (root / name).is_dir():
        return str(root / name)
    beside = sorted(p.name for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
    found = ", ".join(beside[:8]) + (", ..." if len(beside) > 8 else "")
    raise InputError(
        f"{method}: expected its score maps of {name} in {root / name}, found "
        f"{f'the folders {found} in {root}' if beside else 'no such folder'}"
    )


def evaluate_panels(
    panels: Sequence[Panel],
    wanted: Callable[[ComponentSizes], str | Sequence[str | Measure]],
    take: Callable[[Evaluated], T],
    *,
    judge: Callable[[DataSet], Choice],
    quiet: bool,
    missing: str,
    key: str | None,
    **counting: Any,
) -> dict[str, T]:
    """Count the methods on one data set after the other, and take from each what is drawn.

    Parameters
    ----------
    panels : sequence of Panel
    wanted : callable
        What to measure, given a data set's component sizes.
    take : callable
        What of the counts to keep: they may be large.
    judge : callable
        Label codes and component sizes of a data set.
    quiet : bool
    missing, key
        As in `FrameSet.of`.
    **counting
        As of `evaluate_methods`.

    Returns
    -------
    dict
        By name of the data set.

    Raises
    ------
    InputError
        Naming the data set.
    """
    from mdmkit.datasets import pair
    from mdmkit.evaluation.frame_set import FrameSet, evaluate_methods
    from mdmkit.evaluation.remarks import Look

    chosen = [judge(panel.truth) for panel in panels]
    measures = [wanted(choice.sizes) for choice in chosen]
    if len(panels) > 1:  # what is missing in the last one is said before the first is counted
        for panel in panels:
            with inside(panel.name):
                pair(panel.folders, panel.truth, missing)
    taken: dict[str, T] = {}
    notes: list[str] = []
    remarks: list[str] = []
    with progress_bars(quiet) as progress:
        for panel, choice, metrics in zip(panels, chosen, measures, strict=True):
            start = f"{panel.name}: " if panel.name else ""
            with inside(panel.name):
                frames = FrameSet.of(
                    panel.folders,
                    dataset=panel.truth,
                    missing=missing,
                    key=key,
                    aggregate="pooled",
                    **choice.codes.arguments,
                )
                evaluations = evaluate_methods(
                    frames, metrics=metrics, progress=_starting(start, progress), **counting
                )
                taken[panel.name] = take(Evaluated(choice.sizes, evaluations))
                looks = {name: Look.at(one.sweeps()) for name, one in evaluations.items()}
            remarks += [start + remark for remark in frames.remarks]
            remarks += [
                f"{start}{n}: {text}" for n, look in looks.items() for text in look.remarks()
            ]
            if frames.pairing and frames.left_out:
                notes.append(start + left_out(frames.pairing))
            if choice.aggregate != "pooled":
                notes.append(
                    f"{start}pixels of all frames are pooled here, where "
                    f"{panel.truth.title} is reported as a mean over images"
                )
    note_remarks(remarks, quiet)
    for line in notes:
        note(line, quiet)
    return taken


def _starting(start: str, progress: Bar | None) -> Any:
    return progress and (lambda method, frames: progress(f"{start}{method}", frames))
