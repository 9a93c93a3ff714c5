"""Measures of regions and of single images: AUPRO and AUPIMO."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from mdmkit.core.arguments import check_share
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.distribution import Distribution
from mdmkit.core.number import Number
from mdmkit.core.spelled import spelled
from mdmkit.metrics.measures import Measure
from mdmkit.metrics.region_metrics import (
    PRO,
    SPRO,
    area_under_pro,
    aupimo_of_images,
    aupimo_of_sums,
    check_rates,
)
from mdmkit.statistics.image_rates import ImageCoverage
from mdmkit.statistics.kinds import ImageRatesStatistic, PixelStatistic, Statistic
from mdmkit.statistics.regions import TargetTally

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals


@dataclass(frozen=True)
class AUPRO(Measure):
    """`aupro@fpr=L`: area under PRO up to a false positive rate L, divided by it, in [0, 1].

    Parameters
    ----------
    limit : float
        L in (0, 1].
    min_target : int
        Components with fewer pixels are no regions.
    saturated : bool
        Of sPRO, `auspro@fpr=L`, in place of PRO.

    References
    ----------
    Bergmann et al.: MVTec AD: A Comprehensive Real-World Dataset for Unsupervised Anomaly
    Detection. CVPR 2019.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> frames = [([[0.9, 0.6, 0.3, 0.1]], [[1, 0, 1, 0]])]
    >>> dict(evaluate(frames, "aupro@fpr=1, aupro@fpr=0.5"))
    {'aupro@fpr=1': 0.75, 'aupro@fpr=0.5': 0.5}
    """

    limit: float = 0.3
    min_target: int = 0
    saturated: bool = False
    needs_anomalies = True

    def __post_init__(self) -> None:
        check_share(self.limit, "fpr")

    @property
    def key(self) -> str:  # type: ignore[override]
        return f"{'auspro' if self.saturated else 'aupro'}@fpr={spelled(self.limit)}"

    @property
    def metric(self) -> PRO:
        """The metric under which the area lies."""
        return (SPRO if self.saturated else PRO)(self.min_target)

    def compute(self, totals: NormalizedTotals) -> Number:
        coverage = totals.raw(self.metric.statistic)
        self.metric.check(coverage)
        lows = None
        if totals.bins is not None and totals.in_bins(self.metric.statistic):
            lows = totals.bins.least_of(self.metric.statistic, coverage.steps.scores)
        value, bracket = area_under_pro(totals.pixels, coverage, self.limit, lows)
        if isnan(value) or (lows is None and totals.bracketed is None):
            return Number.exact(value)
        return Number(value, bracket, binned=True)


@dataclass(frozen=True)
class AUPIMO(Measure):
    """`aupimo@fpr=L:U`: mean over anomalous images of their mean recall at few false alarms.

    The mean recall of an image is taken over a logarithmic range L to U of the mean over normal
    images of each one's false positive rate; no pixel of anomalous images is a false alarm.

    Parameters
    ----------
    least, most : float
        0 < L < U <= 1.

    References
    ----------
    Bertoldo et al.: AUPIMO: Redefining Anomaly Localization Benchmarks with High Speed and Low
    Tolerance. BMVC 2024.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> frames = [([[0.1, 0.5, 0.7]], [[0, 0, 0]]), ([[0.9, 0.6, 0.2]], [[1, 1, 0]])]
    >>> evaluate(frames, "aupimo@fpr=0.1:0.2")["aupimo@fpr=0.1:0.2"]  # none of them above 0.7
    0.5
    """

    least: float = 1e-5
    most: float = 1e-4
    needs_anomalies = True

    def __post_init__(self) -> None:
        check_rates(self.least, self.most)

    @property
    def key(self) -> str:  # type: ignore[override]
        return f"aupimo@fpr={spelled(self.least)}:{spelled(self.most)}"

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return (PixelStatistic(), ImageRatesStatistic())

    @property
    def in_bins(self) -> Measure:
        return MeanAUPIMO(self.least, self.most)

    def compute(self, totals: NormalizedTotals) -> Number:
        images = aupimo_of_images(totals.raw(ImageRatesStatistic()), self.least, self.most)
        distribution = Distribution.of(images.tolist())
        return Number.exact(distribution.mean, images=distribution)


class MeanAUPIMO(AUPIMO):
    """The same mean from sums over images, without the value of each: these merge and have bins."""

    @property
    def rates(self) -> tuple[float, float]:  # type: ignore[override]
        return self.least, self.most

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return (PixelStatistic(), ImageCoverage())

    def compute(self, totals: NormalizedTotals) -> Number:
        counts = totals.raw(ImageCoverage())
        rows = counts.steps.totals[::-1]
        inside = np.zeros(len(rows) - 1, bool)
        if totals.bins is not None and totals.in_bins(ImageCoverage()):
            scores = counts.steps.scores[::-1]
            inside = totals.bins.least_of(ImageCoverage(), scores) < scores
        value, bracket = aupimo_of_sums(rows, counts.sizes, self.least, self.most, inside)
        return Number.exact(value) if isnan(value) else Number(value, bracket, binned=True)


@dataclass(frozen=True)
class TargetCount(Measure):
    """`components`: number of ground-truth components, and of the frames that have some."""

    sizes: ComponentSizes = field(default_factory=ComponentSizes)
    key: str = "components"

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return (PixelStatistic(), TargetTally(self.sizes))

    def compute(self, totals: NormalizedTotals) -> Number:
        components, frames, valid = totals.raw(TargetTally(self.sizes)).sizes.tolist()
        return replace(Number.exact(components), frames=frames, valid_frames=valid)
