"""Blocks of a table by size, by place and by groups of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING

from mdmkit.comparison.differences import interval_of
from mdmkit.core.errors import InputError
from mdmkit.core.spelled import spelled
from mdmkit.core.transforms import FrameGroup
from mdmkit.metrics.measures import Measure
from mdmkit.metrics.region_measures import TargetCount
from mdmkit.metrics.selections import GroupMean
from mdmkit.metrics.transformed import Through
from mdmkit.statistics.target_bins import PROPERTIES, TargetBin
from mdmkit.tables.headings import titles
from mdmkit.tables.table import Block, Column

if TYPE_CHECKING:
    from mdmkit.comparison.data import ComparisonData
    from mdmkit.evaluation.result import Result

Point = tuple[float, tuple[float, float] | None]
ColumnOf = Callable[[Measure], Column]
WORST = "worst"


def is_selected(measure: Measure) -> bool:
    """Whether a measure is one by size, place or group."""
    return isinstance(measure, GroupMean) or (
        isinstance(measure, Through) and measure.change.selects
    )


def is_count(measure: Measure) -> bool:
    """Whether a measure is a number of components, which stands in titles."""
    return isinstance(measure.measure if isinstance(measure, Through) else measure, TargetCount)


def selection_blocks(comparison: ComparisonData, column_of: ColumnOf) -> list[Block]:
    """One block per bin, and one per measure with groups of frames as columns."""
    parts = [m for m in comparison.measures if isinstance(m, Through) and m.change.selects]
    shown = [part for part in parts if not is_count(part)]
    bins = dict.fromkeys(m.change for m in shown if isinstance(m.change, TargetBin))
    blocks = [
        Block(
            f"{bin_title(one)}{_count(comparison.results[0], one)}, %",
            tuple(
                replace(column_of(m), **_named(m.measure)) for m in shown if m.change == one
            ),
        )
        for one in bins
    ]
    means = [measure for measure in comparison.measures if isinstance(measure, GroupMean)]
    return blocks + [_group_block(mean, comparison, column_of) for mean in means]


def bin_title(one: TargetBin) -> str:
    """As in "Components of 300 to 3000 px"."""
    low, high = spelled(one.low), spelled(one.high)
    values = f"{low} or more" if high == "inf" else f"{low} to {high}"
    return {
        "size": f"Components of {values} px",
        "share": f"Components of {values} of the frame",
        "rows": f"Components down to row {values}",
    }[one.by]


def _count(result: Result, one: TargetBin | FrameGroup) -> str:
    """As in ": 12 in 9 frames"; nothing where means over images are shown."""
    key = f"components@{one.name}"
    frames = result.values.get(f"{key}_frames")
    if frames is None:
        return ""
    return f": {result.values[key]} in {frames} frame{'' if frames == 1 else 's'}"


def _named(measure: Measure) -> dict[str, str]:
    return dict(zip(("name", "condition"), titles(measure), strict=True))


def _group_block(mean: GroupMean, comparison: ComparisonData, column_of: ColumnOf) -> Block:
    """The worst group of each method is marked."""
    first = mean.groups[0]
    assert isinstance(first.change, FrameGroup)
    worst = [_worst(result, mean.groups) for result in comparison.results]
    columns = []
    for group in mean.groups:
        assert isinstance(group.change, FrameGroup)
        column = column_of(group)
        details = tuple(
            f"{column.behind(row).strip()} {WORST if key == group.key else ''}".strip()
            for row, key in enumerate(worst)
        )
        frames = len(group.change.names)
        named = replace(column, name=group.change.value, condition=f"{frames} frames")
        columns.append(replace(named, details=details if any(details) else ()))
    columns.append(replace(column_of(mean), name="mean", condition=f"of {len(mean.groups)}"))
    title = " ".join(part for part in titles(first.measure) if part)
    return Block(f"{title} by {first.change.column}, %", tuple(columns), apart=True)


def _worst(result: Result, groups: Sequence[Through]) -> str | None:
    known = [(result[group.key], group.key) for group in groups if result[group.key] is not None]
    if len({value for value, _ in known}) < 2:
        return None
    return (min if groups[0].higher_is_better else max)(known)[1]


def points_by(
    comparison: ComparisonData,
) -> tuple[dict[str, dict[str, list[Point]]], list[str], str]:
    """What `mdmkit.plots.by_figure` draws: points of each measure and method, labels, and an axis.

    Raises
    ------
    InputError
        If the comparison is not by parts, or by parts of several kinds.
    """
    parts = [
        m
        for m in comparison.measures
        if isinstance(m, Through) and m.change.selects and not is_count(m)
    ]
    changes = list(dict.fromkeys(part.change for part in parts))
    kinds = {change.by if isinstance(change, TargetBin) else change.column for change in changes}
    if len(kinds) != 1:
        raise InputError("by: expected one kind of parts, as in size=0,300,3000,inf; found "
                         + (", ".join(sorted(kinds)) or "none"))  # fmt: skip
    panels: dict[str, dict[str, list[Point]]] = {}
    for part in parts:
        heading = " ".join(filter(None, titles(part.measure)))
        for result in comparison.results:
            value = result[part.key]
            point = nan if value is None else value, interval_of(comparison, result.method, part.key)
            panels.setdefault(f"{heading}, %", {}).setdefault(result.method, []).append(point)
    labels = [_label(change) for change in changes]
    first = changes[0]
    return panels, labels, PROPERTIES[first.by] if isinstance(first, TargetBin) else first.column


def _label(change: TargetBin | FrameGroup) -> str:
    if isinstance(change, FrameGroup):
        return change.value
    high = spelled(change.high)
    return f"{spelled(change.low)} or more" if high == "inf" else f"{spelled(change.low)} to {high}"
