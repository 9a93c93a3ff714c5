"""Objects found at a number of false alarms."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_that
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.margin import Interval
from mdmkit.core.number import Number
from mdmkit.core.spelled import spelled
from mdmkit.metrics.measures import Measure
from mdmkit.statistics.detections import (
    ALARMS,
    FOUND,
    DetectionRule,
    Detections,
    DetectionStatistic,
    envelope,
)
from mdmkit.statistics.kinds import PixelStatistic, Statistic
from mdmkit.statistics.stepped_counts import BinnedCounts

Values = NDArray[np.float64]

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals


@dataclass(frozen=True)
class FoundAtAlarms(Measure):
    """`found@alarms=A`: the largest share of objects found with at most A false alarms per frame.

    Over all thresholds z from which on every higher one has at most A false alarms per frame: the
    number of alarms is not monotone, as a prediction of everything is one component and no alarm.
    Undefined without objects.

    Parameters
    ----------
    alarms : float
        A >= 0.
    sizes : ComponentSizes
    rule : DetectionRule
        When an object is found, and when a predicted component is a false alarm.

    Raises
    ------
    InputError
        For a number below 0.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> frames = [([[0.9, 0.1, 0.8, 0.2, 0.7]], [[1, 0, 0, 0, 1]])]
    >>> found = evaluate(frames, "found@alarms=0").numbers["found@alarms=0"]
    >>> found.value, found.threshold  # 0.8 is a false alarm
    (0.5, 0.8)
    """

    alarms: float
    sizes: ComponentSizes = field(default_factory=ComponentSizes)
    rule: DetectionRule = field(default_factory=DetectionRule)

    def __post_init__(self) -> None:
        allowed = self.alarms >= 0 and isfinite(self.alarms)
        check_that(allowed, "a number per frame >= 0", self.alarms, "alarms")

    @property
    def key(self) -> str:  # type: ignore[override]
        usual = DetectionRule()
        by = f"@{self.rule.by}={spelled(self.rule.found)}"
        found = "" if (self.rule.by, self.rule.found) == (usual.by, usual.found) else by
        false = "" if self.rule.false == usual.false else f"@ppv={spelled(self.rule.false)}"
        return f"found@alarms={spelled(self.alarms)}{found}{false}"

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return (PixelStatistic(), DetectionStatistic(self.sizes, self.rule))

    def compute(self, totals: NormalizedTotals) -> Number:
        """The share, and the lowest raw threshold that has it (None: everything is predicted)."""
        statistic = DetectionStatistic(self.sizes, self.rule)
        seen = Detections(totals.raw(statistic))
        if seen.targets == 0:
            return self.empty()
        best = self._best(seen.most_alarms, seen.found)
        value, threshold = float(seen.found[best]), float(seen.thresholds[best])
        bounds = value, value
        binned = totals.bins is not None and totals.in_bins(statistic)
        if totals.bins is not None and binned:
            bounds = self._bounds(totals.bins.by_statistic[statistic], seen, value)
        return Number(
            value,
            bounds,
            threshold=threshold if isfinite(threshold) else None,
            all_predicted=not isfinite(threshold),
            binned=binned,
        )

    def _best(self, most_alarms: Values, found: Values) -> int:
        """The lowest threshold that finds most, of those from which on alarms are few."""
        few = np.append(most_alarms <= self.alarms, True)  # the empty prediction has none
        first = int(np.argmax(few))
        return first + int(np.argmax(np.append(found, 0.0)[first:]))

    def _bounds(self, bins: BinnedCounts, seen: Detections, value: float) -> Interval:
        """Bounds where alarms and objects are known at the edges of bins."""
        low, high = bins.low / seen.frames, bins.high / seen.frames
        at_edges = bins.ends.totals[:, FOUND] / seen.targets
        least = self._best(envelope(high[:, ALARMS]), at_edges)
        most = self._best(envelope(low[:, ALARMS]), bins.high[:, FOUND] / seen.targets)
        found = np.append(at_edges, 0.0), np.append(bins.high[:, FOUND] / seen.targets, 0.0)
        return min(value, float(found[0][least])), max(value, float(found[1][most]))

    def empty(self) -> Number:
        return Number(None, all_predicted=False)
