"""Component statistics of frames as one array of integers, which adds up over processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.exact_sums import LIMBS
from mdmkit.core.frame import Frame
from mdmkit.integrations.histogram import EDGES, ROWS
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.binned_steps import BinnedRatios, BinnedSteps
from mdmkit.statistics.components import QUALITIES
from mdmkit.statistics.pixel_bins import BinnedFrame

_HITS = 2 * QUALITIES.size
#: Columns of totals, dips and rises of each part of a `BinnedComponents`.
_WIDTHS = (LIMBS, 1, 1, LIMBS + 1, 2, 2, _HITS, _HITS, _HITS)


class ComponentColumns(NamedTuple):
    """A `BinnedComponents` on `ROWS` without its sizes and the range of its scores.

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
        """Counts of no frames."""
        return cls(np.zeros((ROWS.size + 1, sum(_WIDTHS)), np.int64), 0, 0)

    @classmethod
    def of(cls, frames: Iterable[Frame], sizes: ComponentSizes) -> ComponentColumns:
        """Count frames, one after the other."""
        columns, targets, largest = cls.none()
        for frame in frames:
            binned = BinnedComponents.of(BinnedFrame.of(frame, EDGES), sizes, ROWS)
            parts = (binned.siou, binned.ppv, binned.hits)
            columns += np.hstack([p for g in parts for p in (g.totals, g.dips, g.rises)])
            targets, largest = targets + binned.targets, max(largest, binned.largest)
        return cls(columns, targets, largest)

    def as_grid(self, sizes: ComponentSizes, lowest: float, highest: float) -> BinnedComponents:
        """Back again, with the least and greatest score."""
        arrays: list[Any] = np.split(self.columns, np.cumsum(_WIDTHS)[:-1], axis=1)
        kinds: tuple[Any, ...] = (BinnedRatios, BinnedRatios, BinnedSteps)
        parts = [kind(*arrays[3 * n : 3 * n + 3], lowest, highest) for n, kind in enumerate(kinds)]
        return BinnedComponents(sizes, self.targets, self.largest, *parts)
