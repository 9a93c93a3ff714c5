"""Frames are counted into a checkpoint, so that a run may stop anywhere and go on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mdmkit.comparison.checkpoints.chunks import (
    GROUP,
    Checkpoint,
    Counted,
    check_content,
    content_of,
)
from mdmkit.core.progress import Progress, no_progress

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.evaluation.contributions import Contribution
    from mdmkit.evaluation.evaluation import Evaluation
    from mdmkit.evaluation.threads import Threads


class Resumed:
    """Frames of a run that goes on where it stopped: those of a checkpoint are counted once.

    Parameters
    ----------
    frames : Threads
        All frames of the method.
    files : mapping
        `files_of` each frame by key, in the order of `frames`.
    checkpoint : Checkpoint
    share : collection of int, optional
        Numbers of the frames to count; the default is all of them.
    """

    def __init__(
        self,
        frames: Threads,
        files: Mapping[str, tuple[tuple[int, int], ...]],
        checkpoint: Checkpoint,
        share: Collection[int] | None = None,
    ) -> None:
        self.frames = frames
        self.checkpoint = checkpoint
        self.keys = list(files)
        numbers = range(len(self.keys)) if share is None else share
        self.numbers = {self.keys[number]: number for number in sorted(numbers)}
        self.files = {key: files[key] for key in self.numbers}
        self._contents: dict[str, str] = {}

    def parts(
        self, blank: Callable[[], Evaluation], progress: Progress = no_progress
    ) -> Iterator[Evaluation]:
        """Yield evaluations: the counts of the checkpoint, then the other frames chunk by chunk."""
        begun = blank()
        of_pass, settings = begun.name_of_pass, begun.settings()
        done: set[str] = set()
        # frames that are known in bins alone are taken where all others fill the memory
        for chunk in sorted(self.checkpoint.chunks(self.files, of_pass), key=lambda b: b.in_bins):
            part = self.checkpoint.load(chunk)
            if part is None:
                continue
            needed = not chunk.in_bins or blank().over_budget
            if part.settings() != settings or not needed:
                chunk.path.unlink()
                continue
            yield part
            done |= {frame.key for frame in chunk.frames}
            self._note(chunk.frames)
            for _ in chunk.frames:
                progress()
        missing = [number for key, number in self.numbers.items() if key not in done]
        yield from self._rest(blank, of_pass, missing, progress)

    def _note(self, frames: Sequence[Counted]) -> None:
        self._contents |= {frame.key: frame.content for frame in frames}

    def _rest(
        self,
        blank: Callable[[], Evaluation],
        of_pass: str,
        numbers: Sequence[int],
        progress: Progress,
    ) -> Iterator[Evaluation]:
        part = blank()
        in_bins = part.over_budget
        waiting: list[Counted] = []

        def count(frame: Frame) -> tuple[Contribution, str]:
            return part.contribution(frame), content_of(frame)

        for number, (contribution, content) in self.frames.each(count, numbers):
            key = self.keys[number]
            check_content(content, self._contents.get(key, content), key)
            part.add(contribution)
            waiting.append(Counted(key, self.files[key], content))
            progress()
            if len(waiting) == GROUP or number == numbers[-1]:
                self.checkpoint.write(part, waiting, in_bins, of_pass)
                self._note(waiting)
                yield part
                part, waiting = blank(), []
                in_bins = part.over_budget
