"""NormalizedTotals: totals seen through a normaliser; what every measure is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.metrics.base import Metric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.kinds import MaskStatistic, PixelStatistic, Statistic
from mdmkit.statistics.normalizers import Normalizer, Rank, Unchanged
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.ranking import BestF1, best_f1
from mdmkit.statistics.totals import Grid, Totals, check_valid


@dataclass(frozen=True, eq=False)
class NormalizedTotals:
    """Totals with a normaliser.

    Attributes
    ----------
    totals : Totals
        Everything counted, on raw scores.
    normalizer : Normalizer
        Maps raw scores to the scale on which thresholds are meant.
    """

    totals: Totals
    normalizer: Normalizer = field(default_factory=Unchanged)

    @classmethod
    def of(cls, totals: Totals, kind: type[Normalizer] | Normalizer) -> NormalizedTotals:
        """Totals with a normaliser; a kind is fitted to these very scores."""
        return cls(totals, kind if isinstance(kind, Normalizer) else kind.fitted(totals.pixels))

    @property
    def pixels(self) -> PixelCounts:
        """The pixel counts on raw scores."""
        return self.totals.pixels

    @property
    def grid(self) -> Grid | None:
        """Bounds, where the counts fell on a grid."""
        return self.totals.grid

    def raw(self, statistic: Statistic) -> Any:
        """A statistic on raw scores."""
        return self.totals.raw(statistic)

    def on_grid(self, statistic: Statistic) -> bool:
        """Whether a statistic is only known to the cells of a grid, but for refined ones."""
        return self.totals.on_grid(statistic)

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
