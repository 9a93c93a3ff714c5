"""Passes: how an evaluation goes through its frames, here or elsewhere, in one piece or in many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from mdmkit.frames import Frame, LabelCodes, as_frames

if TYPE_CHECKING:
    from mdmkit.evaluation import Evaluation

Tick = Callable[[], None]


def no_tick() -> None:
    """Tell nobody that a frame is done."""


class Frames(Protocol):
    """The frames of an evaluation, and who goes through them."""

    def first(self) -> Frame | None:
        """The frame by which the evaluation is planned, if frames can be read again."""

    def parts(self, blank: Callable[[], Evaluation], tick: Tick = no_tick) -> Iterator[Evaluation]:
        """Evaluations which together have every frame once.

        Each is `blank()`, called when it is begun, with some frames; `tick` follows each frame.
        """


class OneByOne:
    """Frames in memory, or of an iterator, one after the other.

    Parameters
    ----------
    frames : callable
        Gives the frames, of each pass anew.
    """

    def __init__(self, frames: Callable[[], Iterable[Frame]]) -> None:
        self._frames = frames
        self._begun: Iterator[Frame] | None = None

    def first(self) -> Frame | None:
        """The first frame; the next pass goes on behind it, and reads no frame twice."""
        rest = iter(self._frames())
        first = next(rest, None)
        self._begun = rest if first is None else chain([first], rest)
        return first

    def parts(self, blank: Callable[[], Evaluation], tick: Tick = no_tick) -> Iterator[Evaluation]:
        """All frames in one part."""
        frames, self._begun = self._begun, None
        part = blank()
        for frame in self._frames() if frames is None else frames:
            part.add(part.contribution(frame))
            tick()
        yield part


def frames_of(frames: Any, codes: LabelCodes) -> Frames:
    """Frames in memory or of an iterator, see `as_frames`; or in collections of Dask."""
    if _is_lazy(frames):
        from mdmkit.integrations.dask import in_collections

        return in_collections(frames, codes)
    return OneByOne(lambda: as_frames(frames, codes))


def _is_lazy(frames: Any, depth: int = 2) -> bool:
    """Whether these are collections of Dask, or a list with some, or with pairs of some."""
    if isinstance(frames, (list, tuple)):
        return depth > 0 and any(_is_lazy(item, depth - 1) for item in frames)
    graph = getattr(frames, "__dask_graph__", None)  # Dask's own protocol, without Dask
    return callable(graph) and graph() is not None
