"""OnHost: what is counted of whole frames on the host, as arrays of integers that add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.frame import Frame
from mdmkit.core.records import Json
from mdmkit.integrations.component_columns import ComponentColumns
from mdmkit.integrations.histogram import EDGES, Histogram, keys_at
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.statistics.kinds import ComponentStatistic, PixelStatistic, Statistic
from mdmkit.statistics.regions import RegionCoverage

State = Mapping[str, Any]


@dataclass(frozen=True)
class OnHost:
    """Holds statistics that are counted beside pixels, on the host.

    Attributes
    ----------
    sizes : ComponentSizes or None
        For which components are counted, if they are.
    coverage : RegionCoverage or None
        By which the coverage of regions is counted, if it is.
    """

    sizes: ComponentSizes | None = None
    coverage: RegionCoverage | None = None

    @classmethod
    def of(cls, statistics: Iterable[Statistic]) -> OnHost:
        """Count what these statistics need.

        Raises
        ------
        InputTypeError, InputError
            For statistics of which there are no states, and for two kinds of components.
        """
        sizes: set[ComponentSizes] = set()
        coverages: set[RegionCoverage] = set()
        for statistic in statistics:
            if isinstance(statistic, ComponentStatistic):
                sizes.add(statistic.sizes)
            elif isinstance(statistic, RegionCoverage) and statistic.within is None:
                coverages.add(statistic)
            elif not isinstance(statistic, PixelStatistic):
                raise InputTypeError(
                    "expected metrics of pixels, components or regions of whole frames, "
                    f"which add up; found one that needs {statistic}",
                    argument="metrics",
                )
        for found in (sizes, coverages):
            if len(found) > 1:
                raise InputError(
                    "expected the same component sizes, found "
                    f"{' and '.join(sorted(map(str, found)))}",
                    argument="metrics",
                )
        return cls(next(iter(sizes), None), next(iter(coverages), None))

    def none(self) -> Json:
        """The states of no frames."""
        return self.counted(())

    def counted(self, frames: Iterable[Frame]) -> Json:
        """The states of frames; all are to be added, but `largest` to be maximised."""
        if self.sizes is None and self.coverage is None:
            return {}
        held = list(frames)
        found: Json = {}
        if self.sizes is not None:
            own = ComponentColumns.of(held, self.sizes)
            found |= {"components": own.columns, "targets": own.targets, "largest": own.largest}
        if self.coverage is not None:
            covered, regions = np.zeros(2 * (EDGES.size + 1), np.int64), 0
            for frame in held:
                counts = self.coverage.of(frame)
                np.add.at(covered, keys_at(counts.steps.scores), counts.steps.changes[:, 0])
                regions += int(counts.sizes[0])
            found |= {"covered": covered, "regions": regions}
        return found

    def sweeps(self, histogram: Histogram, state: State, frames: int) -> NormalizedTotals:
        """The counts of pixels with what was counted on the host."""
        if self.coverage is not None:
            covered, regions = state["covered"], int(state["regions"])
            return histogram.sweeps_with_regions(covered, regions, self.coverage, frames)
        if self.sizes is None:
            return histogram.sweeps(frames)
        columns = ComponentColumns(
            state["components"], int(state["targets"]), int(state["largest"])
        )
        return histogram.sweeps_with(columns.as_grid(self.sizes, *histogram.extremes), frames)
