"""Error bars of a chosen threshold, and of what it gives, by resampling frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.margin import Interval
from mdmkit.evaluation.sources import Progress, no_progress
from mdmkit.evaluation.threads import Load, in_order
from mdmkit.metrics.base import Metric
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.counted_metric import CountedMetric
from mdmkit.metrics.pixel_metrics import CountMetric
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.stepped_counts import SteppedCounts
from mdmkit.thresholds.ranges import CountedFrame, Ranges, Scores
from mdmkit.thresholds.requirements import Requirement
from mdmkit.uncertainty.resampling import draws_of

#: About how many thresholds the frames are counted at, where the threshold itself is resampled.
THRESHOLDS = 2048
#: Bytes of sums that are held at once.
BATCH = 2**27

Sums = NDArray[np.float64]
Integers = NDArray[np.int64]


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


@dataclass(frozen=True, eq=False)
class CountsAt:
    """What each frame counts for a requirement at some raw thresholds.

    Attributes
    ----------
    requirement : Requirement
    sums : ndarray of float64, shape (F, m, k)
        Whole numbers below 2^53, or values of a frame and whether it is defined.
    fixed : ndarray of float64, shape (F, c)
        Whole numbers that do not depend on the threshold.
    """

    requirement: Requirement
    sums: Sums
    fixed: Sums

    def values(self, draws: Sums) -> Scores:
        """The measure on sets that have each frame so many times (R, F), shape (R, m)."""
        frames, m, k = self.sums.shape
        totals = (draws @ self.sums.reshape(frames, m * k)).reshape(-1, m, k)
        if self.requirement.per_frame:
            with np.errstate(invalid="ignore"):
                return np.asarray(totals[..., 0] / totals[..., 1])
        whole = np.rint(totals).astype(np.int64), np.rint(draws @ self.fixed).astype(np.int64)
        return np.stack([_value(self.requirement.metric, *one) for one in zip(*whole, strict=True)])


def _value(metric: Metric, totals: Integers, fixed: Integers) -> Scores:
    """A pooled measure from totals at thresholds (m, k) and what they have in common (c,)."""
    if isinstance(metric, CountMetric):
        tp, fp = totals.T
        return metric(tp, fp, fixed[0] - tp, fixed[1] - fp)
    if fixed[0] == 0:  # no ground-truth component or border
        return np.full(len(totals), np.nan)
    if isinstance(metric, ComponentMetric):
        return np.asarray(metric.values(totals, int(fixed[0])))
    assert isinstance(metric, CountedMetric)
    return metric.values(totals, fixed)


def count_at(
    loads: Sequence[Load],
    requirements: Sequence[Requirement],
    thresholds: Scores,
    *,
    jobs: int,
    progress: Progress = no_progress,
) -> list[CountsAt]:
    """Count every frame at raw thresholds."""
    rows: list[list[tuple[Sums, Sums]]] = []
    for part in in_order((partial(_rows, load, requirements, thresholds) for load in loads), jobs):
        rows.append(part)
        progress()
    return [
        CountsAt(requirement, *map(np.stack, zip(*of_one, strict=True)))
        for requirement, of_one in zip(requirements, zip(*rows, strict=True), strict=True)
    ]


def _rows(
    load: Load, requirements: Sequence[Requirement], thresholds: Scores
) -> list[tuple[Sums, Sums]]:
    frame = CountedFrame(load())
    return [_row(frame, requirement, thresholds) for requirement in requirements]


def _row(frame: CountedFrame, requirement: Requirement, z: Scores) -> tuple[Sums, Sums]:
    metric = requirement.metric
    if requirement.per_frame:
        scores, values = frame.steps(requirement) or (np.empty(0), np.array([np.nan]))
        value = values[np.searchsorted(scores, z, side="right")]
        defined = ~np.isnan(value)
        return np.stack([np.where(defined, value, 0), defined], axis=1), np.empty(0)
    counted = frame.raw(requirement.statistic)
    if isinstance(counted, PixelCounts):
        return _at(counted.scores, counted.totals, z), np.array(
            [counted.anomalous, counted.normal], np.float64
        )
    if isinstance(counted, SteppedCounts):
        steps = counted.steps
        return _at(steps.scores, steps.totals, z), np.asarray(counted.sizes, np.float64)
    assert isinstance(metric, ComponentMetric)
    steps = metric.part(counted)
    return _at(steps.scores, steps.totals, z), np.array([counted.targets], np.float64)


def _at(scores: Scores, totals: Integers, z: Scores) -> Sums:
    return totals[np.searchsorted(scores, z, side="right")].astype(np.float64)


def resampled_thresholds(
    ranges: Ranges,
    loads: Sequence[Load],
    draws: NDArray[np.int64],
    *,
    jobs: int,
    progress: Progress = no_progress,
) -> Scores:
    """The recommended threshold of each resampled set (R,), NaN where none meets requirements.

    Frames are counted at about `THRESHOLDS` thresholds, between which measures are taken to stay
    as they are; the normaliser keeps its constants.
    """
    from mdmkit.statistics.normalizers import raw_threshold

    edges = ranges.edges[:-1]
    if edges.size > THRESHOLDS:
        regular = np.arange(THRESHOLDS // 2) / (THRESHOLDS // 2)
        places = np.linspace(0, edges.size - 1, THRESHOLDS // 2).astype(np.int64)
        edges = np.unique(np.concatenate([regular, edges[places]]))
    raw = np.array([raw_threshold(ranges.normalizer, float(z)) for z in edges])
    counts = count_at(loads, ranges.requirements, raw, jobs=jobs, progress=progress)
    size = max(1, BATCH // (8 * sum(part.sums[0].size for part in counts)))
    found = []
    for start in range(0, len(draws), size):
        times = draws[start : start + size].astype(np.float64)
        values = [part.values(times) for part in counts]
        found += [_threshold(ranges, edges, [v[i] for v in values]) for i in range(len(times))]
    return np.array(found)


def _threshold(ranges: Ranges, edges: Scores, values: Sequence[Scores]) -> float:
    from dataclasses import replace

    curves = tuple(
        replace(curve, breakpoints=edges, values=own, low=None, high=None)
        for curve, own in zip(ranges.curves, values, strict=True)
    )
    drawn = replace(ranges, curves=curves)
    return float("nan") if drawn.run is None else drawn.threshold(drawn.run)


def error_bars(
    ranges: Ranges,
    first: Sequence[Load],
    second: Sequence[Load] | None,
    raw: float,
    *,
    replicates: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> ErrorBars:
    """Error bars of a threshold chosen on `first`, and of what it gives on `second` (or there).

    Parameters
    ----------
    raw : float
        The chosen threshold on raw scores.
    """
    draws = draws_of(len(first), replicates, seed)
    thresholds = resampled_thresholds(ranges, first, draws, jobs=jobs, progress=progress)
    where = first if second is None else second
    counts = count_at(where, ranges.requirements, np.array([raw]), jobs=jobs, progress=progress)
    times = draws_of(len(where), replicates, seed + 1).astype(np.float64)
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
