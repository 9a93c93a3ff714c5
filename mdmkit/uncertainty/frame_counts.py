"""FrameCounts: counts of each frame at the same bin edges; any selection sums up exactly.

Counts are cut so that one frame's fit into 32 bits: sums over up to 2^21 frames then stay below
2^53, where float64 is exact, and many selections are summed by one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.exact_sums import LIMBS, in_digits, of_digits
from mdmkit.evaluation.sources import Progress
from mdmkit.evaluation.threads import Load, in_order
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.statistics.accumulator import Accumulator
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.binned_steps import BinnedSteps
from mdmkit.statistics.components import QUALITIES
from mdmkit.statistics.edges import Edges, with_edges
from mdmkit.statistics.kinds import (
    ComponentStatistic,
    Counted,
    PixelStatistic,
    Statistic,
    merged,
    of_components,
    of_pixels,
    unchanged,
)
from mdmkit.statistics.normalizers import MinMax, Normalizer, Sigmoid, Unchanged
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.statistics.stepped_counts import BinnedCounts, CountedStatistic
from mdmkit.statistics.totals import DirectBins, StatisticBins, Totals, check_valid

#: Bytes of sums that are held at once, and of frames that enter one matrix product.
BATCH, BLOCK = 2**27, 2**26
#: Of one frame and statistic: smallest and largest score, targets and the largest one's pixels.
FACTS = 4
#: Sums of sIoU and PPV in digits, the number of predictions, two counts at each quality.
COMPONENT_COLUMNS = 2 * (LIMBS + 1) + 1 + 2 * QUALITIES.size

#: Counts of weights are cut in two: up to 2^17 whole regions per frame.
HALF = 1 << 28
Binned = PixelBins | BinnedComponents | BinnedCounts

#: Makes room for the counts of one statistic: `allocate(statistic, shape)` gives an array of
#: uint32, or an object that takes and gives slices as an array does.
Allocate = Callable[[Statistic, tuple[int, int]], Any]


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
    facts : dict of Statistic to ndarray of float64, shape (F, 4)
        Smallest and largest score, ground-truth components, pixels of the largest of them.
    whole : dict of Statistic to PixelBins, BinnedComponents or BinnedCounts
        Of all frames together, with bounds between the thresholds.
    """

    edges: Edges
    normalizer: Normalizer
    counts: Counted
    facts: dict[Statistic, NDArray[np.float64]]
    whole: dict[Statistic, Binned]

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

    def resampled(self, draws: NDArray[np.int64]) -> Iterator[NormalizedTotals]:
        """The statistics of sets that have each frame so many times, shape (R, F), in their order.

        O(R F k m) multiplications, by matrix products of bounded size.
        """
        row = sum(counts.shape[1] for counts in self.counts.values())
        batch = max(1, BATCH // (8 * row))
        known = {statistic: _floats(counts) for statistic, counts in self.counts.items()}
        for start in range(0, len(draws), batch):
            times = draws[start : start + batch]
            sums = {statistic: _sums(counts, times) for statistic, counts in known.items()}
            for place, chosen in enumerate(times):
                yield self._selected(chosen, {r: totals[place] for r, totals in sums.items()})

    def _selected(
        self, times: NDArray[np.int64], sums: dict[Statistic, NDArray[np.float64]]
    ) -> NormalizedTotals:
        """The statistics of one set, as of scores that lie at the edges."""
        exact: Counted = {}
        for statistic, row in sums.items():
            facts, used = self.facts[statistic], times > 0
            extremes = float(facts[used, 0].min()), float(facts[used, 1].max())
            totals = row.astype(np.int64).reshape(-1, self.edges.size + 1).T
            whole = self.whole[statistic]
            if isinstance(whole, BinnedCounts):
                counts = _counts_of(whole, totals, extremes)
                exact[statistic] = counts.as_sweep(self.edges, None)
            elif isinstance(whole, BinnedComponents):
                targets = int(facts[:, 2] @ times)
                parts = [
                    type(part)(p, np.zeros_like(p), np.zeros_like(p), *extremes)
                    for part, p in zip(parts_of(whole), _unpacked(totals), strict=True)
                ]
                binned = BinnedComponents(whole.sizes, targets, int(facts[used, 3].max()), *parts)
                exact[statistic] = binned.as_sweep(self.edges, None)
            else:
                exact[statistic] = pixels_at(self.edges, totals, *extremes)
        return NormalizedTotals(Totals(int(times.sum()), exact), self.normalizer)


def _floats(counts: Any) -> Any:
    """Counts as the float64 that a matrix product takes, where those of all frames are few."""
    frames, row = counts.shape
    return counts[:].astype(np.float64) if 8 * frames * row <= BLOCK else counts


def _sums(counts: Any, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts of all frames, each so many times: integers below 2^53, exact in any order."""
    frames, row = counts.shape
    weights, block = times.astype(np.float64), max(1, BLOCK // (8 * row))
    sums: NDArray[np.float64] = weights[:, :block] @ counts[:block].astype(np.float64, copy=False)
    for start in range(block, frames, block):
        stop = min(start + block, frames)
        sums += weights[:, start:stop] @ counts[start:stop].astype(np.float64)
    return sums


def pixels_at(
    edges: Edges, totals: NDArray[np.int64], smallest: float, largest: float
) -> PixelCounts:
    """Pixels as if at the upper ends of bins, from totals above their lower ones."""
    changes = -np.diff(totals, axis=0, append=np.zeros((1, 2), np.int64))
    some = changes.any(axis=1)
    return PixelCounts(np.append(edges, np.inf).clip(smallest, largest)[some], changes[some])


def parts_of(binned: BinnedComponents | BinnedCounts) -> tuple[BinnedSteps, ...]:
    """The steps that binned counts are made of."""
    if isinstance(binned, BinnedCounts):
        return (binned.ends,)
    return binned.siou, binned.ppv, binned.hits


def _packed(binned: Binned) -> NDArray[np.uint32]:
    """Pack the totals of one frame into a row, column after column."""
    if isinstance(binned, BinnedCounts):
        high, low = np.divmod(binned.ends.totals, HALF)
        constants = np.append(binned.sizes, binned.anomalous)
        totals = np.hstack([high, low, np.broadcast_to(constants, (len(low), constants.size))])
    elif isinstance(binned, BinnedComponents):
        ppv = binned.ppv.totals
        parts = [in_digits(binned.siou.totals), in_digits(ppv[:, :LIMBS]), ppv[:, LIMBS:]]
        totals = np.hstack([*parts, binned.hits.totals])
    else:
        totals = binned.totals
    return np.asarray(totals.T.ravel().astype(np.uint32))


def _unpacked(totals: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Totals of sIoU, PPV and hits from summed columns."""
    digits = LIMBS + 1
    siou, ppv, number, hits = np.split(totals, [digits, 2 * digits, 2 * digits + 1], axis=1)
    return of_digits(siou), np.hstack([of_digits(ppv), number]), hits


def _counts_of(
    whole: BinnedCounts, totals: NDArray[np.int64], extremes: tuple[float, float]
) -> BinnedCounts:
    """Counts of one set from summed columns; constants are the same in all rows."""
    ends = whole.ends.totals.shape[1]
    high, low, constants = np.split(totals, [ends, 2 * ends], axis=1)
    sums = high * HALF + low
    nothing = np.zeros_like(sums)
    *sizes, anomalous = constants[0].tolist()
    steps = type(whole.ends)(sums, nothing, nothing, *extremes)
    return BinnedCounts(steps, np.array(sizes, np.int64), anomalous, whole.paired)


def _facts_of(binned: Binned) -> tuple[float, float, int, int]:
    if isinstance(binned, BinnedCounts):
        return binned.ends.smallest, binned.ends.largest, 0, 0
    if isinstance(binned, BinnedComponents):
        return binned.siou.smallest, binned.siou.largest, binned.targets, binned.largest
    return float(binned.least.min()), float(binned.greatest.max()), 0, 0


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


def chosen_edges(
    total: NormalizedTotals, bins: int, margins: bool, thresholds: Sequence[float]
) -> Edges:
    """About `bins` thresholds for statistics like these: every score, if there are so few.

    Else half of them divide the pixels of each class; the other half, where margins are asked
    for, the range of thresholds, so that no wide gap between scores is left unresolved.
    """
    pixels = total.pixels.rows()
    if pixels.scores.size <= bins:
        return with_edges(pixels.scores, thresholds)
    regular = regular_edges(total.normalizer, bins // 2) if margins else np.empty(0)
    balanced = balanced_edges(pixels, bins // 2 if regular.size else bins)
    return with_edges(np.concatenate([balanced, regular]), thresholds)


def count_frames(
    loads: Sequence[Load],
    statistics: Sequence[Statistic],
    kind: type[Normalizer],
    choose_edges: Callable[[NormalizedTotals], Edges],
    *,
    allocate: Allocate,
    memory: int,
    jobs: int = 1,
    progress: Progress = lambda: None,
) -> FrameCounts:
    """Read the frames of a method twice: to choose thresholds, and to count at them.

    Raises
    ------
    InputError
        The first frame that cannot be used; nothing to count.
    """
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
    facts = {statistic: np.zeros((len(loads), FACTS)) for statistic in statistics}
    whole: Counted = {}
    counted_frames = in_order((partial(_in_bins, load, statistics, direct) for load in loads), jobs)
    for place, frame in enumerate(counted_frames):
        for statistic, binned in frame.by_statistic.items():
            row = _packed(binned)
            if place == 0:
                counts[statistic] = allocate(statistic, (len(loads), row.size))
            counts[statistic][place] = row
            facts[statistic][place] = _facts_of(binned)
            parts = [whole[statistic], binned] if place else [binned]
            whole[statistic] = merged(statistic, parts)
        progress()
    return FrameCounts(edges, total.normalizer, counts, facts, whole)


def _pixels(load: Load) -> Totals:
    return Totals.of(load(), [PixelStatistic()])


def _in_bins(load: Load, statistics: Sequence[Statistic], direct: DirectBins) -> Totals:
    return Totals.of(load(), statistics, direct=direct)


def _columns_of(statistic: Any) -> int:
    inner = unchanged(statistic)
    if isinstance(inner, CountedStatistic):
        return 2 * inner.ends + inner.sizes + 1
    return COMPONENT_COLUMNS if of_components(statistic) else 2


def needed_bytes(statistics: Sequence[Statistic], frames: int, edges: int) -> int:
    """Memory of the counts of so many frames."""
    columns = sum(map(_columns_of, statistics))
    return 4 * columns * (edges + 1) * frames
