"""A comparison as records: for JSON, and rows of CSV files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmkit.comparison.data import ComparisonData
from mdmkit.comparison.differences import difference_fields, paired_differences, with_intervals
from mdmkit.tables.table import Row

if TYPE_CHECKING:
    from mdmkit.comparison.differences import Difference
    from mdmkit.core.number import Number
    from mdmkit.evaluation.result import Result
    from mdmkit.metrics.measures import Measure
    from mdmkit.uncertainty.resampling import Bootstrap


def record_of(comparison: ComparisonData) -> Row:
    """Settings and rows, ready for JSON; see `Comparison.to_dict`."""
    rows = []
    for result in comparison.results:
        uses = comparison.uses_auxiliary(result.method)
        rows.append(result.to_dict() | ({"auxiliary": uses} if uses else {}))
    record: Row = {"settings": comparison.settings, "rows": rows}
    if comparison.bootstrap:
        record |= with_intervals(comparison, rows)
    if comparison.published:
        record |= {"published": comparison.published.to_dict()}
    return record


def flat(row: Row) -> Row:
    """Pairs and dictionaries of a row as columns of their own."""
    found: Row = {}
    for key, value in row.items():
        if key == "refused":
            found[key] = "; ".join(f"{name}: {why}" for name, why in value.items())
        elif isinstance(value, dict):
            found |= {f"{key}_{name}": item for name, item in value.items()}
        elif key.endswith(("_interval", "_bracket", "_confidence")):
            low, high = value or (None, None)
            found |= {f"{key}_low": low, f"{key}_high": high}
        else:
            found[key] = value
    return found


def comparison_rows(comparison: ComparisonData) -> list[Row]:
    """One row per method: fractions in full precision under the names of the JSON."""
    names = (
        "aggregate",
        "min_prediction",
        "min_target",
        "positive_class",
        "comparison",
        "protocol",
    )
    shared = {name: comparison.settings[name] for name in names if name in comparison.settings}
    rows = [flat(row) | shared for row in record_of(comparison)["rows"]]
    for each in paired_differences(comparison):
        row = next(row for row in rows if row["method"] == each.method)
        row |= {f"{each.metric}_{name}": value for name, value in difference_fields(each).items()}
    if comparison.bootstrap:
        rows = [row | _drawing(comparison.bootstrap) for row in rows]
    if comparison.published:
        rows = [row | {"published": False} for row in rows]
        rows += [row | {"published": True} for row in comparison.published.records()]
    return rows


def long_rows(comparison: ComparisonData) -> list[Row]:
    """One row per method and measure, printed ones included.

    `bracket_low` and `bracket_high` bound the value rigorously, and equal it where it is exact.
    `threshold` is the recommended threshold of a margin, or that of the best F1. With a bootstrap
    `confidence_low` and `confidence_high` are the ends of the value's interval, and `difference` is
    `reference` minus the value.
    """
    differences = {(each.method, each.metric): each for each in paired_differences(comparison)}
    found = comparison.bootstrap
    rows = [
        _long_row(result, measure, comparison)
        | _uncertainty(
            found, result.numbers[measure.key], differences.get((result.method, measure.key))
        )
        for result in comparison.results
        for measure in comparison.measures
    ]
    table = comparison.published
    if table:
        for printed in table.rows:
            rows += [
                dict.fromkeys(rows[0])
                | {
                    "method": printed.method,
                    "metric": name,
                    "value": value,
                    "published": True,
                    "auxiliary": printed.auxiliary,
                    "source": table.source,
                }
                for name, value in printed.values.items()
            ]
    return rows


def _long_row(result: Result, measure: Measure, comparison: ComparisonData) -> Row:
    key, number, settings = measure.key, result.numbers[measure.key], comparison.settings
    low, high = number.bracket or (None, None)
    start, end = number.interval or (None, None)
    counted = ("frames", "pixels", "anomalous_pixels", "components")
    return {
        "method": result.method,
        "metric": key,
        "value": number.value,
        "bracket_low": low,
        "bracket_high": high,
        "interval_low": start,
        "interval_high": end,
        "threshold": number.threshold,
        "trivial": number.trivial,
        "is_trivial": number.is_trivial if number.trivial is not None else None,
        "higher_is_better": measure.higher_is_better,
        "undefined_images": number.images and number.images.undefined,
        "refused": result.refused.get(key),
        "published": False,
        "auxiliary": comparison.uses_auxiliary(result.method),
        "source": None,
        "normalize": result.normalize,
        "protocol": settings.get("protocol", "exact"),
        "aggregate": settings["aggregate"],
        "min_prediction": settings["min_prediction"],
        "min_target": settings["min_target"],
        **{name: getattr(result, name) for name in counted},
    }


def _drawing(found: Bootstrap) -> Row:
    return {"replicates": found.sets, "seed": found.seed, "confidence": found.confidence}


def _uncertainty(found: Bootstrap | None, number: Number, difference: Difference | None) -> Row:
    """The interval of a value and its difference to the reference; nothing without a bootstrap."""
    if found is None:
        return {}
    low, high = number.confidence or (None, None)
    interval: Row = {"confidence_low": low, "confidence_high": high}
    return interval | difference_fields(difference) | _drawing(found)
