"""Error bars of a chosen threshold, and of what it gives, by resampling frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.margin import Interval
from mdmkit.thresholds.counted_frame import Scores
from mdmkit.thresholds.ranges import Ranges
from mdmkit.thresholds.sources import Source
from mdmkit.uncertainty.resampling import draws_of

#: About how many thresholds the frames are counted at, where the threshold itself is resampled.
THRESHOLDS = 2048
#: Bytes of sums that are held at once.
BATCH = 2**27


@dataclass(frozen=True)
class ErrorBars:
    """Percentile intervals over resampled sets of frames (Efron, 1979).

    Attributes
    ----------
    confidence : float
    replicates : int
    threshold : (float, float) or None
        The recommended threshold, over the sets on which the requirements can be met.
    without : float
        Share of the sets on which no threshold meets them.
    values : tuple of (float, float) or None
        The measure of each requirement at the chosen threshold, on the second set where there is
        one; None where it is undefined.
    holds : tuple of float
        Share of the sets in which each requirement holds at the chosen threshold.
    """

    confidence: float
    replicates: int
    threshold: Interval | None
    without: float
    values: tuple[Interval | None, ...]
    holds: tuple[float, ...]


def resampled_thresholds(ranges: Ranges, frames: Source, draws: NDArray[np.int64]) -> Scores:
    """The recommended threshold of each resampled set (R,), NaN where none meets requirements.

    Frames are counted at about `THRESHOLDS` thresholds, between which measures are taken to stay
    as they are; the normaliser keeps its constants.
    """
    edges = _thresholds_of(ranges)
    raw = np.array([frames.raw_threshold(ranges.normalizer, float(z)) for z in edges])
    counts = frames.at(ranges.requirements, raw)
    size = max(1, BATCH // (8 * sum(part.sums[0].size for part in counts)))
    found = []
    for start in range(0, len(draws), size):
        times = draws[start : start + size].astype(np.float64)
        values = [part.values(times) for part in counts]
        found += [_threshold(ranges, edges, [v[i] for v in values]) for i in range(len(times))]
    return np.array(found)


def _thresholds_of(ranges: Ranges) -> Scores:
    """About `THRESHOLDS` ends of steps, and regular ones where measures are known at these."""
    edges = ranges.edges[:-1]
    if edges.size <= THRESHOLDS:
        return edges
    few = THRESHOLDS if ranges.counted else THRESHOLDS // 2
    regular = np.empty(0) if ranges.counted else np.arange(few) / few
    places = np.linspace(0, edges.size - 1, few).astype(np.int64)
    return np.unique(np.concatenate([regular, edges[places]]))


def _threshold(ranges: Ranges, edges: Scores, values: Sequence[Scores]) -> float:
    curves = tuple(
        replace(curve, breakpoints=edges, values=own, low=None, high=None)
        for curve, own in zip(ranges.curves, values, strict=True)
    )
    drawn = replace(ranges, curves=curves)
    return float("nan") if drawn.run is None else drawn.threshold(drawn.run)


def error_bars(
    ranges: Ranges,
    first: Source,
    second: Source | None,
    raw: float,
    *,
    replicates: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> ErrorBars:
    """Error bars of a threshold chosen on `first`, and of what it gives on `second` (or there).

    Parameters
    ----------
    raw : float
        The chosen threshold on raw scores.
    """
    draws = draws_of(first.frames, replicates, seed)
    thresholds = resampled_thresholds(ranges, first, draws)
    where = first if second is None else second
    counts = where.at(ranges.requirements, np.array([raw]))
    times = draws_of(where.frames, replicates, seed + 1).astype(np.float64)
    values = [part.values(times)[:, 0] for part in counts]
    return ErrorBars(
        confidence,
        replicates,
        _percentiles(thresholds, confidence),
        float(np.isnan(thresholds).mean()),
        tuple(_percentiles(v, confidence) for v in values),
        tuple(float(r.holds(v).mean()) for r, v in zip(ranges.requirements, values, strict=True)),
    )


def _percentiles(values: Scores, confidence: float) -> Interval | None:
    defined = values[~np.isnan(values)]
    if defined.size == 0:
        return None
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
