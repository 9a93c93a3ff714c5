"""Accumulator: the sum of statistics of many frames within a budget of memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_bytes
from mdmkit.core.errors import InputError
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.bounded import regular_edges
from mdmkit.statistics.components import ComponentCounts
from mdmkit.statistics.edges import (
    Edges,
    bins_meeting,
    component_edges,
    fixed_edges,
    scores_of_bins,
    with_edges,
)
from mdmkit.statistics.kinds import (
    Counted,
    PixelStatistic,
    Statistic,
    merged,
    of_pixels,
    stays_exact,
)
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.statistics.stepped_counts import BinnedCounts
from mdmkit.statistics.totals import DirectBins, StatisticBins, Totals

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

#: Bytes that the statistics of one method may take before they fall into bins.
DEFAULT_MEMORY = 2 * 2**30
#: Bytes of one distinct score in rows, their cumulative sums and a copy included.
_ROW = 72

Intervals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SecondLook:
    """What a second pass over the same frames looks at.

    Attributes
    ----------
    intervals : dict
        By statistic, the closed intervals of scores, shape (k, 2), in which every one is known.
    edges : ndarray of float64
        Ends of the bins that any statistic of components looks into. All bins between two of
        these are one: pixels are placed quickly between few edges.
    bins : dict
        By statistic of components, which of the bins between these it looks into.
    """

    intervals: dict[Statistic, Intervals]
    edges: Edges
    bins: dict[Statistic, NDArray[np.bool_]]

    @classmethod
    def into(cls, intervals: dict[Statistic, Intervals], edges: Edges) -> SecondLook:
        """Look into these intervals, at bins between `edges` where components are counted."""
        bins = {s: bins_meeting(edges, i) for s, i in intervals.items() if not of_pixels(s)}
        some = np.logical_or.reduce([np.zeros(edges.size + 1, bool), *bins.values()])
        ends = np.flatnonzero(some[:-1] | some[1:])
        places = np.append(ends, edges.size)
        return cls(intervals, edges[ends], {s: wanted[places] for s, wanted in bins.items()})

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SecondLook)
            and self.intervals.keys() == other.intervals.keys()
            and all(np.array_equal(i, other.intervals[s]) for s, i in self.intervals.items())
        )


class Accumulator:
    """Sum of the statistics of many frames, exact while it fits into memory, in bins beyond.

    Its counts are a function of the frames: neither their order nor a division into several
    accumulators, which `merge` joins, changes a bit.

    Parameters
    ----------
    memory : int
        Bytes that the exact sum may take.
    thresholds : sequence of float
        Raw scores at which totals must stay exact in bins.
    every_score : bool
        Whether counts at every distinct score will be asked for, which take more memory.
    regular : bool
        Whether frames come with their pixels in bins of `regular_edges`.

    Notes
    -----
    Exact statistics wait until they are as large as their sum, and are then merged into it.
    """

    def __init__(
        self,
        memory: int = DEFAULT_MEMORY,
        thresholds: Sequence[float] = (),
        every_score: bool = False,
        regular: bool = False,
    ) -> None:
        self.memory = as_bytes(memory)
        self.thresholds, self.every_score, self.regular = thresholds, every_score, regular
        self.over_budget = False
        self.frames = 0
        self._exact: Counted = {}
        self._waiting: list[Counted] = []
        self._exact_cost = self._waiting_cost = 0  # by `_cost`
        self._binned: Counted = {}
        self._look: SecondLook | None = None
        self._resolved: Counted = {}

    def empty(self) -> Accumulator:
        """An accumulator for a share of the frames: in the same pass, without frames."""
        other = Accumulator(self.memory, self.thresholds, self.every_score, self.regular)
        other.over_budget, other._look = self.over_budget, self._look
        return other

    @property
    def edges(self) -> Edges:
        """Thresholds at which totals of pixels are exact in bins."""
        return regular_edges() if self.regular else _edges(tuple(self.thresholds))

    @property
    def component_edges(self) -> Edges:
        """Thresholds at which totals of components are exact in bins."""
        return _component_edges(tuple(self.thresholds))

    def direct_bins(self, statistics: frozenset[Statistic]) -> DirectBins:
        """The bins in which frames are counted from the start."""
        return DirectBins(
            _component_edges(tuple(self.thresholds), 4), self.component_edges, statistics
        )

    def add(self, part: Totals) -> None:
        """Count one frame."""
        self.frames += part.frames
        exact: Counted = {}
        for statistic, known in part.by_statistic.items():
            if isinstance(known, (PixelBins, BinnedComponents, BinnedCounts)):
                _add(self._binned, statistic, known)
            elif isinstance(known, ComponentCounts):  # bounds are lost once frames are summed
                exact[statistic] = known.with_spreads(self.component_edges)
            else:
                exact[statistic] = known
        self._take(exact)

    def _take(self, exact: Counted) -> None:
        self._waiting.append(exact)
        self._waiting_cost += self._cost(exact)
        limit = self.memory // 4 if self.over_budget else self.memory
        waiting, held = self._waiting_cost, self._exact_cost
        if waiting > min(held, limit) or waiting + held > limit:
            self._settle()

    def _cost(self, parts: Mapping[Statistic, object]) -> int:
        """Bytes that exact statistics take, with what computing numbers from them takes."""
        return sum(map(self._bytes_of, parts.values()))

    def _bytes_of(self, known: Any) -> int:
        if isinstance(known, PixelScores):
            pixels = known.anomalous + known.normal
            return _ROW * pixels if self.every_score else known.nbytes * 5 // 4
        return 3 * int(known.nbytes)

    def _settle(self) -> None:
        """Sum up; beyond the budget, in bins."""
        parts = [self._exact, *self._waiting]
        self._waiting, self._waiting_cost = [], 0
        statistics = dict.fromkeys(s for part in parts for s in part)
        self._exact = {s: merged(s, [part[s] for part in parts if s in part]) for s in statistics}
        self._exact_cost = self._cost(self._exact)
        self.over_budget = self.over_budget or self._exact_cost > self.memory
        if self.over_budget:
            for statistic in list(self._exact):
                if not stays_exact(statistic):
                    _add(self._binned, statistic, self._in_bins(statistic))
                    del self._exact[statistic]
            self._exact_cost = self._cost(self._exact)

    def _in_bins(self, statistic: Statistic) -> Any:
        known = self._exact[statistic]
        if of_pixels(statistic):
            return PixelBins.of(known, self.edges)
        if isinstance(known, ComponentCounts):
            return BinnedComponents.of_sweep(known, self.component_edges)
        return known.at_edges(self.component_edges)

    def merge(self, other: Accumulator) -> None:
        """Count the frames of another accumulator with the same memory and thresholds.

        The counts of a second pass stay if both looked at the same scores, and only then.
        """
        if self._look is not None and self._look == other._look:
            for statistic, known in other._resolved.items():
                _add(self._resolved, statistic, known)
        elif other.frames:
            self.forget()
        self.frames += other.frames
        if other.over_budget and not self.over_budget:
            self.over_budget = True
            self._settle()
        for statistic, known in other._binned.items():
            _add(self._binned, statistic, known)
        for part in (other._exact, *other._waiting):
            if part:
                self._take(part)

    def tells(self, intervals: Mapping[Statistic, Intervals]) -> bool:
        """Whether regular bins suffice: scores in [0, 1], and memory for those to look at."""
        self._settle()
        statistic = PixelStatistic()
        if statistic not in self._binned:
            return True
        bins = self._known_in_bins(statistic)
        inside = bins.counts[bins.meeting(intervals.get(statistic, np.empty((0, 2))))]
        least, greatest = bins.least.min(), bins.greatest.max()
        return bool(least >= 0 and greatest <= 1 and _ROW * inside.sum() <= self.memory)

    def look_at(self, intervals: Mapping[Statistic, Intervals]) -> None:
        """Begin a second pass over the same frames, to know every score in these intervals.

        Bins are looked into as a whole.
        """
        self._settle()
        whole = {}
        for statistic in self._binned:
            wanted = intervals.get(statistic, np.empty((0, 2)))
            if of_pixels(statistic):
                bins = self._known_in_bins(statistic)
                whole[statistic] = bins.intervals(bins.meeting(wanted))
            else:
                whole[statistic] = scores_of_bins(
                    self.component_edges, np.flatnonzero(bins_meeting(self.component_edges, wanted))
                )
        self._look, self._resolved = SecondLook.into(whole, self.component_edges), {}

    def _known_in_bins(self, statistic: Statistic) -> Any:
        """The sum of a statistic of which some was counted in bins."""
        binned = self._binned[statistic]
        if statistic not in self._exact:
            return binned
        return merged(statistic, [binned, self._in_bins(statistic)])

    @property
    def looked_at(self) -> tuple[Intervals, ...] | None:
        """The intervals of the second pass, if one has begun."""
        return None if self._look is None else tuple(self._look.intervals.values())

    def forget(self) -> None:
        """End the second pass, and drop its counts."""
        self._look, self._resolved = None, {}

    def inside(self, frame: Frame) -> Totals:
        """The part of a frame's statistics in the intervals of the second pass."""
        assert self._look is not None
        found: Counted = {}
        for statistic, intervals in self._look.intervals.items():
            if of_pixels(statistic):
                found[statistic] = statistic.between(frame, intervals)  # type: ignore[union-attr]
        edges = self._look.edges
        binned = BinnedFrame.of(frame, edges) if self._look.bins else None
        for statistic, resolved in self._look.bins.items():
            found[statistic] = statistic.inside(binned, edges, resolved)  # type: ignore
        return Totals(1, found)

    def add_inside(self, part: Totals) -> None:
        """Count a part that `inside` returned."""
        for statistic, known in part.by_statistic.items():
            _add(self._resolved, statistic, known)

    def contents(self, statistics: Sequence[Statistic]) -> tuple[Any, ...]:
        """All its counts, in the order of `statistics`."""
        self._settle()
        look = self._look.intervals if self._look else {}
        held = (self._exact, self._binned, self._resolved, look)
        by_statistic = tuple(tuple(_canonical(h.get(s)) for s in statistics) for h in held)
        return self.frames, self.over_budget, self._look is not None, *by_statistic

    def fill(self, contents: tuple[Any, ...], statistics: Sequence[Statistic]) -> None:
        """Take the `contents` of another accumulator."""
        self.frames, self.over_budget, looking_again, *by_statistic = contents
        self._exact, self._binned, self._resolved, look = (
            {s: known for s, known in zip(statistics, held, strict=True) if known is not None}
            for held in by_statistic
        )
        self._exact_cost = self._cost(self._exact)
        self._look = SecondLook.into(look, self.component_edges) if looking_again else None

    def total(self) -> Totals:
        """The sum so far."""
        self._settle()
        if not self.frames:
            raise InputError("expected at least one frame, found none", argument="frames")
        known = dict(self._exact)
        by_bins: Counted = {}
        resolved: dict[Statistic, NDArray[np.bool_]] = {}
        for statistic in self._binned:
            bins, again = self._known_in_bins(statistic), self._resolved.get(statistic)
            looked = self._look.intervals[statistic] if self._look else np.empty((0, 2))
            if of_pixels(statistic):
                inside = PixelCounts.none() if again is None else again.rows()
                known[statistic] = bins.bracketed(bins.meeting(looked), inside)
            else:
                by_bins[statistic] = bins
                resolved[statistic] = bins_meeting(self.component_edges, looked)
                known[statistic] = bins.as_sweep(self.component_edges, again)
        bounds = StatisticBins(self.component_edges, resolved, by_bins) if by_bins else None
        return Totals(self.frames, known, bounds)


def _add(counts: Counted, statistic: Statistic, known: Any) -> None:
    before = [counts[statistic]] if statistic in counts else []
    counts[statistic] = merged(statistic, [*before, known])


@lru_cache(maxsize=4)
def _edges(thresholds: tuple[float, ...]) -> Edges:
    return with_edges(fixed_edges(), thresholds)


@lru_cache(maxsize=8)
def _component_edges(thresholds: tuple[float, ...], parts: int = 1) -> Edges:
    return with_edges(component_edges(parts), thresholds)


def _canonical(known: object) -> Any:
    """The canonical form of counts: the same pixels give the same bytes."""
    return known.joined() if isinstance(known, PixelScores) else known
