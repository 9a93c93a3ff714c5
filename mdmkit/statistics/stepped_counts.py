"""SteppedCounts: any integer counts at all thresholds, with sizes that do not depend on them.

And `BinnedCounts`, the same at the edges of bins, with bounds within them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.statistics.binned_steps import BinnedSteps, inside_bins
from mdmkit.statistics.merging import SHARED, Joined, Merging
from mdmkit.statistics.steps import Rescale, Steps

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.statistics.edges import Edges
    from mdmkit.statistics.pixel_bins import BinnedFrame

Integers = NDArray[np.int64]
C = TypeVar("C", bound="SteppedCounts")


@dataclass(frozen=True, eq=False)
class SteppedCounts(Merging):
    """Counts over the prediction A > z, and sizes beside them; merge exactly.

    Attributes
    ----------
    steps : Steps
        Shape (n, k).
    sizes : ndarray of int64, shape (m,)
        Numbers that do not depend on the threshold, such as the number of regions.
    anomalous : int
        Number of anomalous pixels.
    """

    steps: Steps
    sizes: Integers
    anomalous: int

    def rescaled(self: C, rescale: Rescale) -> C:
        """Map the scores of the counts, keeping their order."""
        return replace(self, steps=self.steps.rescaled(rescale))

    def at_edges(self, edges: Edges) -> BinnedCounts:
        """The counts reduced to bins; none may rise with the threshold."""
        return BinnedCounts(BinnedSteps.of(self.steps, edges), self.sizes, self.anomalous, False)

    def inside_bins(self, edges: Edges, bins: NDArray[np.bool_]) -> SteppedCounts:
        """The changes inside some bins."""
        return replace(self, steps=inside_bins(self.steps, edges, bins))


@dataclass(frozen=True, eq=False)
class BinnedCounts(Merging):
    """Holds counts at bin edges, with their bounds within each bin.

    Attributes
    ----------
    ends : BinnedSteps
        Numbers that only fall as the threshold rises.
    sizes, anomalous
        As in `SteppedCounts`.
    paired : bool
        Whether each count is the number of the column's upper ends, which follow, less that of its
        lower ends: see `IntervalCounts`.
    """

    ends: BinnedSteps
    sizes: Integers
    anomalous: int
    paired: bool

    joined: ClassVar[Joined] = {"paired": SHARED}

    @cached_property
    def low(self) -> Integers:
        """Lower bounds for all thresholds of each bin, shape (m + 1, k)."""
        if not self.paired:
            return self.ends.low
        return np.asarray(np.maximum(self.ends.low[:, 1::2] - self.ends.high[:, ::2], 0))

    @cached_property
    def high(self) -> Integers:
        """Upper bounds, shape (m + 1, k)."""
        if not self.paired:
            return self.ends.high
        return np.asarray(self.ends.high[:, 1::2] - self.ends.low[:, ::2])

    def as_sweep(self, edges: Edges, resolved: SteppedCounts | None) -> SteppedCounts:
        """Ends moved up to the next edge, but for those inside resolved bins."""
        steps = self.ends.as_steps(edges, None if resolved is None else resolved.steps)
        if self.paired:
            steps = Steps(steps.scores, steps.changes[:, 1::2] - steps.changes[:, ::2])
        return SteppedCounts(steps, self.sizes, self.anomalous)


class _Counts(Protocol):
    def at_edges(self, edges: Edges) -> BinnedCounts: ...
    def inside_bins(self, edges: Edges, bins: NDArray[np.bool_]) -> SteppedCounts: ...


class CountedStatistic:
    """A statistic whose counts of single frames fall into bins by themselves.

    Attributes
    ----------
    ends, sizes : int
        How many columns `BinnedCounts.ends` has, and how many sizes there are.
    paired : bool
        As in `BinnedCounts`.
    """

    ends: ClassVar[int]
    sizes: ClassVar[int] = 1
    paired: ClassVar[bool] = False

    def of(self, frame: Frame) -> _Counts:
        """Count one frame."""
        raise NotImplementedError

    def at_edges(self, sweep: _Counts, edges: Edges) -> BinnedCounts:
        """Counts reduced to bins."""
        return sweep.at_edges(edges)

    def in_bins(self, binned: BinnedFrame, edges: Edges) -> BinnedCounts:
        """Count one frame in bins."""
        return self.of(binned.frame).at_edges(edges)

    def inside(
        self, binned: BinnedFrame, edges: Edges, resolved: NDArray[np.bool_]
    ) -> SteppedCounts:
        """Count what changes in one frame within some bins."""
        return self.of(binned.frame).inside_bins(edges, resolved)
