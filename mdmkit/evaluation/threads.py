"""Sources of frames in this process: one after the other, or several at a time by threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mdmkit.core.errors import InputError, listing
from mdmkit.core.progress import Progress, no_progress

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

T = TypeVar("T")
Load = Callable[[], "Frame"]


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


class Threads:
    """Frames to be loaded by threads; the same bits whatever their number.

    Parameters
    ----------
    loads : sequence of callable
        Each returns a frame.
    jobs : int
        Threads.
    """

    def __init__(self, loads: Sequence[Load], jobs: int = 1) -> None:
        self.loads = loads
        self.jobs = jobs

    def parts(self, blank: Callable[[], G], progress: Progress = no_progress) -> Iterator[G]:
        """All frames in one part."""
        part = blank()
        for _, contribution in self.each(part.contribution, range(len(self.loads))):
            part.add(contribution)
            progress()
        yield part

    def each(
        self, function: Callable[[Frame], T], wanted: Iterable[int]
    ) -> Iterator[tuple[int, T]]:
        """`function(frame)` of the wanted frames, with their numbers, in their order.

        Raises
        ------
        InputError
            At the end, listing every frame that cannot be used.
        """
        errors = FrameErrors()

        def tasks() -> Iterator[Callable[[], tuple[int, T | None]]]:
            for index in wanted:
                yield partial(errors.attempt, index, self.loads[index], function)

        for index, result in in_order(tasks(), self.jobs):
            if result is not None:
                yield index, result
        errors.raise_all()


def in_order(tasks: Iterable[Callable[[], T]], jobs: int) -> Iterator[T]:
    """Results of the tasks in their order, `jobs` of them at work at a time."""
    if jobs == 1:
        yield from (task() for task in tasks)
        return
    with ThreadPoolExecutor(jobs) as pool:
        at_work: deque[Future[T]] = deque()
        try:
            for task in tasks:
                at_work.append(pool.submit(task))
                if len(at_work) > jobs:
                    yield at_work.popleft().result()
            while at_work:
                yield at_work.popleft().result()
        finally:
            for future in at_work:
                future.cancel()


class FrameErrors:
    """Collects the errors of bad frames, so that all of them can be listed."""

    def __init__(self) -> None:
        self.found: list[InputError] = []

    def attempt(self, index: int, load: Load, then: Callable[[Frame], T]) -> tuple[int, T | None]:
        """Load a frame and use it; after the first error, only load the others to judge them."""
        try:
            frame = load()
            return index, None if self.found else then(frame)
        except InputError as error:
            self.found.append(error)
            return index, None

    def raise_all(self) -> None:
        """Raise what was found, as one error."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            lines = listing(sorted(map(str, self.found)))
            raise InputError(f"{len(self.found)} frames cannot be used:\n{lines}")
