"""Closer looks at component metrics: bins with bounds first, every score where it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import Frame
from mdmkit.core.margin import are_several, check_t_margin
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.normalized_totals import Intervals, NormalizedTotals
from mdmkit.statistics.binned_components import PARTS, BinnedComponents
from mdmkit.statistics.components import ComponentCounts
from mdmkit.statistics.edges import UNIT_BINS, Edges, bins_meeting, unit_edges
from mdmkit.statistics.kinds import PixelStatistic
from mdmkit.statistics.normalizers import Unchanged
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_bins import BracketedPixels
from mdmkit.statistics.totals import StatisticBins, Totals, check_valid

#: Bins of a first look, and scores that are drawn to place their edges.
BINS, SAMPLE = 4_096, 65_536
#: Pixels, over all frames, whose places in bins are kept from look to look, 4 bytes each.
KEPT_PIXELS = 2**24


class CloserLooks:
    """Component statistics of frames that can be read again.

    Parameters
    ----------
    frames : sequence of Frame
    metric : ComponentMetric

    Notes
    -----
    A first look counts at `BINS` thresholds with about as many pixels between any two, wherever
    the scores lie; each further one takes a pass over the frames, and makes bins exact. Memory:
    700 bytes a bin, and some 100 a pixel in bins that were made exact.
    """

    def __init__(self, frames: Sequence[Frame], metric: ComponentMetric) -> None:
        self._frames, self._metric = frames, metric
        self._sizes = metric.statistic.sizes
        self._edges, self._finer = _bins_of(frames)
        self._placed: list[BinnedFrame] = []
        counted = (
            BinnedComponents.of(binned, self._sizes, self._edges)
            for binned in self._binned_frames()
        )
        self._binned = reduce(lambda *two: BinnedComponents.merged(two), counted)
        self._resolved = np.zeros(self._edges.size + 1, bool)
        self._inside = ComponentCounts.none(self._sizes)

    def _binned_frames(self) -> Iterator[BinnedFrame]:
        """The frames with their pixels placed; of few pixels, the places are kept."""
        if self._placed:
            yield from self._placed
            return
        few = sum(frame.scores.size for frame in self._frames) <= KEPT_PIXELS
        for frame in self._frames:
            placed = BinnedFrame.of(frame, self._finer)
            yield placed
            if few:
                self._placed.append(placed)

    def look_at(self, intervals: Intervals) -> None:
        """Record every score in the bins that these closed intervals meet."""
        wanted = bins_meeting(self._edges, intervals) & ~self._resolved
        if wanted.any():
            found = [
                ComponentCounts.inside(binned, self._sizes, self._edges, wanted)
                for binned in self._binned_frames()
            ]
            self._inside = ComponentCounts.merged([self._inside, *found])
            self._resolved |= wanted

    def curve(self) -> CloserCurve:
        """d(z) as far as it is known, with bounds elsewhere."""
        statistic, seen = self._metric.statistic, self._binned.siou
        anomalous = sum(frame.anomalous_pixels for frame in self._frames)
        normal = sum(frame.pixels for frame in self._frames) - anomalous
        pixels = BracketedPixels(  # one group: nothing but its ends is asked for
            np.array([seen.largest]), np.array([[anomalous, normal]]), np.array([seen.smallest])
        )
        sweep = self._binned.as_sweep(self._edges, self._inside)
        bins = StatisticBins(self._edges, {statistic: self._resolved}, {statistic: self._binned})
        totals = Totals(len(self._frames), {PixelStatistic(): pixels, statistic: sweep}, bins)
        found = NormalizedTotals(totals).bounded_curve(self._metric)
        own = {field.name: getattr(found.curve, field.name) for field in fields(found.curve)}
        return CloserCurve(**own, looks=self, scores=found.scores)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CloserCurve(ThresholdCurve):
    """A `ThresholdCurve` that looks at its frames again for what is asked of it.

    Its steps are bins with bounds (`low`, `high`); values read and margins are the exact ones.
    """

    looks: CloserLooks
    scores: Intervals  # on which each step hangs, NaN where it is exact

    def _known_at(self, steps: NDArray[np.bool_]) -> CloserCurve:
        """The curve with these steps made exact."""
        unknown = ~np.isnan(self.scores[:, 0])
        self.looks.look_at(self.scores[steps & unknown])
        return self.looks.curve()

    def __call__(self, z: Any) -> Any:
        """D at one or more thresholds in [0, 1]; NaN where undefined."""
        values = super().__call__(z)
        steps = np.searchsorted(self.breakpoints, np.asarray(z, np.float64), side="right") - 1
        unresolved = np.zeros(self.values.size, bool)
        unresolved[steps] = True
        unresolved &= self.low != self.high
        between = self.breakpoints[steps] != np.asarray(z, np.float64)
        if not (unresolved[steps] & between).any():
            return values
        return ThresholdCurve.__call__(self._known_at(unresolved), z)

    def margin(self, t_margin: Any) -> Any:
        """The MDM at a required quality T in [0, 1): the longest run of steps with d > T."""
        if are_several(t_margin):
            several = [check_t_margin(t) for t in t_margin]
            return ThresholdCurve.margin(self._decided(several), t_margin) if several else ()
        return ThresholdCurve.margin(self._decided([check_t_margin(t_margin)]), t_margin)

    def __repr__(self) -> str:
        return super().__repr__().replace(", exact)", " with bounds, exact where it is read)")

    def _decided(self, t_margins: list[float]) -> CloserCurve:
        """The curve with every step made exact that these margins hang on."""
        steps = np.logical_or.reduce([self.undecided(t) for t in t_margins])
        return self._known_at(steps) if steps.any() else self


def closer_curve(frames: Iterable[Frame], metric: ComponentMetric) -> ThresholdCurve:
    """The curve of a component metric over frames in memory, on their own scale.

    Parameters
    ----------
    frames : iterable of Frame
        They are kept as long as the curve is.
    metric : ComponentMetric

    Returns
    -------
    ThresholdCurve
        At every score where frames have few, as those of 16 bits do; else a `CloserCurve`.

    Raises
    ------
    InputError
        Without valid pixels, for scores outside [0, 1], or without anything to detect.
    """
    several = list(frames)
    if not any(frame.valid.any() for frame in several):
        check_valid(PixelCounts.none())
    if not all(few_scores(frame) for frame in several):
        return CloserLooks(several, metric).curve()
    for frame in several:
        scores = frame.unit_scores(np.flatnonzero(frame.valid))
        Unchanged()(np.array([scores.min(initial=0), scores.max(initial=0)]))
    sizes = metric.statistic.sizes
    return metric.curve(ComponentCounts.merged(ComponentCounts.of(f, sizes) for f in several))


def few_scores(frame: Frame) -> bool:
    """Whether a frame has so few scores that bins would not be fewer."""
    return frame.scores.dtype.itemsize <= 2 or frame.scores.size <= 4 * BINS


def _bins_of(frames: Sequence[Frame]) -> tuple[Edges, Edges]:
    """Bin edges with about as many pixels between any two, and finer ones."""
    sample = _sample(frames)
    parts = np.unique(sample[:: max(1, sample.size // (PARTS * BINS))])
    regular = np.unique(np.clip(np.round(parts[::PARTS] * UNIT_BINS), 0, UNIT_BINS)) / UNIT_BINS
    if 2 * regular.size > BINS:
        return regular, unit_edges()  # scores are placed quickly between these
    edges = np.unique(np.append(parts[::PARTS], parts[-1:]))
    return edges, np.union1d(edges, parts)


def _sample(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """About `SAMPLE` scores of valid pixels, ascending, drawn at regular places."""
    step = max(1, sum(frame.scores.size for frame in frames) // (16 * SAMPLE)) | 1
    drawn = [
        frame.unit_scores(np.arange(0, frame.scores.size, step)[frame.valid.ravel()[::step]])
        for frame in frames
    ]
    left = np.concatenate(drawn)
    return np.sort(left[:: max(1, left.size // SAMPLE)])
