"""ComponentCurve: of one ground-truth component, what A > z covers of it and joins to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError
from mdmkit.statistics.components import Ranking, Targets, prepared
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.pixel_bins import BinnedFrame

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class ComponentCurve:
    """Describes one ground-truth component under the prediction A > z, for every z.

    Attributes
    ----------
    frame : int
        Number of the component's frame, from 0.
    place : (int, int)
        Row and column of its first pixel, in the order of rows.
    pixels : int
        Its number of pixels G.
    thresholds : ndarray of float64, shape (n,)
        Ascending; entry i of the arrays below holds for every z in [thresholds[i],
        thresholds[i + 1]), where thresholds were asked for at thresholds[i]. The first is -inf
        where they were not.
    covered_pixels : ndarray of int64, shape (n,)
        Its number of pixels I in predicted components that are not dropped.
    background : ndarray of int64, shape (n,)
        Number of pixels F, in no ground-truth component, of the predicted components that touch
        it and are not dropped.

    Examples
    --------
    >>> thresholds = np.array([-np.inf, 0.3, 0.9])
    >>> curve = ComponentCurve(0, (0, 0), 2, thresholds, np.array([2, 1, 0]), np.array([2, 0, 0]))
    >>> curve.covered.tolist(), curve.siou.tolist(), curve.step(0.5)
    ([1.0, 0.5, 0.0], [0.5, 0.5, 0.0], 1)
    """

    frame: int
    place: tuple[int, int]
    pixels: int
    thresholds: NDArray[np.float64]
    covered_pixels: NDArray[np.int64]
    background: NDArray[np.int64]

    @property
    def covered(self) -> NDArray[np.float64]:
        """Covered share I / G, shape (n,)."""
        return np.asarray(self.covered_pixels / self.pixels)

    @property
    def siou(self) -> NDArray[np.float64]:
        """I / (G + F), shape (n,); see `SIoU`."""
        return np.asarray(self.covered_pixels / (self.pixels + self.background))

    def step(self, z: float) -> int:
        """Entry that holds for A > z."""
        return max(int(np.searchsorted(self.thresholds, z, side="right")) - 1, 0)


def curves_of(
    frame: Frame,
    sizes: ComponentSizes,
    thresholds: Edges | None = None,
    memory: int = 2**31,
    number: int = 0,
) -> Iterator[ComponentCurve]:
    """Curves of the components of one frame; see `mdmkit.component_curves`."""
    targets = Targets.of(frame, sizes.min_target, sizes.within)
    if thresholds is None:
        ranking, scores = Ranking.by_score(frame, 0)
    else:
        ranking, scores = _between(frame, thresholds)
    rows = _rows(frame, sizes, ranking, targets, memory)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    bounds = np.searchsorted(rows[:, 0], np.arange(1, targets.count + 2))
    for g in range(1, targets.count + 1):
        own = rows[bounds[g - 1] : bounds[g]][::-1]  # scores ascend
        lower, totals = _steps(scores[own[:, 1]], own[:, 2:].astype(np.int64), thresholds)
        covered, background = np.ascontiguousarray(totals.T)
        first = int(targets.runs[np.argmax(targets.runs[:, 2] == g), 0])
        place = divmod(first, frame.shape[1])
        yield ComponentCurve(number, place, int(targets.pixels[g]), lower, covered, background)


def _steps(
    scores: NDArray[np.float64], totals: NDArray[np.int64], thresholds: Edges | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Lower ends of steps, and totals there, from totals of A >= scores (of A > at thresholds)."""
    totals = np.vstack([totals, np.zeros((1, 2), np.int64)])  # nothing above the highest score
    if thresholds is not None:
        return thresholds, totals[np.searchsorted(scores, thresholds, side="left")]
    changes = np.append(True, np.diff(totals, axis=0).any(axis=1))
    return np.append(-np.inf, scores)[changes], totals[changes]


def _rows(
    frame: Frame, sizes: ComponentSizes, ranking: Ranking, targets: Targets, memory: int
) -> NDArray[np.int32]:
    """Rows of target, rank, covered and background pixels; ranks ascend for each target."""
    from mdmkit.statistics.kernels.components import sweep_targets
    from mdmkit.statistics.kernels.state import N_SUMS

    records, state = prepared(frame, sizes, ranking, targets)
    rows = np.empty((4 * (targets.count + 1) + 2**12, 4), np.int32)
    while not sweep_targets(records, state, rows):
        if 2 * rows.nbytes > memory:
            raise InputError(
                f"{targets.count} components change at more scores than fit "
                f"into memory={memory} bytes; name thresholds, or raise memory",
                argument="component_curves",
            )
        rows = np.concatenate([rows, np.empty_like(rows)])
    return rows[: state.counters[N_SUMS]]


def _between(frame: Frame, thresholds: Edges) -> tuple[Ranking, NDArray[np.float64]]:
    """Give scores between two thresholds one rank, with the lower threshold of each rank."""
    binned = BinnedFrame.of(frame, thresholds)
    bins = np.repeat(np.arange(thresholds.size + 1), 2)
    ranks = (thresholds.size - bins).astype(np.int32)
    ranking = Ranking.by_key(binned, ranks, np.zeros(thresholds.size + 1, np.uint8))
    return ranking, np.append(-np.inf, thresholds)[::-1]
