"""ComponentSweep: sums of sIoU and PPV, true and false positive components per threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.errors import InputError
from mdmkit.exact_sums import LIMBS
from mdmkit.frames import ANOMALOUS
from mdmkit.grid import Edges, GridSteps, within
from mdmkit.steps import RatioSteps, Rescale, Steps

if TYPE_CHECKING:
    from mdmkit.frames import Frame

EIGHT_CONNECTED = np.ones((3, 3), np.int8)
#: Thresholds t of component F1 (SegmentMeIfYouCan); linspace's own values, t[7] included.
QUALITIES = np.linspace(0.25, 0.75, 11)


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
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, np.integer))
                or not (0 <= value < 2**31)
            ):
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
        1..K in a component, 0 elsewhere, -2 in components that are too small.
    sizes : ndarray of int64, shape (K + 1,)
        Pixels of each; entry 0 is 0.
    largest : int
        Pixels of the largest component, too small or not.
    """
    from scipy.ndimage import label

    from mdmkit.kernels.union import SMALL

    numbers, count = label(frame.classes == ANOMALOUS, EIGHT_CONNECTED, output=np.int32)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = sizes >= max(min_target, 1)
    renumber = np.where(kept, np.cumsum(kept), SMALL).astype(np.int32)
    renumber[0] = 0
    if not kept[1:].all():
        numbers = renumber[numbers]
    return numbers, np.append(0, sizes[kept]).astype(np.int64), int(sizes.max())


def count_targets(frame: Frame, min_target: int) -> int:
    """Number of ground-truth components of at least `min_target` pixels."""
    return label_targets(frame, min_target)[1].size - 1


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
    def of(cls, frame: Frame, sizes: ComponentSizes) -> ComponentSweep:
        """Sweep one frame."""
        from mdmkit.kernels.union import sweep_components

        numbers, pixels, largest = label_targets(frame, sizes.min_target)
        levels = frame.levels
        sums, hits = sweep_components(
            levels.order, levels.ends, np.pad(numbers, 1), pixels, sizes.min_prediction, QUALITIES
        )
        return cls(
            sizes,
            pixels.size - 1,
            largest,
            RatioSteps.from_totals(levels.scores, sums[:, :LIMBS]),
            RatioSteps.from_totals(levels.scores, sums[:, LIMBS:]),
            Steps.from_totals(levels.scores[hits[:, 0]], hits[:, 1:].astype(np.int64)),
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
    """A `ComponentSweep` on a grid; its parts bound sums of sIoU and PPV in units of 2^-34."""

    sizes: ComponentSizes
    targets: int
    largest: int
    siou: GridSteps
    ppv: GridSteps
    hits: GridSteps

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
