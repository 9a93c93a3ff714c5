"""Measures: the numbers that can be asked of an evaluation."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import TYPE_CHECKING

import numpy as np

from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.given import is_number
from mdmkit.core.margin import Margin, check_t_margin
from mdmkit.core.number import Number
from mdmkit.metrics.base import Metric, Ratio, check_anomalous, ratio
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.measure_base import Measure as Measure
from mdmkit.metrics.measure_base import Unresolved as Unresolved
from mdmkit.metrics.measure_base import as_number as as_number
from mdmkit.metrics.measure_base import computed as computed
from mdmkit.metrics.pixel_metrics import CountMetric
from mdmkit.metrics.registry import as_metric
from mdmkit.statistics import ranking
from mdmkit.statistics.kinds import PixelStatistic, Statistic, of_components
from mdmkit.statistics.score_bins import BracketedPixels

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals


@dataclass(frozen=True)
class Ranking(Measure):
    """`ap` or `auroc`."""

    key: str
    needs_anomalies = True

    def compute(self, totals: NormalizedTotals) -> Number:
        value, bounds = _RANKINGS[self.key]
        return _bracketed(value(totals.pixels), totals, bounds)


def _bracketed(
    value: float,
    totals: NormalizedTotals,
    bounds: Callable[[BracketedPixels], tuple[float, float]],
    threshold: float | None = None,
    all_predicted: bool | None = None,
) -> Number:
    """A number of pixels, with its bracket where they were counted in bins."""
    if totals.bracketed is None or isnan(value):
        return Number.exact(value, threshold, all_predicted)
    bracket = bounds(totals.bracketed)
    return Number(value, bracket, threshold=threshold, all_predicted=all_predicted, binned=True)


@dataclass(frozen=True)
class FprAtTpr(Measure):
    """`fpr95`, `fpr@tpr=0.9`: the false positive rate where the TPR first reaches a value.

    Its threshold, on the raw scores, is the lower end of the step: no higher one has that TPR.
    """

    key: str
    tpr: float
    needs_anomalies = True
    higher_is_better = False
    resolvable = True

    def compute(self, totals: NormalizedTotals) -> Number:
        point = ranking.point_at_tpr(totals.pixels, self.tpr)
        everything = point.threshold is None and not isnan(point.fpr)
        return _bracketed(
            point.fpr,
            totals,
            lambda pixels: ranking.fpr_at_tpr_bounds(pixels, self.tpr),
            point.threshold,
            everything,
        )

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        pixels = totals.bracketed
        if pixels is None or pixels.anomalous == 0:
            return {}
        return {PixelStatistic(): pixels.intervals(ranking.reaching_tpr(pixels, self.tpr))}

    def empty(self) -> Number:
        return Number(None, all_predicted=False)


@dataclass(frozen=True)
class BestF1Measure(Measure):
    """`best_f1` with its threshold on the raw scores."""

    key: str = "best_f1"
    needs_anomalies = True
    resolvable = True

    def compute(self, totals: NormalizedTotals) -> Number:
        best = totals.best_f1

        def bounds(pixels: BracketedPixels) -> tuple[float, float]:
            return best.value, max(best.value, float(ranking.best_f1_highs(pixels).max()))

        return _bracketed(best.value, totals, bounds, best.threshold, best.all_predicted)

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        return {} if totals.bracketed is None else {PixelStatistic(): totals.best_f1_groups}


@dataclass(frozen=True)
class AtBestF1(Measure):
    """`siou_gt`, `ppv`, `mean_f1`: a component metric of the best-F1 prediction."""

    key: str
    metric: ComponentMetric
    needs_anomalies = True
    resolvable = True

    def compute(self, totals: NormalizedTotals) -> Number:
        counts = totals.raw(self.metric.statistic)
        self.metric.check(counts)
        best = totals.best_f1
        if isnan(best.value):
            return self.empty()
        value = float(
            self.metric(self.metric.steps(counts).from_score(best.lowest), counts.targets)
        )
        if not totals.in_bins(self.metric.statistic):
            return Number.exact(value)
        return Number(value, self._bracket(totals, value), binned=True)

    def _bracket(self, totals: NormalizedTotals, value: float) -> tuple[float, float]:
        """Its range over the scores of the best F1; low is NaN where it may be undefined."""
        groups = totals.best_f1_groups
        assert totals.bins is not None
        bins = np.flatnonzero(totals.bins.meeting(groups))
        one = len(groups) == 1 and groups[0, 0] == groups[0, 1]
        if one and totals.bins.resolved[self.metric.statistic][bins].all():
            return value, value
        low, high = (bound[bins] for bound in totals.bin_bounds(self.metric))
        return _with_value(value, low, high)

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        groups = totals.best_f1_groups
        return {PixelStatistic(): groups, self.metric.statistic: groups}


def _with_value(value: float, lows: Ratio, highs: Ratio) -> tuple[float, float]:
    """The range of a value and bounds; its lower end is NaN where it may be undefined."""
    low, high = np.append(lows, value), np.append(highs, value)
    undefined = np.isnan(low).any() or np.isnan(high).any()
    highest = float(np.fmax.reduce(high))
    return (float("nan") if undefined else float(max(low.min(), 0.0))), highest


@dataclass(frozen=True)
class AtThreshold(Measure):
    """`METRIC@z=Z`: a metric of the prediction A > Z, Z on the (normalised) scores."""

    key: str
    metric: Metric
    z: float
    needs_anomalies = True
    on_scale = True
    resolvable = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", as_metric(self.metric))
        if not is_number(self.z) or not isfinite(self.z):
            raise InputTypeError(f"expected a finite threshold, found {self.z!r}", argument="z")

    def compute(self, totals: NormalizedTotals) -> Number:
        if isinstance(self.metric, CountMetric):
            return self._of_counts(totals, self.metric)
        value = self.metric.above(totals.normalized(self.metric.statistic), self.z)
        if not totals.in_bins(self.metric.statistic):
            return Number.exact(value)
        if totals.knows(self.metric.statistic, self.z):
            return Number(value, (value, value), binned=True)
        low, high = (bound[totals.bins_at(self.z)] for bound in totals.bin_bounds(self.metric))
        return Number(value, _with_value(value, low, high), binned=True)

    def _of_counts(self, totals: NormalizedTotals, metric: CountMetric) -> Number:
        pixels = totals.pixels
        if pixels.anomalous == 0:
            return self.empty()
        least, most = totals.counts_at(self.z)
        total = np.array([pixels.anomalous, pixels.normal])
        value = float(metric(*most, *(total - most)))
        if totals.bracketed is None:
            return Number.exact(value)
        bracket = value, value
        if (least != most).any():
            low, high = metric.between(least[None], most[None], total)
            lowest = np.nan if low[0] == -np.inf < high[0] < np.inf else np.fmin(value, low[0])
            bracket = float(lowest), float(np.fmax(value, high[0]))
        return Number(value, bracket, binned=True)

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        if isinstance(self.metric, CountMetric):
            return {PixelStatistic(): totals.scores_around(self.z)}
        if totals.knows(self.metric.statistic, self.z):
            return {}
        return {self.metric.statistic: totals.scores_of_bins(totals.bins_at(self.z))}


@dataclass(frozen=True)
class FprAtThreshold(Measure):
    """`fpr@z=Z`: the false positive rate of the prediction A > Z."""

    key: str
    z: float
    higher_is_better = False
    resolvable = True
    on_scale = True

    def compute(self, totals: NormalizedTotals) -> Number:
        least, most = (
            float(ratio(counts[1], totals.pixels.normal)) for counts in totals.counts_at(self.z)
        )
        return _bracketed(most, totals, lambda _: (least, most))

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        return {PixelStatistic(): totals.scores_around(self.z)}


@dataclass(frozen=True)
class MarginAt(Measure):
    """Computes `mdm_METRIC@T`: the Maximal Detection Margin, with interval, threshold and bracket.

    Parameters
    ----------
    metric : str, Metric or callable
        Of any of the three tiers; components of any size where it is a name.
    t_margin : float
        The required quality T, in [0, 1).
    key : str
        Its name in results; `mdm_METRIC@T` by default.

    Raises
    ------
    InputError
        For a T outside [0, 1).

    References
    ----------
    Ackermann, Sakaridis, Yu: Maskomaly: Zero-Shot Mask Anomaly Segmentation, BMVC 2023.

    Examples
    --------
    >>> from mdmkit import FBeta, evaluate
    >>> measure = MarginAt(FBeta(2), 0.5)
    >>> result = evaluate([([[0.1, 0.2, 0.9]], [[0, 0, 1]])], [measure])
    >>> result.numbers["mdm_fbeta@beta=2@0.5"].interval
    (0.0, 0.9)
    """

    metric: Metric
    t_margin: float
    key: str = field(default="")
    needs_anomalies = True
    on_scale = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", as_metric(self.metric))
        object.__setattr__(self, "t_margin", check_t_margin(self.t_margin))
        check_kind(self.key, (str,), "key")
        if not self.key:
            object.__setattr__(self, "key", f"mdm_{self.metric.name}@{self.t_margin!r}")

    @property
    def every_score(self) -> bool:
        return isinstance(self.metric, CountMetric) and not self.metric.monotone

    @property
    def resolvable(self) -> bool:  # type: ignore[override]
        return not isinstance(self.metric, CountMetric) or self.metric.monotone

    @property
    def decided_by_bins(self) -> bool:  # type: ignore[override]
        return type(self) is MarginAt and self.resolvable

    def compute(self, totals: NormalizedTotals) -> Margin:
        check_anomalous(totals.pixels.anomalous)
        return totals.margin(self.metric, self.t_margin)

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        statistic = self.metric.statistic
        if not totals.in_bins(statistic) and (of_components(statistic) or not totals.bracketed):
            return {}
        try:
            return {statistic: totals.scores_deciding(self.metric, self.t_margin)}
        except InputError:
            return {}

    def empty(self) -> Margin:
        nothing: float = None  # type: ignore[assignment]
        return Margin(value=nothing, t_margin=self.t_margin, metric=self.metric.name)


_RANKINGS: dict[str, tuple[Callable[..., float], Callable[..., tuple[float, float]]]] = {
    "ap": (ranking.average_precision, ranking.average_precision_bounds),
    "auroc": (ranking.auroc, ranking.auroc_bounds),
}


def _as_measure(item: object) -> Measure:
    """A measure; of a metric, which alone is no number, how to ask for one."""
    if isinstance(item, Measure):
        return item
    if isinstance(item, type) and issubclass(item, (Measure, Metric)):
        found = item.__name__
    elif isinstance(item, Metric):
        found = repr(item)
    elif callable(item):
        found = str(getattr(item, "__name__", type(item).__name__))
    else:
        raise InputTypeError(
            f"expected names or measures, found {reprlib.repr(item)}", argument="metrics"
        )
    raise InputTypeError(
        f"expected a number of {found}, which has a value at each threshold: its margin, "
        f"MarginAt({found}, 0.5), or its value at one, AtThreshold('NAME', {found}, 0.5), of "
        "mdmkit.metrics.measures",
        argument="metrics",
    )


def statistics_of(measures: Sequence[Measure]) -> tuple[Statistic, ...]:
    """Every statistic that the measures need, once; that of pixels always."""
    needed = {statistic: None for measure in measures for statistic in measure.statistics}
    return tuple({PixelStatistic(): None, **needed})
