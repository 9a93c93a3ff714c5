"""The report of an inspection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import as_unit
from mdmkit.core.labels import ANOMALOUS, IGNORED, MEANINGS, NORMAL
from mdmkit.core.types import Array
from mdmkit.datasets.choice import Choice
from mdmkit.datasets.dataset import DataSet
from mdmkit.datasets.suspicion import LabelSurvey

_MOST_VALUES = 24


def render(seen: Inspection) -> str:
    """A line for each thing found, remarks and problems at the end."""
    lines = _dataset_lines(seen)
    for name, found in seen.methods.items():
        lines += ["", _line("method", f"{name} ({found.folder})"), *_score_lines(seen, found)]
    for title, entries in (
        ("remarks", seen.remarks),
        ("problems: compare would fail", seen.problems),
    ):
        if entries:
            lines += ["", title]
            lines += [f"  {line}" for entry in entries for line in entry.splitlines()]
    if not seen.problems:
        lines += ["", "no problems found"]
    return "\n".join(lines).lstrip("\n") + "\n"


def _line(what: str, found: str) -> str:
    return f"{what:<11}{found}"


def _dataset_lines(seen: Inspection) -> list[str]:
    dataset, choice, masks = seen.dataset, seen.choice, seen.masks
    if dataset is None or choice is None:
        return []
    without = f", {len(dataset.unlabelled)} without" if dataset.unlabelled else ""
    why = f": {dataset.only_labelled}" if without and dataset.only_labelled else ""
    lines = [
        _line("data set", f"{dataset.title} ({dataset})"),
        _line("frames", f"{len(dataset.frames)} with ground truth{without}{why}"),
        _line("images", f"{seen.images} of {len(dataset.frames)}"),
    ]
    if masks.frames:
        lines += _mask_lines(masks, choice.sizes.min_target)
    lines.append(_line("judged by", f"labels {choice.codes}; {choice.sizes}; {choice.aggregate}"))
    return lines + [_line("note", note) for note in dataset.notes]


def _mask_lines(masks: MaskFindings, least: int) -> list[str]:
    total = masks.pixels(NORMAL, ANOMALOUS, IGNORED)
    valid, anomalous = masks.pixels(NORMAL, ANOMALOUS), masks.pixels(ANOMALOUS)
    values = [
        f"{value} {MEANINGS[kind]} {_share(pixels, total)}"
        for (value, kind), pixels in sorted(masks.values.items())
    ]
    if len(values) > _MOST_VALUES:
        values[_MOST_VALUES:] = [f"and {len(values) - _MOST_VALUES} more"]
    return [
        _line("sizes", _shapes(masks.shapes)),
        _line("labels", ", ".join(values)),
        _line(
            "pixels",
            f"{total}, {_share(total - valid, total)} ignored; of the {valid} valid ones "
            f"{_share(anomalous, valid)} anomalous",
        ),
        _line("trivial", _trivial_line(anomalous, valid)),
        _line(
            "anomalies",
            f"in {masks.anomalous_frames} of {masks.frames} frames; {masks.components} components "
            f"of at least {least} pixels, {masks.small_components} smaller",
        ),
    ]


def _trivial_line(anomalous: int, valid: int) -> str:
    """Tells what predicting all valid pixels scores: a margin at a T up to it says nothing."""
    if anomalous == 0:
        return "-"
    f1, iou = 2 * anomalous / (anomalous + valid), anomalous / valid
    return f"predicting every valid pixel has pixel F1 {f1:.4f} and IoU {iou:.4f}"


def _score_lines(seen: Inspection, found: ScoreFindings) -> list[str]:
    kinds = ", ".join(f"{count} {suffix} {dtype}" for (suffix, dtype), count in found.kinds.items())
    expected = len(found.paths) - len(found.surplus) + len(found.missing)
    frames = f"{expected - len(found.missing)} of {expected}"
    if found.surplus:
        frames += f", {len(found.surplus)} surplus"
    lines = [_line("frames", frames), _line("files", kinds or "none that can be read")]
    if found.shapes and found.shapes.keys() != seen.masks.shapes.keys():
        lines.append(_line("sizes", _shapes(found.shapes)))
    if found.lowest <= found.highest:
        where = "" if seen.dataset is None else " at valid pixels"
        lines.append(
            _line(
                "scores",
                f"{found.lowest:.6g} to {found.highest:.6g}{where}"
                f"{' (of 1 - score)' if found.inverted else ''}",
            )
        )
    return lines


def _shapes(shapes: Counter[tuple[int, int]]) -> str:
    parts = [f"{height} x {width} ({count})" for (height, width), count in shapes.most_common(6)]
    if len(shapes) > len(parts):
        parts.append(f"{len(shapes) - len(parts)} others")
    return "height x width " + ", ".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


Classes = NDArray[np.uint8]


Shape = tuple[int, int]


@dataclass
class MaskFindings:
    """Holds findings on the masks of a data set."""

    frames: int = 0
    shapes: Counter[Shape] = field(default_factory=Counter)
    values: Counter[tuple[int, int]] = field(default_factory=Counter)  # (label, class)
    anomalous_frames: int = 0
    components: int = 0
    small_components: int = 0

    def add(self, labels: Array, classes: Classes, min_target: int) -> None:
        """Count one frame."""
        from scipy.ndimage import label

        self.frames += 1
        self.shapes[labels.shape[0], labels.shape[1]] += 1
        for value, pixels in zip(*np.unique(labels, return_counts=True), strict=True):
            kind = int(classes[labels == value][0])
            self.values[int(value), kind] += int(pixels)
        numbers, count = label(classes == ANOMALOUS, np.ones((3, 3)))  # by 8-connectivity
        self.anomalous_frames += count > 0
        kept = int(np.count_nonzero(np.bincount(numbers.ravel())[1:] >= max(min_target, 1)))
        self.components += kept
        self.small_components += count - kept

    def pixels(self, *kinds: int) -> int:
        """Pixels of these classes."""
        return sum(pixels for (_, kind), pixels in self.values.items() if kind in kinds)


@dataclass
class ScoreFindings:
    """Holds findings on the score maps of a method."""

    folder: Path
    paths: Mapping[str, Path]
    inverted: bool = False  # 1 - score is judged, and told here
    normalize: str = "none"  # what will map scores to [0, 1]
    missing: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)  # (suffix, dtype)
    shapes: Counter[Shape] = field(default_factory=Counter)
    lowest: float = np.inf
    highest: float = -np.inf
    not_finite: int = 0  # pixels, where there is no mask that could ignore them

    def add(self, path: Path, dtype: str, scores: Array, valid: NDArray[np.bool_] | None) -> None:
        """Count one score map, judged at valid pixels, or at all that are finite."""
        self.kinds[path.suffix.lower(), dtype] += 1
        self.shapes[scores.shape[0], scores.shape[1]] += 1
        if valid is None:
            valid = np.isfinite(scores)
            self.not_finite += int(valid.size - np.count_nonzero(valid))
        used = scores[valid]
        if used.size:
            ends = as_unit(np.array([used.min(), used.max()]))
            self.lowest = min(self.lowest, float(ends[0]))
            self.highest = max(self.highest, float(ends[1]))


@dataclass
class Inspection:
    """Holds all findings of an inspection.

    Attributes
    ----------
    dataset : DataSet or None
    choice : Choice or None
        What the data set was judged by.
    masks : MaskFindings
    methods : dict of ScoreFindings
    images : int
        Frames that have an image.
    problems : list of str
        With any of them `compare` would fail.
    survey : LabelSurvey or None
        Which label values the masks hold.
    unknown : dict of tuple of int to list of str
        Masks by the label values in them that have no meaning.
    remarks : list of str
        What one should know all the same.
    """

    dataset: DataSet | None
    choice: Choice | None
    masks: MaskFindings
    methods: dict[str, ScoreFindings]
    images: int = 0
    problems: list[str] = field(default_factory=list)
    survey: LabelSurvey | None = None
    unknown: dict[tuple[int, ...], list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def to_text(self) -> str:
        """A report of a line for each thing found."""
        return render(self)

    def __str__(self) -> str:
        return self.to_text()
