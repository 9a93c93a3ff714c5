"""SteppedCounts: any integer counts at all thresholds, with sizes that do not depend on them.

`IntervalCounts` holds them as the ends of the intervals in which something counts, `BinnedCounts`
at the edges of bins, with bounds within them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.statistics.binned_steps import BinnedSteps, inside_bins
from mdmkit.statistics.merging import SHARED, Joined, Merging
from mdmkit.statistics.score_keys import Keys, keys_of, scores_of, sorted_keys
from mdmkit.statistics.steps import Rescale, Steps

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.statistics.edges import Edges
    from mdmkit.statistics.pixel_bins import BinnedFrame

Integers = NDArray[np.int64]
C = TypeVar("C", bound="SteppedCounts")
R = TypeVar("R", bound="KeyRuns")


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


class KeyRuns(Merging):
    """A dataclass of counts with tuples of `keys_of`, and the dtype from whose scores they are."""

    source: str

    joined: ClassVar[Joined] = {"source": SHARED}

    @classmethod
    def merged(cls: type[R], parts: Iterable[R]) -> R:
        """Counts of several sets of frames; of unlike scores, with the keys of float64."""
        several = list(parts)
        if len({part.source for part in several}) > 1:
            several = [part.widened() for part in several]
        return super().merged(several)

    def widened(self: R) -> R:
        """Convert keys to those of float64 scores."""
        runs = {name: held for name, held in vars(self).items() if isinstance(held, tuple)}
        wide = {
            name: tuple(keys_of(scores_of(run, self.source)) for run in held)
            for name, held in runs.items()
        }
        return replace(self, **wide, source="float64")  # type: ignore[type-var]


def _one_by_one(several: list[tuple[Keys, ...]]) -> tuple[Keys, ...]:
    return tuple(map(np.concatenate, zip(*several, strict=True)))


@dataclass(frozen=True, eq=False)
class IntervalCounts(KeyRuns):
    """Numbers of pixels of several kinds that count at z in [low, high), a half-open interval each.

    Attributes
    ----------
    ends : tuple of ndarray
        For each kind the lower ends, then the upper ends, as `keys_of`, in any order. An
        interval that reaches below every score has no lower end.
    sizes : ndarray of int64, shape (m,)
        Numbers that do not depend on the threshold, such as the size of the ground truth.
    anomalous : int
        Number of anomalous pixels.
    source : str
        The dtype from whose scores keys are made.

    Notes
    -----
    Merging is concatenation, in any order with the same counts. A count at z is the number of
    upper ends above z minus that of the lower ends above z, both of which only fall as z rises.
    """

    ends: tuple[Keys, ...]
    sizes: NDArray[np.int64]
    anomalous: int
    source: str

    joined: ClassVar[Joined] = {**KeyRuns.joined, "ends": _one_by_one}

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, and of the rows into which they are sorted."""
        rows = sum(run.size for run in self.ends) * (8 + 4 * len(self.ends))
        return rows + sum(run.nbytes for run in self.ends)

    @cached_property
    def steps(self) -> Steps:
        """The count of each kind as a step function of the threshold, shape (n, k)."""
        runs = self._sorted
        return self._rows([_count_ends(*pair) for pair in zip(runs[::2], runs[1::2], strict=True)])

    @cached_property
    def monotone_steps(self) -> Steps:
        """Numbers of ends above the threshold, shape (n, 2 k): none falls as the threshold does."""
        return self._rows([_count_ends(run[:0], run) for run in self._sorted])

    @property
    def _sorted(self) -> list[Keys]:
        return [sorted_keys(run.copy()) for run in self.ends]

    def _rows(self, columns: list[tuple[Keys, NDArray[np.int64]]]) -> Steps:
        """Merge the changes of each column, at keys of its own, into rows of all columns."""
        from mdmkit.statistics.kernels.erosion import merge_columns

        runs, changes = (np.concatenate(several) for several in zip(*columns, strict=True))
        starts = np.append(0, np.cumsum([keys.size for keys, _ in columns]))
        keys, rows = np.empty_like(runs), np.empty((runs.size, len(columns)), np.int64)
        n = merge_columns(runs, changes, starts, keys, rows)
        return Steps(scores_of(keys[:n], self.source), rows[:n])

    def rescaled(self, rescale: Rescale) -> SteppedCounts:
        """The counts over order-preserved scores."""
        return SteppedCounts(self.steps.rescaled(rescale), self.sizes, self.anomalous)

    def at_edges(self, edges: Edges) -> BinnedCounts:
        """The counts reduced to bins."""
        ends = BinnedSteps.of(self.monotone_steps, edges)
        return BinnedCounts(ends, self.sizes, self.anomalous, True)

    def inside_bins(self, edges: Edges, bins: NDArray[np.bool_]) -> SteppedCounts:
        """Ends that lie inside some bins."""
        return SteppedCounts(
            inside_bins(self.monotone_steps, edges, bins), self.sizes, self.anomalous
        )


def _count_ends(lows: Keys, highs: Keys) -> tuple[Keys, NDArray[np.int64]]:
    """Keys at which a count changes, and by how much."""
    from mdmkit.statistics.kernels.erosion import count_ends

    none = np.array([np.iinfo(highs.dtype).max], highs.dtype)
    keys = np.empty(lows.size + highs.size + 1, highs.dtype)
    changes = np.empty(keys.size, np.int64)
    n = count_ends(np.append(lows, none), np.append(highs, none), keys, changes)
    return keys[:n], changes[:n]


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

    def of(self, frame: Frame) -> SteppedCounts | IntervalCounts:
        """Count one frame."""
        raise NotImplementedError

    def in_bins(self, binned: BinnedFrame, edges: Edges) -> BinnedCounts:
        """Count one frame in bins."""
        return self.of(binned.frame).at_edges(edges)

    def inside(
        self, binned: BinnedFrame, edges: Edges, resolved: NDArray[np.bool_]
    ) -> SteppedCounts:
        """Count what changes in one frame within some bins."""
        return self.of(binned.frame).inside_bins(edges, resolved)
