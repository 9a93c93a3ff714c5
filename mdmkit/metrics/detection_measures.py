"""Objects found at a number of false alarms."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError
from mdmkit.core.number import Number
from mdmkit.core.spelled import spelled
from mdmkit.metrics.measures import Measure
from mdmkit.statistics.detections import DetectionRule
from mdmkit.statistics.kinds import DetectionStatistic, PixelStatistic, Statistic

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
        if not (self.alarms >= 0 and isfinite(self.alarms)):
            raise InputError(
                f"expected a number per frame >= 0, found {self.alarms!r}", argument="alarms"
            )

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

    def compute(self, sweeps: NormalizedTotals) -> Number:
        """The share, and the lowest raw threshold that has it (None: everything is predicted)."""
        seen = sweeps.raw(DetectionStatistic(self.sizes, self.rule))
        if seen.targets == 0:
            return self.empty()
        first = int(np.argmax(seen.most_alarms <= self.alarms))  # the empty prediction has none
        best = first + int(np.argmax(seen.found[first:]))
        threshold = float(seen.thresholds[best])
        return Number.exact(
            float(seen.found[best]),
            threshold=threshold if isfinite(threshold) else None,
            all_predicted=not isfinite(threshold),
        )

    def empty(self) -> Number:
        return Number(None, all_predicted=False)
