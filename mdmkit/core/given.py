"""Frames in whatever form they are given: arrays beside targets, or pairs of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.frame import Frame
from mdmkit.core.frame_streams import as_frames, frames_from, in_memory, is_array
from mdmkit.core.labels import LabelCodes
from mdmkit.core.transforms import Inverted


def given_frames(
    frames: Any,
    target: Any = None,
    ignore: Any = None,
    *,
    codes: LabelCodes | None = None,
    invert: bool = False,
) -> Iterator[Frame]:
    """Frames one after the other.

    Parameters
    ----------
    frames : array_like, Frame, or iterable
        With `target`: score maps, stacks, lists or iterators of them. Without: frames and pairs
        `(scores, target)` or `(scores, target, ignore)`, or one of these alone.
    target, ignore : array_like or iterable of array_like, optional
        Alike in structure.
    codes : LabelCodes, optional
        Of targets that are arrays.
    invert : bool
        Higher scores mean normal: 1 - score is judged.

    Raises
    ------
    InputError
        If there are different numbers of them, or none.

    Examples
    --------
    >>> scores, target = np.array([[0.1, 0.9]]), np.array([[0, 1]])
    >>> for given in (scores, target), ([scores], iter([target])), ([(scores, target)],):
    ...     print(next(given_frames(*given)))
    Frame('frame 0', 1 x 2, float64, 2 valid pixels, 1 anomalous)
    Frame('frame 0', 1 x 2, float64, 2 valid pixels, 1 anomalous)
    Frame('frame 0', 1 x 2, float64, 2 valid pixels, 1 anomalous)
    """
    as_they_are = _as_they_are(frames, target, ignore, codes)
    return map(Inverted(), as_they_are) if invert else as_they_are


def _as_they_are(
    frames: Any, target: Any, ignore: Any, codes: LabelCodes | None
) -> Iterator[Frame]:
    if target is not None:
        return frames_from(frames, target, ignore, codes=codes)
    if ignore is not None:
        raise InputError("expected a target beside it, found none", argument="ignore")
    if is_array(frames):
        raise InputError(
            f"expected one beside scores of shape {np.shape(frames)}, found none", argument="target"
        )
    return as_frames(one_pair(frames), codes)


def one_pair(frames: Any) -> Iterable[Any]:
    """A list of frames; a pair of arrays that is given alone as such a list."""
    alone = isinstance(frames, tuple) and len(frames) in (2, 3) and all(map(is_array, frames))
    return [frames] if alone else frames


def kept(value: Any) -> Any:
    """A value that can be gone through again: an iterator becomes a list."""
    return value if in_memory(value) or not isinstance(value, Iterator) else list(value)


def is_number(value: object) -> bool:
    """Whether a value is one number, of Python or numpy."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
