"""Closer looks at component metrics: bins with bounds first, every score where it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.frame import Frame
from mdmkit.core.margin import are_several, check_t_margin
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.statistics.binned_components import PARTS, BinnedComponents
from mdmkit.statistics.components import ComponentCounts, bins_of_keys
from mdmkit.statistics.edges import UNIT_BINS, Edges, unit_edges
from mdmkit.statistics.normalizers import Unchanged
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.totals import check_valid

#: Bins of a first look, and scores that are drawn to place their edges.
BINS, SAMPLE = 4_096, 65_536
#: Pixels, over all frames, of which every score may be recorded at once.
MOST_PIXELS = 2**16
#: Pixels, over all frames, whose places in bins are kept from look to look, 4 bytes each.
KEPT_PIXELS = 2**24
#: How often bins are split, at most, before every score in them is recorded.
MOST_SPLITS = 4


class CloserLooks:
    """Component statistics of frames that can be read again.

    Parameters
    ----------
    frames : sequence of Frame
    sizes : ComponentSizes

    Notes
    -----
    A first look counts at `BINS` thresholds with about as many pixels between any two, wherever
    the scores lie; each further one takes a pass over the frames, and splits bins or makes them
    exact. Memory: 700 bytes a bin, and some 100 a pixel in bins that were made exact.
    """

    def __init__(self, frames: Sequence[Frame], sizes: ComponentSizes) -> None:
        self._frames = frames
        self.sizes = sizes
        self.edges: Edges = np.empty(0)
        self._count(_sample(frames, lambda scores: scores))

    def _count(self, sample: NDArray[np.float64]) -> None:
        """Look at all bins, with further edges at quantiles of the sample."""
        parts = np.unique(sample[:: max(1, sample.size // (PARTS * BINS))])
        regular = np.unique(np.clip(np.round(parts[::PARTS] * UNIT_BINS), 0, UNIT_BINS)) / UNIT_BINS
        if self.edges.size == 0 and 2 * regular.size > BINS:
            self.edges, finer = regular, unit_edges()  # scores are placed quickly between these
        else:
            self.edges = np.unique(np.concatenate([self.edges, parts[::PARTS], parts[-1:]]))
            finer = np.union1d(self.edges, parts)
        self.finer = finer
        bins, inner = bins_of_keys(finer, self.edges), ~np.isin(finer, self.edges)
        inner = np.repeat(np.append(inner, True), 2)
        inner[::2] = True  # scores at an edge are not within the bin
        self.pixels = np.zeros(self.edges.size + 1, np.int64)
        binned: BinnedComponents | None = None
        self._placed: list[BinnedFrame] = []
        for frame in self._binned_frames():
            self.pixels += np.bincount(bins, frame.pixels * inner, self.pixels.size).astype(int)
            counted = BinnedComponents.of(frame, self.sizes, self.edges)
            binned = counted if binned is None else BinnedComponents.merged([binned, counted])
        assert binned is not None
        self.binned = binned
        self.exact = np.zeros(self.edges.size + 1, bool)
        self.inside = ComponentCounts.none(self.sizes)

    def _binned_frames(self) -> Iterator[BinnedFrame]:
        """The frames with their pixels placed; of few pixels, the places are kept."""
        if self._placed:
            yield from self._placed
            return
        few = sum(frame.scores.size for frame in self._frames) <= KEPT_PIXELS
        for frame in self._frames:
            placed = BinnedFrame.of(frame, self.finer)
            yield placed
            if few:
                self._placed.append(placed)

    def bins_of(self, thresholds: NDArray[np.float64]) -> NDArray[np.bool_]:
        """The bins in which these thresholds lie, shape (m + 1,)."""
        bins = np.zeros(self.exact.size, bool)
        bins[np.searchsorted(self.edges, thresholds, side="right")] = True
        return bins

    def split(self, bins: NDArray[np.bool_]) -> None:
        """Split bins, and look at all of them anew."""

        def within(scores: NDArray[np.float64]) -> NDArray[np.float64]:
            return scores[bins[np.searchsorted(self.edges, scores, side="left")]]

        self._count(_sample(self._frames, within))

    def make_exact(self, bins: NDArray[np.bool_]) -> None:
        """Record every score in these bins."""
        wanted = bins & ~self.exact
        if wanted.any():
            found = [
                ComponentCounts.inside(frame, self.sizes, self.edges, wanted)
                for frame in self._binned_frames()
            ]
            self.inside = ComponentCounts.merged([self.inside, *found])
            self.exact |= wanted

    def curve(self, metric: ComponentMetric) -> CloserCurve:
        """d(z) as far as it is known, with bounds elsewhere."""
        seen = self.binned.siou
        if np.isfinite(seen.smallest):
            Unchanged()(np.array([seen.smallest, seen.largest]))  # refuses scores outside [0, 1]
        known = metric.curve(self.binned.as_sweep(self.edges, self.inside))
        bins = np.searchsorted(self.edges, known.breakpoints, side="right")
        exact = self.exact[bins]
        exact[-1] = True  # above the largest score nothing is predicted
        bounds = metric.bounds(self.binned)
        assert bounds is not None
        low, high = (np.where(np.isnan(bound), -np.inf, bound)[bins] for bound in bounds)
        own = {field.name: getattr(known, field.name) for field in fields(known)}
        own["low"] = np.where(exact, known.values, np.fmin(low, known.values))
        own["high"] = np.where(exact, known.values, np.fmax(high, known.values))
        return CloserCurve(**own, looks=self, component_metric=metric)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CloserCurve(ThresholdCurve):
    """A `ThresholdCurve` that looks at its frames again for what is asked of it.

    Its steps are bins with bounds (`low`, `high`); values read and margins are the exact ones.
    """

    looks: CloserLooks
    component_metric: ComponentMetric

    def _known_at(self, steps: NDArray[np.bool_]) -> CloserCurve:
        """The curve with these steps made exact."""
        self.looks.make_exact(self.looks.bins_of(self.breakpoints[steps]))
        return self.looks.curve(self.component_metric)

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
        curve = self
        for splits in range(MOST_SPLITS + 1):
            steps = np.logical_or.reduce([curve.undecided(t) for t in t_margins])
            if not steps.any():
                return curve
            bins = curve.looks.bins_of(curve.breakpoints[steps])
            if splits == MOST_SPLITS or curve.looks.pixels[bins].sum() <= MOST_PIXELS:
                return curve._known_at(steps)
            curve.looks.split(bins)
            curve = curve.looks.curve(curve.component_metric)
        return curve


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
        return CloserLooks(several, metric.statistic.sizes).curve(metric)
    for frame in several:
        scores = frame.unit_scores(np.flatnonzero(frame.valid))
        Unchanged()(np.array([scores.min(initial=0), scores.max(initial=0)]))
    sizes = metric.statistic.sizes
    return metric.curve(ComponentCounts.merged(ComponentCounts.of(f, sizes) for f in several))


def few_scores(frame: Frame) -> bool:
    """Whether a frame has so few scores that bins would not be fewer."""
    return frame.scores.dtype.itemsize <= 2 or frame.scores.size <= 4 * BINS


def _sample(
    frames: Iterable[Frame], within: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """About `SAMPLE` scores of valid pixels, ascending, drawn at regular places."""
    several = list(frames)
    step = max(1, sum(frame.scores.size for frame in several) // (16 * SAMPLE)) | 1
    drawn = [
        within(
            frame.unit_scores(np.arange(0, frame.scores.size, step)[frame.valid.ravel()[::step]])
        )
        for frame in several
    ]
    left = np.concatenate(drawn)
    return np.sort(left[:: max(1, left.size // SAMPLE)])
