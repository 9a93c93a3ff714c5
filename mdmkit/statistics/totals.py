"""Sweeps: everything counted in a set of frames, raw and normalised; merges exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import NoTargetError
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.kinds import MaskStatistic, PixelStatistic, Statistic, merged, of_components
from mdmkit.statistics.normalizers import Normalizer, Rank, Unchanged
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.ranking import BestF1, best_f1

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.metrics.base import Metric


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
class Sweeps:
    """One sweep a statistic, of one or more frames.

    Attributes
    ----------
    frames : int
        Number of frames.
    by_statistic : dict
        The sweep of each statistic, on raw scores.
    normalizer : Normalizer
        Maps raw scores to the scale on which thresholds are meant.
    grid : Grid or None
        Bounds, where the sweeps fell on a grid; None: all are exact.
    """

    frames: int
    by_statistic: dict[Statistic, Any]
    normalizer: Normalizer = field(default_factory=Unchanged)
    grid: Grid | None = None

    @classmethod
    def of(
        cls,
        frame: Frame,
        statistics: Sequence[Statistic],
        fitted: Normalizer | None = None,
        early: EarlyGrid | None = None,
    ) -> Sweeps:
        """Sweep one frame. Callables on masks see scores mapped by `fitted`."""
        on_grid = early.statistics if early else frozenset()
        by_statistic = {r: _sweep(frame, r, fitted) for r in statistics if r not in on_grid}
        if early and not on_grid.isdisjoint(statistics):
            cells = BinnedFrame.of(frame, early.edges)
            for statistic in on_grid.intersection(statistics):
                assert not isinstance(statistic, MaskStatistic)
                by_statistic[statistic] = statistic.on_grid(cells, early.edges_of(statistic))
        return cls(1, by_statistic)

    @classmethod
    def merged(cls, parts: Iterable[Sweeps]) -> Sweeps:
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

    def with_normalizer(self, kind: type[Normalizer] | Normalizer) -> Sweeps:
        """The same counts, with a normaliser; a kind is fitted to these very scores."""
        fitted = kind if isinstance(kind, Normalizer) else kind.fitted(self.pixels)
        return replace(self, normalizer=fitted)

    @property
    def pixels(self) -> PixelCounts:
        """The pixel sweep on raw scores."""
        return self.raw(PixelStatistic())  # type: ignore[no-any-return]

    @cached_property
    def best_f1(self) -> BestF1:
        """The prediction with the largest pixel F1, on raw scores."""
        return best_f1(self.pixels)

    @property
    def loose_pixels(self) -> NDArray[np.bool_]:
        """For each score of `pixels` whether it is only known to a cell."""
        scores = self.pixels.scores
        if self.grid is None or not self.on_grid(PixelStatistic()):
            return np.zeros(scores.size, bool)
        return self.grid.loose(scores)

    def on_grid(self, statistic: Statistic) -> bool:
        """Whether a sweep is only known to the cells of a grid, but for refined ones."""
        return self.grid is not None and statistic in self.grid.by_statistic

    def raw(self, statistic: Statistic) -> Any:
        """A sweep on raw scores."""
        return self.by_statistic[statistic]

    @cached_property
    def _normalized(self) -> dict[Statistic, Any]:
        return {}

    def normalized(self, statistic: Statistic) -> Any:
        """A sweep on normalised scores; on the raw ones where no normaliser is named."""
        if isinstance(self.normalizer, Unchanged) or isinstance(statistic, MaskStatistic):
            return self.raw(statistic)
        if statistic not in self._normalized:
            self._normalized[statistic] = self.raw(statistic).rescaled(self.normalizer)
        return self._normalized[statistic]

    def _rescaled(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return scores if isinstance(self.normalizer, Unchanged) else self.normalizer(scores)

    def cells_at(self, z: float) -> NDArray[np.intp]:
        """Cells of the grid in which a threshold on normalised scores may lie."""
        assert self.grid is not None
        cell = np.searchsorted(self._rescaled(self.grid.edges), z, side="right")
        # ranks of a cell's scores begin at its lower end
        below = max(cell - 1, 0) if isinstance(self.normalizer, Rank) else cell
        return np.unique([below, cell])

    def knows(self, statistic: Statistic, z: float) -> bool:
        """Whether a statistic's totals are exact at a threshold on normalised scores."""
        if self.grid is None or not self.on_grid(statistic):
            return True
        edges = self.grid.edges_of(statistic)
        if not isinstance(self.normalizer, Rank) and z in self._rescaled(edges):
            return True
        return bool(self.grid.refined[self.cells_at(z)].all())

    def cells_around(self, statistic: Statistic, z: float) -> NDArray[np.bool_] | None:
        """The cells of a threshold on normalised scores, unless totals are exact there."""
        if self.grid is None or self.knows(statistic, z):
            return None
        return np.isin(np.arange(self.grid.refined.size), self.cells_at(z))

    def cells_of(self, scores: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """Cells whose pixels are counted at these raw scores."""
        return self._cells(scores, "left", lambda edges: edges)

    def cells_from(self, thresholds: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """Cells that begin at these thresholds on normalised scores."""
        return self._cells(thresholds, "right", self._rescaled)

    def _cells(
        self, values: NDArray[np.float64], side: Any, scale: Callable[[Edges], Edges]
    ) -> NDArray[np.bool_] | None:
        if self.grid is None or values.size == 0:
            return None
        cells = np.zeros(self.grid.refined.size, bool)
        places = np.searchsorted(scale(self.grid.edges), values, side=side)
        cells[places] = True
        if isinstance(self.normalizer, Rank):
            cells[np.maximum(places - 1, 0)] = True
        return cells

    def cell_bounds(self, metric: Metric) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bounds of d within each cell of the grid, shape (m + 1,) each; -inf: passes no T."""
        assert self.grid is not None
        bounds = metric.bounds(self.grid.by_statistic[metric.statistic])
        if bounds is None:
            cells = self.grid.refined.size
            return np.full(cells, -np.inf), np.full(cells, np.inf)
        low, high = (np.where(np.isnan(bound), -np.inf, bound) for bound in bounds)
        rows = self.grid.edges_of(metric.statistic)
        if rows.size < self.grid.edges.size:
            row = np.append(0, np.searchsorted(rows, self.grid.edges, side="right"))
            low, high = low[row], high[row]
        return low, high

    def curve(self, metric: Metric) -> ThresholdCurve:
        """d(z) on [0, 1], with bounds where the sweeps fell on a grid.

        Raises
        ------
        RangeError
            If the scores leave [0, 1] and no normaliser is named.
        NoTargetError
            If there is nothing to detect.
        """
        if metric not in self._curves:
            self._curves[metric] = self._curve(metric)
        return self._curves[metric]

    @cached_property
    def _curves(self) -> dict[Metric, ThresholdCurve]:
        return {}

    def _curve(self, metric: Metric) -> ThresholdCurve:
        check_valid(self.pixels)
        if isinstance(self.normalizer, Unchanged):
            self.normalizer(self.pixels.scores)  # refuses scores outside [0, 1]
        curve = metric.curve(self.normalized(metric.statistic))
        if self.grid is None or not self.on_grid(metric.statistic):
            return curve
        edges = self._rescaled(self.grid.edges)
        cell = np.searchsorted(edges, curve.breakpoints, side="right")
        known = self.grid.refined[cell]
        bounds = self.cell_bounds(metric)
        low, high = (bound[cell] for bound in bounds)
        known[-1] = True  # above the largest score nothing is predicted
        if isinstance(self.normalizer, Rank):  # ranks of a cell's scores begin at its lower end
            below = np.maximum(cell - 1, 0)
            known &= self.grid.refined[below] & self.grid.refined[cell]
            low, high = np.minimum(low, bounds[0][below]), np.maximum(high, bounds[1][below])
        return replace(
            curve,
            low=np.where(known, curve.values, np.fmin(low, curve.values)),
            high=np.where(known, curve.values, np.fmax(high, curve.values)),
        )


def check_valid(pixels: PixelCounts) -> None:
    """Refuse frames whose every pixel is ignored."""
    if pixels.scores.size == 0:
        raise NoTargetError("target: expected at least one valid pixel, found all pixels ignored")


def _sweep(frame: Frame, statistic: Statistic, fitted: Normalizer | None) -> Any:
    if isinstance(statistic, MaskStatistic) and fitted is not None:
        frame = frame.rescaled(fitted)
    return statistic.of(frame)
