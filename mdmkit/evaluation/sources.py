"""Sources of frames, and how an evaluation goes through them: in one piece or in many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from mdmkit.core.frame import Frame
from mdmkit.core.progress import Progress, no_progress


class Gathering(Protocol):
    """Describes what frames are added to: an evaluation."""

    def contribution(self, frame: Frame) -> Any:
        """Count one frame; changes nothing here."""

    def add(self, contribution: Any) -> None:
        """Count what one frame contributes."""

    def empty(self) -> Gathering:
        """An empty copy that accepts frames of the same pass."""

    def merge(self, other: Any) -> None:
        """Count the frames of another one, as if all had been counted here."""


G = TypeVar("G", bound=Gathering)


class Frames(Protocol):
    """The frames of an evaluation, and who goes through them."""

    def parts(self, blank: Callable[[], Any], progress: Progress = no_progress) -> Iterator[Any]:
        """Evaluations which together have every frame once.

        Each is `blank()`, called when it is begun, with some frames; `progress` follows each frame.
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

    def parts(self, blank: Callable[[], G], progress: Progress = no_progress) -> Iterator[G]:
        """All frames in one part."""
        part = blank()
        for frame in self._frames():
            part.add(part.contribution(frame))
            progress()
        yield part
