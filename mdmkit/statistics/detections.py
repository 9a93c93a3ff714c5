"""Detections: objects found, and false alarms, of the prediction A > z for every z."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_choice, check_share
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.named_arrays import AsArrays
from mdmkit.statistics.components import COUNT, Ranking, Swept
from mdmkit.statistics.stepped_counts import CountedStatistic, SteppedCounts
from mdmkit.statistics.steps import Steps

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

FOUND, ALARMS, ALARM_FRAMES = range(3)  # columns of the steps
RULES = ("covered", "siou")


@dataclass(frozen=True)
class DetectionRule(AsArrays):
    """When an object counts as found, and a predicted component as a false alarm.

    Parameters
    ----------
    found : float
        A ground-truth component is found where its `by` is at least that; in (0, 1].
    false : float
        A kept predicted component is a false alarm where its PPV, the share of its pixels in
        ground-truth components, is below that; in (0, 1].
    by : {"covered", "siou"}
        Share of the component's pixels in kept predicted components, or its sIoU.

    Raises
    ------
    InputError
        For values out of range.

    Notes
    -----
    Predicted components that lie only in ground-truth components below `min_target` are neither.

    Examples
    --------
    >>> DetectionRule()
    DetectionRule(found=0.5, false=0.25, by='covered')
    """

    found: float = 0.5
    false: float = 0.25
    by: str = "covered"

    def __post_init__(self) -> None:
        check_share(self.found, "found")
        check_share(self.false, "false")
        as_choice(self.by, RULES, "by")


@dataclass(frozen=True)
class DetectionStatistic(CountedStatistic):
    """Components found, false alarms, and whether there is any, at every distinct score.

    The two sizes are the numbers of ground-truth components of at least `min_target` pixels and of
    frames that were judged, normal ones included.

    Parameters
    ----------
    components : ComponentSizes
    rule : DetectionRule

    Notes
    -----
    O(P a(P)) for a frame of P pixels, beside sorting it; 32 bytes per score at which a number
    changes.
    """

    components: ComponentSizes
    rule: DetectionRule
    ends = 3
    sizes = 2

    def of(self, frame: Frame) -> SteppedCounts:
        """Count one frame, which may have no anomalous pixel."""
        rule = self.rule
        qualities = np.unique([rule.false, rule.found])
        ranking, scores = Ranking.by_score(frame, COUNT)
        swept = Swept.of(frame, self.components, ranking, qualities, found=True)
        tp, fp, covered = np.split(swept.hits[:, 1:].astype(np.int64), 3, axis=1)
        at_found, at_false = np.searchsorted(qualities, [rule.found, rule.false])
        found = (covered if rule.by == "covered" else tp)[:, at_found]
        alarms = fp[:, at_false]
        totals = np.stack([found, alarms, (alarms > 0).astype(np.int64)], axis=1)
        steps = Steps.from_totals(scores[swept.hits[:, 0]], totals)
        return SteppedCounts(steps, np.array([swept.targets, 1]), frame.anomalous_pixels)


@dataclass(frozen=True, eq=False)
class Detections:
    """Objects found and false alarms of one or more frames at every threshold.

    Attributes
    ----------
    counts : SteppedCounts
        Of a `DetectionStatistic`, over raw scores.

    Notes
    -----
    `thresholds` are -inf and the scores at which a number changes; entry i of the other arrays
    holds for the prediction A > z for every z in [thresholds[i], thresholds[i + 1]). Exact.

    Examples
    --------
    >>> from mdmkit.core.frame import Frame
    >>> seen = Detections.of(Frame([[0.9, 0.2, 0.0, 0.6]], [[1, 1, 0, 0]]), ComponentSizes())
    >>> seen.thresholds, seen.found, seen.alarms
    (array([-inf,  0. ,  0.6,  0.9]), array([1., 1., 1., 0.]), array([0., 1., 0., 0.]))
    """

    counts: SteppedCounts

    @classmethod
    def of(
        cls, frame: Frame, sizes: ComponentSizes, rule: DetectionRule | None = None
    ) -> Detections:
        """Count in one frame, which may have no anomalous pixel."""
        return cls(DetectionStatistic(sizes, rule or DetectionRule()).of(frame))

    @property
    def targets(self) -> int:
        """Ground-truth components of at least `min_target` pixels."""
        return int(self.counts.sizes[0])

    @property
    def frames(self) -> int:
        """Frames that were judged, normal ones included."""
        return int(self.counts.sizes[1])

    @property
    def steps(self) -> Steps:
        """Three columns: components found, false alarms, frames with any."""
        return self.counts.steps

    @cached_property
    def thresholds(self) -> NDArray[np.float64]:
        """Lower ends of the steps, shape (n + 1,): -inf, then scores, ascending."""
        return np.append(-np.inf, self.steps.scores)

    @cached_property
    def found(self) -> NDArray[np.float64]:
        """Share of the ground-truth components that are found, shape (n + 1,); NaN without any."""
        if self.targets == 0:
            return np.full(self.thresholds.size, np.nan)
        return np.asarray(self.steps.totals[:, FOUND] / self.targets)

    @cached_property
    def alarms(self) -> NDArray[np.float64]:
        """False alarms a frame, shape (n + 1,). Not monotone: components join as z falls."""
        return np.asarray(self.steps.totals[:, ALARMS] / self.frames)

    @cached_property
    def most_alarms(self) -> NDArray[np.float64]:
        """Envelope of `alarms`: the most at this or any higher threshold, shape (n + 1,)."""
        return envelope(self.alarms)


def envelope(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest value at each or any later place."""
    return np.asarray(np.maximum.accumulate(values[::-1])[::-1])
