"""False alarms of one frame: predicted components that have little to do with an anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.metrics.base import Counts, Ratio
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.components import QUALITIES, ComponentCounts


@dataclass(frozen=True)
class FalseComponents(ComponentMetric):
    """Number of predicted components with PPV below a quality, `alarms` where it is averaged.

    Components which lie in ground-truth components that are too small, and nowhere else, are no
    alarms. Lower is better; frames without an anomaly count as well.

    Parameters
    ----------
    min_prediction, min_target : int
        Component sizes in pixels, as in `ComponentMetric`; 0 drops nothing.
    ppv : float
        One of 0.25, 0.30, ..., 0.75: a component with a smaller share of its pixels in
        ground-truth components is false.

    Examples
    --------
    >>> from mdmkit.core.frame import Frame
    >>> frame = Frame([[0.9, 0.1, 0.6, 0.1, 0.8]], [[1, 0, 0, 0, 0]])
    >>> metric = FalseComponents()
    >>> metric.everywhere(ComponentCounts.of(frame, metric.sizes))  # from 0.1 to 0.6 two are false
    (array([0.1, 0.6, 0.8, 0.9]), array([1., 2., 1., 0., 0.]))
    """

    ppv: float = 0.25
    name = "alarms"
    higher_is_better = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not np.isclose(QUALITIES, self.ppv, atol=1e-9).any():
            raise InputError(
                f"expected one of {', '.join(f'{q:.2f}' for q in QUALITIES)}, found {self.ppv!r}",
                argument="ppv",
            )

    def check(self, counts: ComponentCounts) -> None:
        """Every frame can raise an alarm."""

    def part(self, counts: ComponentCounts) -> Any:
        return counts.hits

    def values(self, totals: Counts, targets: int) -> Ratio:
        column = QUALITIES.size + int(np.abs(QUALITIES - self.ppv).argmin())
        return np.asarray(totals[..., column], np.float64)

    def bounds(self, bins: BinnedComponents) -> tuple[Ratio, Ratio]:
        return self.values(bins.hits.low, bins.targets), self.values(bins.hits.high, bins.targets)


@dataclass(frozen=True)
class AnyFalseComponent(FalseComponents):
    """Whether a frame has a false component: 1 or 0, `alarm_frames` where it is averaged."""

    name = "alarm_frames"

    def values(self, totals: Counts, targets: int) -> Ratio:
        return np.asarray(super().values(totals, targets) > 0, np.float64)
