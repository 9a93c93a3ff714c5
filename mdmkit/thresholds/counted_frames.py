"""CountedFrames: requirements judged on what was counted of frames, without reading them again.

Between two thresholds of the counts measures are known by bounds. A requirement holds where the
worse bound meets it, and is certified by the least value that each frame may have: ranges and
certificates are at most shorter than those of every score, and no less true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError, NoTargetError
from mdmkit.metrics.base import Metric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.pixel_metrics import ROUNDING, CountMetric
from mdmkit.statistics.frame_means import FrameMeans
from mdmkit.statistics.kinds import PixelStatistic, Statistic, has_bins
from mdmkit.statistics.normalizers import Normalizer
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.thresholds.counted_frame import Counted, CountedFrame, Scores, means_in
from mdmkit.thresholds.frame_values import Certifiable
from mdmkit.thresholds.ranges import Ranges, undefined
from mdmkit.thresholds.requirements import Requirement
from mdmkit.thresholds.sources import ReadFrames, Source
from mdmkit.uncertainty.certificates import FrameSteps, Run
from mdmkit.uncertainty.frame_counts import FrameCounts

Bounds = tuple[Scores, Scores]
T = TypeVar("T")


class FrameInBins(CountedFrame):
    """A frame that was counted at some thresholds: as if its scores lay at these."""

    def __init__(self, counts: FrameCounts, place: int) -> None:
        self._counts, self._place = counts, place
        self._binned: dict[Statistic, Any] = {}
        pixels = int(self.in_bins(PixelStatistic()).counts.sum())
        super().__init__(pixels, int(counts.facts[PixelStatistic()][place, 4]))

    def in_bins(self, statistic: Statistic) -> Any:
        """A statistic in bins, with bounds within them."""
        if statistic not in self._binned:
            self._binned[statistic] = self._counts.frame(self._place, statistic)
        return self._binned[statistic]

    def count(self, statistic: Statistic) -> Counted:
        """A statistic on raw scores, in rows: exact at the thresholds."""
        binned = self.in_bins(statistic)
        if not isinstance(binned, PixelBins):
            counted: Counted = binned.as_sweep(self._counts.edges, None)
            return counted
        smallest, largest = self._counts.facts[statistic][self._place, :2].tolist()
        return PixelCounts.at_edges(self._counts.edges, binned.totals, smallest, largest)

    def share_above(self, raw: float) -> float | None:
        """Share of the valid pixels above one of the thresholds; None without any."""
        row = int(np.searchsorted(self._counts.edges, raw, side="right"))
        totals = self.in_bins(PixelStatistic()).totals
        return float(totals[row].sum() / self.pixels) if self.pixels else None

    def bounds(self, requirement: Requirement) -> Bounds | None:
        """Least and largest measure within each bin, shape (m + 1,) each, NaN: undefined.

        None where nothing is to be judged.
        """
        metric, binned = requirement.metric, self.in_bins(requirement.statistic)
        if not self.pixels:
            return None
        try:
            metric.check(binned)  # type: ignore[attr-defined]
        except NoTargetError:
            return None
        if not isinstance(metric, CountMetric):
            found = metric.bounds(binned)
            assert found is not None  # as `check_counted` saw to
            return found
        least, most = binned.in_bins
        total = most[0]
        values = metric(*most.T, *(total[:, None] - most.T))
        exact = (least == most).all(axis=1)
        low, high = metric.between(least, most, total)
        return np.where(exact, values, low), np.where(exact, values, high)

    def least_x(self, question: Certifiable) -> tuple[Scores, Scores]:
        """Thresholds, and the least x from each to the next, as in `FrameSteps`."""
        requirement = question.requirement
        if requirement.per_frame:
            bounds = self.bounds(requirement)
            if bounds is None or np.isnan(bounds).all():
                return question.undefined
            x = question.least_x(*bounds)
        elif not self.pixels:
            return question.undefined
        else:
            x = question.least_x_of_ratio(self.in_bins(requirement.statistic), self.size)
        changes = np.flatnonzero(x[1:] != x[:-1])
        return self._counts.edges[changes], x[np.append(0, changes + 1)]


@dataclass(frozen=True)
class CountedFrames(Source):
    """Frames of which counts are kept, and which can be read where a start has to be chosen.

    Attributes
    ----------
    counts : FrameCounts
    read : ReadFrames
    places : sequence of int, optional
        Of the frames that these are.
    """

    counts: FrameCounts
    read: ReadFrames
    places: Sequence[int] | None = None

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self._places)

    @property
    def _places(self) -> Sequence[int]:
        return range(self.counts.frames) if self.places is None else self.places

    def _each(self) -> Iterator[FrameInBins]:
        for place in self._places:
            yield FrameInBins(self.counts, place)
            self.read.progress()

    def each(self, function: Callable[[CountedFrame], T], silently: bool = False) -> Iterator[T]:
        """Yield a function of each frame, in their order."""
        return map(function, self._each())

    @cached_property
    def _totals(self) -> NormalizedTotals:
        return self.counts.total()

    def ranges(self, requirements: Sequence[Requirement], normalize: str) -> Ranges:
        """Where requirements surely hold on them."""
        totals = self._totals
        totals.normalizer(np.array(totals.pixels.extremes))  # refuses what leaves [0, 1]
        several = [r for r in requirements if r.per_frame]
        means = dict(zip(several, self._means(several), strict=True)) if several else {}
        curves = {
            r: means[r] if r in means else r.seen(totals).curve(r.metric) for r in requirements
        }
        return Ranges.of(curves, totals, np.asarray(totals.normalizer(self.counts.edges)))

    def _means(self, requirements: Sequence[Requirement]) -> list[ThresholdCurve]:
        """The mean of each measure over frames, with bounds."""
        means: list[list[FrameMeans]] = []
        bounds: list[list[Bounds | None]] = []
        for frame in self._each():
            parts = [*means, means_in(frame, requirements)]
            means = [[FrameMeans.merged(of_one) for of_one in zip(*parts, strict=True)]]
            bounds.append([frame.bounds(one) for one in requirements])
        return [
            self._curve(requirement, mean, [b for b in of_one if b is not None])
            for requirement, mean, of_one in zip(
                requirements, means[0], zip(*bounds, strict=True), strict=True
            )
        ]

    def _curve(
        self, requirement: Requirement, means: FrameMeans, bounds: Sequence[Bounds]
    ) -> ThresholdCurve:
        if not bounds:
            raise undefined(requirement)
        edges = np.asarray(self.counts.normalizer(self.counts.edges))
        breakpoints = np.unique(np.append(0.0, edges[(edges > 0) & (edges <= 1)]))
        known, values = means.rescaled(self.counts.normalizer).on_unit()
        values = values[np.searchsorted(known, breakpoints, side="right") - 1]
        in_bin = np.searchsorted(edges, breakpoints, side="right")
        least, most, exact = _mean_bounds(bounds)
        low = np.where(exact[in_bin], values, least[in_bin])
        high = np.where(exact[in_bin], values, most[in_bin])
        ends = means.ends().tolist()
        return ThresholdCurve(
            breakpoints, values, requirement.name, low=low, high=high, ends=(ends[0], ends[1])
        )

    def parted(self, every: int) -> tuple[Source, Source]:
        """Each so many-th of them, which is read, and the counts of the others.

        The thresholds of the counts were chosen by all frames, so that a start at one of them
        would depend on the frames that certify.
        """
        first, _ = self.read.parted(every)
        return first, replace(self, places=[place for place in self._places if place % every])

    def walk(
        self, questions: Sequence[Certifiable], starts: Sequence[float]
    ) -> tuple[list[FrameSteps], list[Run | None]]:
        """Least values of frames, and the range of each question outwards from a raw threshold."""
        parts = [[frame.least_x(question) for question in questions] for frame in self._each()]
        steps = [
            FrameSteps(*map(list, zip(*of_one, strict=True))) for of_one in zip(*parts, strict=True)
        ]
        runs = [q.run(own, start) for q, own, start in zip(questions, steps, starts, strict=True)]
        # A start that is certified alone is none of the thresholds at which numbers are known.
        return steps, [None if run is not None and run[0] == run[1] else run for run in runs]

    def point(self, raw: float) -> NormalizedTotals:
        """Pixel counts of all of them, exact at one of the thresholds."""
        return NormalizedTotals(self._totals.totals)

    def raw_threshold(self, normalizer: Normalizer, z: float) -> float:
        """The threshold of the counts that a normalised one stands for."""
        edges = self.counts.edges
        place = int(np.searchsorted(np.asarray(normalizer(edges)), z, side="right")) - 1
        return float(edges[place]) if place >= 0 else float(np.nextafter(edges[0], -np.inf))


def _mean_bounds(bounds: Sequence[Bounds]) -> tuple[Scores, Scores, NDArray[np.bool_]]:
    """Bounds of the mean over frames in each bin, and whether nothing changes within it.

    Infinite where it may be undefined.
    """
    low, high = (np.array(part) for part in zip(*bounds, strict=True))
    never = np.isnan(low) & np.isnan(high)
    known = ((np.isfinite(low) & np.isfinite(high)) | never).all(axis=0) & ~never.all(axis=0)
    count = np.maximum((~never).sum(axis=0), 1)
    least, most = (np.where(never, 0, bound).sum(axis=0) / count for bound in (low, high))
    slack = ROUNDING * np.abs(most)
    return (
        np.where(known, least - slack, -np.inf),
        np.where(known, most + slack, np.inf),
        ((low == high) | never).all(axis=0),
    )


def check_counted(requirements: Sequence[Requirement], normalize: Iterable[str]) -> None:
    """Refuse what counts at thresholds do not tell, before a frame is read.

    Raises
    ------
    InputError
        For measures that are not known to stay between their values at two thresholds, and for
        ranks, which need every score.
    """
    if "rank" in normalize:
        raise InputError("expected none with ranks, which need every score", argument="counts")
    for requirement in requirements:
        if not (has_bins(requirement.statistic) and _is_bounded(requirement.metric)):
            raise InputError(
                f"expected measures that are bounded between two thresholds, found "
                f"{requirement.name}; leave the counts out, and frames are read",
                argument="counts",
            )


def _is_bounded(metric: Metric) -> bool:
    """Whether a metric is known to stay between bounds within a bin."""
    if isinstance(metric, CountMetric):
        return metric.monotone or type(metric).between is not CountMetric.between
    return type(metric).bounds is not Metric.bounds
