"""Found: share of the ground-truth components that a threshold finds."""

from __future__ import annotations

from dataclasses import dataclass, field

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.spelled import spelled
from mdmkit.metrics.base import Ratio, check_targets, ratio
from mdmkit.metrics.counted_metric import Counted, CountedMetric, Integers
from mdmkit.statistics.detections import FOUND, DetectionRule, DetectionStatistic


@dataclass(frozen=True)
class Found(CountedMetric):
    """Share of the ground-truth components that are found, in [0, 1]: a recall of objects.

    Parameters
    ----------
    sizes : ComponentSizes
        Predicted components with fewer pixels find nothing; ground-truth ones with fewer pixels
        are no objects.
    rule : DetectionRule
        When an object is found: by default where at least half of its pixels are predicted.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.0, 0.3]], [[1, 1, 0, 1]], Found())
    >>> curve(0.2), curve(0.7), curve(0.95)
    (1.0, 0.5, 0.0)
    """

    sizes: ComponentSizes = field(default_factory=ComponentSizes)
    rule: DetectionRule = field(default_factory=DetectionRule)

    @property
    def name(self) -> str:  # type: ignore[override]
        usual = DetectionRule()
        if (self.rule.by, self.rule.found) == (usual.by, usual.found):
            return "found"
        return f"found@{self.rule.by}={spelled(self.rule.found)}"

    @property
    def statistic(self) -> DetectionStatistic:
        return DetectionStatistic(self.sizes, self.rule)

    @property
    def falls(self) -> bool:
        """Whether it only falls as the threshold rises, which sIoU need not."""
        return self.rule.by == "covered"

    def check(self, counts: Counted) -> None:
        """Refuse frames without an object."""
        super().check(counts)
        check_targets(int(counts.sizes[0]), self.sizes.min_target)

    def values(self, totals: Integers, sizes: Integers) -> Ratio:
        """Share found for rows of counts; the first size is the number of objects."""
        return ratio(totals[..., FOUND], int(sizes[0]))
