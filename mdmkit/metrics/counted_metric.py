"""CountedMetric: a formula of integer counts at each threshold, of borders or of regions."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import NoTargetError
from mdmkit.metrics.base import Metric, Ratio, check_anomalous
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.statistics.steps import Steps

Integers = NDArray[np.int64]


class Counted(Protocol):
    """Counts at all thresholds, as `SteppedCounts` and `IntervalCounts` have them."""

    @property
    def steps(self) -> Steps: ...
    @property
    def sizes(self) -> Integers: ...
    @property
    def anomalous(self) -> int: ...


def check_targets(count: int, min_target: int) -> None:
    """Refuse frames without a ground-truth component that is large enough."""
    if count == 0:
        raise NoTargetError(
            f"expected a ground-truth component of at least {min_target} pixels, found none; "
            "lower `min_target`",
            argument="min_target",
        )


class CountedMetric(Metric):
    """A formula of integer counts at each threshold, and of sizes that do not depend on it."""

    @abstractmethod
    def values(self, totals: Integers, sizes: Integers) -> Ratio:
        """The metric for rows of counts at single thresholds, and for the sizes."""

    def check(self, counts: Counted) -> None:
        """Refuse frames without an anomalous pixel."""
        check_anomalous(counts.anomalous)

    def above(self, sweep: Counted, z: float) -> float:
        self.check(sweep)
        return float(self.values(sweep.steps.above(z), sweep.sizes))

    def everywhere(self, sweep: Counted) -> tuple[Ratio, Ratio]:
        self.check(sweep)
        return sweep.steps.scores, self.values(sweep.steps.totals, sweep.sizes)

    def curve(self, sweep: Counted) -> ThresholdCurve:
        self.check(sweep)
        breakpoints, totals = sweep.steps.on_unit()
        at_all, at_none = self.values(sweep.steps.totals[[0, -1]], sweep.sizes).tolist()
        values = self.values(totals, sweep.sizes)
        return ThresholdCurve(breakpoints, values, self.name, ends=(at_all, at_none))
