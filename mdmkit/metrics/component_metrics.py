"""Segment metrics of components: sIoU, PPV, mean F1."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mdmkit.core import exact_sums
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.exact_sums import LIMBS, UNITS
from mdmkit.core.foreign import leaving_arguments, ours, read_only
from mdmkit.metrics.base import Counts, FormulaMetric, Ratio, check_anomalous, check_targets, ratio
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.components import QUALITIES, ComponentCounts, mean_f1
from mdmkit.statistics.kinds import ComponentStatistic


@dataclass(frozen=True)
class ComponentMetric(FormulaMetric):
    """A metric of ground-truth and predicted components (8-connectivity).

    Parameters
    ----------
    min_prediction : int
        Predicted components with fewer pixels are dropped.
    min_target : int
        Ground-truth components with fewer pixels are ignored after labelling.

    Notes
    -----
    A metric of your own returns the part of the component counts that it needs (`part`: `siou`,
    `ppv` or `hits`), and computes its values from it (`values`).

    References
    ----------
    Chan et al.: SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation. 2021.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from mdmkit import mdm
    >>> @dataclass(frozen=True)
    ... class Found(ComponentMetric):
    ...     "Share of the ground-truth components with sIoU >= 0.5."
    ...     name = "found"
    ...
    ...     def part(self, counts):
    ...         return counts.hits  # TP at t = 0.25, 0.30, ..., 0.75, then FP
    ...
    ...     def values(self, totals, targets):
    ...         return totals[..., 5] / targets
    >>> mdm([[0.75, 0.25, 0.5, 0.0]], [[1, 0, 1, 0]], 0.75, metric=Found()).interval
    (0.0, 0.5)
    """

    min_prediction: int = 0
    min_target: int = 0

    def __post_init__(self) -> None:
        ComponentSizes(self.min_prediction, self.min_target)

    @cached_property
    def sizes(self) -> ComponentSizes:
        """Smallest components that count."""
        return ComponentSizes(self.min_prediction, self.min_target)

    @property
    def curve_sizes(self) -> tuple[int, int]:  # type: ignore[override]
        return self.min_prediction, self.min_target

    @cached_property
    def statistic(self) -> ComponentStatistic:
        return ComponentStatistic(self.sizes)

    @abstractmethod
    def values(self, totals: Counts, targets: int) -> Ratio:
        """The metric for rows of totals of its part of the counts."""

    @abstractmethod
    def part(self, counts: ComponentCounts) -> Any:
        """The part of the component counts, `Steps`, that it is a formula of."""

    def steps(self, counts: ComponentCounts) -> Any:
        """Its part of the counts, which it cannot write to."""
        if ours(self):
            return self.part(counts)
        with leaving_arguments("metric", self.name):
            return self.part(read_only(counts))

    def __call__(self, totals: Counts, targets: int) -> Ratio:
        """`values`, which must be floats, one for each row of totals that it cannot write to."""
        rows = read_only(np.asarray(totals))
        return self._computed(self.values, (rows, targets), rows.shape[:-1])

    def _at(self, totals: Counts, counts: ComponentCounts) -> Ratio:
        return self(totals, counts.targets)

    def check(self, counts: ComponentCounts) -> None:
        """Refuse counts without a ground-truth component."""
        check_anomalous(counts.largest)
        check_targets(counts.targets, self.min_target, counts.largest)


@dataclass(frozen=True)
class SIoU(ComponentMetric):
    """Mean over ground-truth components of sIoU = I / (G + F), in [0, 1].

    Of a ground-truth component with G pixels, I are covered by predicted components; F pixels of
    the predicted components which touch it lie in no ground-truth component.

    Parameters
    ----------
    min_prediction, min_target : int
        Component sizes in pixels, as in `ComponentMetric`; 0 drops nothing.

    References
    ----------
    Chan et al.: SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation. 2021 ("adjusted IoU").

    Examples
    --------
    >>> from mdmkit import SIoU, threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.3, 0.1]], [[1, 1, 0, 0]], SIoU())
    >>> curve(0.7), curve(0.5), curve(0.2)
    (0.5, 1.0, 0.6666666666666666)
    """

    name = "siou"

    def part(self, counts: ComponentCounts) -> Any:
        return counts.siou

    def values(self, totals: Counts, targets: int) -> Ratio:
        return exact_sums.mean(totals, targets)

    def bounds(self, bins: BinnedComponents) -> tuple[Ratio, Ratio]:
        low, high = bins.siou.low[:, 0] / UNITS, bins.siou.high[:, 0] / UNITS
        return ratio(low, bins.targets), np.minimum(ratio(high, bins.targets), 1)


@dataclass(frozen=True)
class PPV(ComponentMetric):
    """Mean over predicted components of their share of pixels in ground-truth components.

    In [0, 1]; undefined without predicted components.

    Parameters
    ----------
    min_prediction, min_target : int
        Component sizes in pixels, as in `ComponentMetric`; 0 drops nothing.

    References
    ----------
    Chan et al.: SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation. 2021.

    Examples
    --------
    >>> from mdmkit import PPV, threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.3, 0.1]], [[1, 1, 0, 0]], PPV())
    >>> curve(0.7), curve(0.2), curve(1)
    (1.0, 0.6666666666666666, nan)
    """

    name = "ppv"

    def part(self, counts: ComponentCounts) -> Any:
        return counts.ppv

    def values(self, totals: Counts, targets: int) -> Ratio:
        return exact_sums.mean(totals[..., :LIMBS], totals[..., LIMBS])

    def bounds(self, bins: BinnedComponents) -> tuple[Ratio, Ratio]:
        (sum_low, least), (sum_high, most) = bins.ppv.low.T, bins.ppv.high.T
        low = np.where(least > 0, ratio(sum_low / UNITS, most), np.nan)
        high = np.where(most > 0, ratio(sum_high / UNITS, np.maximum(least, 1)), np.nan)
        return low, np.minimum(high, 1)


@dataclass(frozen=True)
class MeanF1(ComponentMetric):
    """Mean over t = 0.25, 0.30, ..., 0.75 of the component F1 = 2 TP / (2 TP + FN + FP).

    In [0, 1]. TP counts ground-truth components with sIoU >= t, FP predicted ones with PPV < t; 0
    without predicted components.

    Parameters
    ----------
    min_prediction, min_target : int
        Component sizes in pixels, as in `ComponentMetric`; 0 drops nothing.

    References
    ----------
    Chan et al.: SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation. 2021.

    Examples
    --------
    >>> from mdmkit import MeanF1, threshold_curve
    >>> curve = threshold_curve([[0.9, 0.1, 0.6, 0.1]], [[1, 0, 0, 0]], MeanF1())
    >>> curve(0.7), round(curve(0.5), 3)  # then one object found, one false alarm
    (1.0, 0.667)
    """

    name = "mean_f1"

    def part(self, counts: ComponentCounts) -> Any:
        return counts.hits

    def values(self, totals: Counts, targets: int) -> Ratio:
        return mean_f1(totals, targets)

    def bounds(self, bins: BinnedComponents) -> tuple[Ratio, Ratio]:
        low, high, n = bins.hits.low, bins.hits.high, QUALITIES.size
        worst = np.hstack([low[:, :n], high[:, n:]])  # few true, many false positives
        best = np.hstack([high[:, :n], low[:, n:]])
        return self.values(worst, bins.targets), self.values(best, bins.targets)


COMPONENT_METRICS: dict[str, type[ComponentMetric]] = {m.name: m for m in (SIoU, PPV, MeanF1)}
