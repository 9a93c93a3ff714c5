"""CountsAt: what each frame counts for a requirement at some thresholds; any selection sums up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdmkit.metrics.base import Metric
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.counted_metric import CountedMetric
from mdmkit.metrics.pixel_metrics import CountMetric
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.stepped_counts import SteppedCounts
from mdmkit.thresholds.counted_frame import CountedFrame, Scores
from mdmkit.thresholds.requirements import Requirement

Sums = NDArray[np.float64]
Integers = NDArray[np.int64]


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


def sums_at(frame: CountedFrame, requirement: Requirement, z: Scores) -> tuple[Sums, Sums]:
    """Sums (m, k) of a frame at raw thresholds, and what it has at all of them (c,)."""
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
