"""CountedMetric: a formula of integer counts at each threshold, of borders or of regions."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mdmkit.metrics.base import FormulaMetric, Ratio, check_anomalous
from mdmkit.statistics.stepped_counts import BinnedCounts
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


class CountedMetric(FormulaMetric):
    """A formula of integer counts at each threshold, and of sizes that do not depend on it."""

    @abstractmethod
    def values(self, totals: Integers, sizes: Integers) -> Ratio:
        """The metric for rows of counts at single thresholds, and for the sizes."""

    def check(self, counts: Counted) -> None:
        """Refuse frames without an anomalous pixel."""
        check_anomalous(counts.anomalous)

    def steps(self, counts: Counted) -> Steps:
        return counts.steps

    def _at(self, totals: Integers, counts: Counted) -> Ratio:
        return self.values(totals, counts.sizes)

    def bounds(self, bins: BinnedCounts) -> tuple[Ratio, Ratio]:
        """Least and largest value within each bin, of a formula that rises with every count."""
        return self.values(bins.low, bins.sizes), self.values(bins.high, bins.sizes)
