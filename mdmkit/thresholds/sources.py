"""Where requirements are judged: on frames that are read, or on what was counted of them before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.pixel_metrics import F1
from mdmkit.statistics import normalizers
from mdmkit.statistics.normalizers import Normalizer
from mdmkit.thresholds.counted_frame import CountedFrame, Scores
from mdmkit.thresholds.counts_at import CountsAt, sums_at
from mdmkit.thresholds.frame_values import Certifiable
from mdmkit.thresholds.kept_frames import LoadedFrames
from mdmkit.thresholds.operating_points import counted_at
from mdmkit.thresholds.ranges import Ranges, find_ranges
from mdmkit.thresholds.requirements import Requirement
from mdmkit.thresholds.walk import Walk
from mdmkit.uncertainty.certificates import FrameSteps, Run

T = TypeVar("T")


class Source(ABC):
    """The frames of one method, of which some questions are answered."""

    @property
    @abstractmethod
    def frames(self) -> int:
        """How many there are."""

    @abstractmethod
    def each(self, function: Callable[[CountedFrame], T], silently: bool = False) -> Iterator[T]:
        """Yield a function of each frame, in their order."""

    @abstractmethod
    def ranges(self, requirements: Sequence[Requirement], normalize: str) -> Ranges:
        """Where requirements hold on them."""

    @abstractmethod
    def parted(self, every: int) -> tuple[Source, Source]:
        """Each so many-th of them, from the first on, and the others."""

    @abstractmethod
    def walk(
        self, questions: Sequence[Certifiable], starts: Sequence[float]
    ) -> tuple[list[FrameSteps], list[Run | None]]:
        """Values of frames, and the range of each question outwards from a raw threshold."""

    @abstractmethod
    def point(self, raw: float) -> NormalizedTotals:
        """Pixel counts of all of them, exact at a raw threshold."""

    @abstractmethod
    def raw_threshold(self, normalizer: Normalizer, z: float) -> float:
        """The raw threshold that a normalised one stands for."""

    def at(self, requirements: Sequence[Requirement], raw: Scores) -> list[CountsAt]:
        """What each frame counts at raw thresholds."""
        rows = self.each(lambda frame: [sums_at(frame, one, raw) for one in requirements])
        return [
            CountsAt(requirement, *map(np.stack, zip(*of_one, strict=True)))
            for requirement, of_one in zip(requirements, zip(*rows, strict=True), strict=True)
        ]

    def shares_above(self, raw: float) -> list[float]:
        """Share of the valid pixels above a raw threshold, of each frame that has any."""
        shares = self.each(lambda frame: frame.share_above(raw), silently=True)
        return [share for share in shares if share is not None]


@dataclass(frozen=True)
class ReadFrames(LoadedFrames, Source):
    """Frames that are read, as often as it takes: exact at every distinct score."""

    def ranges(
        self,
        requirements: Sequence[Requirement],
        normalize: str | Normalizer,
        *,
        defined: bool = False,
    ) -> Ranges:
        """Where requirements hold on them; `defined` as in `find_ranges`."""
        return find_ranges(self, requirements, normalize, defined)

    def parted(self, every: int) -> tuple[ReadFrames, ReadFrames]:
        """Each so many-th of them, from the first on, and the others."""
        rest = [load for place, load in enumerate(self.loads) if place % every]
        first = ReadFrames(self.loads[::every], self.memory, self.jobs)
        return first, replace(self, loads=rest)

    def walk(
        self, questions: Sequence[Certifiable], starts: Sequence[float]
    ) -> tuple[list[FrameSteps], list[Run | None]]:
        """Values of frames, and the range of each question outwards from a raw threshold."""
        return Walk(self, questions, starts).run()

    def point(self, raw: float) -> NormalizedTotals:
        """Pixel counts of all of them, exact at a raw threshold."""
        return counted_at(self, F1(), [raw], silently=True)

    def raw_threshold(self, normalizer: Normalizer, z: float) -> float:
        """The raw threshold that a normalised one stands for."""
        return normalizers.raw_threshold(normalizer, z)
