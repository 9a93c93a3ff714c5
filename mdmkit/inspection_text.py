"""The report of an inspection."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mdmkit.frames import ANOMALOUS, IGNORED, NORMAL

if TYPE_CHECKING:
    from mdmkit.inspection import Inspection, MaskFindings, ScoreFindings

_MEANINGS = {NORMAL: "normal", ANOMALOUS: "anomaly", IGNORED: "ignore"}
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
        f"{value} {_MEANINGS[kind]} {_share(pixels, total)}"
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
        _line(
            "anomalies",
            f"in {masks.anomalous_frames} of {masks.frames} frames; {masks.components} components "
            f"of at least {least} pixels, {masks.small_components} smaller",
        ),
    ]


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
        lines.append(_line("scores", f"{found.lowest:.6g} to {found.highest:.6g}{where}"))
    return lines


def _shapes(shapes: Counter[tuple[int, int]]) -> str:
    parts = [f"{height} x {width} ({count})" for (height, width), count in shapes.most_common(6)]
    if len(shapes) > len(parts):
        parts.append(f"{len(shapes) - len(parts)} others")
    return "height x width " + ", ".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"
