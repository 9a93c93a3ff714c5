"""Recommend a threshold on one set of frames, and see what it gives on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan

import numpy as np

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import NoMarginError
from mdmkit.core.margin import Interval, Margin
from mdmkit.core.records import Json
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.remarks import Look
from mdmkit.metrics.base import Metric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.measures import BestF1Measure, MarginAt
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.statistics.normalizers import HIGHEST, Normalizer, raw_threshold
from mdmkit.statistics.ranking import BestF1
from mdmkit.thresholds.kept_frames import LoadedFrames
from mdmkit.thresholds.operating_points import (
    OperatingPoint,
    counted_at,
    operating_point,
    point_measures,
    record_of,
)
from mdmkit.thresholds.ranges import as_they_are, within_unit

#: On normalised scores, None where everything is predicted, and on raw ones.
Threshold = tuple[float | None, float]


@dataclass(frozen=True)
class Recommendation:
    """Holds a threshold that was chosen on a first set of frames: the middle of the margin.

    Attributes
    ----------
    method : str
    margin : Margin
        Of the first set, with the recommended threshold on normalised scores.
    raw_interval : (float, float)
        The margin on scores as they are: every r in [low, high) gives d > T with A > r.
    point : OperatingPoint
        What the recommended threshold gives on the first set.
    best_f1 : OperatingPoint or None
        The threshold with the largest pixel F1 there, which many would take instead.
    normalize : str
        Name of the normaliser.
    normalizer : Normalizer
        With the constants of the first set, which a second set keeps.
    metric : Metric
        d.
    frames, pixels, anomalous_pixels : int
        How many of the first set, ignored pixels left out.
    remarks : tuple of str
        Masks and scores that look like mistakes.

    Examples
    --------
    >>> from mdmkit import recommend_threshold
    >>> found = recommend_threshold([([[1.0, 2.0, 9.0]], [[0, 0, 1]])], 0.7, normalize="minmax")
    >>> found.margin.interval, found.raw_interval
    ((0.125, 1.0), (2.0, 9.0))
    >>> found.threshold, found.raw_threshold, found.point.recall
    (0.5625, 5.5, 1.0)
    """

    method: str
    margin: Margin
    raw_interval: Interval
    point: OperatingPoint
    best_f1: OperatingPoint | None
    normalize: str
    normalizer: Normalizer = field(repr=False)
    metric: Metric = field(repr=False)
    frames: int
    pixels: int
    anomalous_pixels: int
    remarks: tuple[str, ...] = ()

    @property
    def threshold(self) -> float:
        """On normalised scores: a pixel is predicted where they exceed it."""
        assert self.margin.threshold is not None
        return self.margin.threshold

    @property
    def raw_threshold(self) -> float:
        """The threshold on the scores as they are."""
        assert self.point.raw_threshold is not None
        return self.point.raw_threshold

    def to_dict(self) -> Json:
        """All but the normaliser's constants, ready for JSON."""
        own = {
            "method": self.method,
            "threshold": self.threshold,
            "raw_threshold": self.raw_threshold,
        }
        return own | record_of(self, "normalizer", "metric", "remarks")


@dataclass(frozen=True)
class Transfer:
    """Holds what a recommended threshold gives on a second set of frames.

    Thresholds and margins are on the scale of the first set, whose normaliser's constants are
    kept; scores that they map beyond [0, 1] are compared as they are, not clipped.

    Attributes
    ----------
    recommendation : Recommendation
    point : OperatingPoint
        What the recommended threshold gives here.
    best_f1 : OperatingPoint or None
        What the first set's best-F1 threshold gives here.
    oracle : OperatingPoint or None
        The threshold with the largest pixel F1 here, which nobody knows beforehand.
    margin : Margin
        The margin that this set would have had.
    slack : (float, float) or None
        How far the threshold could fall and rise within [0, 1] while d > T; None where it fails.
    below, above : int
        Valid pixels with normalised scores below 0 and above 1.
    frames, pixels, anomalous_pixels : int
        How many of the second set, ignored pixels left out.
    remarks : tuple of str
        Masks and scores that look like mistakes.

    Examples
    --------
    >>> from mdmkit import recommend_threshold, transfer_threshold
    >>> first = recommend_threshold([([[0.125, 0.25, 0.75]], [[0, 0, 1]])], 0.7)
    >>> second = transfer_threshold(first, [([[0.125, 0.375, 0.875]], [[0, 0, 1]])])
    >>> second.holds, second.inside, second.slack
    (True, True, (0.125, 0.375))
    """

    recommendation: Recommendation
    point: OperatingPoint
    best_f1: OperatingPoint | None
    oracle: OperatingPoint | None
    margin: Margin
    slack: Interval | None
    below: int
    above: int
    frames: int
    pixels: int
    anomalous_pixels: int
    remarks: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether d > T at the threshold."""
        return self.point.value is not None and self.point.value > self.margin.t_margin

    @property
    def inside(self) -> bool:
        """Whether the threshold lies in the margin that this set would have had."""
        interval = self.margin.interval
        z = self.recommendation.threshold
        return interval is not None and interval[0] <= z < interval[1]

    @property
    def outside_share(self) -> float:
        """Share of valid pixels with normalised scores outside [0, 1]."""
        return (self.below + self.above) / self.pixels

    def to_dict(self) -> Json:
        """All but the recommendation, ready for JSON."""
        own = {"holds": self.holds, "inside": self.inside, "outside_share": self.outside_share}
        return own | record_of(self, "recommendation", "remarks")


def recommend(
    frames: LoadedFrames, metric: Metric, t_margin: float, *, normalize: str, method: str
) -> Recommendation:
    """`recommend_threshold` for frames that are loaded."""
    point_measures(metric)  # refuses a callable
    totals = _evaluated(frames, metric, t_margin, normalize).sweeps()
    margin, normalizer = totals.margin(metric, t_margin), totals.normalizer
    if margin.interval is None or margin.threshold is None:
        raise NoMarginError(_why_none(totals.curve(metric), t_margin))
    middle = margin.threshold, raw_threshold(normalizer, margin.threshold)
    counted, (point, best) = _points(frames, metric, [middle, _best(totals.best_f1, normalizer)])
    assert point is not None
    low, high = margin.interval
    return Recommendation(
        method,
        margin,
        (raw_threshold(normalizer, low), _first_failing(normalizer, high)),
        point,
        best,
        normalizer.name,
        normalizer,
        metric,
        totals.frames,
        counted.pixels.anomalous + counted.pixels.normal,
        counted.pixels.anomalous,
        tuple(Look.at(totals).remarks()),
    )


def apply(recommendation: Recommendation, frames: LoadedFrames) -> Transfer:
    """`transfer_threshold` for frames that are loaded."""
    metric, t_margin = recommendation.metric, recommendation.margin.t_margin
    kept = as_they_are(recommendation.normalizer)
    totals = _evaluated(frames, metric, t_margin, kept).sweeps()
    curve = within_unit(metric.curve(totals.normalized(metric.statistic)))
    below, above = (raw_threshold(kept, z) for z in (-float(np.nextafter(0.0, 1.0)), 1.0))
    wanted = [
        _of_point(recommendation.point),
        _of_point(recommendation.best_f1),
        _best(totals.best_f1, kept),
    ]
    counted, (point, best, oracle) = _points(frames, metric, wanted, [below, above])
    assert point is not None
    pixels = counted.pixels
    everything = pixels.anomalous + pixels.normal
    return Transfer(
        recommendation,
        point,
        best,
        oracle,
        curve.margin(t_margin),
        _slack(curve, t_margin, recommendation.threshold),
        everything - int(counted.counts_at(below)[0].sum()),
        int(counted.counts_at(above)[0].sum()),
        totals.frames,
        everything,
        pixels.anomalous,
        tuple(Look.at(totals).remarks()),
    )


def _evaluated(
    frames: LoadedFrames, metric: Metric, t_margin: float, normalize: str | Normalizer
) -> Evaluation:
    sizes = ComponentSizes(getattr(metric, "min_prediction", 0), getattr(metric, "min_target", 0))
    return frames.evaluated([MarginAt(metric, t_margin), BestF1Measure()], normalize, sizes)


def _of_point(point: OperatingPoint | None) -> Threshold | None:
    if point is None:
        return None
    raw = -HIGHEST if point.raw_threshold is None else point.raw_threshold
    return point.threshold, raw


def _best(best: BestF1, normalizer: Normalizer) -> Threshold | None:
    """The threshold of the largest pixel F1; None where that is undefined."""
    if isnan(best.value):
        return None
    if best.threshold is None:
        return None, -HIGHEST
    return float(normalizer(np.array([best.threshold]))[0]), best.threshold


def _points(
    frames: LoadedFrames,
    metric: Metric,
    wanted: Sequence[Threshold | None],
    others: Sequence[float] = (),
) -> tuple[NormalizedTotals, list[OperatingPoint | None]]:
    """Count frames at several thresholds, and compute what those that are wanted give."""
    raw = [threshold[1] for threshold in wanted if threshold is not None]
    counted = counted_at(frames, metric, [*raw, *others])
    return counted, [one and operating_point(counted, metric, *one) for one in wanted]


def _first_failing(normalizer: Normalizer, high: float) -> float:
    """The smallest raw score that is mapped to `high` or above it."""
    below = raw_threshold(normalizer, float(np.nextafter(high, -1.0)))
    return float(min(np.nextafter(below, np.inf), HIGHEST))


def _slack(curve: ThresholdCurve, t_margin: float, z: float) -> Interval | None:
    """Compute how far z may fall and rise, within steps where d > T."""
    failing = ~(curve.values > t_margin)
    step = int(np.searchsorted(curve.breakpoints, z, side="right")) - 1
    if failing[step]:
        return None
    before, after = np.flatnonzero(failing[:step]), np.flatnonzero(failing[step:])
    low = curve.edges[before[-1] + 1] if before.size else 0.0
    high = curve.edges[step + after[0]] if after.size else 1.0
    return float(z - low), float(high - z)


def _why_none(curve: ThresholdCurve, t_margin: float) -> str:
    """No threshold exceeds T; what would be in reach."""
    values = np.where(np.isnan(curve.values), -1.0, curve.values)
    best = int(np.argmax(values))
    largest = float(values[best])
    where = f"its largest value is {largest:.4g} at z = {curve.breakpoints[best]:.4g}"
    step = "ask for a lower T" if largest > 0 else "no T helps: look at the scores"
    return (
        f"no threshold: {curve.metric} never exceeds T = {t_margin:g}, {where}; {step}"
        if largest >= 0
        else f"no threshold: {curve.metric} is undefined everywhere"
    )
