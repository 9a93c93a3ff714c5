"""The conventions of the release of Maskomaly, from its behaviour.

Its MDM tries the thresholds 0, 1/1000, ..., 999/1000 in float32, predicts pixels with a score >= z
(and > 0), and is the longest run of passing thresholds divided by 1000. Its "FPR95" is the FPR at
the first vertex of the ROC curve with a TPR > 0.9.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.margin import Margin, longest_run, trivial_level
from mdmkit.core.number import Interval, Number
from mdmkit.metrics.base import check_anomalous
from mdmkit.metrics.measures import FprAtTpr, MarginAt, Measure
from mdmkit.statistics.kinds import PixelStatistic
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.ranking import fpr_at_tpr_bounds

if TYPE_CHECKING:
    from mdmkit.metrics.curve import ThresholdCurve
    from mdmkit.metrics.normalized_totals import NormalizedTotals

STEPS = 1000
#: float32, as the release compares maps of float32 with them.
THRESHOLDS = (np.arange(STEPS) / STEPS).astype(np.float32)
TPR = 0.9
FOOTNOTES = (
    "protocol maskomaly-release: MDM is the longest run of the 1000 thresholds 0, 0.001, ..., "
    "0.999 at which d > T, divided by 1000, a pixel being predicted where score >= z > 0; "
    "FPR at TPR > 0.9 takes the place of FPR95; everything else is exact",
)


def adapted(measure: Measure) -> Measure:
    """The measure by these conventions; itself where the release has none."""
    if type(measure) is MarginAt:
        return RunLength(measure.metric, measure.t_margin)
    if isinstance(measure, FprAtTpr) and measure.key == "fpr95":
        return FprBeyondTpr()
    return measure


@dataclass(frozen=True)
class RunLength(MarginAt):
    """`mdm_METRIC@T` as a run of thresholds on a grid; `resolution` is their distance."""

    @property
    def every_score(self) -> bool:
        return self.metric.statistic == PixelStatistic()

    def compute(self, totals: NormalizedTotals) -> Margin:
        check_anomalous(totals.pixels.anomalous)
        curve = totals.curve(self.metric)
        run = self._run(curve, curve.values)
        value = _length(run)
        low, high = (
            value if bound is None else _length(self._run(curve, bound))
            for bound in (curve.low, curve.high)
        )
        return replace(
            self.empty(),
            value=value,
            bracket=(low, high),
            interval=run and (run[0] / STEPS, run[1] / STEPS),
            threshold=run and (run[0] + run[1]) / 2 / STEPS,
            resolution=1 / STEPS,
            trivial=trivial_level(curve.ends),
            ends=curve.ends,
        )

    def _run(self, curve: ThresholdCurve, values: NDArray[np.float64]) -> Interval | None:
        # A >= z is the step below the first breakpoint that is not below z; at 0 it is A > 0
        below = np.searchsorted(curve.breakpoints.astype(np.float32), THRESHOLDS, side="left") - 1
        passes = values[np.maximum(below, 0)] > self.t_margin
        return longest_run(np.arange(STEPS + 1.0), passes)


def _length(run: Interval | None) -> float:
    return 0.0 if run is None else (run[1] - run[0]) / STEPS


@dataclass(frozen=True)
class FprBeyondTpr(Measure):
    """`fpr@tpr>0.9`: the FPR at the first vertex of the ROC curve with a TPR > 0.9."""

    key: str = f"fpr@tpr>{TPR!r}"
    higher_is_better = False
    needs_anomalies = True

    def compute(self, totals: NormalizedTotals) -> Number:
        value = fpr_beyond_tpr(totals.pixels.rows(), TPR)
        if totals.bracketed is None or isnan(value):
            return Number.exact(value)
        # between two scores vertices may lie on one line, and none of them count
        low, _ = fpr_at_tpr_bounds(totals.bracketed, TPR)
        return Number(value, (low, 1.0), binned=True)


def fpr_beyond_tpr(counts: PixelCounts, tpr: float) -> float:
    """FPR at the first vertex of the ROC curve with TPR > `tpr`; NaN without either class.

    Points that continue the step before them, with as many true and as many false positives
    more, are no vertices: scikit-learn's `roc_curve` leaves them out by default.
    """
    if counts.anomalous == 0 or counts.normal == 0:
        return float("nan")
    totals = counts.totals[::-1][1:]
    vertex = np.ones(totals.shape[0], bool)
    vertex[1:-1] = (np.diff(totals, 2, axis=0) != 0).any(axis=1)
    true, false = totals[vertex].T
    first = int(np.argmax(true / counts.anomalous > tpr))
    return float(false[first] / counts.normal)
