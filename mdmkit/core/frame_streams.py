"""Frames from arrays, stacks, lists and iterators of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.frame import Frame, as_array, one_map
from mdmkit.core.labels import LabelCodes
from mdmkit.core.types import Array


def is_array(value: object) -> bool:
    """Whether a value is one array: of numpy, torch or another library, or a buffer."""
    if isinstance(value, memoryview):
        return True
    return hasattr(value, "__array__") or hasattr(value, "__array_interface__")


def _unstack(value: object, name: str) -> Iterator[Array]:
    """Split a map (H, W), a stack (N, H, W) or a batch (N, 1, H, W) into maps."""
    array = as_array(value, name)
    shape = array.shape
    if array.ndim == 4 and shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        yield array
    elif array.ndim == 3 and array.shape[0] > 0:
        yield from array
    else:
        raise InputError(
            f"expected shape (H, W), (N, H, W) or (N, 1, H, W), found {shape}", argument=name
        )


def _maps(value: Any, name: str) -> Iterator[Array]:
    several = hasattr(value, "__iter__") and not isinstance(value, (str, bytes, dict, type))
    if not (is_array(value) or several):
        raise InputTypeError(
            f"expected an array, a stack or an iterable of arrays, found {type(value).__name__}",
            argument=name,
        )
    plain_numbers = isinstance(value, (list, tuple)) and not any(map(is_array, value))
    if is_array(value) or plain_numbers:
        yield from _unstack(value, name)
        return
    for index, item in enumerate(value):
        yield from _unstack(item, f"{name}[{index}]")


def in_memory(value: object) -> bool:
    """Whether frames can be read from `value` again: it is an array, or a list of them."""
    return value is None or is_array(value) or isinstance(value, (list, tuple))


def frames_from(
    scores: object, target: object, ignore: object = None, *, codes: LabelCodes | None = None
) -> Iterator[Frame]:
    """Frames from one map, a stack, a list of differently sized maps or an iterator of them.

    Parameters
    ----------
    scores, target, ignore : array_like or iterable of array_like
        Alike in structure; see `Frame` for dtypes. An iterable may yield maps, stacks or batches.
    codes : LabelCodes, optional

    Yields
    ------
    Frame
        One after the other, so that an iterator is never held in memory; see `Frame.deferred`.

    Raises
    ------
    InputError
        If the arguments hold different numbers of frames, or none.
    """
    codes = codes or LabelCodes()
    streams = {"scores": _maps(scores, "scores"), "target": _maps(target, "target")}
    if ignore is not None:
        streams["ignore"] = _maps(ignore, "ignore")
    count = 0
    while True:
        items = {name: next(stream, None) for name, stream in streams.items()}
        ended = [name for name, item in items.items() if item is None]
        if ended:
            break
        name = f"frame {count}"
        count += 1
        maps = (items["scores"], items["target"], items.get("ignore"))
        yield Frame.deferred(*maps, codes=codes, name=name)
    if len(ended) < len(streams):
        raise InputError(
            f"{ended[0]}: expected as many frames as {next(n for n in items if n not in ended)}, "
            f"found only {count}"
        )
    if count == 0:
        raise InputError("expected at least one frame, found none", argument="scores")


def as_frames(frames: Iterable[object], codes: LabelCodes | None = None) -> Iterator[Frame]:
    """Frames from an iterable of `Frame`, `(scores, target)` or `(scores, target, ignore)`.

    Pixels of the pairs are validated on their first use: see `Frame.deferred`.
    """
    codes = codes or LabelCodes()
    if isinstance(frames, Frame):
        frames = [frames]
    if isinstance(frames, type) or not hasattr(frames, "__iter__"):
        raise InputTypeError(
            "expected an iterable of Frame or (scores, target) pairs, "
            f"found {type(frames).__name__}",
            argument="frames",
        )
    for index, item in enumerate(frames):
        yield as_frame(item, codes, f"frame {index}", f"frames[{index}]")


def as_frame(item: object, codes: LabelCodes, name: str, place: str) -> Frame:
    """Make a frame for `as_frames`; `place` names it in messages."""
    if isinstance(item, Frame):
        return item
    if isinstance(item, (tuple, list)) and len(item) in (2, 3):
        _check_maps(item, place)
        return Frame.deferred(*item, codes=codes, name=name)
    raise InputTypeError(
        "expected a Frame, (scores, target) or (scores, target, ignore), "
        f"found {type(item).__name__}{_APART}",
        argument=place,
    )


#: How several frames are given whose scores and targets stand apart.
_APART = (
    "; scores and targets of several frames are two arguments, scores and target, "
    "or pairs: list(zip(scores, target))"
)


def _check_maps(pair: Sequence[object], place: str) -> None:
    """Refuse stacks where a pair has one map each."""
    shapes = [getattr(value, "shape", ()) for value in pair]
    if any(len(shape) > 2 and one_map(np.broadcast_to(0, shape)).ndim > 2 for shape in shapes):
        found = " and ".join(map(str, map(tuple, shapes)))
        raise InputError(f"expected maps of shape (H, W), found {found}{_APART}", argument=place)
