"""FrameCounts: counts of each frame at the same bin edges; any selection sums up exactly.

Counts are cut so that one frame's fit into 32 bits: sums over up to 2^31 frames fit into 64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.progress import Progress
from mdmkit.evaluation.shelf import shelved
from mdmkit.evaluation.threads import Load, in_order
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.statistics.accumulator import Accumulator
from mdmkit.statistics.edges import Edges, with_edges
from mdmkit.statistics.kinds import (
    ComponentStatistic,
    Counted,
    PixelStatistic,
    Statistic,
    merged,
    of_pixels,
)
from mdmkit.statistics.normalizers import MinMax, Normalizer, Sigmoid, Unchanged
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.statistics.stepped_counts import CountedStatistic
from mdmkit.statistics.totals import DirectBins, StatisticBins, Totals, check_valid
from mdmkit.uncertainty.frame_rows import (
    FACTS,
    Binned,
    Integers,
    columns,
    columns_of,
    facts_of,
    packed,
    spreads_of,
    unpacked,
)

#: Bytes of sums, and of counts, that are held at once.
BATCH, BLOCK = 2**27, 2**26
#: By how much ranges of rates are widened where thresholds are chosen.
WIDER = 30


#: Of a set of frames: least and greatest score, targets, pixels of the largest of them.
Facts = tuple[tuple[float, float], int, int]


class Room(Protocol):
    """Holds the counts of frames: arrays, or objects that take and give slices like arrays."""

    def counts(self, statistic: Statistic, shape: tuple[int, int]) -> Any:
        """Room for uint32 of so many frames."""

    def spreads(self, statistic: Statistic, shape: tuple[int, int]) -> Any | None:
        """Room for the int64 of how far they move within bins; None: they are not kept."""


class InMemory:
    """Room in memory for counts, which resampling needs, and none for spreads."""

    def counts(self, statistic: Statistic, shape: tuple[int, int]) -> NDArray[np.uint32]:
        """Room for uint32 of so many frames."""
        return np.zeros(shape, np.uint32)

    def spreads(self, statistic: Statistic, shape: tuple[int, int]) -> None:
        """Save none."""


@dataclass(frozen=True, eq=False)
class FrameCounts:
    """Counts of each frame of a method at the same bin edges.

    Attributes
    ----------
    edges : ndarray of float64, shape (m,)
        Bin edges: raw scores at which counts are exact.
    normalizer : Normalizer
        With the constants of all frames.
    counts : dict of Statistic to array of uint32, shape (F, k (m + 1))
        Counts in memory, or a data set of a file.
    facts : dict of Statistic to ndarray of float64, shape (F, 5)
        Smallest and largest score, ground-truth components, pixels of the largest of them, pixels
        of the frame.
    whole : dict of Statistic to PixelBins, BinnedComponents or BinnedCounts
        Of all frames together, with bounds between the thresholds.
    spreads : dict of Statistic to array of int64, shape (F, b (m + 1))
        Range of the counts of each frame within bins; empty where it was not saved.
    """

    edges: Edges
    normalizer: Normalizer
    counts: Counted
    facts: dict[Statistic, NDArray[np.float64]]
    whole: dict[Statistic, Binned]
    spreads: Counted = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """F, the number of frames."""
        return int(next(iter(self.facts.values())).shape[0])

    def total(self) -> NormalizedTotals:
        """All frames once each; numbers carry brackets."""
        known: Counted = {}
        by_bins = {s: whole for s, whole in self.whole.items() if not of_pixels(s)}
        for statistic, whole in self.whole.items():
            if isinstance(whole, PixelBins):
                known[statistic] = whole.as_groups()
            else:
                known[statistic] = whole.as_sweep(self.edges, None)
        resolved = {statistic: self._resolved(statistic) for statistic in by_bins}
        bounds = StatisticBins(self.edges, resolved, by_bins)
        return NormalizedTotals(Totals(self.frames, known, bounds), self.normalizer)

    def _resolved(self, statistic: Statistic) -> NDArray[np.bool_]:
        """Resolved bins, shape (m + 1,): those without a score between their edges."""
        pixels = self.whole.get(PixelStatistic())
        own = isinstance(statistic, (ComponentStatistic, CountedStatistic))
        if own and isinstance(pixels, PixelBins):
            return np.asarray(~(pixels.least < pixels.greatest))
        return np.zeros(self.edges.size + 1, bool)  # of frames with scores of their own

    def frame(self, place: int, statistic: Statistic) -> Any:
        """One frame in bins, with bounds within them where spreads were kept."""
        smallest, largest, targets, size, _ = self.facts[statistic][place].tolist()
        spreads = self.spreads.get(statistic)
        return unpacked(
            self.whole[statistic],
            np.asarray(self.counts[statistic][place], np.int64),
            int(targets),
            int(size),
            (smallest, largest),
            None if spreads is None else np.asarray(spreads[place]),
        )

    def resampled(self, draws: NDArray[np.int64]) -> Iterator[list[NormalizedTotals]]:
        """The statistics of sets that have each frame so many times, shape (R, F), in their order.

        Some sets at a time, which are good until the next ones are asked for, whose sums take the
        same memory. O(R F k m) multiplications.
        """
        rows = {statistic: counts.shape[1] for statistic, counts in self.counts.items()}
        batch = max(1, min(self.frames, BATCH // (8 * sum(rows.values()))))
        known = {s: c[:] if 4 * c.size <= BLOCK else c for s, c in self.counts.items()}
        sums = {statistic: np.empty((batch, row), np.int64) for statistic, row in rows.items()}
        for start in range(0, len(draws), batch):
            times = draws[start : start + batch]
            for statistic, counts in known.items():
                _add_up(counts, times, sums[statistic])
            facts = {statistic: _of_sets(facts, times) for statistic, facts in self.facts.items()}
            yield [
                self._selected(count, {s: (sums[s][place], facts[s][place]) for s in sums})
                for place, count in enumerate(times.sum(axis=1).tolist())
            ]

    def _selected(
        self, frames: int, sums: dict[Statistic, tuple[Integers, Facts]]
    ) -> NormalizedTotals:
        """The statistics of one set, as of scores that lie at the edges."""
        exact: Counted = {}
        for statistic, (row, (extremes, targets, largest)) in sums.items():
            whole = self.whole[statistic]
            if isinstance(whole, PixelBins):
                exact[statistic] = PixelCounts.at_edges(self.edges, columns(row, 2), *extremes)
            else:
                binned: Any = unpacked(whole, row, targets, largest, extremes)
                exact[statistic] = binned.as_sweep(self.edges, None)
        return NormalizedTotals(Totals(frames, exact), self.normalizer)


def _add_up(counts: Any, times: Integers, sums: Integers) -> None:
    """Sum up the counts of all frames, each so many times, in the first rows of `sums`."""
    from mdmkit.statistics.kernels.sets import add_sets

    frames, row = counts.shape
    weights, block = times.astype(np.uint32), max(1, BLOCK // (4 * row))
    for start in range(0, frames, block):
        stop = start + block
        add_sets(counts[start:stop], np.ascontiguousarray(weights[:, start:stop]), sums, start == 0)


def _of_sets(facts: NDArray[np.float64], times: Integers) -> list[Facts]:
    """Extremes, targets and pixels of the largest one of sets with each frame so many times."""
    drawn = times > 0
    least = np.where(drawn, facts[:, 0], np.inf).min(axis=1).tolist()
    greatest = np.where(drawn, facts[:, 1], -np.inf).max(axis=1).tolist()
    targets = (times @ facts[:, 2].astype(np.int64)).tolist()
    largest = np.where(drawn, facts[:, 3].astype(np.int64), 0).max(axis=1).tolist()
    return list(zip(zip(least, greatest, strict=True), targets, largest, strict=True))


def balanced_edges(pixels: PixelCounts, bins: int) -> Edges:
    """At most `bins` scores with about as many anomalous, and as many normal, pixels between.

    Half of them divide each class: ranking metrics depend on the few anomalous pixels as much as
    on the many normal ones.
    """
    edges = [np.empty(0)]
    for column in (0, 1):
        counts = np.cumsum(pixels.changes[:, column])
        if counts[-1] > 0:
            wanted = np.linspace(1, counts[-1], bins // 2)
            places = np.searchsorted(counts, wanted).clip(0, counts.size - 1)
            edges.append(pixels.scores[places])
    return np.unique(np.concatenate(edges))


def regular_edges(normalizer: Normalizer, count: int) -> Edges:
    """Raw scores that become 0, 1 / count, ..., 1; none where the map is one of ranks."""
    steps = np.arange(count + 1) / count
    if isinstance(normalizer, MinMax):
        return np.unique(normalizer.low + steps * (normalizer.high - normalizer.low))
    if isinstance(normalizer, Sigmoid):
        inner = steps[1:-1]
        return np.asarray(np.log(inner) - np.log1p(-inner))
    return steps if isinstance(normalizer, Unchanged) else np.empty(0)


def tail_edges(pixels: PixelCounts, rates: Sequence[tuple[float, float]], count: int) -> Edges:
    """About `count` scores that few normal pixels exceed: rates in equal ratios in each range.

    The ranges are widened, as rates of images differ from those of all pixels.
    """
    above = np.cumsum(pixels.changes[::-1, 1])
    wanted = [np.geomspace(low / WIDER, min(1, high * WIDER), count) for low, high in rates]
    if not wanted or not above.size or above[-1] == 0:
        return np.empty(0)
    places = np.searchsorted(above, np.concatenate(wanted) * above[-1])
    return np.unique(pixels.scores[::-1][places.clip(0, above.size - 1)])


def chosen_edges(
    total: NormalizedTotals,
    bins: int,
    margins: bool,
    thresholds: Sequence[float],
    rates: Sequence[tuple[float, float]] = (),
) -> Edges:
    """About `bins` thresholds for statistics like these: every score, if there are so few.

    Else half of them divide the pixels of each class; the other half, where margins are asked
    for, the range of thresholds, so that no wide gap between scores is left open. Further ones
    divide ranges of small false positive rates.
    """
    pixels = total.pixels.rows()
    if pixels.scores.size <= bins:
        return with_edges(pixels.scores, thresholds)
    regular = regular_edges(total.normalizer, bins // 2) if margins else np.empty(0)
    balanced = balanced_edges(pixels, bins // 2 if regular.size else bins)
    tail = tail_edges(pixels, rates, bins // 4)
    return with_edges(np.concatenate([balanced, regular, tail]), thresholds)


def count_frames(
    loads: Sequence[Load],
    statistics: Sequence[Statistic],
    kind: type[Normalizer],
    choose_edges: Callable[[NormalizedTotals], Edges],
    *,
    room: Room,
    memory: int,
    jobs: int = 1,
    progress: Progress = lambda: None,
) -> FrameCounts:
    """Go through the frames of a method twice: to choose thresholds, and to count at them.

    They are read once, as long as they fit into an eighth of `memory`.

    Raises
    ------
    InputError
        The first frame that cannot be used; nothing to count.
    """
    loads = shelved(loads, memory // 8)
    accumulator = Accumulator(memory)
    for part in in_order((partial(_pixels, load) for load in loads), jobs):
        accumulator.add(part)
        progress()
    counted = accumulator.total()
    check_valid(counted.pixels)
    total = NormalizedTotals.of(counted, kind)
    edges = choose_edges(total)
    direct = DirectBins(edges, edges, frozenset(statistics))
    counts: Counted = {}
    spreads: Counted = {}
    facts = {statistic: np.zeros((len(loads), FACTS)) for statistic in statistics}
    whole: Counted = {}
    frames = in_order((partial(_in_bins, load, statistics, direct) for load in loads), jobs)
    for place, (frame, size) in enumerate(frames):
        for statistic, binned in frame.by_statistic.items():
            _put(counts, statistic, packed(binned), place, len(loads), room.counts)
            spread = spreads_of(binned)
            if spread is not None:
                _put(spreads, statistic, spread, place, len(loads), room.spreads)
            facts[statistic][place] = facts_of(binned, size)
            parts = [whole[statistic], binned] if place else [binned]
            whole[statistic] = merged(statistic, parts)
        progress()
    return FrameCounts(edges, total.normalizer, counts, facts, whole, spreads)


def _put(
    table: Counted,
    statistic: Statistic,
    row: NDArray[Any],
    place: int,
    frames: int,
    allocate: Callable[[Statistic, tuple[int, int]], Any | None],
) -> None:
    """Keep a row, in the room that the first one makes; nothing where there is none."""
    if place == 0:
        found = allocate(statistic, (frames, row.size))
        if found is None:
            return
        table[statistic] = found
    if statistic in table:
        table[statistic][place] = row


def _pixels(load: Load) -> Totals:
    return Totals.of(load(), [PixelStatistic()])


def _in_bins(load: Load, statistics: Sequence[Statistic], direct: DirectBins) -> tuple[Totals, int]:
    frame = load()
    return Totals.of(frame, statistics, direct=direct), frame.scores.size


def needed_bytes(statistics: Sequence[Statistic], frames: int, edges: int) -> int:
    """Memory of the counts of so many frames."""
    columns = sum(map(columns_of, statistics))
    return 4 * columns * (edges + 1) * frames
