"""Totals: everything counted in a set of frames, on raw scores; merges exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import NoTargetError
from mdmkit.statistics.edges import Edges, cells_meeting, scores_of_cells
from mdmkit.statistics.kinds import Counted, MaskStatistic, PixelStatistic, Statistic, has_bins
from mdmkit.statistics.normalizers import Normalizer
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.score_bins import AnyPixels, BracketedPixels

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class Grid:
    """What is known of components within the cells of a grid, where not every score was kept.

    Attributes
    ----------
    edges : ndarray of float64, shape (m,)
        Thresholds at which totals are exact.
    refined : dict of ndarray of bool, shape (m + 1,)
        Of each statistic the cells whose every score is known all the same.
    by_statistic : dict
        What was counted at the edges, with bounds within the cells.
    """

    edges: Edges
    refined: dict[Statistic, NDArray[np.bool_]]
    by_statistic: Counted

    def meeting(self, intervals: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Cells that share scores with closed intervals, shape (m + 1,)."""
        return cells_meeting(self.edges, intervals)

    def least_of(self, statistic: Statistic, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Least scores that those of a statistic may stand for; themselves in refined cells."""
        cell = np.searchsorted(self.edges, scores)
        lower = np.append(-np.inf, self.edges)[cell]
        return np.where(self.refined[statistic][cell], scores, lower)

    def intervals(self, cells: NDArray[np.intp]) -> NDArray[np.float64]:
        """The scores that cells hold, as closed intervals, shape (k, 2)."""
        return scores_of_cells(self.edges, cells)


@dataclass(frozen=True, eq=False)
class EarlyGrid:
    """Statistics that are counted on a grid from the start.

    Attributes
    ----------
    edges : ndarray of float64
        Thresholds of the cells by which pixels are ordered.
    rows : ndarray of float64
        Those of them at which components are counted.
    statistics : frozenset
    """

    edges: Edges
    rows: Edges
    statistics: frozenset[Statistic]


@dataclass(frozen=True, eq=False)
class Totals:
    """One statistic of each kind, of one or more frames, on raw scores.

    Attributes
    ----------
    frames : int
        Number of frames.
    by_statistic : dict
        What was counted of each statistic.
    grid : Grid or None
        Bounds, where components were counted on a grid; None: all are exact.
    """

    frames: int
    by_statistic: Counted
    grid: Grid | None = None

    @classmethod
    def of(
        cls,
        frame: Frame,
        statistics: Sequence[Statistic],
        fitted: Normalizer | None = None,
        early: EarlyGrid | None = None,
    ) -> Totals:
        """Sweep one frame. Callables on masks see scores mapped by `fitted`."""
        on_grid = early.statistics if early else frozenset()
        by_statistic = {r: _sweep(frame, r, fitted) for r in statistics if r not in on_grid}
        if early and not on_grid.isdisjoint(statistics):
            cells = BinnedFrame.of(frame, early.edges)
            for statistic in on_grid.intersection(statistics):
                assert has_bins(statistic)
                by_statistic[statistic] = statistic.on_grid(cells, early.rows)
        return cls(1, by_statistic)

    @property
    def pixels(self) -> AnyPixels:
        """The pixels on raw scores."""
        return self.raw(PixelStatistic())  # type: ignore[no-any-return]

    def on_grid(self, statistic: Statistic) -> bool:
        """Whether a sweep is only known to the cells of a grid, but for refined ones."""
        return self.grid is not None and statistic in self.grid.by_statistic

    def is_exact(self, statistic: Statistic) -> bool:
        """Whether every score of a statistic is known."""
        known = self.by_statistic[statistic]
        return not (self.on_grid(statistic) or isinstance(known, BracketedPixels))

    def raw(self, statistic: Statistic) -> Any:
        """A sweep on raw scores."""
        return self.by_statistic[statistic]


def check_valid(pixels: AnyPixels) -> None:
    """Refuse frames whose every pixel is ignored."""
    if pixels.anomalous + pixels.normal == 0:
        raise NoTargetError(
            "expected at least one valid pixel, found all pixels ignored", argument="target"
        )


def _sweep(frame: Frame, statistic: Statistic, fitted: Normalizer | None) -> Any:
    if isinstance(statistic, MaskStatistic) and fitted is not None:
        frame = frame.rescaled(fitted)
    return statistic.of(frame)
