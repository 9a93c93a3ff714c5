"""Frames that several passes look at, read once as long as they fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mdmkit.core.frame import Frame
from mdmkit.evaluation.threads import Load


def shelved(loads: Sequence[Load], memory: int) -> list[Load]:
    """The loaders of the same frames, which keep those that fit into so many bytes."""
    shelf = _Shelf(memory)
    return [partial(shelf.get, number, load) for number, load in enumerate(loads)]


class _Shelf:
    """Frames by number, until their arrays take so many bytes; the others are read each time."""

    def __init__(self, memory: int) -> None:
        self._left = memory
        self._frames: dict[int, Frame] = {}

    def get(self, number: int, load: Load) -> Frame:
        """A frame without what was computed of it before: only its pixels are kept."""
        known = self._frames.get(number)
        if known is not None:
            return _plain(known)
        frame = load()
        size = frame.scores.nbytes + frame.classes.nbytes
        if size <= self._left:
            self._left -= size
            self._frames[number] = _plain(frame)
        return frame


def _plain(frame: Frame) -> Frame:
    other = frame.altered()
    if "regions" in vars(frame):  # of data sets that name them
        vars(other)["regions"] = vars(frame)["regions"]
    return other
