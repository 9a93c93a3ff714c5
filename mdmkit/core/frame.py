"""Frame: one validated pair of score map and ground truth. The only judge of arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.labels import ANOMALOUS, IGNORED, NORMAL, UNKNOWN, LabelCodes, Labels
from mdmkit.core.types import Array


def as_array(value: Any, name: str) -> Array:
    """`value` as a numpy array: numpy, torch (any device), nested lists, or `__array__`."""
    if isinstance(value, np.ma.MaskedArray):
        raise InputTypeError(
            "expected a plain array, found a numpy masked array; "
            "pass its mask as `ignore`, so that no mask is lost unseen",
            argument=name,
        )
    try:
        if hasattr(value, "detach") and hasattr(value, "cpu"):  # torch, without importing it
            value = value.detach().cpu()
            if str(value.dtype) == "torch.bfloat16":  # numpy has none; float32 holds it exactly
                value = value.float()
            value = value.numpy()
        array = np.asarray(value)
    except Exception as error:  # an array of another library may raise anything
        raise InputTypeError(
            f"expected an array of numbers, found: {error}", argument=name
        ) from error
    if array.dtype == object:
        raise InputTypeError(
            f"expected an array of numbers, found {type(value).__name__}", argument=name
        )
    return array


def one_map(array: Array) -> Array:
    """An array of shape (1, H, W), (1, 1, H, W) or (H, W, 1) as the map (H, W) that it holds."""
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3 or (array.shape[0] == 1) == (array.shape[2] == 1):
        return array
    return array[0] if array.shape[0] == 1 else array[..., 0]


def as_unit(scores: Array) -> NDArray[np.float64]:
    """Scores in float64: floats as they are, unsigned integers divided by their maximum."""
    if scores.dtype.kind == "u":
        return np.asarray(scores / np.float64(np.iinfo(scores.dtype).max))
    return scores.astype(np.float64)


_HALF_INFINITY = np.uint16(0x7C00)  # the exponent of infinity and NaN, as float16
_ONE_BY_ONE = "; a frame is one map, go through a stack with zip(scores, target)"


def _check_scores(scores: Array, valid: NDArray[np.bool_], name: str) -> None:
    if scores.dtype.kind != "f" or _all_finite(scores):
        return
    bad = ~np.isfinite(scores) & valid
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"expected finite scores at valid pixels, found {scores[row, column]} "
            f"at row {row}, column {column} ({int(bad.sum())} such pixels)",
            argument=name,
        )


def _all_finite(scores: Array) -> bool:
    if scores.dtype == np.float16:  # by their exponents, in a tenth of the time
        return bool((scores.view(np.uint16) & _HALF_INFINITY).max() < _HALF_INFINITY)
    with np.errstate(over="ignore", invalid="ignore"):  # a finite sum has no other parts
        return bool(np.isfinite(scores.sum()) or np.isfinite(scores).all())


def score_numbers(scores: Array, name: str) -> Array:
    """Scores of any shape, in a type that scores may have and the machine's order of bytes."""
    kind, width = scores.dtype.kind, scores.dtype.itemsize
    if kind not in "fub" or (kind == "f" and width > 8):
        raise InputTypeError(
            f"expected float16, float32, float64, unsigned integers "
            f"(value / maximum) or bool, found {scores.dtype}",
            argument=name,
        )
    return np.ascontiguousarray(scores.astype(scores.dtype.newbyteorder("="), copy=False))


def _narrow(labels: Array) -> NDArray[np.uint8] | None:
    """Labels as flat uint8, where that loses nothing."""
    if labels.dtype == np.uint8:
        narrow = labels
    else:
        narrow = labels.astype(np.uint8)
        if not np.array_equal(narrow, labels):
            return None
    return np.ascontiguousarray(narrow).ravel()


def _mask_array(value: object, kinds: str, expected: str, name: str) -> Array:
    mask = one_map(as_array(value, name))
    if mask.dtype.kind not in kinds:
        raise InputTypeError(f"expected {expected}, found {mask.dtype}", argument=name)
    return mask


#: For labels which are classes already.
_CLASS_TABLE = np.full(256, UNKNOWN, np.uint8)
_CLASS_TABLE[[NORMAL, ANOMALOUS, IGNORED]] = NORMAL, ANOMALOUS, IGNORED


class Frame:
    """A score map and its ground truth, both validated.

    Parameters
    ----------
    scores : array_like, shape (H, W)
        Anomaly scores, higher = more anomalous; an axis of length 1 before or behind is dropped, of
        all three. Floats as they are; unsigned integers mean
        value / iinfo(dtype).max; bool is 0 / 1. numpy, torch (any device) or `__array__`.
    target : array_like of int or bool, shape (H, W)
        Ground truth labels. True is 1, or 255 where that is normal or anomalous and 1 is nothing.
    ignore : array_like of bool, shape (H, W), optional
        Further pixels to ignore, whatever their label and score (NaN too).
    anomaly_label, normal_label, ignore_index : int, collection of int, or None
        Label values with that meaning.
    name : str
        The name of this frame in error messages.

    Attributes
    ----------
    scores : ndarray, shape (H, W)
        Scores in their own dtype.
    classes : ndarray of uint8, shape (H, W)
        0 normal, 1 anomalous, 2 ignored.
    valid : ndarray of bool, shape (H, W)
        Pixels that are not ignored.

    Raises
    ------
    InputTypeError
        Signed integers or other unfit dtypes.
    InputError
        Unequal or unfit shapes, empty arrays, unknown label values, NaN or infinite scores at
        valid pixels.

    Examples
    --------
    >>> frame = Frame([[0.1, 0.9]], [[0, 1]])
    >>> frame.pixels, frame.anomalous_pixels
    (2, 1)
    """

    def __init__(
        self,
        scores: object,
        target: object,
        ignore: object = None,
        *,
        anomaly_label: Labels = 1,
        normal_label: Labels = 0,
        ignore_index: Labels = 255,
        name: str = "",
    ) -> None:
        codes = LabelCodes(normal_label, anomaly_label, ignore_index)
        self._set(scores, target, ignore, codes, name)
        self.check()

    @classmethod
    def coded(
        cls,
        scores: object,
        target: object,
        ignore: object = None,
        *,
        codes: LabelCodes,
        name: str = "",
    ) -> Frame:
        """A frame whose label codes were validated before (once for many frames)."""
        frame = cls.deferred(scores, target, ignore, codes=codes, name=name)
        frame.check()
        return frame

    @classmethod
    def deferred(
        cls,
        scores: object,
        target: object,
        ignore: object = None,
        *,
        codes: LabelCodes,
        name: str = "",
    ) -> Frame:
        """A frame of fit shapes and dtypes whose pixels are validated on their first use.

        A sweep which meets labels and scores anyway validates them in the same pass
        (`flat_labels`), and leaves it to `check` to say what is wrong.
        """
        frame = cls.__new__(cls)
        frame._set(scores, target, ignore, codes, name)
        return frame

    def _set(
        self, scores: object, target: object, ignore: object, codes: LabelCodes, name: str
    ) -> None:
        check_kind(name, (str,), "name")
        of = f" of {name}" if name else ""
        self.name = name
        named = f"scores{of}"
        self.scores = score_numbers(one_map(as_array(scores, named)), named)
        self._labels = codes.numbers(
            _mask_array(target, "iub", "integer or bool labels", f"target{of}")
        )
        self._hidden = None if ignore is None else _mask_array(ignore, "b", "bool", f"ignore{of}")
        self._codes = codes
        if self.scores.ndim != 2 or self.scores.size == 0:
            raise InputError(
                f"scores{of}: expected a non-empty array of shape (H, W), found "
                f"{self.scores.shape}{_ONE_BY_ONE if self.scores.ndim > 2 else ''}"
            )
        for what, mask in (("target", self._labels), ("ignore", self._hidden)):
            if mask is not None and mask.shape != self.scores.shape:
                raise InputError(
                    f"{what}{of}: expected the shape of the scores {self.scores.shape}, "
                    f"found {mask.shape}"
                )

    @cached_property
    def classes(self) -> NDArray[np.uint8]:
        """Class of each pixel, shape (H, W)."""
        of = f" of {self.name}" if self.name else ""
        classes = self._codes.classify(self._labels, self._hidden, f"target{of}")
        _check_scores(self.scores, classes != IGNORED, f"scores{of}")
        return classes

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Pixels that are not ignored, shape (H, W)."""
        return np.asarray(self.classes != IGNORED)

    def check(self) -> None:
        """Refuse unknown labels, and scores that are not finite at valid pixels."""
        self.classes  # noqa: B018  (validated as it is made)

    def flat_labels(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Labels (H * W,) and the class of each of their 256 values, for compiled loops.

        The labels may not have been validated yet: who meets the class `UNKNOWN`, or a score that
        is not finite at a valid pixel, calls `check`.
        """
        if "classes" not in self.__dict__ and self._hidden is None:
            narrow = _narrow(self._labels)
            if narrow is not None:
                return narrow, self._codes.table
        return self.classes.ravel(), _CLASS_TABLE

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.scores.shape
        return height, width

    @cached_property
    def pixels(self) -> int:
        """Number of valid pixels."""
        return int(np.count_nonzero(self.valid))

    @cached_property
    def anomalous_pixels(self) -> int:
        """Number of anomalous pixels."""
        return int(np.count_nonzero(self.classes == ANOMALOUS))

    def unit_scores(self, places: Array) -> NDArray[np.float64]:
        """Scores of the pixels with these flat indices, in float64."""
        return np.asarray(as_unit(self.scores.ravel()[places]) + 0.0)  # -0.0 becomes 0.0

    def rescaled(self, rescale: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Frame:
        """Map the scores of the frame to float64 (0 at ignored pixels)."""
        scores = np.zeros(self.shape)
        valid = ... if self.valid.all() else self.valid  # in order, which takes half the time
        scores[valid] = rescale(as_unit(self.scores[valid]))
        return self.altered(scores=scores)

    def altered(
        self, scores: Array | None = None, classes: NDArray[np.uint8] | None = None
    ) -> Frame:
        """Exchange scores or classes for others of the same shape, which were validated before."""
        frame = Frame.__new__(Frame)
        frame.name = self.name
        frame.classes = self.classes if classes is None else classes
        frame.scores = self.scores if scores is None else scores
        return frame

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        return (
            f"Frame({name}{self.shape[0]} x {self.shape[1]}, {self.scores.dtype}, "
            f"{self.pixels} valid pixels, {self.anomalous_pixels} anomalous)"
        )
