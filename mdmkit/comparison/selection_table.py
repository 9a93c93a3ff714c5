"""Blocks of a table by size, by place and by groups of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

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
    """Make a block per bin, and one per measure with groups of frames as columns."""
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
    by_column: dict[str, list[GroupMean]] = {}
    for mean in means:
        by_column.setdefault(_group_of(mean.groups[0]).column, []).append(mean)
    return blocks + [
        block
        for column, several in by_column.items()
        for block in _group_blocks(column, several, comparison, column_of)
    ]


def _group_of(measure: Through) -> FrameGroup:
    assert isinstance(measure.change, FrameGroup)
    return measure.change


def bin_title(one: TargetBin) -> str:
    """Title of a bin, as in "Components of 300 to 3000 px"."""
    values = _label(one)
    return {
        "size": f"Components of {values} px",
        "share": f"Components of {values} of the frame",
        "rows": f"Components down to row {values}",
    }[one.by]


def _count(result: Result, one: TargetBin) -> str:
    """Counts of a bin, as in ": 12 in 9 frames"; nothing where means over images are shown."""
    number = result.numbers.get(f"components@{one.name}")
    if number is None or number.frames is None:
        return ""
    return f": {number.value} in {_several(number.frames, 'frame')}"


def _group_blocks(
    column: str, means: Sequence[GroupMean], comparison: ComparisonData, column_of: ColumnOf
) -> list[Block]:
    """Make a table with a section per group, a row per method, and the means over groups.

    Each method's worst group is marked.
    """
    groups = [_group_of(one) for one in means[0].groups]
    worst = [[_worst(result, mean.groups) for result in comparison.results] for mean in means]
    title = f"By {column}, %"

    def named(measure: Measure, mean: GroupMean) -> Column:
        name, condition = titles(mean.groups[0].measure)
        return replace(column_of(measure), name=name, condition=condition)

    blocks = []
    for place, group in enumerate(groups):
        columns = tuple(
            _marked(named(mean.groups[place], mean), [k == mean.groups[place].key for k in keys])
            for mean, keys in zip(means, worst, strict=True)
        )
        section = f"{group.value}: {_group_size(comparison.results[0], group)}"
        blocks.append(Block(title, columns, section=section))
    columns = tuple(named(mean, mean) for mean in means)
    return [*blocks, Block(title, columns, section=f"mean of {len(groups)}")]


def _group_size(result: Result, group: FrameGroup) -> str:
    """Counts, as in "11 frames, 7 components"; frames alone where means over images are shown."""
    frames = _several(len(group.names), "frame")
    found = result.numbers.get(f"components@{group.name}")
    if found is None or found.value is None or found.images is not None:
        return frames
    return f"{frames}, {_several(found.value, 'component')}"


def _several(number: float, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _marked(column: Column, worst: Sequence[bool]) -> Column:
    """A column that says behind which cells a method's worst group stands."""
    details = tuple(
        f"{column.behind(row).strip()} {WORST if marked else ''}".strip()
        for row, marked in enumerate(worst)
    )
    return replace(column, details=details if any(details) else ())


def _worst(result: Result, groups: Sequence[Through]) -> str | None:
    known = [(result[group.key], group.key) for group in groups if result[group.key] is not None]
    if len({value for value, _ in known}) < 2:
        return None
    return (min if groups[0].higher_is_better else max)(known)[1]


def points_by(
    comparison: ComparisonData,
) -> tuple[dict[str, dict[str, list[Point]]], list[str], str]:
    """Prepare `mdmkit.plots.by_figure`: points of each measure and method, labels, and an axis.

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
            number = result.numbers[measure.key]
            lines.setdefault(result.method, []).append((float(number), number.confidence))
    labels = [_label(change) for change in changes]
    first = changes[0]
    return panels, labels, PROPERTIES[first.by] if isinstance(first, TargetBin) else first.column


def _label(change: Selection) -> str:
    if isinstance(change, FrameGroup):
        return change.value
    high = spelled(change.high)
    return f"{spelled(change.low)} or more" if high == "inf" else f"{spelled(change.low)} to {high}"
