"""Where requirements are judged: on frames that are read, or on what was counted of them before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from mdmkit.evaluation.sources import Progress, no_progress
from mdmkit.evaluation.threads import Load, in_order
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.pixel_metrics import F1
from mdmkit.statistics import normalizers
from mdmkit.statistics.normalizers import Normalizer
from mdmkit.thresholds.counted_frame import ReadFrame, Scores
from mdmkit.thresholds.counts_at import CountsAt, counts_at
from mdmkit.thresholds.operating_points import counted_at, point_statistics
from mdmkit.thresholds.ranges import Ranges, find_ranges
from mdmkit.thresholds.requirements import Requirement
from mdmkit.thresholds.walk import Question, Walk
from mdmkit.uncertainty.certificates import FrameSteps, Run

T = TypeVar("T")


class Source(Protocol):
    """The frames of one method, of which some questions are answered."""

    @property
    def frames(self) -> int:
        """How many there are."""

    def ranges(self, requirements: Sequence[Requirement], normalize: str) -> Ranges:
        """Where requirements hold on them."""

    def parted(self, every: int) -> tuple[Source, Source]:
        """Each so many-th of them, from the first on, and the others."""

    def walk(
        self, questions: Sequence[Question], starts: Sequence[float]
    ) -> tuple[list[FrameSteps], list[Run | None]]:
        """Values of frames, and the range of each question outwards from a raw threshold."""

    def at(self, requirements: Sequence[Requirement], raw: Scores) -> list[CountsAt]:
        """What each frame counts at raw thresholds."""

    def point(self, raw: float) -> NormalizedTotals:
        """Pixel counts of all of them, exact at a raw threshold."""

    def shares_above(self, raw: float) -> list[float]:
        """Share of the valid pixels above a raw threshold, of each frame that has any."""

    def raw_threshold(self, normalizer: Normalizer, z: float) -> float:
        """The raw threshold that a normalised one stands for."""


@dataclass(frozen=True)
class ReadFrames:
    """Frames that are read, as often as it takes: exact at every distinct score."""

    loads: Sequence[Load]
    memory: int
    jobs: int = 1
    progress: Progress = no_progress

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.loads)

    def ranges(
        self,
        requirements: Sequence[Requirement],
        normalize: str | Normalizer,
        *,
        defined: bool = False,
    ) -> Ranges:
        """Where requirements hold on them; `defined` as in `find_ranges`."""
        return find_ranges(
            self.loads,
            requirements,
            normalize,
            memory=self.memory,
            jobs=self.jobs,
            progress=self.progress,
            defined=defined,
        )

    def parted(self, every: int) -> tuple[ReadFrames, ReadFrames]:
        """Each so many-th of them, from the first on, and the others."""
        rest = [load for place, load in enumerate(self.loads) if place % every]
        first = ReadFrames(self.loads[::every], self.memory, self.jobs)
        return first, ReadFrames(rest, self.memory, self.jobs, self.progress)

    def walk(
        self, questions: Sequence[Question], starts: Sequence[float]
    ) -> tuple[list[FrameSteps], list[Run | None]]:
        """Values of frames, and the range of each question outwards from a raw threshold."""
        return Walk(self.loads, questions, starts, self.memory, self.jobs, self.progress).run()

    def at(self, requirements: Sequence[Requirement], raw: Scores) -> list[CountsAt]:
        """What each frame counts at raw thresholds."""
        parts = []
        for part in self._each(lambda frame: counts_at([frame], requirements, raw)):
            parts.append(part)
            self.progress()
        return [CountsAt.stacked(of_one) for of_one in zip(*parts, strict=True)]

    def point(self, raw: float) -> NormalizedTotals:
        """Pixel counts of all of them, exact at a raw threshold."""
        return counted_at(self.loads, point_statistics(F1()), [raw], self.jobs)

    def shares_above(self, raw: float) -> list[float]:
        """Share of the valid pixels above a raw threshold, of each frame that has any."""
        shares = self._each(lambda frame: frame.share_above(raw))
        return [share for share in shares if share is not None]

    def raw_threshold(self, normalizer: Normalizer, z: float) -> float:
        """The raw threshold that a normalised one stands for."""
        return normalizers.raw_threshold(normalizer, z)

    def _each(self, function: Callable[[ReadFrame], T]) -> Iterable[T]:
        return in_order((partial(_of_read, load, function) for load in self.loads), self.jobs)


def _of_read(load: Load, function: Callable[[ReadFrame], T]) -> T:
    return function(ReadFrame(load()))
