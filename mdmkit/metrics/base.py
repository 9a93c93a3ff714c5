"""Segment metrics d in three tiers: from counts, from components, any callable on masks.

A metric says which counts it needs of a frame (`statistic`) and turns the merged counts into its
`ThresholdCurve`. What is undefined (0 / 0) is NaN, which passes no T.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError, InputTypeError, NoTargetError
from mdmkit.core.foreign import leaving_arguments
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.statistics.kinds import Statistic
from mdmkit.statistics.steps import Steps

Counts = NDArray[np.int64]
Ratio = NDArray[np.float64]


def ratio(numerator: Any, denominator: Any) -> Ratio:
    """Divide in float64; 0 / 0 is NaN, without a warning."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.true_divide(numerator, denominator))


def check_anomalous(anomalous: int) -> None:
    """Refuse frames without an anomalous pixel: there is nothing to detect."""
    if anomalous == 0:
        raise NoTargetError(
            "expected at least one anomalous pixel, found none "
            "(does `anomaly_label` name the right value?)",
            argument="target",
        )


def check_targets(targets: int, min_target: int, largest: int | None = None) -> None:
    """Refuse frames without a ground-truth component that is large enough."""
    if targets == 0:
        known = "" if largest is None else f" (the largest has {largest})"
        raise NoTargetError(
            f"expected a ground-truth component of at least {min_target} pixels, found none"
            f"{known}; lower `min_target`",
            argument="min_target",
        )


def _checked(name: str, found: object, shape: tuple[int, ...]) -> Ratio:
    """Check that a formula returned floats of the shape of its counts."""
    values = np.asarray(found)
    if values.dtype.kind not in "fiub":
        raise InputTypeError(
            f"expected {name} to return floats, found {values.dtype}", argument="metric"
        )
    if values.shape != shape:
        raise InputError(
            f"expected {name} to return a value for each count, shape {shape}, "
            f"found shape {values.shape}",
            argument="metric",
        )
    return values.astype(np.float64, copy=False)


class Metric(ABC):
    """A segment metric d(prediction, target), higher = better.

    The base of all: `CountMetric` for formulas of pixel counts, `ComponentMetric` for formulas of
    components, `MaskMetric` for anything else.

    Attributes
    ----------
    name : str
        As in `metric="f1"`, tables and figures.

    Examples
    --------
    >>> from mdmkit import F1, Metric, SIoU
    >>> [isinstance(metric, Metric) for metric in (F1(), SIoU(min_target=10))]
    [True, True]
    """

    name: str
    higher_is_better: bool = True

    @property
    @abstractmethod
    def statistic(self) -> Statistic:
        """The statistic that it is computed from."""

    def everywhere(self, counts: Any) -> tuple[Ratio, Ratio]:
        """Distinct raw scores (n,), ascending, and d (n + 1,) of every prediction, NaN: undefined.

        d[j] belongs to the prediction A >= scores[j], the last one to the empty prediction. Not
        of metrics on masks.

        Raises
        ------
        NoTargetError
            As `curve`.
        """
        raise NotImplementedError(f"{self.name} is known on [0, 1] alone")

    @abstractmethod
    def curve(self, counts: Any) -> ThresholdCurve:
        """Compute d(z) from counts of scores in [0, 1].

        Raises
        ------
        NoTargetError
            If the counted frames hold nothing to detect.
        """

    def above(self, counts: Any, z: float) -> float:
        """Compute d of the prediction A > z, for counts of scores of any range; NaN: undefined.

        Raises
        ------
        NoTargetError
            Of metrics of components and borders, if the counted frames hold nothing to detect.
        """
        raise InputError(f"{self.name} has no value at a single threshold", argument="metrics")

    def bounds(self, bins: Any) -> tuple[Ratio, Ratio] | None:
        """Least and largest d within each bin, shape (m + 1,) each, NaN: undefined.

        None where nothing is known about the metric between two thresholds.
        """
        return None


class FormulaMetric(Metric):
    """A metric that is a formula of counts which are known at every distinct score."""

    #: Of a curve: the smallest predicted components and targets that count.
    curve_sizes: tuple[int, int] | tuple[None, None] = (None, None)

    @abstractmethod
    def check(self, counts: Any) -> None:
        """Refuse counts of frames that hold nothing to detect."""

    @abstractmethod
    def steps(self, counts: Any) -> Steps:
        """The counts as step functions of the threshold."""

    def _computed(
        self, formula: Callable[..., Any], counts: Iterable[Any], shape: tuple[int, ...]
    ) -> Ratio:
        """The values of a formula of counts that it cannot write to, which must be floats."""
        with np.errstate(invalid="ignore", divide="ignore"), leaving_arguments("metric", self.name):
            found = formula(*counts)
        return _checked(self.name, found, shape)

    @abstractmethod
    def _at(self, totals: Counts, counts: Any) -> Ratio:
        """The metric for rows of totals at single thresholds."""

    def everywhere(self, counts: Any) -> tuple[Ratio, Ratio]:
        self.check(counts)
        steps = self.steps(counts)
        return steps.scores, self._at(steps.totals, counts)

    def above(self, counts: Any, z: float) -> float:
        self.check(counts)
        return float(self._at(self.steps(counts).above(z), counts))

    def curve(self, counts: Any) -> ThresholdCurve:
        scores, values = self.everywhere(counts)
        first = int(np.searchsorted(scores, 0.0, side="right"))
        breakpoints = np.concatenate([[0.0], scores[first:]])
        ends = float(values[0]), float(values[-1])
        prediction, target = self.curve_sizes
        return ThresholdCurve(breakpoints, values[first:], self.name, prediction, target, ends=ends)
