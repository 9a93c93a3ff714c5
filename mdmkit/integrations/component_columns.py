"""Component statistics of frames as one array of integers, which adds up over processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdmkit.cells import FrameCells
from mdmkit.component_grid import ComponentGrid
from mdmkit.components import QUALITIES, ComponentSizes
from mdmkit.exact_sums import LIMBS
from mdmkit.frames import Frame
from mdmkit.grid import GridSteps, RatioGrid
from mdmkit.integrations.histogram import EDGES, ROWS

_HITS = 2 * QUALITIES.size
#: Columns of totals, dips and rises of each part of a `ComponentGrid`.
_WIDTHS = (LIMBS, 1, 1, LIMBS + 1, 2, 2, _HITS, _HITS, _HITS)


class ComponentColumns(NamedTuple):
    """A `ComponentGrid` on `ROWS` without its sizes and the range of its scores.

    Attributes
    ----------
    columns : ndarray of int64, shape (len(ROWS) + 1, 79)
        To be added up.
    targets : int
        To be added up.
    largest : int
        To be maximised.
    """

    columns: NDArray[np.int64]
    targets: int
    largest: int

    @classmethod
    def none(cls) -> ComponentColumns:
        """Those of no frames."""
        return cls(np.zeros((ROWS.size + 1, sum(_WIDTHS)), np.int64), 0, 0)

    @classmethod
    def of(cls, frames: Iterable[Frame], sizes: ComponentSizes) -> ComponentColumns:
        """Sweep frames, one after the other."""
        columns, targets, largest = cls.none()
        for frame in frames:
            grid = ComponentGrid.of(FrameCells.of(frame, EDGES), sizes, ROWS)
            parts = (grid.siou, grid.ppv, grid.hits)
            columns += np.hstack([p for g in parts for p in (g.totals, g.dips, g.rises)])
            targets, largest = targets + grid.targets, max(largest, grid.largest)
        return cls(columns, targets, largest)

    def as_grid(self, sizes: ComponentSizes, lowest: float, highest: float) -> ComponentGrid:
        """Back again, with the least and greatest score."""
        arrays: list[Any] = np.split(self.columns, np.cumsum(_WIDTHS)[:-1], axis=1)
        siou = RatioGrid(arrays[0], arrays[1], arrays[2], lowest, highest)
        ppv = RatioGrid(arrays[3], arrays[4], arrays[5], lowest, highest)
        hits = GridSteps(arrays[6], arrays[7], arrays[8], lowest, highest)
        return ComponentGrid(sizes, self.targets, self.largest, siou, ppv, hits)
