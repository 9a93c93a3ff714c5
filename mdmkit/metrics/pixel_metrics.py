"""Segment metrics of pixel counts: formulas of TP, FP, FN, TN."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from mdmkit.core.arguments import check_function, check_kind, check_that
from mdmkit.core.errors import NoTargetError
from mdmkit.core.foreign import read_only
from mdmkit.core.spelled import spelled
from mdmkit.metrics.base import Counts, FormulaMetric, Ratio, check_anomalous, ratio
from mdmkit.statistics.kinds import PixelStatistic
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_bins import AnyPixels

#: A formula with TP above and below the line may be out of order by its rounding errors.
ROUNDING = 1e-12
CountFunction = Callable[[Counts, Counts, Counts, Counts], Any]


class CountMetric(FormulaMetric):
    """A metric that is a formula of pixel counts (TP, FP, FN, TN), exact at every distinct score.

    Its objects are functions of counts: `metric(tp, fp, fn, tn)`.

    Attributes
    ----------
    name : str
    monotone : bool
        Declares that the metric never falls as TP rises and never rises with FP (FN and TN change
        accordingly), so that counts at two thresholds bound it between them. A metric that does
        not declare it is computed at every step.

    See Also
    --------
    count_metric : makes one of a function.

    Examples
    --------
    >>> from mdmkit import F1, CountMetric
    >>> isinstance(F1(), CountMetric), F1.monotone
    (True, True)
    >>> F1()(tp=[3, 0], fp=[1, 0], fn=[0, 3], tn=[6, 7])
    array([0.85714286, 0.        ])
    """

    monotone: bool = False

    @abstractmethod
    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Any:
        """The metric for int64 arrays of one shape; NaN where undefined."""

    @property
    def statistic(self) -> PixelStatistic:
        return PixelStatistic()

    def __call__(self, tp: object, fp: object, fn: object, tn: object) -> Ratio:
        """The metric at given counts, float64 of their shape."""
        counts = [read_only(np.asarray(count, np.int64)) for count in (tp, fp, fn, tn)]
        return self._computed(self.formula, counts, counts[0].shape)

    def steps(self, counts: PixelCounts) -> PixelCounts:
        return counts

    def _at(self, totals: Counts, counts: PixelCounts) -> Ratio:
        return self(*counts.confusion(totals))

    def above(self, counts: PixelCounts, z: float) -> float:
        return super().above(counts, z) if counts.anomalous else float("nan")

    def check(self, counts: AnyPixels) -> None:
        """Refuse counts without an anomalous pixel."""
        check_anomalous(counts.anomalous)

    def between(self, least: Counts, most: Counts, total: Counts) -> tuple[Ratio, Ratio]:
        """Bounds of the metric where TP and FP are only known to lie between two counts.

        Parameters
        ----------
        least, most : ndarray of int64, shape (n, 2)
            TP and FP.
        total : ndarray of int64, shape (2,)
            Anomalous and normal pixels.

        Returns
        -------
        low, high : ndarray of float64, shape (n,)
            Infinite where nothing is known, as of a metric that is not monotone; `low` is -inf
            where the metric may be undefined, which passes no T.
        """
        if not self.monotone:
            return np.full(len(least), -np.inf), np.full(len(least), np.inf)
        (tp_least, fp_least), (tp_most, fp_most) = least.T, most.T
        tp = np.concatenate([tp_least, tp_most, tp_least, tp_most])
        fp = np.concatenate([fp_most, fp_least, fp_least, fp_most])
        values = self._between(tp, fp, total).reshape(4, -1)  # in one call: each takes a while
        (low, high), undefined = values[:2], np.isnan(values).any(axis=0)
        if undefined.any():  # where some count is 0: look at the states beside these
            tp_inner = tp_most - ((tp_most == total[0]) & (tp_most > tp_least))
            fp_inner = fp_least + ((fp_least == 0) & (fp_most > 0))
            for tp, fp in ((tp_most, fp_inner), (tp_inner, fp_least), (tp_inner, fp_inner)):
                high = np.fmax(high, self._between(tp, fp, total))
            low = np.where(undefined, -np.inf, low)
            one = (least == most).all(axis=1)
            high = np.where(np.isnan(high), np.where(one, -np.inf, np.inf), high)
        slack = np.where(tp_most > tp_least, ROUNDING, 0.0)
        low_slack, high_slack = (
            slack * np.abs(np.where(np.isinf(bound), 0.0, bound)) for bound in (low, high)
        )
        return low - low_slack, high + high_slack

    def _between(self, tp: Counts, fp: Counts, total: Counts) -> Ratio:
        return self(tp, fp, total[0] - tp, total[1] - fp)


@dataclass(frozen=True)
class F1(CountMetric):
    """Pixel F1 = 2 TP / (2 TP + FP + FN), in [0, 1].

    0 for an empty prediction where there are anomalies. The default of `mdm`.

    Examples
    --------
    >>> from mdmkit import F1, mdm
    >>> mdm([[0.25, 0.5, 0.75]], [[0, 1, 1]], 0.9, metric=F1()).interval
    (0.25, 0.5)
    """

    name = "f1"
    monotone = True

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(2 * tp, 2 * tp + fp + fn)


@dataclass(frozen=True)
class FBeta(CountMetric):
    """Pixel F-beta = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), in [0, 1].

    Parameters
    ----------
    beta : float
        b > 0; more than 1 favours recall, less precision.

    Raises
    ------
    InputError
        For other values of beta.

    References
    ----------
    van Rijsbergen: Information Retrieval. 1979.

    Examples
    --------
    >>> from mdmkit import FBeta
    >>> FBeta(2).name, float(FBeta(2)(tp=1, fp=0, fn=1, tn=0))
    ('fbeta@beta=2', 0.5555555555555556)
    """

    beta: float
    monotone = True

    def __post_init__(self) -> None:
        allowed = isinstance(self.beta, (int, float)) and 0 < self.beta < 1e100
        check_that(allowed, "a number > 0", self.beta, "beta")

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"fbeta@beta={spelled(self.beta)}"

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        b2 = float(self.beta) ** 2
        return ratio((1 + b2) * tp, (1 + b2) * tp + b2 * fn + fp)


@dataclass(frozen=True)
class IoU(CountMetric):
    """Pixel intersection over union = TP / (TP + FP + FN), in [0, 1].

    Examples
    --------
    >>> from mdmkit import IoU
    >>> float(IoU()(tp=1, fp=1, fn=2, tn=0))
    0.25
    """

    name = "iou"
    monotone = True

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(tp, tp + fp + fn)


@dataclass(frozen=True)
class Precision(CountMetric):
    """Pixel precision = TP / (TP + FP), in [0, 1]; undefined for an empty prediction.

    Examples
    --------
    >>> from mdmkit import Precision
    >>> Precision()(tp=[1, 0], fp=[1, 0], fn=[0, 1], tn=[0, 1])
    array([0.5, nan])
    """

    name = "precision"
    monotone = True

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(tp, tp + fp)


@dataclass(frozen=True)
class Recall(CountMetric):
    """Pixel recall (true positive rate) = TP / (TP + FN), in [0, 1].

    Examples
    --------
    >>> from mdmkit import Recall
    >>> float(Recall()(tp=3, fp=5, fn=1, tn=0))
    0.75
    """

    name = "recall"
    monotone = True

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(tp, tp + fn)


@dataclass(frozen=True)
class FalsePositiveRate(CountMetric):
    """Pixel false positive rate = FP / (FP + TN), in [0, 1]; lower is better.

    Needs no anomaly, so that frames without one are a data set for it.

    Examples
    --------
    >>> float(FalsePositiveRate()(tp=0, fp=1, fn=0, tn=3))
    0.25
    """

    name = "fpr"
    higher_is_better = False

    def check(self, counts: AnyPixels) -> None:
        """Refuse counts without a normal pixel."""
        if counts.normal == 0:
            raise NoTargetError("expected at least one normal pixel, found none", argument="target")

    def above(self, counts: PixelCounts, z: float) -> float:
        return float(self._at(counts.above(z), counts))

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(fp, fp + tn)

    def between(self, least: Counts, most: Counts, total: Counts) -> tuple[Ratio, Ratio]:
        return ratio(least[:, 1], total[1]), ratio(most[:, 1], total[1])


@dataclass(frozen=True)
class CountFormula(CountMetric):
    """A user's own function of the counts; made by `count_metric`."""

    function: CountFunction = field(repr=False)
    name: str
    monotone: bool = False

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Any:
        # copies: some libraries write to arrays that say they are read-only
        return self.function(*(read_only(count.copy()) for count in (tp, fp, fn, tn)))


def count_metric(
    function: CountFunction | None = None, *, name: str | None = None, monotone: bool = False
) -> Any:
    """Make a metric of a function of the pixel counts; a decorator.

    Parameters
    ----------
    function : callable
        `function(tp, fp, fn, tn)` on int64 arrays of one shape, returning floats of that shape,
        NaN where undefined (0 / 0 is, and raises no warning).
    name : str, optional
        The function's own name by default.
    monotone : bool
        Declare that it never falls as TP rises and never rises with FP; see `CountMetric`.

    Returns
    -------
    CountFormula

    Examples
    --------
    >>> from mdmkit import count_metric, mdm
    >>> @count_metric(monotone=True)
    ... def tversky(tp, fp, fn, tn):
    ...     return tp / (tp + 0.3 * fp + 0.7 * fn)
    >>> mdm([[0.25, 0.75]], [[0, 1]], 0.9, metric=tversky).interval
    (0.25, 0.75)
    """
    if function is None:
        return partial(count_metric, name=name, monotone=monotone)
    check_function(function, 4, "function", "of (tp, fp, fn, tn)")
    check_kind(name, (str, type(None)), "name")
    return CountFormula(function, name or str(getattr(function, "__name__", "metric")), monotone)


COUNT_METRICS: dict[str, CountMetric] = {m.name: m for m in (F1(), IoU(), Precision(), Recall())}
