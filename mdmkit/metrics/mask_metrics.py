"""Segment metrics of masks: any callable of a prediction and a target."""

from __future__ import annotations

from dataclasses import dataclass

from mdmkit.metrics.base import Metric, check_anomalous
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.statistics.kinds import MaskStatistic
from mdmkit.statistics.mask_samples import MaskFunction, MaskSamples


@dataclass(frozen=True)
class MaskMetric(Metric):
    """A metric that is any `function(prediction, target) -> float` of bool masks (H, W).

    Ignored pixels are False in both masks. It is evaluated at every step of d where there
    are at most 1,001 (exact), else at z = 0, 1/1000, ..., 1. Over several frames it is the mean
    over those where it is not NaN. Wherever a metric is asked for, the bare function will do.

    Parameters
    ----------
    function : callable
        Gets two arrays of bool, shape (H, W); returns a number, NaN where undefined.

    Examples
    --------
    >>> from mdmkit import MaskMetric, mdm
    >>> def any_hit(prediction, target):
    ...     return float((prediction & target).any())
    >>> MaskMetric(any_hit).name
    'any_hit'
    >>> mdm([[0.25, 0.75]], [[0, 1]], 0.5, metric=any_hit).interval
    (0.0, 0.75)
    """

    function: MaskFunction

    @property
    def name(self) -> str:  # type: ignore[override]
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def statistic(self) -> MaskStatistic:
        return MaskStatistic(self.function)

    def curve(self, counts: MaskSamples) -> ThresholdCurve:
        check_anomalous(counts.anomalous)
        thresholds, values, resolution = counts.steps()
        return ThresholdCurve(
            thresholds, values, self.name, resolution=resolution, ends=counts.ends
        )
