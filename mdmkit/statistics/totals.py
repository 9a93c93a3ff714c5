"""Totals: everything counted in a set of frames, on raw scores; merges exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import NoTargetError
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.kinds import (
    MaskStatistic,
    PixelStatistic,
    Statistic,
    has_bins,
    merged,
    of_components,
)
from mdmkit.statistics.normalizers import Normalizer
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixels import PixelCounts

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class Grid:
    """What is known within the cells of a grid, where not every score was kept.

    Attributes
    ----------
    edges : ndarray of float64, shape (m,)
        Thresholds at which totals are exact.
    refined : ndarray of bool, shape (m + 1,)
        Cells whose every score is known all the same.
    by_statistic : dict
        Grid of each statistic that fell on it, with bounds within the cells.
    rows : ndarray of float64, shape (k,)
        Those of `edges` at which components are known, which may be fewer.
    """

    edges: Edges
    refined: NDArray[np.bool_]
    by_statistic: dict[Statistic, Any]
    rows: Edges

    def edges_of(self, statistic: Statistic) -> Edges:
        """Thresholds at which the totals of a statistic are exact."""
        return self.rows if of_components(statistic) else self.edges

    def loose(self, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the pixels counted at these scores may have any score of their cell."""
        return ~self.refined[np.searchsorted(self.edges, scores, side="left")]


@dataclass(frozen=True, eq=False)
class EarlyGrid:
    """Recipes that are swept on a grid from the start, as a second pass will refine them.

    Attributes
    ----------
    edges, rows : ndarray of float64
        As in `Grid`.
    statistics : frozenset
    """

    edges: Edges
    rows: Edges
    statistics: frozenset[Statistic]

    def edges_of(self, statistic: Statistic) -> Edges:
        """Thresholds at which the totals of a statistic are exact."""
        return self.rows if of_components(statistic) else self.edges


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
        Bounds, where the counts fell on a grid; None: all are exact.
    """

    frames: int
    by_statistic: dict[Statistic, Any]
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
                by_statistic[statistic] = statistic.on_grid(cells, early.edges_of(statistic))
        return cls(1, by_statistic)

    @classmethod
    def merged(cls, parts: Iterable[Totals]) -> Totals:
        """Those of several sets of frames, in any order with the same result."""
        several = list(parts)
        statistics = several[0].by_statistic
        return cls(
            sum(part.frames for part in several),
            {
                statistic: merged(part.by_statistic[statistic] for part in several)
                for statistic in statistics
            },
        )

    @property
    def nbytes(self) -> int:
        """Memory that the sweeps take, their cumulative sums and one copy included."""
        return 3 * sum(int(sweep.nbytes) for sweep in self.by_statistic.values())

    @property
    def pixels(self) -> PixelCounts:
        """The pixel sweep on raw scores."""
        return self.raw(PixelStatistic())  # type: ignore[no-any-return]

    def on_grid(self, statistic: Statistic) -> bool:
        """Whether a sweep is only known to the cells of a grid, but for refined ones."""
        return self.grid is not None and statistic in self.grid.by_statistic

    def raw(self, statistic: Statistic) -> Any:
        """A sweep on raw scores."""
        return self.by_statistic[statistic]


def check_valid(pixels: PixelCounts) -> None:
    """Refuse frames whose every pixel is ignored."""
    if pixels.scores.size == 0:
        raise NoTargetError("target: expected at least one valid pixel, found all pixels ignored")


def _sweep(frame: Frame, statistic: Statistic, fitted: Normalizer | None) -> Any:
    if isinstance(statistic, MaskStatistic) and fitted is not None:
        frame = frame.rescaled(fitted)
    return statistic.of(frame)
