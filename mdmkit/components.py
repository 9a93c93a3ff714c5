"""ComponentSweep: sums of sIoU and PPV, true and false positive components per threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.errors import InputError
from mdmkit.exact_sums import LIMBS
from mdmkit.frames import ANOMALOUS
from mdmkit.steps import Rescale, Steps

if TYPE_CHECKING:
    from mdmkit.frames import Frame
    from mdmkit.levels import Levels

EIGHT_CONNECTED = np.ones((3, 3), np.int8)
#: Thresholds t of component F1 (SegmentMeIfYouCan); linspace's own values, t[7] included.
QUALITIES = np.linspace(0.25, 0.75, 11)
#: Metrics whose verdicts a sweep can be restricted to, by the kernel's number.
DECIDABLE = ("siou", "ppv", "mean_f1")
LAST, RECORD, RESTART = 1, 2, 4  # the kernel's flags


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
    siou: Steps
    ppv: Steps
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
        swept = _Swept.of(frame, sizes, levels.order, marks, required)
        return cls(
            sizes,
            swept.targets,
            swept.largest,
            Steps.from_totals(levels.scores_at(swept.sums[:, 0]), swept.sums[:, 1 : 1 + LIMBS]),
            Steps.from_totals(levels.scores_at(swept.sums[:, 0]), swept.sums[:, 1 + LIMBS :]),
            Steps.from_totals(
                levels.scores_at(swept.hits[:, 0]), swept.hits[:, 1:].astype(np.int64)
            ),
        )

    @classmethod
    def none(cls, sizes: ComponentSizes) -> ComponentSweep:
        """The sweep of no frames."""
        columns = (LIMBS, LIMBS + 1, 2 * QUALITIES.size)
        return cls(sizes, 0, 0, *(Steps.empty(n) for n in columns))

    def rescaled(self, rescale: Rescale) -> ComponentSweep:
        """The same statistics over order-preserved scores."""
        parts = (self.siou, self.ppv, self.hits)
        return ComponentSweep(
            self.sizes, self.targets, self.largest, *(part.rescaled(rescale) for part in parts)
        )

    @classmethod
    def merged(cls, parts: Iterable[ComponentSweep]) -> ComponentSweep:
        """Those of several sets of frames together, in any order with the same result."""
        several = list(parts)
        return cls(
            several[0].sizes,
            sum(part.targets for part in several),
            max(part.largest for part in several),
            Steps.merged(part.siou for part in several),
            Steps.merged(part.ppv for part in several),
            Steps.merged(part.hits for part in several),
        )


@dataclass(frozen=True, eq=False)
class ComponentGrid:
    """Component statistics at thresholds 0, 1/n, ..., 1, with bounds in between; merges exactly.

    Attributes
    ----------
    sizes : ComponentSizes
    targets, largest : int
        As in `ComponentSweep`.
    siou, ppv, hits : ndarray of int64, shape (n + 1, ...)
        Totals of the prediction A > j / n, exact; columns as in `ComponentSweep`.
    low, high : ndarray of int64, shape (n, 25)
        Bounds over all thresholds in [j / n, (j + 1) / n): the sums of sIoU and of PPV in units of
        2^-40, the number of predicted components, TP and FP at each of the 11 `QUALITIES`.

    Notes
    -----
    One sweep in full order, so that numbers within a bin are followed level by level; sIoU_i lies
    in [I_before / U_after, I_after / U_before], as neither I_i nor U_i falls while z does.
    """

    sizes: ComponentSizes
    targets: int
    largest: int
    siou: NDArray[np.int64]
    ppv: NDArray[np.int64]
    hits: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """The grid, shape (n + 1,)."""
        return np.arange(len(self.siou)) / (len(self.siou) - 1)

    @classmethod
    def of(cls, frame: Frame, sizes: ComponentSizes, n: int = 4096) -> ComponentGrid:
        """Sweep one frame with scores in [0, 1]; n is a power of two.

        Scores beyond are counted as what they are: 1.5 is predicted at every threshold.
        """
        if n < 1 or n & (n - 1):
            raise InputError(f"n: expected a power of two, found {n!r}")
        levels = frame.levels
        flags, key = _flag_bins(levels, n)
        swept = _Swept.of(frame, sizes, levels.order[: flags.size], flags, bins=True)
        row = np.searchsorted(-key, -np.arange(n + 1))  # rows with key > j
        sums = np.concatenate([np.zeros((1, 2 * LIMBS + 1), np.int64), swept.sums[:, 1:8]])[row]
        hit_row = np.searchsorted(swept.hits[:, 0], swept.sums[:, 0], side="right")
        hit_row = np.append(0, hit_row)[row]
        hits = np.concatenate([np.zeros((1, 2 * QUALITIES.size), np.int64), swept.hits[:, 1:]])
        hits = hits[hit_row]
        exact = (sums[:-1, :LIMBS], sums[:-1, LIMBS : 2 * LIMBS])
        low = np.column_stack([*map(_fixed, exact), sums[:-1, -1], hits[:-1]])
        high = low + (np.arange(low.shape[1]) < 2)
        filled = key[key <= n] - 1
        of_hits = np.split(swept.hit_bounds[key <= n], 2, axis=1)
        of_sums = np.split(swept.sums[key <= n, -6:], 2, axis=1)
        for bound, side, other in zip((low, high), of_sums, of_hits, strict=True):
            bound[filled] = np.concatenate([side, other], axis=1)
        return cls(
            sizes, swept.targets, swept.largest, sums[:, :LIMBS], sums[:, LIMBS:], hits, low, high
        )

    @classmethod
    def merged(cls, parts: Iterable[ComponentGrid]) -> ComponentGrid:
        """Those of several sets of frames together, in any order with the same result."""
        several = list(parts)
        return cls(
            several[0].sizes,
            sum(part.targets for part in several),
            max(part.largest for part in several),
            *(
                np.sum([getattr(part, name) for part in several], axis=0)
                for name in ("siou", "ppv", "hits", "low", "high")
            ),
        )


def _flag_bins(
    levels: Levels, n: int, chunk: int = 1 << 16
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Flags of the pixels with scores > 0, and the keys ceil(n score) of bins that have any.

    A > j / n where key > j, exactly, as n is a power of two; scores above 1 have the key n + 1.
    """
    flags = levels.last.copy()
    keys = []
    end_before, key_before = -1, n + 2
    for start in range(0, flags.size, chunk):
        ends = start + np.flatnonzero(flags[start : start + chunk])
        if ends.size == 0:
            continue
        scaled = np.clip(levels.scores_at(ends) * n, 0, n + 1)
        key = np.ceil(scaled).astype(np.int64)
        first = np.diff(key, prepend=key_before) != 0
        ended = np.append(end_before, ends[:-1])[first]
        flags[ended[ended >= 0]] |= RECORD
        # nothing of the bin lies above a score at its very edge
        flags[ends[first & (key == scaled)]] |= RESTART
        keys.append(key[first])
        end_before, key_before = ends[-1], key[-1]
        if key_before == 0:
            break
    if end_before >= 0 and key_before > 0:
        flags[end_before] |= RECORD
    key = np.concatenate([*keys, np.zeros(1, np.int64)])
    key = key[: np.searchsorted(-key, 0)]
    recorded = np.flatnonzero(flags & RECORD)
    return flags[: recorded[-1] + 1 if recorded.size else 0], key


def _fixed(limbs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of three limbs in units of 2^-40, rounded down."""
    middle = limbs[:, 1] + (limbs[:, 2] >> 28)
    return np.asarray((limbs[:, 0] << 12) + (middle >> 16))
