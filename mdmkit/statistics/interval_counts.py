"""IntervalCounts: things that hold for the thresholds of an interval, counted at all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.statistics.binned_steps import BinnedSteps, inside_bins
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.merging import SHARED, Joined, Merging
from mdmkit.statistics.score_keys import Keys, keys_of, scores_of, sorted_keys
from mdmkit.statistics.stepped_counts import BinnedCounts, SteppedCounts
from mdmkit.statistics.steps import Rescale, Steps

R = TypeVar("R", bound="KeyRuns")


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
