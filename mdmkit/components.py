"""ComponentSweep: sums of sIoU and PPV, true and false positive components per threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.errors import InputError
from mdmkit.exact_sums import LIMBS, UNIT_BITS
from mdmkit.frames import ANOMALOUS
from mdmkit.grid import Edges, GridSteps, within
from mdmkit.steps import RatioSteps, Rescale, Steps

if TYPE_CHECKING:
    from mdmkit.frames import Frame
    from mdmkit.levels import Levels

EIGHT_CONNECTED = np.ones((3, 3), np.int8)
#: Thresholds t of component F1 (SegmentMeIfYouCan); linspace's own values, t[7] included.
QUALITIES = np.linspace(0.25, 0.75, 11)
#: Metrics whose verdicts a sweep can be restricted to, by the kernel's number.
DECIDABLE = ("siou", "ppv", "mean_f1")
LAST, RECORD, RESTART = 1, 2, 4  # the kernel's flags
_FINER = 40 - UNIT_BITS  # the kernel bounds sums in units of 2^-40


@dataclass(frozen=True, order=True)
class ComponentSizes:
    """Smallest components that count, in pixels.

    Parameters
    ----------
    min_prediction : int
        Predicted components with fewer pixels are dropped.
    min_target : int
        Ground-truth components with fewer pixels are ignored after labelling.
    """

    min_prediction: int = 0
    min_target: int = 0

    def __post_init__(self) -> None:
        for name in ("min_prediction", "min_target"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
                raise InputError(f"{name}: expected a number of pixels >= 0, found {value!r}")
            object.__setattr__(self, name, int(value))

    def __str__(self) -> str:
        return f"min_prediction={self.min_prediction}, min_target={self.min_target}"


def label_targets(
    frame: Frame, min_target: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], int]:
    """Number the ground-truth components of at least `min_target` pixels.

    Returns
    -------
    numbers : ndarray of int32, shape (H, W)
        -3, -4, ... in a component 1, 2, ..., -1 elsewhere, -2 in components that are too small.
    sizes : ndarray of int64, shape (K + 1,)
        Pixels of each; entry 0 is 0.
    largest : int
        Pixels of the largest component, too small or not.
    """
    from scipy.ndimage import label

    numbers, count = label(frame.classes == ANOMALOUS, EIGHT_CONNECTED, output=np.int32)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = sizes >= max(min_target, 1)
    codes = np.where(kept, -2 - np.cumsum(kept), -2).astype(np.int32)
    codes[0] = -1
    return codes[numbers], np.append(0, sizes[kept]).astype(np.int64), int(sizes.max())


def count_targets(frame: Frame, min_target: int) -> int:
    """Number of ground-truth components of at least `min_target` pixels."""
    return label_targets(frame, min_target)[1].size - 1


@dataclass(frozen=True)
class _Swept:
    """What the kernel recorded; see `mdmkit.kernels.components.sweep`."""

    targets: int
    largest: int
    sums: NDArray[np.int64]
    hits: NDArray[np.int32]
    hit_bounds: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        frame: Frame,
        sizes: ComponentSizes,
        order: NDArray[Any],
        flags: NDArray[np.uint8],
        required: Sequence[tuple[int, float]] = (),
        bins: bool = False,
    ) -> _Swept:
        """Sweep the pixels `order` of a frame."""
        from mdmkit.kernels.components import plan_looks, sweep

        numbers, pixels, largest = label_targets(frame, sizes.min_target)
        height, width = frame.shape
        label = np.full((height + 2) * (width + 1) + 1, -1, np.int32)
        inside = label[width + 2 : (height + 1) * (width + 1) + 1]
        inside.reshape(height, width + 1)[:, :width] = numbers
        targets = pixels.size - 1
        del numbers
        if targets == 0:
            required = ()  # no verdict is defined
        if required:
            plan_looks(flags, targets)
        parts = sweep(
            order, flags, label, width, pixels, sizes.min_prediction, QUALITIES, required, bins
        )
        return cls(targets, largest, *parts)


@dataclass(frozen=True, eq=False)
class ComponentSweep:
    """Component statistics of the prediction A > z for every z, of one or more frames.

    Attributes
    ----------
    sizes : ComponentSizes
    targets : int
        Ground-truth components of at least `min_target` pixels.
    largest : int
        Pixels of the largest ground-truth component, too small or not.
    siou : Steps
        Three limbs (`mdmkit.exact_sums`) of the sum of sIoU over ground-truth components.
    ppv : Steps
        Three limbs of the sum of PPV over predicted components, and their number.
    hits : Steps
        True positives, then false positives, at each of the 11 `QUALITIES`.

    Notes
    -----
    One union-find pass over pixels in descending score (Chan et al. 2021 for the metrics): exact
    at every distinct score. Costs O(P a(P)) for P pixels, and at each score the number of
    targets that the components which changed there touch.
    """

    sizes: ComponentSizes
    targets: int
    largest: int
    siou: RatioSteps
    ppv: RatioSteps
    hits: Steps

    @classmethod
    def of(
        cls,
        frame: Frame,
        sizes: ComponentSizes,
        deciding: Mapping[str, Sequence[float]] | None = None,
    ) -> ComponentSweep:
        """Sweep one frame.

        Parameters
        ----------
        frame : Frame
        sizes : ComponentSizes
        deciding : mapping, optional
            Required qualities T of metrics, as in `{"siou": (0.5, 0.7), "mean_f1": (0.5,)}`. The
            sweep then knows only levels at which a verdict d > T of this frame can have changed:
            margins at these T are the exact ones, curves are not. Much faster, and small.
        """
        if not set(deciding or ()) <= set(DECIDABLE):
            raise InputError(
                f"deciding: expected metrics among {', '.join(DECIDABLE)}, "
                f"found {list(deciding or ())}"
            )
        required = [
            (DECIDABLE.index(name), float(t))
            for name, several in (deciding or {}).items()
            for t in several
        ]
        levels = frame.levels
        marks = levels.last * np.uint8(LAST if deciding is not None else LAST | RECORD)
        return cls._from_rows(sizes, levels, _Swept.of(frame, sizes, levels.order, marks, required))

    @classmethod
    def inside(
        cls, frame: Frame, sizes: ComponentSizes, edges: Edges, cells: NDArray[np.bool_]
    ) -> ComponentSweep:
        """`of(frame, sizes).within(edges, cells)`, looking closely at those cells only."""
        levels = frame.levels
        marks = levels.last * np.uint8(LAST)
        looked_at = cells[np.searchsorted(edges, levels.scores, side="left")]
        looked_at[:-1] |= looked_at[1:]  # what has changed before a cell is none of its business
        rows = levels.ends[looked_at]
        marks[rows - 1] |= RECORD
        last = int(rows[-1]) if rows.size else 0  # below it nothing is asked
        swept = _Swept.of(frame, sizes, levels.order[:last], marks[:last])
        return cls._from_rows(sizes, levels, swept).within(edges, cells)

    @classmethod
    def _from_rows(cls, sizes: ComponentSizes, levels: Levels, swept: _Swept) -> ComponentSweep:
        scores = levels.scores_at(swept.sums[:, 0])
        return cls(
            sizes,
            swept.targets,
            swept.largest,
            RatioSteps.from_totals(scores, swept.sums[:, 1 : 1 + LIMBS]),
            RatioSteps.from_totals(scores, swept.sums[:, 1 + LIMBS :]),
            Steps.from_totals(
                levels.scores_at(swept.hits[:, 0]), swept.hits[:, 1:].astype(np.int64)
            ),
        )

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.siou.nbytes + self.ppv.nbytes + self.hits.nbytes

    def on_grid(self, edges: Edges) -> ComponentGrid:
        """These statistics at the edges of a grid."""
        parts = (GridSteps.of(part, edges) for part in (self.siou, self.ppv, self.hits))
        return ComponentGrid(self.sizes, self.targets, self.largest, *parts)

    def within(self, edges: Edges, cells: NDArray[np.bool_]) -> ComponentSweep:
        """What changes inside some cells of a grid."""
        siou, ppv = within(self.siou, edges, cells), within(self.ppv, edges, cells)
        hits = within(self.hits, edges, cells)
        return ComponentSweep(self.sizes, self.targets, self.largest, siou, ppv, hits)

    @classmethod
    def none(cls, sizes: ComponentSizes) -> ComponentSweep:
        """The sweep of no frames."""
        siou, ppv = RatioSteps.empty(LIMBS), RatioSteps.empty(LIMBS + 1)
        return cls(sizes, 0, 0, siou, ppv, Steps.empty(2 * QUALITIES.size))

    def rescaled(self, rescale: Rescale) -> ComponentSweep:
        """The same statistics over order-preserved scores."""
        siou, ppv = self.siou.rescaled(rescale), self.ppv.rescaled(rescale)
        hits = self.hits.rescaled(rescale)
        return ComponentSweep(self.sizes, self.targets, self.largest, siou, ppv, hits)

    @classmethod
    def merged(cls, parts: Iterable[ComponentSweep]) -> ComponentSweep:
        """Those of several sets of frames together, in any order with the same result."""
        several = list(parts)
        return cls(
            several[0].sizes,
            sum(part.targets for part in several),
            max(part.largest for part in several),
            RatioSteps.merged(part.siou for part in several),
            RatioSteps.merged(part.ppv for part in several),
            Steps.merged(part.hits for part in several),
        )


@dataclass(frozen=True, eq=False)
class ComponentGrid:
    """Component statistics at fixed thresholds, with bounds in between; merges exactly.

    Attributes
    ----------
    sizes : ComponentSizes
    targets, largest : int
        As in `ComponentSweep`.
    siou, ppv, hits : GridSteps
        As in `ComponentSweep`; sums of sIoU and PPV are bounded in units of 2^-34.

    Notes
    -----
    One sweep in full order, so that numbers within a cell are followed level by level; sIoU_i lies
    in [I_before / U_after, I_after / U_before], as neither I_i nor U_i falls while z does.
    """

    sizes: ComponentSizes
    targets: int
    largest: int
    siou: GridSteps
    ppv: GridSteps
    hits: GridSteps

    @classmethod
    def of(cls, frame: Frame, sizes: ComponentSizes, edges: Edges) -> ComponentGrid:
        """Sweep one frame.

        Parameters
        ----------
        frame : Frame
        sizes : ComponentSizes
        edges : ndarray of float64, shape (m,)
            Thresholds at which statistics are exact, strictly ascending; see `mdmkit.grid`.
        """
        levels = frame.levels
        flags, cells = _flag_cells(levels, edges)
        swept = _Swept.of(frame, sizes, levels.order, flags, bins=True)
        exact = slice(1, 2 * LIMBS + 2)
        # the state at the lower end of a cell is that after the last level above it
        row = np.searchsorted(-cells, -np.arange(edges.size + 1), side="right")
        sums = np.vstack([np.zeros((1, 2 * LIMBS + 1), np.int64), swept.sums[:, exact]])[row]
        hit_row = np.append(0, np.searchsorted(swept.hits[:, 0], swept.sums[:, 0], side="right"))
        hits = np.vstack([np.zeros((1, 2 * QUALITIES.size), np.int64), swept.hits[:, 1:]])
        hits = hits[hit_row[row]]
        some = levels.order.size > 0
        extremes = [levels.scores_at(np.array(at)) if some else -at * np.inf for at in (-1, 0)]

        def on_grid(kind: type[Steps], totals: Any, low: Any, high: Any) -> GridSteps:
            lows, highs = kind.empty(totals.shape[1]).bound_columns(totals)
            lows, highs = lows.copy(), highs.copy()
            lows[cells], highs[cells] = low, high
            return GridSteps(totals, lows, highs, *map(float, extremes))

        low, high = np.split(swept.sums[:, -6:], 2, axis=1)  # of sIoU, PPV, their number
        low[:, :2] >>= _FINER
        high[:, :2] = (high[:, :2] >> _FINER) + 1
        return cls(
            sizes,
            swept.targets,
            swept.largest,
            on_grid(RatioSteps, sums[:, :LIMBS], low[:, :1], high[:, :1]),
            on_grid(RatioSteps, sums[:, LIMBS:], low[:, 1:], high[:, 1:]),
            on_grid(Steps, hits, *np.split(swept.hit_bounds, 2, axis=1)),
        )

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.siou.nbytes + self.ppv.nbytes + self.hits.nbytes

    @classmethod
    def merged(cls, parts: Iterable[ComponentGrid]) -> ComponentGrid:
        """Those of several sets of frames together, in any order with the same result."""
        several = list(parts)
        return cls(
            several[0].sizes,
            sum(part.targets for part in several),
            max(part.largest for part in several),
            GridSteps.merged(part.siou for part in several),
            GridSteps.merged(part.ppv for part in several),
            GridSteps.merged(part.hits for part in several),
        )

    def as_sweep(self, edges: Edges, refined: ComponentSweep | None) -> ComponentSweep:
        """Changes moved up to the next edge, but for those within refined cells."""
        inside = refined or ComponentSweep.none(self.sizes)
        return ComponentSweep(
            self.sizes,
            self.targets,
            self.largest,
            self.siou.as_steps(RatioSteps, edges, inside.siou),
            self.ppv.as_steps(RatioSteps, edges, inside.ppv),
            self.hits.as_steps(Steps, edges, inside.hits),
        )


def _flag_cells(levels: Levels, edges: Edges) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Flags of a sweep with one row a cell, and the cells that have scores, descending.

    Cell c has the scores in (edges[c - 1], edges[c]]; its last level gives its lower end.
    """
    scores, ends = levels.scores, levels.ends - 1
    not_above = np.searchsorted(scores[::-1], edges, side="right")
    first, stop = np.append(0, not_above), np.append(not_above, scores.size)
    cells = np.flatnonzero(first < stop)[::-1]
    lowest, highest = scores.size - 1 - first[cells], scores.size - stop[cells]
    flags = levels.last.copy()
    flags[ends[lowest]] |= RECORD
    # a score at the very edge: no threshold of the cell lies below it
    at_edge = scores[highest] == np.append(edges, np.inf)[cells]
    flags[ends[highest[at_edge]]] |= RESTART
    return flags, cells
