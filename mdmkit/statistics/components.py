"""ComponentCounts: sums of sIoU and PPV, true and false positive components per threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes, TargetChoice
from mdmkit.core.errors import InputError
from mdmkit.core.exact_sums import LIMBS
from mdmkit.statistics.binned_steps import spread, within
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.pixel_order import pixel_order
from mdmkit.statistics.steps import RatioSteps, Rescale, Steps

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.statistics.pixel_bins import BinnedFrame

#: Thresholds t of component F1 (SegmentMeIfYouCan); linspace's own values, t[7] included.
QUALITIES = np.linspace(0.25, 0.75, 11)
#: Metrics whose verdicts a sweep can be restricted to, by the kernel's number.
DECIDABLE = ("siou", "ppv", "mean_f1")
LAST, RECORD = 1, 2  # the kernel's flags


def label_targets(
    frame: Frame, min_target: int, within: TargetChoice | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int64], int]:
    """Number the ground-truth components of at least `min_target` pixels.

    Returns
    -------
    label : ndarray of int32, shape ((H + 2) * (W + 1) + 1,)
        The frame with a row above and below and one column, flat: -3, -4, ... in a component 1,
        2, ..., -2 in components that are too small, -1 elsewhere.
    sizes : ndarray of int64, shape (K + 1,)
        Pixels of each; entry 0 is 0.
    largest : int
        Pixels of the largest component, too small or not.
    """
    from mdmkit.statistics.kernels.labelling import label_components, name_anew

    height, width = frame.shape
    label = np.full((height + 2) * (width + 1) + 1, -1, np.int32)
    most = min(frame.anomalous_pixels, (height + 1) * (width + 1) // 2)
    parent, sizes = np.empty((2, most + 1), np.int32)
    names = label_components(frame.classes, label, parent, sizes)
    sizes = sizes[:names].astype(np.int64)
    kept = sizes >= max(min_target, 1)
    if within is not None:
        kept[sizes > 0] &= within.keeps(frame)
    if names:
        name_anew(label, parent, np.where(kept, -2 - np.cumsum(kept), -2).astype(np.int32))
    return label, np.append(0, sizes[kept]), int(sizes.max(initial=0))


def count_targets(frame: Frame, min_target: int) -> int:
    """Number of ground-truth components of at least `min_target` pixels."""
    return label_targets(frame, min_target)[1].size - 1


@dataclass(frozen=True)
class Swept:
    """What the kernel recorded; see `mdmkit.statistics.kernels.components.sweep`."""

    targets: int
    largest: int
    sums: NDArray[np.int64]
    hits: NDArray[np.int32]
    bounds: NDArray[np.int64]
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
    ) -> Swept:
        """Sweep the pixels `order` of a frame."""
        from mdmkit.statistics.kernels.components import plan_looks, sweep

        label, pixels, largest = label_targets(frame, sizes.min_target, sizes.within)
        targets = pixels.size - 1
        if targets == 0:
            required = ()  # no verdict is defined
        if required:
            plan_looks(flags, targets)
        width, least = frame.shape[1], sizes.min_prediction
        parts = sweep(order, flags, label, width, pixels, least, QUALITIES, required, bins)
        return cls(targets, largest, *parts)


C = TypeVar("C", bound="Components")


@dataclass(frozen=True, eq=False)
class Components:
    """Three parts of component statistics, which merge exactly.

    Attributes
    ----------
    sizes : ComponentSizes
    targets : int
        Ground-truth components of at least `min_target` pixels.
    largest : int
        Pixels of the largest ground-truth component, too small or not.
    siou
        Three limbs (`mdmkit.core.exact_sums`) of the sum of sIoU over ground-truth components.
    ppv
        Three limbs of the sum of PPV over predicted components, and their number.
    hits
        True positives, then false positives, at each of the 11 `QUALITIES`.
    """

    sizes: ComponentSizes
    targets: int
    largest: int
    siou: Any
    ppv: Any
    hits: Any

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return int(self.siou.nbytes + self.ppv.nbytes + self.hits.nbytes)

    @classmethod
    def merged(cls: type[C], parts: Iterable[C]) -> C:
        """Those of several sets of frames together, in any order with the same result."""
        several = list(parts)
        first = several[0]
        return cls(
            first.sizes,
            sum(part.targets for part in several),
            max(part.largest for part in several),
            type(first.siou).merged(part.siou for part in several),
            type(first.ppv).merged(part.ppv for part in several),
            type(first.hits).merged(part.hits for part in several),
        )


@dataclass(frozen=True, eq=False)
class ComponentCounts(Components):
    """Component statistics of the prediction A > z for every z, of one or more frames.

    Its parts are `Steps`. One union-find pass over pixels in descending score (Chan et al. 2021
    for the metrics): exact at every distinct score. Costs O(P a(P)) for P pixels, and at each
    score the number of targets that the components which changed there touch.
    """

    siou: RatioSteps
    ppv: RatioSteps
    hits: Steps
    #: Of each part the sum of the frames' `binned_steps.spread`, for sums that go to a grid.
    spreads: tuple[Steps, Steps, Steps] | None = None

    @classmethod
    def of(
        cls,
        frame: Frame,
        sizes: ComponentSizes,
        deciding: Mapping[str, Sequence[float]] | None = None,
    ) -> ComponentCounts:
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
        levels = pixel_order(frame)
        marks = levels.last * np.uint8(LAST if deciding is not None else LAST | RECORD)
        marks[-1:] |= RECORD  # the prediction of everything is always known
        swept = Swept.of(frame, sizes, levels.order, marks, required)
        return cls._from_rows(sizes, swept, levels.scores_at)

    @classmethod
    def inside(
        cls, cells: BinnedFrame, sizes: ComponentSizes, edges: Edges, refined: NDArray[np.bool_]
    ) -> ComponentCounts:
        """`of(frame, sizes).within(edges, refined)`, looking closely at those cells only.

        `edges` may be fewer than those of `cells`. Where no score need be known the pixels come
        in the order of the frame, which is quick, and below the last cell not at all.
        """
        order, flags = _closely(cells, edges, refined)
        swept = Swept.of(cells.frame, sizes, order, flags)
        sweep = cls._from_rows(sizes, swept, lambda at: cells.frame.unit_scores(order[at]))
        return sweep.within(edges, refined)

    @classmethod
    def _from_rows(
        cls, sizes: ComponentSizes, swept: Swept, scores_at: Callable[..., Any]
    ) -> ComponentCounts:
        scores = scores_at(swept.sums[:, 0])
        return cls(
            sizes,
            swept.targets,
            swept.largest,
            RatioSteps.from_totals(scores, swept.sums[:, 1 : 1 + LIMBS]),
            RatioSteps.from_totals(scores, swept.sums[:, 1 + LIMBS :]),
            Steps.from_totals(scores_at(swept.hits[:, 0]), swept.hits[:, 1:].astype(np.int64)),
        )

    @classmethod
    def merged(cls, parts: Iterable[ComponentCounts]) -> ComponentCounts:
        several = list(parts)
        total = super().merged(several)
        known = [part.spreads for part in several if part.spreads is not None]
        if len(known) < len(several):
            return total
        siou, ppv, hits = map(Steps.merged, zip(*known, strict=True))
        return replace(total, spreads=(siou, ppv, hits))

    @property
    def nbytes(self) -> int:
        return super().nbytes + sum(part.nbytes for part in self.spreads or ())

    def with_spreads(self, edges: Edges) -> ComponentCounts:
        """The sweep of one frame, which can be merged and then reduced to these edges."""
        spreads = (spread(self.siou, edges), spread(self.ppv, edges), spread(self.hits, edges))
        return replace(self, spreads=spreads)

    def within(self, edges: Edges, cells: NDArray[np.bool_]) -> ComponentCounts:
        """What changes inside some cells of a grid."""
        return self._mapped(lambda part: within(part, edges, cells))

    @classmethod
    def none(cls, sizes: ComponentSizes) -> ComponentCounts:
        """The sweep of no frames."""
        siou, ppv = RatioSteps.empty(LIMBS), RatioSteps.empty(LIMBS + 1)
        return cls(sizes, 0, 0, siou, ppv, Steps.empty(2 * QUALITIES.size))

    def rescaled(self, rescale: Rescale) -> ComponentCounts:
        """The same statistics over order-preserved scores."""
        return self._mapped(lambda part: part.rescaled(rescale))

    def _mapped(self, function: Callable[[Any], Any]) -> ComponentCounts:
        return replace(
            self,
            siou=function(self.siou),
            ppv=function(self.ppv),
            hits=function(self.hits),
            spreads=None,
        )


def cells_of_keys(cells: BinnedFrame, edges: Edges) -> NDArray[np.intp]:
    """For each key of `cells` the cell of a grid of fewer edges in which it lies."""
    return np.repeat(np.searchsorted(edges, np.append(cells.edges, np.inf), side="left"), 2)


def _closely(
    cells: BinnedFrame, edges: Edges, refined: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Pixels, descending within refined cells, as in the frame between them; their flags."""
    close = refined[cells_of_keys(cells, edges)][::-1]  # by key, descending
    ranks = np.cumsum(np.diff(close, prepend=close[:1])).astype(np.int32)
    met = np.flatnonzero(close & (cells.pixels[::-1] > 0))
    lowest = int(met[-1]) if met.size else -1
    ranks[lowest + 1 :] = -1
    order, ends = cells.order(ranks[::-1])
    flags = np.zeros(order.size, np.uint8)
    for rank, (start, stop) in enumerate(zip(np.append(0, ends), ends, strict=False)):
        run = slice(int(start), int(stop))
        last = np.zeros(run.stop - run.start, np.bool_)
        last[-1:] = True
        if close[0] == (rank % 2 == 0):
            key = -cells.frame.unit_scores(order[run])
            descending = np.argsort(key, kind="stable")
            order[run] = order[run][descending]
            last[:-1] = np.diff(key[descending]) != 0
        flags[run] = last * np.uint8(LAST | RECORD)
    return order, flags
