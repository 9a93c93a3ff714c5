"""NormalizedTotals: totals seen through a normaliser; what every measure is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.margin import Margin
from mdmkit.metrics.base import Metric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.pixel_metrics import CountMetric
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.kinds import MaskStatistic, Statistic
from mdmkit.statistics.levels import Counts
from mdmkit.statistics.normalizers import Normalizer, Rank, Unchanged, raw_threshold
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.ranking import BestF1, best_f1, best_f1_highs
from mdmkit.statistics.score_bins import AnyPixels, BracketedPixels
from mdmkit.statistics.totals import StatisticBins, Totals, check_valid

#: Closed intervals of raw scores, shape (k, 2).
Intervals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BoundedCurve:
    """A curve with the scores that would have to be known for its steps to be exact.

    Attributes
    ----------
    curve : ThresholdCurve
    scores : ndarray of float64, shape (n, 2)
        Of each step; NaN where it is exact.
    """

    curve: ThresholdCurve
    scores: Intervals

    @classmethod
    def exact(cls, curve: ThresholdCurve) -> BoundedCurve:
        """Make a curve whose every step is exact."""
        return cls(curve, np.full((curve.values.size, 2), np.nan))


@dataclass(frozen=True, eq=False)
class NormalizedTotals:
    """Totals with a normaliser.

    Attributes
    ----------
    totals : Totals
        Everything counted, on raw scores.
    normalizer : Normalizer
        Maps raw scores to the scale on which thresholds are meant.
    required : mapping of Metric to sequence of float
        The T at which margins will be asked for, of count metrics.
    """

    totals: Totals
    normalizer: Normalizer = field(default_factory=Unchanged)
    required: Mapping[Metric, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, totals: Totals, kind: type[Normalizer] | Normalizer) -> NormalizedTotals:
        """Totals with a normaliser; a kind is fitted to these very scores."""
        if isinstance(kind, Normalizer):
            return cls(totals, kind)
        check_valid(totals.pixels)
        return cls(totals, kind.fitted(totals.pixels))

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.totals.frames

    @cached_property
    def pixels(self) -> AnyPixels:
        """The pixels on raw scores."""
        return self.totals.pixels

    @cached_property
    def bracketed(self) -> BracketedPixels | None:
        """The pixels, where they were counted in bins."""
        pixels = self.pixels
        return pixels if isinstance(pixels, BracketedPixels) else None

    @property
    def bins(self) -> StatisticBins | None:
        """Bounds of statistics that were counted in bins, if any were."""
        return self.totals.bins

    def raw(self, statistic: Statistic) -> Any:
        """A statistic on raw scores."""
        return self.totals.raw(statistic)

    def in_bins(self, statistic: Statistic) -> bool:
        """Whether a statistic is known to its bins only."""
        return self.totals.in_bins(statistic)

    @cached_property
    def best_f1(self) -> BestF1:
        """The prediction with the largest pixel F1, on raw scores."""
        return best_f1(self.pixels)

    @cached_property
    def best_f1_groups(self) -> Intervals:
        """Scores among which the lowest predicted one of the best F1 is."""
        best, bracketed = self.best_f1, self.bracketed
        if best.value != best.value:
            return np.empty((0, 2))
        if bracketed is None:
            return np.array([[best.lowest, best.lowest]])
        unresolved = bracketed.unresolved & (best_f1_highs(bracketed) >= best.value)
        return bracketed.intervals(unresolved | (bracketed.scores == best.lowest))

    @cached_property
    def _normalized(self) -> dict[Statistic, Any]:
        return {}

    def normalized(self, statistic: Statistic) -> Any:
        """A statistic in rows on normalised scores, the raw ones where no normaliser is named."""
        if statistic not in self._normalized:
            known = self.raw(statistic)
            rows = known.rows() if hasattr(known, "rows") else known
            plain = isinstance(self.normalizer, Unchanged) or isinstance(statistic, MaskStatistic)
            self._normalized[statistic] = rows if plain else rows.rescaled(self.normalizer)
        return self._normalized[statistic]

    def _rescaled(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return scores if isinstance(self.normalizer, Unchanged) else self.normalizer(scores)

    # Pixels

    def counts_at(self, z: float) -> tuple[Counts, Counts]:
        """Least and most (TP, FP) of the prediction A > z on normalised scores, shape (2,) each."""
        low, high = self._raw_thresholds(z)
        pixels = self.pixels
        if isinstance(pixels, BracketedPixels):
            return pixels.bounds_above(high)[0], pixels.bounds_above(low)[1]
        counts = pixels.above(high)
        return counts, counts

    def _raw_thresholds(self, z: float) -> tuple[float, float]:
        """Least and greatest raw score that z may stand for."""
        raw, pixels = raw_threshold(self.normalizer, z), self.bracketed
        if pixels is None or not isinstance(self.normalizer, Rank):
            return raw, raw
        group = int(np.searchsorted(pixels.scores, raw, side="right")) - 1
        if group < 0 or not pixels.unresolved[group]:
            return raw, raw
        return float(np.nextafter(pixels.least[group], -np.inf)), raw

    def scores_around(self, z: float) -> Intervals:
        """Scores that would have to be known for counts at z to be exact."""
        pixels = self.bracketed
        if pixels is None:
            return np.empty((0, 2))
        low, high = self._raw_thresholds(z)
        scores = pixels.scores
        return pixels.intervals((pixels.least <= high) & (scores > low) & pixels.unresolved)

    # Components

    def bins_at(self, z: float) -> NDArray[np.intp]:
        """Bins in which a threshold on normalised scores may lie."""
        assert self.bins is not None
        place = np.searchsorted(self._rescaled(self.bins.edges), z, side="right")
        return np.unique(self._around(np.atleast_1d(place)))

    def _around(self, bins: NDArray[np.intp]) -> NDArray[np.intp]:
        """Bins to which thresholds between rescaled edges belong, two of each.

        Ranks of a bin's scores begin at its lower end.
        """
        return np.stack([np.maximum(bins - isinstance(self.normalizer, Rank), 0), bins])

    def knows(self, statistic: Statistic, z: float) -> bool:
        """Whether totals of components are exact at a threshold on normalised scores."""
        if self.bins is None or not self.in_bins(statistic):
            return True
        if not isinstance(self.normalizer, Rank) and z in self._rescaled(self.bins.edges):
            return True
        return bool(self.bins.resolved[statistic][self.bins_at(z)].all())

    def scores_of_bins(self, bins: NDArray[np.intp]) -> Intervals:
        """The scores that bins hold."""
        assert self.bins is not None
        return self.bins.intervals(bins)

    def bin_bounds(self, metric: Metric) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bounds of d within each bin, shape (m + 1,) each; NaN: undefined."""
        assert self.bins is not None
        bounds = metric.bounds(self.bins.by_statistic[metric.statistic])
        if bounds is None:
            count = self.bins.edges.size + 1
            return np.full(count, -np.inf), np.full(count, np.inf)
        return bounds

    # Curves

    def margin(self, metric: Metric, t_margin: float) -> Margin:
        """The margin at T, by the scores that decide about it where these are enough."""
        pixels = self.pixels
        if not (
            isinstance(metric, CountMetric)
            and metric.monotone
            and isinstance(pixels, PixelScores)
            and t_margin in self.required.get(metric, ())
        ):
            return self.curve(metric).margin(t_margin)
        if metric not in self._deciding:
            self._check_range()
            metric.check(pixels)
            p, n = pixels.anomalous, pixels.normal
            rows = pixels.deciding(
                lambda tp, fp: metric(tp, fp, p - tp, n - fp), self.required[metric]
            )
            plain = isinstance(self.normalizer, Unchanged)
            self._deciding[metric] = metric.curve(rows if plain else rows.rescaled(self.normalizer))
        return self._deciding[metric].margin(t_margin)

    @cached_property
    def _deciding(self) -> dict[Metric, ThresholdCurve]:
        return {}

    def curve(self, metric: Metric) -> ThresholdCurve:
        """d(z) on [0, 1], with bounds where statistics were counted in bins.

        Raises
        ------
        RangeError
            If the scores leave [0, 1] and no normaliser is named.
        NoTargetError
            If there is nothing to detect.
        """
        return self.bounded_curve(metric).curve

    def bounded_curve(self, metric: Metric) -> BoundedCurve:
        """The curve with the scores on which it depends."""
        if metric not in self._curves:
            self._check_range()
            self._curves[metric] = self._curve(metric)
        return self._curves[metric]

    @cached_property
    def _curves(self) -> dict[Metric, BoundedCurve]:
        return {}

    def _check_range(self) -> None:
        check_valid(self.pixels)
        if isinstance(self.normalizer, Unchanged):
            self.normalizer(np.array(self.pixels.extremes))  # refuses scores outside [0, 1]

    def _curve(self, metric: Metric) -> BoundedCurve:
        if isinstance(metric, CountMetric) and self.bracketed is not None:
            return self._curve_of_groups(metric, self.bracketed)
        curve = metric.curve(self.normalized(metric.statistic))
        if self.bins is None or not self.in_bins(metric.statistic):
            return BoundedCurve.exact(curve)
        return self._curve_of_bins(metric, curve, self._rescaled(self.bins.edges))

    def _curve_of_groups(self, metric: CountMetric, pixels: BracketedPixels) -> BoundedCurve:
        """Steps that end at the least and at the greatest score of each group.

        Between these two the prediction may hold any of the group's pixels.
        """
        metric.check(pixels)
        ends = np.stack([pixels.least, pixels.scores], axis=1)
        scaled = self._rescaled(ends.ravel())
        if isinstance(self.normalizer, Rank):  # known to lie below those of all greater scores
            beyond = self.normalizer(np.nextafter(pixels.scores, np.inf))
            scaled[1::2] = np.where(pixels.unresolved, beyond, scaled[1::2])
        starts = np.append(-np.inf, scaled).clip(0)
        kept = np.append(scaled, np.inf) > starts
        totals = np.repeat(pixels.totals, 2, axis=0)
        most, least = totals[:-1][kept], totals[1:][kept]
        total = pixels.totals[0]
        values = metric(most[:, 0], most[:, 1], total[0] - most[:, 0], total[1] - most[:, 1])
        low, high = metric.between(least, most, total)
        exact = (least == most).all(axis=1)
        low, high = np.where(exact, values, low), np.where(exact, values, high)
        scores = np.full((starts.size, 2), np.nan)
        scores[1::2] = ends
        scores = np.where(exact[:, None], np.nan, scores[kept])
        at_all, at_none = metric(
            *(np.array([count, 0]) for count in total), *(np.array([0, count]) for count in total)
        ).tolist()
        curve = ThresholdCurve(
            starts[kept], values, metric.name, low=low, high=high, ends=(at_all, at_none)
        )
        return BoundedCurve(curve, scores)

    def _curve_of_bins(self, metric: Metric, curve: ThresholdCurve, edges: Edges) -> BoundedCurve:
        assert self.bins is not None
        curve, certain = self._beyond_largest(metric, curve)
        around = self._around(np.searchsorted(edges, curve.breakpoints, side="right"))
        known = np.atleast_1d(self.bins.resolved[metric.statistic][around].all(axis=0))
        low, high = (np.where(np.isnan(b), -np.inf, b)[around] for b in self.bin_bounds(metric))
        known[-1] |= certain  # above the largest score nothing is predicted
        bounded = replace(
            curve,
            low=np.where(known, curve.values, np.fmin(low.min(axis=0), curve.values)),
            high=np.where(known, curve.values, np.fmax(high.max(axis=0), curve.values)),
        )
        lower, upper = self.bins.intervals(around[0]), self.bins.intervals(around[-1])
        scores = np.stack([lower[:, 0], upper[:, 1]], axis=1)
        return BoundedCurve(bounded, np.where(known[:, None], np.nan, scores))

    def _beyond_largest(self, metric: Metric, curve: ThresholdCurve) -> tuple[ThresholdCurve, bool]:
        """The curve with a last step that begins above the rank of the largest score, if any does.

        Of a score whose group is not resolved the least rank is known, and that above its group.
        """
        if self.bracketed is None or not isinstance(self.normalizer, Rank):
            return curve, True
        scores, _ = metric.everywhere(self.raw(metric.statistic))
        if not scores.size:
            return curve, True
        ends = self.bracketed.scores
        group = np.searchsorted(ends, scores[-1:]).clip(max=ends.size - 1)
        top = float(self._rescaled(np.nextafter(ends[group], np.inf))[0])
        if not curve.breakpoints[-1] < top < 1:
            return curve, top < 1
        breakpoints, values = (
            np.append(curve.breakpoints, top),
            np.append(curve.values, curve.values[-1]),
        )
        return replace(curve, breakpoints=breakpoints, values=values), True

    def scores_deciding(self, metric: Metric, t_margin: float) -> Intervals:
        """Scores that would have to be known for a margin to be exact."""
        found = self.bounded_curve(metric)
        return found.scores[found.curve.undecided(t_margin)]
