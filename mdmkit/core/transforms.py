"""Changes of a frame before it is swept: a band around borders, coarser scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import fsum, isqrt, sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_that
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.frame import as_unit
from mdmkit.core.labels import ANOMALOUS, IGNORED, NORMAL
from mdmkit.core.types import Array

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


class FrameChange(ABC):
    """A map of frames to frames. Equal changes share one sweep.

    Attributes
    ----------
    selects : bool
        Whether it leaves some targets: where none is left, measures are undefined, not refused.
    """

    selects: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, frame: Frame) -> Frame:
        """The changed frame."""


@dataclass(frozen=True)
class Band(FrameChange):
    """Ignore every pixel that is far from a border between anomalous and normal pixels.

    A valid pixel lies in the band where its Euclidean distance, from centre to centre, to the
    nearest valid pixel of the other class is at most `width`: the band is `width` pixels deep on
    either side of a straight border. Ignored pixels stay ignored and make no borders: next to
    them a pixel counts only if a pixel of the other class is near, and distances run straight
    across them. A frame without either class has an empty band.

    Parameters
    ----------
    width : float
        In pixels, at least 1: neighbours of different classes have the distance 1.

    Raises
    ------
    InputError
        If the width is below 1 or not finite.

    Examples
    --------
    >>> from mdmkit import Band, Frame
    >>> Band(1)(Frame([[0.1, 0.2, 0.9]], [[0, 0, 1]])).pixels
    2
    """

    width: float

    def __post_init__(self) -> None:
        try:
            width = float("nan" if isinstance(self.width, (str, bytes, bool)) else self.width)
        except (TypeError, ValueError):
            raise InputTypeError(
                f"expected a width in pixels >= 1, found {self.width!r}", argument="band"
            ) from None
        check_that(1 <= width < np.inf, "a width in pixels >= 1", self.width, "band")
        object.__setattr__(self, "width", width)

    def __call__(self, frame: Frame) -> Frame:
        return frame.altered(
            classes=np.where(self.near(frame.classes), frame.classes, IGNORED).astype(np.uint8)
        )

    def near(self, classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Pixels in the band, shape (H, W), from classes (0 normal, 1 anomalous, 2 ignored)."""
        near = np.zeros(classes.shape, bool)
        if not ((classes == ANOMALOUS).any() and (classes == NORMAL).any()):
            return near
        around = _around(classes == ANOMALOUS, int(np.ceil(self.width)))
        box = classes[around]  # farther away nothing is near
        if not (box == NORMAL).any():
            return near
        for one, other in ((ANOMALOUS, NORMAL), (NORMAL, ANOMALOUS)):
            near[around] |= (box == one) & _within(box == other, self.width)
        return near


def inverted(scores: Array) -> Array:
    """Scores of which higher is normal, turned round: 1 - score.

    Unsigned integers of value v become maximum - v, which is 1 - v / maximum; floats become
    float64, in which scores closer than 1e-16 may become equal. Other dtypes, which no score map
    has, are left to whoever judges them.

    Examples
    --------
    >>> inverted(np.array([0, 255], np.uint8)), inverted(np.array([0.25], np.float32))
    (array([255,   0], dtype=uint8), array([0.75]))
    """
    if scores.dtype.kind == "b":
        return ~scores
    if scores.dtype.kind == "u":
        return np.asarray(np.iinfo(scores.dtype).max - scores)
    return 1.0 - scores.astype(np.float64) if scores.dtype.kind == "f" else scores


@dataclass(frozen=True)
class Inverted(FrameChange):
    """Scores turned round, 1 - score, where higher means normal; see `inverted`."""

    def __call__(self, frame: Frame) -> Frame:
        return frame.altered(scores=inverted(frame.scores))


def _within(pixels: NDArray[np.bool_], width: float) -> NDArray[np.bool_]:
    """Whether a pixel that is set lies within `width`, for every pixel; in integers, so exact."""
    height, breadth = pixels.shape
    squared = _largest_square(min(width, height + breadth))
    row, far = np.arange(height, dtype=np.int32)[:, None], 2 * height + breadth
    above = np.maximum.accumulate(np.where(pixels, row, row - far), axis=0)
    below = np.minimum.accumulate(np.where(pixels, row, row + far)[::-1], axis=0)[::-1]
    vertical = np.minimum(row - above, below - row)  # to the nearest one of the column
    near = vertical <= isqrt(squared)
    for aside in range(1, min(isqrt(squared), breadth - 1) + 1):
        column_near = vertical <= isqrt(squared - aside**2)
        near[:, aside:] |= column_near[:, :-aside]
        near[:, :-aside] |= column_near[:, aside:]
    return near


def _largest_square(width: float) -> int:
    """The largest integer whose root, as a float, is at most `width`."""
    around = int(width**2)
    return max(n for n in (around - 1, around, around + 1) if sqrt(max(n, 0)) <= width)


def _around(mask: NDArray[np.bool_], rim: int) -> tuple[slice, slice]:
    """The box of the pixels that are set, with a rim."""
    sides = []
    for axis in (1, 0):
        places = np.flatnonzero(mask.any(axis=axis))
        sides.append(slice(max(int(places[0]) - rim, 0), int(places[-1]) + rim + 1))
    return sides[0], sides[1]


@dataclass(frozen=True)
class ImageScore(FrameChange):
    """A frame of one pixel: the score of the image as a whole, anomalous if any pixel is.

    Parameters
    ----------
    kind : str
        `max`, the largest score of the valid pixels; `mean-top:K` or `mean-top:P%`, the mean of
        their K largest ones, or of so many percent of them (at least one).

    Raises
    ------
    InputError
        For another name, K below 1, or P outside (0, 100].
    """

    kind: str = "max"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", str(self.kind).lower())
        number, percent = self._top()
        allowed = 0 < number <= (100 if percent else np.inf) and (percent or number % 1 == 0)
        check_that(allowed, "max, mean-top:K or mean-top:P%", self.kind, "image_score")

    def _top(self) -> tuple[float, bool]:
        if self.kind == "max":
            return 1, False
        name, _, number = self.kind.partition(":")
        try:
            return float(number.rstrip("%")) if name == "mean-top" else 0, number.endswith("%")
        except ValueError:
            return 0, False

    def __call__(self, frame: Frame) -> Frame:
        scores = as_unit(frame.scores[frame.valid])
        if scores.size == 0:
            return frame.altered(scores=np.zeros((1, 1)), classes=np.full((1, 1), IGNORED, "u1"))
        number, percent = self._top()
        k = int(
            min(max(np.ceil(number / 100 * scores.size) if percent else number, 1), scores.size)
        )
        score = fsum(np.partition(scores, scores.size - k)[scores.size - k :]) / k
        anomalous = np.array([[frame.anomalous_pixels > 0]], np.uint8)
        return frame.altered(scores=np.array([[score]]), classes=anomalous)


@dataclass(frozen=True)
class FrameGroup(FrameChange):
    """The frames of one group; the others become a single ignored pixel.

    Parameters
    ----------
    column, value : str
        What the groups are told apart by, and the name of this one.
    names : frozenset of str
        Names of its frames.
    """

    column: str
    value: str
    names: frozenset[str] = field(repr=False)
    selects = True

    @property
    def name(self) -> str:
        """Name of the group, as in `ap@weather=rain`."""
        return f"{self.column}={self.value}"

    def __call__(self, frame: Frame) -> Frame:
        if frame.name in self.names:
            return frame
        return frame.altered(scores=np.zeros((1, 1)), classes=np.full((1, 1), IGNORED, np.uint8))


@dataclass(frozen=True)
class HalfPrecision(FrameChange):
    """Scores rounded to float16, the nearest one, as SegmentMeIfYouCan's tools store them."""

    def __call__(self, frame: Frame) -> Frame:
        if frame.scores.dtype == np.float16:
            return frame
        with np.errstate(over="ignore", invalid="ignore"):
            scores = as_unit(frame.scores).astype(np.float16)
        too_large = frame.valid & ~np.isfinite(scores)
        if too_large.any():
            of = f" of {frame.name}" if frame.name else ""
            raise InputError(
                f"scores{of}: expected magnitudes that float16 holds (up to 65504), as protocol "
                f"smiyc stores scores in it, found {float(frame.scores[too_large][0])!r}; "
                "rescale the scores or use protocol exact"
            )
        return frame.altered(scores=scores)


@dataclass(frozen=True)
class QuantileBins(FrameChange):
    """Scores in float16, each moved down to the lower edge of its bin.

    The edges are quantiles of each frame's own scores: `bins // 2` of its anomalous pixels and as
    many of its normal ones, equally spaced from the minimum to the maximum (every pixel where
    there are fewer). A pixel is then above an edge exactly where its score is >= that edge, as
    SegmentMeIfYouCan's tools count their pixel curves.

    Parameters
    ----------
    bins : int
    """

    bins: int = 768

    def __call__(self, frame: Frame) -> Frame:
        half = HalfPrecision()(frame)
        edges = self.edges(half)
        scores = np.zeros(frame.shape)
        if edges.size:
            valid = half.scores[half.valid].astype(np.float64)
            scores[half.valid] = edges[np.searchsorted(edges, valid, side="right") - 1]
        return frame.altered(scores=scores)

    def edges(self, frame: Frame) -> NDArray[np.float64]:
        """The lower edges of a frame's bins, ascending, shape (n,)."""
        quantiles: list[Array] = []
        for one in (ANOMALOUS, NORMAL):
            scores = frame.scores[frame.classes == one]
            if scores.size:
                places = np.linspace(0, 1, min(self.bins // 2, scores.size))
                quantiles.append(np.quantile(scores, places).astype(np.float64))
        return np.unique(np.concatenate(quantiles)) if quantiles else np.empty(0)
