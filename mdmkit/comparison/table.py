"""Tables of comparisons, before any form is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmkit.comparison.caption import caption, stands_apart
from mdmkit.comparison.data import ComparisonData
from mdmkit.comparison.differences import bootstrap_notes, difference_block, points
from mdmkit.comparison.records import comparison_rows, long_rows, record_of
from mdmkit.comparison.selection_table import WORST, is_selected, selection_blocks
from mdmkit.core.number import Number
from mdmkit.datasets import how_inverted
from mdmkit.metrics.measures import MarginAt, Measure
from mdmkit.metrics.protocols import PROTOCOLS
from mdmkit.metrics.selections import GroupMean, is_count
from mdmkit.metrics.transformed import Through
from mdmkit.tables.headings import titles
from mdmkit.tables.table import (
    TRIVIAL,
    UNDEFINED,
    Block,
    Column,
    View,
    number_column,
    value_column,
)

if TYPE_CHECKING:
    pass

_UNMATCHED = "MDM ("  # printed margins, whose metric and T are not known


def blocks(comparison: ComparisonData) -> list[Block]:
    """The values, margins and borders apart from the rest, and the recommended thresholds."""
    measures, table = comparison.measures, comparison.published
    margins = [measure for measure in measures if isinstance(measure, MarginAt)]
    banded = [
        measure
        for measure in measures
        if isinstance(measure, Through) and "@band=" in measure.key and not is_selected(measure)
    ]
    others = [
        m for m in measures if not (m in margins or m in banded or is_selected(m) or is_count(m))
    ]

    def columns(of: Sequence[Measure]) -> tuple[Column, ...]:
        return tuple(_value_column(measure, comparison) for measure in of)

    printed = [c for c in table.columns if c.startswith(_UNMATCHED)] if table and margins else []
    found = [
        Block("Quality, %", columns(others), "joined"),
        Block("Quality near borders, %", columns(banded)),
        Block(
            "Maximal Detection Margin, %",
            (*columns(margins), *(_printed_column(name, comparison) for name in printed)),
            "joined",
        ),
        *selection_blocks(comparison, lambda measure: _value_column(measure, comparison)),
    ]
    if comparison.settings["aggregate"] == "pooled":
        recommended = tuple(_threshold_column(measure, comparison) for measure in margins)
        if any(cell != UNDEFINED for column in recommended for cell in column.cells):
            found.append(Block("Recommended threshold [margin)", recommended, "aside"))
    if comparison.bootstrap:
        found.append(difference_block(comparison))
    if comparison.settings["aggregate"] == "pooled":
        found.append(_raw_threshold_block(comparison))
    return [block for block in found if block.columns]


def _value_column(measure: Measure, comparison: ComparisonData) -> Column:
    numbers = comparison.numbers(measure)
    kinds = [result.normalize if measure.on_scale else "" for result in comparison.results]
    intervals = [number.confidence for number in numbers]
    if comparison.published:
        printed = comparison.published.rows
        numbers += [Number(row.values.get(measure.key)) for row in printed]
        apart = measure.on_scale or stands_apart(comparison)
        kinds += ["published" if apart else ""] * len(printed)
    details = [points(interval) for interval in intervals] if any(intervals) else []
    return number_column(*titles(measure), measure.higher_is_better, numbers, kinds, details)


def _printed_column(name: str, comparison: ComparisonData) -> Column:
    assert comparison.published is not None
    values: list[float | None] = [None] * len(comparison.results)
    values += [row.values[name] for row in comparison.published.rows]
    return value_column(name, "", True, values)


def _auxiliary_column(comparison: ComparisonData) -> Column | None:
    """Who uses auxiliary data; None where nobody asked."""
    cells = [comparison.uses_auxiliary(result.method) or "" for result in comparison.results]
    if not any(cells):
        return None
    if comparison.published:
        cells += [row.auxiliary or UNDEFINED for row in comparison.published.rows]
    return Column("aux. data", "", "", tuple(cells))


def notes(comparison: ComparisonData) -> list[str]:
    """List what a reader of the table must know."""
    settings, results = comparison.settings, comparison.results
    first = results[0]
    of = f" of {settings['dataset']}" if settings.get("dataset") else ""
    least = settings["min_target"]
    lines = [
        "anomaly is the positive class; a pixel is predicted where score > z",
        f"{first.frames} frames{of}, {first.pixels} valid pixels, "
        f"{first.anomalous_pixels} anomalous; "
        f"{first.components} components of {f'at least {least} pixels' if least else 'any size'}",
        f"component sizes: min_prediction={settings['min_prediction']}, "
        f"min_target={settings['min_target']}; aggregate: {settings['aggregate']}",
        *PROTOCOLS[settings.get("protocol", "exact")].footnotes,
    ]
    if settings.get("set_aside"):
        lines.append(f"{settings['set_aside']} other frames of the data set were not asked for")
    if settings["left_out"]:
        lines.append(f"{settings['left_out']} frames left out that not every method has")
    if settings.get("resize"):
        lines.append(
            "score maps of another size than their mask were resized to it: "
            f"{settings['resize']}, float32"
        )
    lines += how_inverted(settings.get("invert", ()))
    if settings.get("second_pass"):
        lines.append(f"second pass {settings['second_pass']}; their numbers carry brackets")
    kinds = settings["normalize"]
    if set(kinds.values()) != {"none"}:
        lines.append(
            "normalised: " + ", ".join(f"{k} by {v}" for k, v in kinds.items() if v != "none")
        )
    if len(set(kinds.values())) > 1 and any(isinstance(m, MarginAt) for m in comparison.measures):
        lines.append(
            "margins of methods that were normalised in different ways do not compare; the best "
            "are marked among those of one kind"
        )
    lines += [f"remark: {remark}" for remark in settings.get("remarks", ())]
    lines += bootstrap_notes(comparison)
    if any(isinstance(measure, GroupMean) for measure in comparison.measures):
        lines.append(f"{WORST}: of a method's groups of frames")
    lines += _notes_on_trivial(comparison)
    lines += _notes_on_values(comparison)
    if comparison.published:
        table = comparison.published
        lines.append(
            f"published: {table.source}; as printed there, of "
            f"{table.frames or 'a number of frames that is not known'}"
            f"{' frames' if table.frames else ''} and other conventions perhaps"
        )
        lines += [f"published: {line}" for line in table.notes]
        if stands_apart(comparison):
            lines.append(
                f"published: the best are marked apart, as {first.frames} frames were judged here"
            )
    return lines


def _notes_on_trivial(comparison: ComparisonData) -> list[str]:
    """The trivial levels of margins that do not exceed them."""
    levels: dict[str, float] = {}
    for result in comparison.results:
        for key, number in result.numbers.items():
            if number.is_trivial and number.value and number.trivial is not None:
                levels[key] = max(number.trivial, levels.get(key, 0.0))
    if not levels:
        return []
    named = ", ".join(f"{key} {level:.3f}" for key, level in levels.items())
    return [
        f"{TRIVIAL} passed by doing nothing: T does not exceed the trivial level, what a constant "
        f"prediction scores on these frames ({named})"
    ]


def _raw_threshold_block(comparison: ComparisonData) -> Block:
    """The thresholds of predictions at a rate, or with the best F1, on the raw scores."""
    columns = []
    for measure in comparison.measures:
        numbers = comparison.numbers(measure)
        if all(number.all_predicted is None for number in numbers):  # no such measure
            continue
        cells = tuple(map(_raw_threshold, numbers))
        if any(cell != UNDEFINED for cell in cells):
            columns.append(Column(*titles(measure), "", cells))
    return Block("Threshold on raw scores", tuple(columns), "aside")


def _raw_threshold(number: Number) -> str:
    if number.all_predicted:
        return "all"
    return UNDEFINED if number.threshold is None else f"{number.threshold:.4g}"


def _notes_on_values(comparison: ComparisonData) -> list[str]:
    """Brackets, refusals, and images where a measure is undefined."""
    lines = []
    for result in comparison.results:
        brackets = {k: n.bracket for k, n in result.numbers.items() if n.bracket}
        widths = [high - low for low, high in brackets.values() if low is not None]
        if any(widths):
            lines.append(
                f"{result.method}: scores fell into bins for want of memory; "
                f"brackets (JSON, CSV) are up to {100 * max(widths):.2g} points wide"
            )
        perhaps = [key for key, (low, _) in brackets.items() if low is None]
        if perhaps:
            lines.append(f"{result.method}: {', '.join(perhaps)} may be undefined")
        for reason in dict.fromkeys(result.refused.values()):
            keys = [key for key, why in result.refused.items() if why == reason]
            lines.append(f"{result.method}: {', '.join(keys)} refused: {reason}")
        for measure in comparison.measures:
            images = result.numbers[measure.key].images
            if images and images.undefined:
                lines.append(
                    f"{result.method}: {measure.key} undefined in {images.undefined} "
                    f"of {result.frames} images"
                )
    return lines


def view_of(comparison: ComparisonData) -> View:
    """Make the content of a comparison's tables."""
    methods = [result.method for result in comparison.results]
    own = len(methods)
    shown = blocks(comparison)
    if comparison.published:
        methods += [f"{row.method} (published)" for row in comparison.published.rows]
    shown = [_filled(block, len(methods)) for block in shown]
    return View(
        tuple(methods),
        _auxiliary_column(comparison),
        tuple(shown),
        tuple(notes(comparison)),
        record_of(comparison),
        comparison_rows(comparison),
        long_rows(comparison),
        own,
        caption(comparison),
    )


def _filled(block: Block, rows: int) -> Block:
    """A block whose every column has a cell for each row."""
    columns = tuple(
        replace(column, cells=column.cells + (UNDEFINED,) * (rows - len(column.cells)))
        for column in block.columns
    )
    return replace(block, columns=columns)


def _threshold_column(measure: MarginAt, comparison: ComparisonData) -> Column:
    """The thresholds which a margin recommends, with their intervals."""
    return Column(*titles(measure), "", tuple(map(_threshold, comparison.numbers(measure))))


def _threshold(number: Number) -> str:
    if number.interval is None:
        return UNDEFINED
    x, y = number.interval
    return f"{number.threshold:.3f} [{x:.3f}, {y:.3f}){TRIVIAL if number.is_trivial else ''}"
