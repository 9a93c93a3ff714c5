"""ComponentCounts: sums of sIoU and PPV, true and false positive components per threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes, TargetChoice
from mdmkit.core.errors import InputError
from mdmkit.core.exact_sums import LIMBS
from mdmkit.core.foreign import read_only
from mdmkit.statistics.binned_steps import inside_bins, spread
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.frame_regions import FrameRegions
from mdmkit.statistics.merging import SHARED, Joined, Merging
from mdmkit.statistics.pixel_order import met_scores, pixel_order, score_keys
from mdmkit.statistics.scratch import scratch
from mdmkit.statistics.steps import RatioSteps, Rescale, Steps

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.statistics.kernels.state import Records, State
    from mdmkit.statistics.pixel_bins import BinnedFrame

#: Thresholds t of component F1 (SegmentMeIfYouCan); linspace's own values, t[7] included.
QUALITIES = np.linspace(0.25, 0.75, 11)
RECORD, RESTART, COUNT = 1, 2, 4  # flags of `mdmkit.statistics.kernels.state`
SMALL = -2  # and its class of a component that is too small
MOST_PIXELS = 2**28  # its records have as many bits for a basin


@dataclass(frozen=True, eq=False)
class Targets:
    """The ground-truth components of a frame, by 8-connectivity.

    Attributes
    ----------
    runs : ndarray of int32, shape (N, 3)
        Runs of anomalous pixels in rows: first flat index, the one behind the last, component 1,
        2, ..., or -2 in a component that is too small.
    pixels : ndarray of int64, shape (K + 1,)
        Pixels of each component; entry 0 is 0.
    largest : int
        Pixels of the largest component, too small or not.
    """

    runs: NDArray[np.int32]
    pixels: NDArray[np.int64]
    largest: int

    @classmethod
    def of(cls, frame: Frame, min_target: int, within: TargetChoice | None = None) -> Targets:
        """Number the components of at least `min_target` pixels, of those chosen. O(P)."""
        regions = FrameRegions.of(frame)
        kept = regions.kept(frame, min_target, within)
        runs = regions.runs.copy()
        runs[:, 2] = np.where(kept, np.cumsum(kept), SMALL)[runs[:, 2]]
        sizes = regions.sizes
        return cls(runs, np.append(0, sizes[kept]), int(sizes.max(initial=0)))

    @property
    def count(self) -> int:
        """Number of components that are not too small."""
        return self.pixels.size - 1


def count_targets(frame: Frame, min_target: int) -> int:
    """Number of ground-truth components of at least `min_target` pixels."""
    return Targets.of(frame, min_target).count


@dataclass(frozen=True, eq=False)
class Ranking:
    """The order in which the pixels of a frame join components.

    Attributes
    ----------
    rank : ndarray of int32, shape ((H + 2) (W + 1) + 1,)
        Rank of each pixel, the highest scores first, in the frame with a row above and below and
        one column to the right; the largest int32 where a pixel is not swept, and around. It is
        scratch memory, good until the next ranking of this thread is made.
    spans : ndarray of int32, shape (H, 2)
        Of each row the first column that is swept, and the one behind the last.
    flags : ndarray of uint8, shape (R,)
        What to do at the end of each rank: see `mdmkit.statistics.kernels.state`.
    """

    rank: NDArray[np.int32]
    spans: NDArray[np.int32]
    flags: NDArray[np.uint8]

    @classmethod
    def by_score(cls, frame: Frame, flag: int) -> tuple[Ranking, NDArray[np.float64]]:
        """Give each distinct score a rank; with the ranking, the score of each rank."""
        from mdmkit.statistics.kernels.basins import rank_by_key, rank_by_level

        rank, spans = _unranked(frame)
        if frame.scores.dtype.itemsize <= 2:
            met, values = met_scores(frame)
            negative, ranks = np.unique(-values, return_inverse=True)
            scores = -negative + 0.0  # -0.0 becomes 0.0
            rank_of_key = np.zeros(256**frame.scores.dtype.itemsize, np.int32)
            rank_of_key[met] = ranks
            rank_by_key(score_keys(frame.scores.ravel()), frame.classes, rank_of_key, rank, spans)
        else:
            levels = pixel_order(frame)
            rank_by_level(levels.order, levels.last, rank, spans)
            scores = levels.scores
        return cls(rank, spans, np.full(scores.size, flag, np.uint8)), scores

    @classmethod
    def by_key(
        cls, binned: BinnedFrame, ranks: NDArray[np.int32], flags: NDArray[np.uint8]
    ) -> Ranking:
        """Rank pixels by their key of a binned frame; those of negative ranks are left out."""
        from mdmkit.statistics.kernels.basins import rank_by_key

        rank, spans = _unranked(binned.frame)
        rank_by_key(binned.keys, binned.frame.classes, ranks, rank, spans)
        return cls(rank, spans, flags)


def _unranked(frame: Frame) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Room for the ranks and the spans of a frame."""
    height, width = frame.shape
    rank = scratch("rank", (height + 2) * (width + 1) + 1, np.int32)
    return rank, np.empty((height, 2), np.int32)


def prepared(
    frame: Frame,
    sizes: ComponentSizes,
    ranking: Ranking,
    targets: Targets,
    qualities: NDArray[np.float64] = QUALITIES,
) -> tuple[Records, State]:
    """Make the records that the kernel reads, and the state that it works on."""
    if frame.scores.size > MOST_PIXELS:
        raise InputError(
            f"expected at most {MOST_PIXELS} pixels a frame for component metrics, "
            f"found {frame.scores.size}; cut the frame into several",
            argument="scores",
        )
    from mdmkit.statistics.kernels import basins
    from mdmkit.statistics.kernels.state import Records, State

    rank, spans = ranking.rank, ranking.spans
    joins = basins.joins_by_mask(frame.shape[1] + 1)
    mask, traits = (scratch(name, rank.size, np.uint8) for name in ("mask", "traits"))
    basin = scratch("basin", rank.size, np.int32)
    room = np.zeros(ranking.flags.size, np.int32)
    births = basins.find_basins(rank, spans, frame.classes, joins, mask, traits, basin, room)
    basins.name_basins(rank, spans, basin)
    starts = np.cumsum(room, dtype=np.int32) - room
    ends, words = starts.copy(), scratch("words", int(room.sum(dtype=np.int64)), np.uint32)
    basins.scatter_records(rank, spans, targets.runs, joins, mask, traits, basin, ends, words)
    apart = ((frame.shape[0] + 1) // 2) * ((frame.shape[1] + 1) // 2)
    state = State.of(births, apart, targets.pixels, sizes.min_prediction, qualities)
    return Records(words, starts, ends, ranking.flags), state


@dataclass(frozen=True)
class Swept:
    """Totals that the kernel recorded; see `mdmkit.statistics.kernels.components.sweep`."""

    targets: int
    largest: int
    sums: NDArray[np.int64]
    hits: NDArray[np.int32]
    bounds: NDArray[np.int64]
    hit_bounds: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        frame: Frame,
        sizes: ComponentSizes,
        ranking: Ranking,
        qualities: NDArray[np.float64] = QUALITIES,
        bins: bool = False,
        found: bool = False,
    ) -> Swept:
        """Count the components of a frame, its pixels joining in an order."""
        from mdmkit.statistics.kernels.components import sweep

        targets = Targets.of(frame, sizes.min_target, sizes.within)
        records, state = prepared(frame, sizes, ranking, targets, qualities)
        return cls(targets.count, targets.largest, *sweep(records, state, bins, found))


@dataclass(frozen=True, eq=False)
class Components(Merging):
    """Three parts of component statistics, which merge exactly.

    Attributes
    ----------
    sizes : ComponentSizes
    targets : int
        Ground-truth components of at least `min_target` pixels.
    largest : int
        Pixels of the largest ground-truth component, too small or not.
    siou
        Fixed-point sum (`mdmkit.core.exact_sums`) of sIoU over ground-truth components.
    ppv
        Fixed-point sum of PPV over predicted components, and their number.
    hits
        True positives, then false positives, at each of the 11 `QUALITIES`.
    """

    sizes: ComponentSizes
    targets: int
    largest: int
    siou: Any
    ppv: Any
    hits: Any

    joined: ClassVar[Joined] = {"sizes": SHARED, "largest": max}


def _spreads_together(known: list[Any]) -> Any:
    return None if None in known else tuple(map(Steps.merged, zip(*known, strict=True)))


@dataclass(frozen=True, eq=False)
class ComponentCounts(Components):
    """Component statistics of the prediction A > z for every z, of one or more frames.

    Its parts are `Steps`. One union-find pass over pixels in descending score (Chan et al. 2021
    for the metrics): exact at every distinct score. Costs O(P a(P)) for P pixels, and at each
    score the number of targets that the components which changed there touch.
    """

    siou: RatioSteps
    ppv: RatioSteps
    hits: Steps
    #: Of each part the sum of the frames' `binned_steps.spread`, for sums that go to bins.
    spreads: tuple[Steps, Steps, Steps] | None = None

    joined: ClassVar[Joined] = {**Components.joined, "spreads": _spreads_together}

    @classmethod
    def of(cls, frame: Frame, sizes: ComponentSizes) -> ComponentCounts:
        """Count one frame at every distinct score."""
        ranking, scores = Ranking.by_score(frame, RECORD)
        return cls._from_rows(sizes, Swept.of(frame, sizes, ranking), scores)

    @classmethod
    def inside(
        cls, binned: BinnedFrame, sizes: ComponentSizes, edges: Edges, resolved: NDArray[np.bool_]
    ) -> ComponentCounts:
        """`of(frame, sizes).inside_bins(edges, resolved)`, looking closely at those bins only.

        `edges` may be fewer than those of `binned`. Where no score need be known the pixels come
        in the order of the frame, which is quick, and below the last bin not at all.
        """
        ranking, scores = _closely(binned, edges, resolved)
        sweep = cls._from_rows(sizes, Swept.of(binned.frame, sizes, ranking), scores)
        return sweep._mapped(lambda part: type(part)(*_known(part)))

    @classmethod
    def _from_rows(
        cls, sizes: ComponentSizes, swept: Swept, scores: NDArray[np.float64]
    ) -> ComponentCounts:
        at = scores[swept.sums[:, 0]]
        return cls(
            sizes,
            swept.targets,
            swept.largest,
            RatioSteps.from_totals(at, swept.sums[:, 1 : 1 + LIMBS]),
            RatioSteps.from_totals(at, swept.sums[:, 1 + LIMBS :]),
            Steps.from_totals(scores[swept.hits[:, 0]], swept.hits[:, 1:].astype(np.int64)),
        )

    def with_spreads(self, edges: Edges) -> ComponentCounts:
        """The counts of one frame, which can be merged and then reduced to these edges."""
        spreads = (spread(self.siou, edges), spread(self.ppv, edges), spread(self.hits, edges))
        return replace(self, spreads=spreads)

    def inside_bins(self, edges: Edges, bins: NDArray[np.bool_]) -> ComponentCounts:
        """The changes inside some bins."""
        return self._mapped(lambda part: inside_bins(part, edges, bins))

    @classmethod
    def none(cls, sizes: ComponentSizes) -> ComponentCounts:
        """The counts of no frames."""
        siou, ppv = RatioSteps.empty(LIMBS), RatioSteps.empty(LIMBS + 1)
        return cls(sizes, 0, 0, siou, ppv, Steps.empty(2 * QUALITIES.size))

    def rescaled(self, rescale: Rescale) -> ComponentCounts:
        """Map the scores of the statistics, keeping their order."""
        return self._mapped(lambda part: part.rescaled(rescale))

    def _mapped(self, function: Callable[[Any], Any]) -> ComponentCounts:
        parts = function(self.siou), function(self.ppv), function(self.hits)
        return ComponentCounts(self.sizes, self.targets, self.largest, *parts)


def mean_f1(hits: NDArray[np.int64], targets: int) -> NDArray[np.float64]:
    """Mean component F1 over the qualities of TP and FP of so many targets, shape (...).

    Parameters
    ----------
    hits : ndarray of int64, shape (..., 2 k)
        As in `Components`, for any k qualities.
    """
    from mdmkit.statistics.kernels.hits import fill_mean_f1

    rows = read_only(hits.reshape(-1, hits.shape[-1]))
    values = np.empty(len(rows))
    fill_mean_f1(rows, targets, values)
    return values.reshape(hits.shape[:-1])


def bins_of_keys(finer: Edges, edges: Edges) -> NDArray[np.intp]:
    """The bin between `edges` in which each key between `finer` edges lies."""
    return np.repeat(np.searchsorted(edges, np.append(finer, np.inf), side="left"), 2)


def _known(part: Steps) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    known = ~np.isnan(part.scores)
    return part.scores[known], part.changes[known]


def _closely(
    binned: BinnedFrame, edges: Edges, resolved: NDArray[np.bool_]
) -> tuple[Ranking, NDArray[np.float64]]:
    """Give each score in resolved bins a rank, and one to all scores between two such bins.

    Returns
    -------
    ranking : Ranking
    scores : ndarray of float64, shape (R,)
        Of each rank; NaN where it has several.
    """
    close = resolved[bins_of_keys(binned.edges, edges)]
    close[1:-1:2] &= ~np.isin(binned.edges, edges)
    places = binned.within(close)
    values, keys = binned.frame.unit_scores(places), binned.keys[places]
    pixels = np.bincount(keys, minlength=close.size)
    # by key: resolved pixels, and runs of other keys, at or above it; each pixel may be a rank
    ahead = np.cumsum(pixels[::-1])[::-1]
    runs = np.cumsum((~close & np.append(close[1:], True))[::-1])[::-1]
    ranks = (ahead + runs - 1).astype(np.int32)
    met = np.flatnonzero(pixels)
    ranks[: met[0] if met.size else close.size] = -1
    count = int(ahead[0] + runs[0]) if met.size else 0
    ranking = Ranking.by_key(binned, ranks, np.full(count, RECORD, np.uint8))

    order = np.argsort(-values, kind="stable")
    values = values[order]
    first = np.append(True, values[1:] != values[:-1])[: values.size]  # of its score
    levels = np.maximum.accumulate(np.where(first, np.arange(values.size), 0))
    own = levels + runs[keys[order]]
    width = binned.frame.shape[1]
    ranking.rank[places[order] + places[order] // width + width + 2] = own
    scores = np.full(count, np.nan)
    scores[own] = values
    return ranking, scores
