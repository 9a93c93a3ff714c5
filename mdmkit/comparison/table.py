"""Tables of comparisons, before any form is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmkit.comparison.data import ComparisonData
from mdmkit.comparison.differences import bootstrap_notes, interval_of, lead_block, points
from mdmkit.comparison.records import comparison_rows, long_rows, record_of
from mdmkit.comparison.selection_table import WORST, is_selected, selection_blocks
from mdmkit.datasets import how_inverted
from mdmkit.metrics.measures import MarginAt, Measure
from mdmkit.metrics.protocols import PROTOCOLS
from mdmkit.metrics.selections import GroupMean, is_count
from mdmkit.metrics.transformed import Through
from mdmkit.tables.headings import titles
from mdmkit.tables.table import UNDEFINED, Block, Column, View, value_column

if TYPE_CHECKING:
    from mdmkit.evaluation.result import Result

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
        Block("Quality, %", columns(others)),
        Block("Quality near borders, %", columns(banded)),
        Block(
            "Maximal Detection Margin, %",
            (*columns(margins), *(_printed_column(name, comparison) for name in printed)),
        ),
        *selection_blocks(comparison, lambda measure: _value_column(measure, comparison)),
    ]
    if comparison.settings["aggregate"] == "pooled":
        recommended = tuple(threshold_column(m, comparison.results) for m in margins)
        if any(cell != UNDEFINED for column in recommended for cell in column.cells):
            found.append(Block("Recommended threshold [margin)", recommended))
    if comparison.bootstrap:
        found.append(lead_block(comparison))
    return [block for block in found if block.columns]


def _value_column(measure: Measure, comparison: ComparisonData) -> Column:
    values = [result[measure.key] for result in comparison.results]
    intervals = [interval_of(comparison, r.method, measure.key) for r in comparison.results]
    if comparison.published:
        values += [row.values.get(measure.key) for row in comparison.published.rows]
    details = [points(interval) for interval in intervals] if any(intervals) else []
    return value_column(*titles(measure), measure.higher_is_better, values, details)


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
    """What a reader of the table must know."""
    settings, results = comparison.settings, comparison.results
    first = results[0]
    of = f" of {settings['dataset']}" if settings.get("dataset") else ""
    lines = [
        "anomaly is the positive class; a pixel is predicted where score > z",
        f"{first.frames} frames{of}, {first.pixels} valid pixels, "
        f"{first.anomalous_pixels} anomalous; "
        f"{first.components} components of at least {settings['min_target']} pixels",
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
        lines.append("margins of methods that were normalised in different ways do not compare")
    lines += [f"remark: {remark}" for remark in settings.get("remarks", ())]
    lines += bootstrap_notes(comparison)
    if any(isinstance(measure, GroupMean) for measure in comparison.measures):
        lines.append(f"{WORST}: of a method's groups of frames")
    lines += _notes_on_values(comparison)
    if comparison.published:
        table = comparison.published
        lines.append(
            f"published: {table.source}; as printed there, of other frames and conventions perhaps"
        )
        lines += [f"published: {line}" for line in table.notes]
    return lines


def _notes_on_values(comparison: ComparisonData) -> list[str]:
    """Brackets, refusals, and images where a measure is undefined."""
    lines = []
    for result in comparison.results:
        brackets = {k: v for k, v in result.values.items() if k.endswith("_bracket") and v}
        widths = [high - low for low, high in brackets.values() if low is not None]
        if any(widths):
            lines.append(
                f"{result.method}: scores fell into bins for want of memory; "
                f"brackets (JSON, CSV) are up to {100 * max(widths):.2g} points wide"
            )
        unsure = [k.removesuffix("_bracket") for k, (low, _) in brackets.items() if low is None]
        if unsure:
            lines.append(f"{result.method}: {', '.join(unsure)} may be undefined")
        for reason in dict.fromkeys(result.refused.values()):
            keys = [key for key, why in result.refused.items() if why == reason]
            lines.append(f"{result.method}: {', '.join(keys)} refused: {reason}")
        for measure in comparison.measures:
            images = result.values.get(f"{measure.key}_images")
            if images and images["undefined"]:
                lines.append(
                    f"{result.method}: {measure.key} undefined in {images['undefined']} "
                    f"of {result.frames} images"
                )
    return lines


def view_of(comparison: ComparisonData) -> View:
    """What is shown of a comparison."""
    methods = [result.method for result in comparison.results]
    own = len(methods)
    shown = blocks(comparison)
    if comparison.published:
        methods += [f"{row.method} (published)" for row in comparison.published.rows]
    shown = [_filled(block, len(methods)) for block in shown]
    return View(
        tuple(methods), _auxiliary_column(comparison), tuple(shown), tuple(notes(comparison)),
        record_of(comparison), comparison_rows(comparison), long_rows(comparison), own,
    )  # fmt: skip


def _filled(block: Block, rows: int) -> Block:
    """A block whose every column has a cell for each row."""
    columns = tuple(
        replace(column, cells=column.cells + (UNDEFINED,) * (rows - len(column.cells)))
        for column in block.columns
    )
    return replace(block, columns=columns)


def threshold_column(measure: MarginAt, results: Sequence[Result]) -> Column:
    """The thresholds which a margin recommends, with their intervals."""
    cells = []
    for result in results:
        interval = result.values.get(f"{measure.key}_interval")
        threshold = result.values.get(f"{measure.key}_threshold")
        cells.append(
            UNDEFINED
            if interval is None
            else f"{threshold:.3f} [{interval[0]:.3f}, {interval[1]:.3f})"
        )
    return Column(*titles(measure), "", tuple(cells))
