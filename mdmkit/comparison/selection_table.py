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
from mdmkit.metrics.selections import GroupMean, Selection, is_count
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


def _parts(comparison: ComparisonData) -> list[tuple[Through, Selection]]:
    """The measures by parts, numbers of components left out, and the part that each is about."""
    return [
        (measure, measure.change)
        for measure in comparison.measures
        if isinstance(measure, Through)
        and isinstance(measure.change, (TargetBin, FrameGroup))
        and not is_count(measure)
    ]


def selection_blocks(comparison: ComparisonData, column_of: ColumnOf) -> list[Block]:
    """One block per bin, and one per measure with groups of frames as columns."""
    by_bin: dict[TargetBin, list[Column]] = {}
    for measure, part in _parts(comparison):
        if isinstance(part, TargetBin):
            name, condition = titles(measure.measure)
            column = replace(column_of(measure), name=name, condition=condition)
            by_bin.setdefault(part, []).append(column)
    blocks = [
        Block(f"{bin_title(part)}{_count(comparison.results[0], part)}, %", tuple(columns))
        for part, columns in by_bin.items()
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


def _count(result: Result, one: TargetBin) -> str:
    """As in ": 12 in 9 frames"; nothing where means over images are shown."""
    key = f"components@{one.name}"
    frames = result.values.get(f"{key}_frames")
    if frames is None:
        return ""
    return f": {result.values[key]} in {frames} frame{'' if frames == 1 else 's'}"


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
        condition = f"{frames} frame{'' if frames == 1 else 's'}"
        named = replace(column, name=group.change.value, condition=condition)
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
    parts = _parts(comparison)
    changes = list(dict.fromkeys(part for _, part in parts))
    kinds = {part.by if isinstance(part, TargetBin) else part.column for part in changes}
    if len(kinds) != 1:
        raise InputError(
            "expected one kind of parts, as in size=0,300,3000,inf; found "
            + (", ".join(sorted(kinds)) or "none"),
            argument="by",
        )
    panels: dict[str, dict[str, list[Point]]] = {}
    for measure, _ in parts:
        heading = " ".join(filter(None, titles(measure.measure)))
        lines = panels.setdefault(f"{heading}, %", {})
        for result in comparison.results:
            value, interval = (
                result[measure.key],
                interval_of(comparison, result.method, measure.key),
            )
            lines.setdefault(result.method, []).append((nan if value is None else value, interval))
    labels = [_label(change) for change in changes]
    first = changes[0]
    return panels, labels, PROPERTIES[first.by] if isinstance(first, TargetBin) else first.column


def _label(change: Selection) -> str:
    if isinstance(change, FrameGroup):
        return change.value
    high = spelled(change.high)
    return f"{spelled(change.low)} or more" if high == "inf" else f"{spelled(change.low)} to {high}"
