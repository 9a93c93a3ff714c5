"""The caption of a comparison: what a reader of a paper must know, in short."""

from __future__ import annotations

from collections.abc import Iterator

from mdmkit.comparison.data import ComparisonData
from mdmkit.comparison.differences import EXCLUDES_ZERO
from mdmkit.comparison.selection_table import WORST
from mdmkit.core.errors import InputError
from mdmkit.datasets.registry import layout
from mdmkit.evaluation.result import Result
from mdmkit.metrics.measures import MarginAt
from mdmkit.metrics.protocols import PROTOCOLS
from mdmkit.metrics.selections import GroupMean
from mdmkit.tables.table import TRIVIAL, UNDEFINED


def caption(comparison: ComparisonData) -> tuple[str, ...]:
    """Frames, sizes, normalisers, and the caveats that apply."""
    return (*_what(comparison), *_how_normalised(comparison), *_caveats(comparison))


def _what(comparison: ComparisonData) -> Iterator[str]:
    settings, frames = comparison.settings, comparison.results[0].frames
    of = f" of {_title(settings['dataset'])}" if settings.get("dataset") else ""
    pooled = settings["aggregate"] == "pooled"
    yield f"{frames} frames{of}, " + ("pooled" if pooled else "means over images")
    if any(measure.sizes_used for measure in comparison.measures):
        sizes = settings["min_prediction"], settings["min_target"]
        least = "at least {} predicted and {} true pixels".format(*sizes)
        yield f"components of {least if any(sizes) else 'any size'}"
    yield from PROTOCOLS[settings.get("protocol", "exact")].footnotes


def _title(name: str) -> str:
    """A known data set as its authors spell it."""
    try:
        return layout(name).title
    except InputError:
        return name


def _how_normalised(comparison: ComparisonData) -> Iterator[str]:
    kinds = comparison.settings["normalize"]
    margins = any(isinstance(measure, MarginAt) for measure in comparison.measures)
    used = set(kinds.values())
    if used == {"none"}:
        if margins:
            beyond = [result.method for result in comparison.results if _is_refused(result)]
            but = f" (not those of {', '.join(beyond)})" if beyond else ""
            yield f"scores in [0, 1] by nature{but}, no normaliser"
    elif len(used) == 1:
        yield f"scores normalised by {used.pop()}"
    else:
        yield "normalised: " + ", ".join(f"{k} by {v}" for k, v in kinds.items() if v != "none")
        if margins:
            yield "margins of methods that were normalised in different ways do not compare"


def _is_refused(result: Result) -> bool:
    """Whether scores outside [0, 1] have no margins, for want of a normaliser."""
    return any("values in [0, 1] or a normaliser" in reason for reason in result.refused.values())


def _caveats(comparison: ComparisonData) -> Iterator[str]:
    left_out = comparison.settings["left_out"]
    if comparison.settings.get("set_aside"):
        yield f"{comparison.settings['set_aside']} other frames were not asked for"
    if left_out:
        yield f"{left_out} frames left out that not every method has"
    numbers = [number for result in comparison.results for number in result.numbers.values()]
    if any(number.is_trivial and number.value for number in numbers):
        yield f"{TRIVIAL}: T does not exceed what a constant prediction scores on these frames"
    if any(map(_is_refused, comparison.results)):
        yield f"{UNDEFINED}: scores outside [0, 1] have no thresholds there"
    if not all(number.is_known for number in numbers):
        yield "a value in square brackets is known to lie between them"
    if any(isinstance(measure, GroupMean) for measure in comparison.measures):
        yield f"{WORST}: of a method's groups of frames"
    found = comparison.bootstrap
    if found:
        what = "frames" if found.aggregate == "pooled" else "images"
        yield (
            f"small figures: bounds of {100 * found.confidence:g} % intervals from {found.sets} "
            f"sets of {found.frames} {what} drawn with replacement"
        )
        if len(comparison.results) > 1:
            yield f"{EXCLUDES_ZERO}: a difference whose interval excludes 0"
    if comparison.published:
        yield (
            f"below the rule: as printed in {comparison.published.source}, of other frames and "
            "conventions perhaps"
        )
        if stands_apart(comparison):
            yield "best marked apart above and below the rule"


def stands_apart(comparison: ComparisonData) -> bool:
    """Whether printed rows are of other frames, as far as is known, so that none is best of all."""
    table, settings = comparison.published, comparison.settings
    fewer = settings.get("set_aside") or settings["left_out"]
    return table is not None and bool(fewer or not table.is_of(comparison.results[0].frames))
