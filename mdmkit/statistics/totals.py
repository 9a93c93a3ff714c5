"""Totals: everything counted in a set of frames, on raw scores; merges exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import NoTargetError
from mdmkit.statistics.edges import Edges, bins_meeting, scores_of_bins
from mdmkit.statistics.kinds import Counted, MaskStatistic, PixelStatistic, Statistic, has_bins
from mdmkit.statistics.normalizers import Normalizer
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.score_bins import AnyPixels, BracketedPixels

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class StatisticBins:
    """Bounds of statistics that were counted in bins, where not every score is known.

    Attributes
    ----------
    edges : ndarray of float64, shape (m,)
        Bin edges: thresholds at which totals are exact.
    resolved : dict of ndarray of bool, shape (m + 1,)
        By statistic: bins whose every score is known all the same.
    by_statistic : dict
        The counts at the bin edges, with bounds within each bin.
    """

    edges: Edges
    resolved: dict[Statistic, NDArray[np.bool_]]
    by_statistic: Counted

    def meeting(self, intervals: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Bins that share scores with closed intervals, shape (m + 1,)."""
        return bins_meeting(self.edges, intervals)

    def least_of(self, statistic: Statistic, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Least scores that those of a statistic may stand for; themselves in resolved bins."""
        place = np.searchsorted(self.edges, scores)
        lower = np.append(-np.inf, self.edges)[place]
        return np.where(self.resolved[statistic][place], scores, lower)

    def intervals(self, bins: NDArray[np.intp]) -> NDArray[np.float64]:
        """The scores that bins hold, as closed intervals, shape (k, 2)."""
        return scores_of_bins(self.edges, bins)


@dataclass(frozen=True, eq=False)
class DirectBins:
    """Statistics that are counted in bins from the start.

    Attributes
    ----------
    edges : ndarray of float64
        Edges of the bins by which pixels are ordered.
    component_edges : ndarray of float64
        Bin edges used for component statistics, some of `edges`.
    statistics : frozenset
    """

    edges: Edges
    component_edges: Edges
    statistics: frozenset[Statistic]


@dataclass(frozen=True, eq=False)
class Totals:
    """Statistics of one or more frames, on raw scores.

    Attributes
    ----------
    frames : int
        Number of frames.
    by_statistic : dict
        The counts of each statistic.
    bins : StatisticBins or None
        Bounds of statistics that were counted in bins; None: all are exact.
    """

    frames: int
    by_statistic: Counted
    bins: StatisticBins | None = None

    @classmethod
    def of(
        cls,
        frame: Frame,
        statistics: Sequence[Statistic],
        fitted: Normalizer | None = None,
        direct: DirectBins | None = None,
    ) -> Totals:
        """Count one frame. Callables on masks see scores mapped by `fitted`."""
        in_bins = direct.statistics if direct else frozenset()
        by_statistic = {s: _count(frame, s, fitted) for s in statistics if s not in in_bins}
        if direct and not in_bins.isdisjoint(statistics):
            binned = BinnedFrame.of(frame, direct.edges)
            for statistic in in_bins.intersection(statistics):
                assert has_bins(statistic)
                by_statistic[statistic] = statistic.in_bins(binned, direct.component_edges)
        return cls(1, by_statistic)

    @property
    def pixels(self) -> AnyPixels:
        """The pixels on raw scores."""
        return self.raw(PixelStatistic())  # type: ignore[no-any-return]

    def in_bins(self, statistic: Statistic) -> bool:
        """Whether a statistic is known to its bins only, but for resolved ones."""
        return self.bins is not None and statistic in self.bins.by_statistic

    def is_exact(self, statistic: Statistic) -> bool:
        """Whether every score of a statistic is known."""
        known = self.by_statistic[statistic]
        return not (self.in_bins(statistic) or isinstance(known, BracketedPixels))

    def raw(self, statistic: Statistic) -> Any:
        """The counts of a statistic on raw scores."""
        return self.by_statistic[statistic]


def check_valid(pixels: AnyPixels) -> None:
    """Refuse frames whose every pixel is ignored."""
    if pixels.anomalous + pixels.normal == 0:
        raise NoTargetError(
            "expected at least one valid pixel, found all pixels ignored", argument="target"
        )


def _count(frame: Frame, statistic: Statistic, fitted: Normalizer | None) -> Any:
    if isinstance(statistic, MaskStatistic) and fitted is not None:
        frame = frame.rescaled(fitted)
    return statistic.of(frame)
