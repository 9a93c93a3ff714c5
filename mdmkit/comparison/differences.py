"""Differences between methods, with intervals from the same sets of frames, paired."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import isnan
from types import NoneType
from typing import TYPE_CHECKING, Any

from mdmkit.comparison.data import ComparisonData
from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError
from mdmkit.core.records import Json
from mdmkit.metrics.selections import is_count
from mdmkit.tables.headings import titles
from mdmkit.tables.table import TRIVIAL, UNDEFINED, Block, Column

if TYPE_CHECKING:
    from mdmkit.evaluation.result import Result
    from mdmkit.metrics.measures import Measure
    from mdmkit.uncertainty.resampling import Bootstrap

#: Marks a difference whose interval excludes 0.
EXCLUDES_ZERO = "†"
#: In the place of a difference between margins on different scales.
OTHER_SCALE = "other scale"
#: With fewer frames the percentiles cover less than they say, whatever is computed.
FEW = 20
#: Brackets that are wider would change the decimal that tables show.
NEGLIGIBLE = 0.0005

Interval = tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """Holds the difference between the best method, or a chosen one, and another.

    Attributes
    ----------
    metric, reference, method : str
        The reference is the best method of the metric, or the chosen one.
    value : float or None
        The reference's value minus the method's, as fractions; None where undefined.
    interval : (float, float) or None
        Interval of the difference, over sets of frames that are the same for both.
    """

    metric: str
    reference: str
    method: str
    value: float | None
    interval: Interval | None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    def to_dict(self) -> Json:
        """All fields, ready for JSON."""
        return asdict(self) | {"excludes_zero": self.excludes_zero}


def check_against(against: str | None, methods: Any) -> None:
    """A method's name, or None."""
    check_kind(against, (str, NoneType), "against")
    if against is not None and against not in methods:
        raise InputError(
            f"expected a method among {', '.join(methods)}, found {against!r}", argument="against"
        )


def with_confidence(result: Result, found: Bootstrap) -> Result:
    """A result whose numbers have the intervals of those that were resampled."""
    numbers = {
        key: replace(number, confidence=_defined(found.interval(result.method, key)[1:]))
        if key in found.keys
        else number
        for key, number in result.numbers.items()
    }
    return replace(result, numbers=numbers)


def _defined(interval: Interval) -> Interval | None:
    return None if isnan(interval[0]) else interval


def paired_differences(comparison: ComparisonData) -> list[Difference]:
    """The differences of every measure that was resampled; none of a single method.

    Nor of margins of two methods that were normalised in different ways.
    """
    found = comparison.bootstrap
    if found is None or len(comparison.results) < 2:
        return []
    differences = []
    for measure in comparison.measures:
        reference = comparison.against or _best(comparison, measure)
        if reference is None or not _is_drawn(measure, found):
            continue
        top = comparison[reference][measure.key]
        for result in comparison.results:
            alike = found.on_one_scale(reference, result.method, measure.key)
            if result.method != reference and alike:
                value = result[measure.key]
                value_difference = interval = None
                if top is not None and value is not None:
                    value_difference = top - value
                    resampled = found.difference(reference, result.method, measure.key)
                    interval = _defined(resampled[1:])
                differences.append(
                    Difference(measure.key, reference, result.method, value_difference, interval)
                )
    return differences


def _is_drawn(measure: Measure, found: Bootstrap | None) -> bool:
    """Whether a measure was resampled, and is no mere count of what is there."""
    return found is not None and measure.key in found.keys and not is_count(measure)


def _best(comparison: ComparisonData, measure: Measure) -> str | None:
    """The method with the best value, the first of several; None where none is defined."""
    if measure.on_scale and len({result.normalize for result in comparison.results}) > 1:
        return None  # on different scales none is the best
    numbers = {result.method: result.numbers[measure.key] for result in comparison.results}
    values = {m: n.value for m, n in numbers.items() if n.value is not None and not n.is_trivial}
    choose = max if measure.higher_is_better else min
    return choose(values, key=lambda name: values[name]) if values else None


def points(interval: Interval | None, sign: str = "") -> str:
    """An interval of fractions as percent, in square brackets."""
    if interval is None:
        return ""
    low, high = (f"{100 * bound:{sign}.1f}" for bound in interval)
    return f"[{low}, {high}]"


def difference_block(comparison: ComparisonData) -> Block:
    """The differences, one column per measure: the reference minus the method of the row."""
    found = comparison.bootstrap
    differences = {(d.metric, d.method): d for d in paired_differences(comparison)}
    columns = []
    asked = comparison.against is not None and len(comparison.results) > 1
    for measure in comparison.measures:
        other_scale = asked and measure.on_scale and _is_drawn(measure, found)
        if not (other_scale or any(metric == measure.key for metric, _ in differences)):
            continue
        shown = [
            _shown(comparison, result, differences.get((measure.key, result.method)))
            for result in comparison.results
        ]
        cells, details = zip(*shown, strict=True)
        columns.append(Column(*titles(measure), "", cells, details=details))
    reference = comparison.against or "the best"
    level = f"{100 * found.confidence:g} % interval" if found else ""
    return Block(
        f"Difference: {reference} minus the row's method, points [{level}]", tuple(columns)
    )


def _shown(
    comparison: ComparisonData, result: Result, difference: Difference | None
) -> tuple[str, str]:
    """A difference, or what stands in its place, and the interval behind it."""
    if difference is None:
        return _instead(comparison, result), ""
    if difference.value is None:
        return UNDEFINED, ""
    mark = f" {EXCLUDES_ZERO}" if difference.excludes_zero else ""
    trivial = TRIVIAL if _is_trivial(comparison, difference) else ""
    text = f"{100 * difference.value:+.1f}{trivial}"
    return text, points(difference.interval, "+") + mark


def _is_trivial(comparison: ComparisonData, difference: Difference) -> bool:
    """Whether both of its margins are passed by doing nothing."""
    methods = comparison[difference.reference], comparison[difference.method]
    return all(result.numbers[difference.metric].is_trivial for result in methods)


def _instead(comparison: ComparisonData, result: Result) -> str:
    """What stands in the place of a difference."""
    if comparison.against is None:
        return "best"
    return UNDEFINED if result.method == comparison.against else OTHER_SCALE


def bootstrap_notes(comparison: ComparisonData) -> list[str]:
    """Note what was resampled, how, and how far the intervals may be trusted."""
    found = comparison.bootstrap
    if found is None:
        return []
    what = "frames" if found.aggregate == "pooled" else "images (of their values)"
    lines = [
        f"in square brackets: {100 * found.confidence:g} % intervals, percentiles of the number "
        f"on {found.sets} sets of {found.frames} {what} drawn with replacement, seed {found.seed}; "
        "the same sets for every method, so that differences are paired"
    ]
    if len(comparison.results) > 1:
        lines.append(
            f"{EXCLUDES_ZERO}: a difference whose interval excludes 0 (each interval by itself: "
            "among many, some exclude it by chance)"
        )
    lines += _scale_notes(comparison)
    if found.frames < FEW:
        lines.append(
            f"{found.frames} frames are few: such intervals are too narrow as a rule; take them as "
            "a lower bound of the doubt"
        )
    lines += _bracket_notes(comparison)
    for result in comparison.results:
        for key in found.keys:
            undefined = found.undefined(result.method, key)
            if undefined and key not in found.refused[result.method]:
                lines.append(
                    f"{result.method}: {key} undefined on {undefined} of {found.sets} sets, which "
                    "its interval leaves out"
                )
    return lines


def _scale_notes(comparison: ComparisonData) -> list[str]:
    """Whose margins have no difference."""
    kinds = {result.method: result.normalize for result in comparison.results}
    if len(set(kinds.values())) < 2 or not any(m.on_scale for m in comparison.measures):
        return []
    if comparison.against is None:
        return [
            "margins have no difference to the best, as methods were normalised in different ways; "
            "one to a chosen method (against) is shown of those that were normalised as it was"
        ]
    others = [name for name, kind in kinds.items() if kind != kinds[comparison.against]]
    return [
        f"{OTHER_SCALE}: {', '.join(others)} and {comparison.against} were normalised in different "
        "ways, their margins have no difference"
    ]


def _bracket_notes(comparison: ComparisonData) -> list[str]:
    """Notes on how closely the bins of the intervals bound the numbers."""
    found = comparison.bootstrap
    if found is None or found.bins is None:
        return []
    wide = [
        f"{key} of {method} {100 * (high - low):.2g}"
        for method, brackets in found.brackets.items()
        for key, (low, high) in brackets.items()
        if high - low > NEGLIGIBLE
    ]
    line = f"values are exact; intervals come from statistics at about {found.bins} thresholds"
    if not wide:
        return [f"{line}, which know every number within {100 * NEGLIGIBLE:g} points"]
    more = f" and {len(wide) - 6} more" if len(wide) > 6 else ""
    return [
        f"{line}, which know some numbers in a bracket only (points): {', '.join(wide[:6])}{more}; "
        "more of them narrow it"
    ]


def with_intervals(comparison: ComparisonData, rows: list[Json]) -> Json:
    """A record's rows with intervals, and what JSON says beside them."""
    found = comparison.bootstrap
    assert found is not None
    for row in rows:
        for key in found.keys:
            row.setdefault(f"{key}_confidence", None)  # undefined
    beside = {
        "replicates": found.sets,
        "seed": found.seed,
        "confidence": found.confidence,
        "frames": found.frames,
        "aggregate": found.aggregate,
        "bins": found.bins,
        "against": comparison.against,
        "brackets": {
            method: {key: _defined(bracket) for key, bracket in brackets.items()}
            for method, brackets in found.brackets.items()
        },
        "undefined": {
            method: {key: found.undefined(method, key) for key in found.keys}
            for method in found.replicates
        },
        "differences": [each.to_dict() for each in paired_differences(comparison)],
    }
    return {"rows": rows, "bootstrap": beside}


def difference_fields(difference: Difference | None) -> Json:
    """Fields of CSV: the reference, and its difference to the method; None where there is none."""
    low, high = (difference and difference.interval) or (None, None)
    return {
        "reference": difference and difference.reference,
        "difference": difference and difference.value,
        "difference_low": low,
        "difference_high": high,
        "difference_excludes_zero": difference and difference.excludes_zero,
    }
