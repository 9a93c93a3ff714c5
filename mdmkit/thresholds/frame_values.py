"""Values of frames, in [0, 1], whose population mean exceeds a bound where a requirement holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core import exact_sums
from mdmkit.core.arguments import as_integer
from mdmkit.core.errors import InputError
from mdmkit.core.exact_sums import LIMBS, UNITS
from mdmkit.metrics.component_metrics import PPV, SIoU
from mdmkit.metrics.false_components import AnyFalseComponent, FalseComponents
from mdmkit.metrics.found_objects import Found
from mdmkit.metrics.pixel_metrics import (
    F1,
    FalsePositiveRate,
    FBeta,
    IoU,
    Precision,
    Recall,
)
from mdmkit.metrics.region_metrics import PRO
from mdmkit.statistics.detections import FOUND
from mdmkit.statistics.regions import WHOLE
from mdmkit.thresholds.requirements import Requirement
from mdmkit.uncertainty.certificates import FrameSteps, Run, certified_run, weighted
from mdmkit.uncertainty.frame_rows import Binned
from mdmkit.uncertainty.p_values import MeanTest, Values, mean_test

#: Metrics whose denominators count components, and all that are ratios of sums over frames.
OF_COMPONENTS = (SIoU, PPV, PRO, Found)
RATIOS = (F1, FBeta, IoU, Precision, Recall, FalsePositiveRate, *OF_COMPONENTS)

C = TypeVar("C", bound="Certifiable")


@dataclass(frozen=True)
class Caps:
    """Largest weights of a frame in a pooled ratio, declared before the frames are seen.

    Parameters
    ----------
    pixels : float
        Share of a frame's pixels that a denominator counts in full (anomalies, predictions or
        both); the rate of false positives counts all normal pixels.
    components : int
        Components of a frame that count in full.
    alarms : int
        Alarms of a frame that count: more are taken for so many.

    Raises
    ------
    InputError
        For a share outside (0, 1], or numbers below 1.
    """

    pixels: float = 0.1
    components: int = 10
    alarms: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.pixels <= 1:
            raise InputError(
                f"expected a share of a frame in (0, 1], found {self.pixels!r}", argument="cap"
            )
        for name in ("components", "alarms"):
            as_integer(getattr(self, name), f"{name.removesuffix('s')}_cap", 1, "a number")

    def largest(self, requirement: Requirement) -> int:
        """Largest value of a measure of a frame: as many alarms as count, else 1."""
        metric = requirement.metric
        counted = isinstance(metric, FalseComponents) and not isinstance(metric, AnyFalseComponent)
        return self.alarms if counted else 1


@dataclass(frozen=True)
class Certifiable:
    """A requirement as a question about a population mean: E[x] > bound.

    Attributes
    ----------
    requirement : Requirement
    bound : float
    test : MeanTest
        The kind belongs to the requirement: the exact binomial tail for losses of 0 and 1, else
        betting.
    caps : Caps
    error : float
        How often a certified range may be wrong.
    """

    requirement: Requirement
    bound: float
    test: MeanTest
    caps: Caps
    error: float = 0.05

    @classmethod
    def of(cls: type[C], requirement: Requirement, caps: Caps) -> C:
        """Choose how a requirement is certified.

        Raises
        ------
        InputError
            Where it is no mean of bounded values: means of ratios and one's own formulas, pooled;
            a limit outside [0, 1].
        """
        limit, metric, most = requirement.limit, requirement.metric, caps.largest(requirement)
        if not 0 <= limit <= most:
            raise InputError(
                f"expected a limit in [0, {most}] to certify, found {requirement}"
                f"{'; declare a larger cap on alarms' if most > 1 else ''}",
                argument="require",
            )
        limit /= most
        if not requirement.per_frame:
            if not isinstance(metric, RATIOS):
                raise InputError(
                    f"expected 'per_image' to certify {requirement.name}, which is no ratio of "
                    "sums over frames",
                    argument="aggregate",
                )
            limit = _bound_of_ratio(metric, limit)
        bound = limit if requirement.at_least else 1 - limit
        losses = isinstance(metric, AnyFalseComponent)
        return cls(requirement, bound, mean_test(bound, losses), caps)

    def x(self, scores: Values, values: Values) -> tuple[Values, Values]:
        """Values x from those of a per-frame measure, shape (n + 1,), NaN where undefined."""
        good = self._good(values)
        if np.isnan(good).all():
            return self.undefined
        return scores, np.where(np.isnan(good), self.bound, good)

    def _good(self, values: Values) -> Values:
        """Values of a per-frame measure so that larger ones are better, in [0, 1]."""
        most = self.caps.largest(self.requirement)
        values = np.minimum(values, most) / most
        return np.clip(values if self.requirement.at_least else 1 - values, 0, 1)

    def least_x(self, low: Values, high: Values) -> Values:
        """The least x of a per-frame measure that is known to lie between bounds.

        Infinite or NaN bounds: it may be undefined, and nothing is known of it on that side.
        """
        never = np.isnan(low) & np.isnan(high)
        if self.requirement.at_least:
            worst = self._good(np.where(np.isnan(low), -np.inf, low))
        else:
            worst = self._good(np.where(np.isnan(high), np.inf, high))
        surely = np.isfinite(low) & np.isfinite(high)
        return np.where(never, self.bound, np.where(surely, worst, np.minimum(worst, self.bound)))

    def x_of_ratio(self, counted: object, pixels: int) -> tuple[Values, Values]:
        """Values x from the statistic of one frame with so many pixels, ignored ones among them."""
        scores, numerator, denominator = _ratio(self.requirement.metric, counted)
        return scores, self._x(numerator, denominator, pixels)

    def _x(self, numerator: Values, denominator: Values, pixels: int) -> Values:
        if not self.requirement.at_least:
            numerator = denominator - numerator
        return weighted(numerator, denominator, self.bound, self._cap(pixels))

    def least_x_of_ratio(self, binned: Binned, pixels: int) -> Values:
        """The least x within each bin of one frame with so many pixels, shape (m + 1,).

        x rises with true and falls with false predictions, or the other way round, so that it is
        the least at one of the ends.
        """
        ends = _ratios_at_ends(self.requirement.metric, binned)
        return np.minimum(*(self._x(*end, pixels) for end in ends))

    def run(self, steps: FrameSteps, start: float) -> Run | None:
        """The certified range, outwards from a start."""
        return certified_run(steps, self.test, start, self.error)

    def _cap(self, pixels: int) -> float:
        if isinstance(self.requirement.metric, OF_COMPONENTS):
            return self.caps.components
        share = 1.0 if isinstance(self.requirement.metric, FalsePositiveRate) else self.caps.pixels
        return share * pixels

    @property
    def undefined(self) -> tuple[Values, Values]:
        """Value x of a frame in which nothing is to be judged."""
        return np.empty(0), np.array([self.bound])

    @property
    def certified_as(self) -> str:
        """The quantity that the certificate is about."""
        metric, caps = self.requirement.metric, self.caps
        if isinstance(metric, AnyFalseComponent):
            return "share of frames"
        if isinstance(metric, FalseComponents):
            return f"mean over frames of min(alarms, {caps.alarms})"
        if self.requirement.per_frame:
            return "mean over images"
        if isinstance(metric, OF_COMPONENTS):
            return f"pooled, a frame weighing at most {caps.components} components"
        if isinstance(metric, FalsePositiveRate):
            return "pooled"
        return f"pooled, a frame weighing at most {100 * caps.pixels:g} % of its pixels"


def _weights(metric: FBeta | F1) -> tuple[float, float, float]:
    """F-beta as a ratio TP / (TP + a FN + c FP) with a, c <= 1: a, c and beta squared."""
    squared = float(metric.beta) ** 2 if isinstance(metric, FBeta) else 1.0
    return squared / max(squared, 1), 1 / max(squared, 1), squared


def _bound_of_ratio(metric: object, limit: float) -> float:
    """The bound on the ratio of `_ratio` that a bound on the metric is."""
    if not isinstance(metric, (F1, FBeta)):
        return limit
    squared = _weights(metric)[2]
    most = limit * max(squared, 1)
    return most / ((1 + squared) * (1 - limit) + most)


def _ratio(metric: Any, counted: Any) -> tuple[Values, Values, Values]:
    """Scores of one frame, and a ratio at every prediction, shape (n + 1,).

    0 <= numerator <= denominator.
    """
    if isinstance(metric, PPV):
        totals = counted.ppv.totals
        number = totals[:, LIMBS].astype(np.float64)
        return counted.ppv.scores, exact_sums.total(totals[:, :LIMBS]), number
    if not isinstance(metric, OF_COMPONENTS):
        return counted.scores, *_of_counts(metric, *counted.confusion(counted.totals))
    if isinstance(metric, SIoU):
        steps, sums = counted.siou, exact_sums.total(counted.siou.totals)
    else:
        steps = counted.steps
        column, unit = (0, WHOLE) if isinstance(metric, PRO) else (FOUND, 1)
        sums = steps.totals[:, column] / unit
    return steps.scores, sums, np.full(sums.shape, _targets(metric, counted))


def _targets(metric: Any, counted: Any) -> float:
    """Number of ground-truth components, of counts at scores or in bins."""
    return float(counted.targets if isinstance(metric, SIoU) else counted.sizes[0])


def _of_counts(metric: Any, *counts: NDArray[np.int64]) -> tuple[Values, Values]:
    """Numerator and denominator from TP, FP, FN, TN."""
    tp, fp, fn, tn = (count.astype(np.float64) for count in counts)
    if isinstance(metric, Recall):
        return tp, tp + fn
    if isinstance(metric, Precision):
        return tp, tp + fp
    if isinstance(metric, FalsePositiveRate):
        return fp, fp + tn
    if isinstance(metric, IoU):
        return tp, tp + fp + fn
    a, c, _ = _weights(metric)
    return tp, tp + a * fn + c * fp


def _ratios_at_ends(metric: Any, binned: Any) -> Sequence[tuple[Values, Values]]:
    """Numerators and denominators at the worst and at the best end of each bin."""
    if isinstance(metric, PPV):
        (sum_low, least), (sum_high, most) = binned.ppv.low.T, binned.ppv.high.T
        worst = sum_low / UNITS, most.astype(np.float64)
        return worst, (sum_high / UNITS, least.astype(np.float64))
    if isinstance(metric, OF_COMPONENTS):
        targets = _targets(metric, binned)
        shares = [np.nan_to_num(bound) for bound in metric.bounds(binned)]
        return [(share * targets, np.full(share.shape, targets)) for share in shares]
    least, most = binned.in_bins
    total = most[0]
    ends = (least[:, 0], most[:, 1]), (most[:, 0], least[:, 1])
    return [_of_counts(metric, tp, fp, total[0] - tp, total[1] - fp) for tp, fp in ends]
