"""Options of `mdmkit threshold` alone, in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mdmkit.cli.intervals import Replicates
from mdmkit.cli.options import (
    INPUT,
    OUTPUT,
    UNCERTAINTY,
    find_ground_truth,
    flag,
    option,
    parse_methods,
)
from mdmkit.core.errors import InputError
from mdmkit.core.records import Json

if TYPE_CHECKING:
    from mdmkit.datasets import DataSet
    from mdmkit.thresholds.certify import Certification

#: Parts of the command's help.
WANTED, SECOND = "What the threshold must do", "Second set"

Require = Annotated[
    list[str],
    option(
        WANTED,
        "'MEASURE>=LIMIT, ...'",
        "What must hold, in place of a margin, as in 'recall>=0.9, fpr<=0.01'; with <=, >=, "
        "< or >; f1, iou, precision, recall, fbeta@beta=B, fpr, siou, ppv, mean_f1, pro, "
        "found (share of objects), alarms (false components a frame), alarm_frames (share of "
        "frames with any); with @size=A:B, @rows=A:B, @share=A:B for some objects, @band=W for "
        "pixels near borders.",
    ),
]
Normal = Annotated[
    list[str],
    option(
        INPUT,
        "[NAME=]FOLDER...",
        "Score maps of frames without any anomaly, which need no masks, as the first set.",
    ),
]


@dataclass(frozen=True)
class Wanted:
    """Options for what a threshold must meet."""

    t_margin: Annotated[
        float | None,
        option(WANTED, "T", "Required quality, in [0, 1): the metric must exceed it."),
    ] = None
    metric: Annotated[
        str,
        option(
            WANTED,
            "NAME",
            "The metric of --t-margin: f1, iou, precision, recall, siou, ppv, mean_f1.",
        ),
    ] = "f1"
    require: Require = field(default_factory=list)
    check: Annotated[
        Path | None,
        option(
            WANTED,
            "FILE.toml",
            "Check whether a threshold that --save wrote still holds on the frames of a folder, "
            "with --target or --dataset or without labels.",
        ),
    ] = None

    def options(self) -> Json:
        """The same by argument of `choose_thresholds`."""
        return {
            "t_margin": self.t_margin,
            "metric": self.metric,
            "require": self.require or None,
        }


@dataclass(frozen=True)
class Second:
    """A second set of frames."""

    on: Annotated[
        list[str],
        option(
            SECOND,
            "[NAME=]FOLDER...",
            "The methods' score maps of a second set, to which the threshold is applied.",
        ),
    ] = field(default_factory=list)
    on_dataset: Annotated[
        str | None,
        option(SECOND, "LAYOUT:ROOT", "The second data set."),
    ] = None
    on_target: Annotated[
        Path | None,
        option(SECOND, "FOLDER", "Masks of the second set."),
    ] = None
    on_frames: Annotated[
        Path | None,
        option(SECOND, "FILE", "Only these frames of the second set, as --frames."),
    ] = None

    def options(self) -> Json:
        """The same by argument of `choose_thresholds`."""
        others = parse_methods(self.on)
        truth = self._truth() if others else None
        if not others and (self.on_dataset or self.on_target):
            return {"on": None, "on_target": self.on_target, "on_dataset": self.on_dataset}
        if not others and self.on_frames:
            raise InputError("expected --on with it, found none", argument="on_frames")
        return {"on": others or None, "on_dataset": truth}

    def _truth(self) -> DataSet:
        if self.on_dataset is not None and self.on_target is not None:
            raise InputError(
                "expected --on-dataset or --on-target, found both", argument="on_target"
            )
        if self.on_dataset is None and self.on_target is None:
            raise InputError(
                "expected --on-target FOLDER or --on-dataset LAYOUT:ROOT with it, found neither",
                argument="on",
            )
        return find_ground_truth(self.on_dataset, self.on_target, frames=self.on_frames)


@dataclass(frozen=True)
class Certified:
    """Options for certificates."""

    confidence: Annotated[
        float | None,
        option(
            UNCERTAINTY,
            "C",
            "Also the range on which the requirements hold for the population that the frames "
            "were drawn from, with this probability: 0.95, say.",
        ),
    ] = None
    start_share: Annotated[
        float,
        option(
            UNCERTAINTY,
            "SHARE",
            "Share of the frames that choose where certifying starts, and certify nothing.",
        ),
    ] = 0.2
    cap: Annotated[
        float,
        option(
            UNCERTAINTY,
            "SHARE",
            "Share of a frame's pixels that a pooled ratio counts in full, when it is certified; "
            "the smaller, the fewer frames it takes, and the less a large anomaly weighs.",
        ),
    ] = 0.1
    component_cap: Annotated[
        int,
        option(
            UNCERTAINTY,
            "N",
            "Components of a frame that count in full, when a pooled siou, ppv or pro is "
            "certified.",
        ),
    ] = 10
    alarm_cap: Annotated[
        int,
        option(UNCERTAINTY, "N", "Alarms of a frame that count, when alarms are certified."),
    ] = 10

    def certification(self, next_frame: bool = False) -> Certification | None:
        """The same for `choose_thresholds`; None where nothing is to be certified."""
        from mdmkit.thresholds.certify import Certification
        from mdmkit.thresholds.frame_values import Caps

        if self.confidence is None and not next_frame:
            return None
        caps = Caps(self.cap, self.component_cap, self.alarm_cap)
        return Certification(self.confidence, self.start_share, caps)


@dataclass(frozen=True)
class Certifying(Certified):
    """Options for certificates and resampling."""

    next_frame: Annotated[
        bool,
        flag(
            UNCERTAINTY,
            "Instead of --confidence: the threshold keeps one requirement for the next frame, on "
            "average over sets of frames; takes fewer of them.",
            "--next-frame",
        ),
    ] = False
    replicates: Replicates = 0
    counts: Annotated[
        Path | None,
        option(
            UNCERTAINTY,
            "FILE",
            "Keep what each frame counts in this HDF5 file, or use what `mdmkit compare "
            "--bootstrap-counts` or this command kept, instead of reading frames again.",
        ),
    ] = None

    def options(self, require: Sequence[str], overwrite: bool) -> Json:
        """The same by argument of `choose_thresholds`."""
        asked = {
            "confidence": self.confidence is not None,
            "next_frame": self.next_frame,
            "replicates": bool(self.replicates),
            "counts": self.counts is not None,
        }
        for name, given in asked.items():
            if given and not require:
                raise InputError("expected --require with it, found none", argument=name)
        if asked["confidence"] and self.next_frame:
            raise InputError("expected it or --confidence, found both", argument="next_frame")
        if not require:
            return {}
        kept = {"counts": self.counts, "overwrite": overwrite} if self.counts else {}
        certify = self.certification(self.next_frame)
        return {"certify": certify, "replicates": self.replicates, **kept}


@dataclass(frozen=True)
class Kept:
    """Options for files beside the table."""

    save: Annotated[
        Path | None,
        option(
            OUTPUT,
            "FILE.toml",
            "Keep the chosen threshold of one method in a small file, for --check and for "
            "read_threshold in Python.",
        ),
    ] = None
    figure: Annotated[
        Path | None,
        option(
            OUTPUT, "FILE", "Draw the ranges at which the requirements hold: a .pdf, .svg or .png."
        ),
    ] = None

    def check(self, require: Sequence[str], methods: Mapping[str, str], overwrite: bool) -> None:
        """Refuse what does not fit together or cannot be written, before the work is done."""
        from mdmkit.core.files import check_output
        from mdmkit.plots.style import check_figure_name

        for name, path in (("save", self.save), ("figure", self.figure)):
            if path is None:
                continue
            if not require:
                raise InputError("expected --require with it, found none", argument=name)
            check_output(path, overwrite, name, (".toml",) if name == "save" else None)
        if self.save is not None and len(methods) != 1:
            raise InputError(f"expected one method, found {', '.join(methods)}", argument="save")
        if self.figure is not None:
            check_figure_name(self.figure, "figure")


def first_folders(methods: Sequence[str] | None, normal: Sequence[str]) -> dict[str, str]:
    """Folders of score maps by method, of frames with masks or of normal ones."""
    if bool(methods) == bool(normal):
        found = "both" if normal else "neither"
        raise InputError(
            f"expected score maps of frames with masks, NAME=FOLDER, or --normal FOLDER, found "
            f"{found}; frames to try a threshold on go to --on",
            argument="methods",
        )
    return parse_methods(list(methods or normal))
