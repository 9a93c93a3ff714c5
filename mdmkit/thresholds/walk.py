"""Walks of requirements through every distinct score of all frames, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mdmkit.thresholds.counted_frame import CountedFrame
from mdmkit.thresholds.frame_values import Certifiable
from mdmkit.thresholds.kept_frames import LoadedFrames
from mdmkit.uncertainty.certificates import FrameSteps, Run
from mdmkit.uncertainty.p_values import Values

#: Bytes of one score that a frame passes, sorting included.
EVENT = 100
#: Bins of scores where not every one fits into memory, and how often the ends are looked at closer.
BINS, LOOKS = 4096, 8


@dataclass(frozen=True)
class Walk:
    """The walks of several requirements through every distinct score of all frames.

    Where the scores do not fit into memory, values are first known by lower bounds on bins; then
    every score is looked at around the ends that this gives, until they are ends at every score.
    """

    frames: LoadedFrames
    questions: Sequence[Certifiable]
    starts: Sequence[float]

    def run(self) -> tuple[list[FrameSteps], list[Run | None]]:
        """The values of frames, and the certified range of each requirement."""
        steps, edges = self._gathered()
        runs = self._certified(steps)
        close: list[Run] = []
        for look in range(LOOKS if edges is not None else 0):
            assert edges is not None
            more = self._around_ends(runs, edges, close, 2**look)
            if not more:
                break
            close += more
            steps = self._reduced(edges, close)
            runs = self._certified(steps)
        return steps, runs

    def _certified(self, steps: Sequence[FrameSteps]) -> list[Run | None]:
        walks = zip(steps, self.questions, self.starts, strict=True)
        return [question.run(part, start) for part, question, start in walks]

    def _values(self) -> Iterator[list[tuple[Values, Values]]]:
        return self.frames.each(lambda frame: [_value_in(frame, q) for q in self.questions])

    def _gathered(self) -> tuple[list[FrameSteps], Values | None]:
        """At every score, or on bins if those are too many."""
        parts: list[list[tuple[Values, Values]]] = []
        edges: Values | None = None
        size = 0
        for part in self._values():
            parts.append(part)
            size += EVENT * sum(scores.size for scores, _ in part)
            if size > self.frames.memory:
                edges = _edges_of(parts) if edges is None else edges
                parts = [_reduced(each, edges, ()) for each in parts]
                size = 0
        if edges is not None:
            parts = [_reduced(each, edges, ()) for each in parts]
        return _by_requirement(parts), edges

    def _reduced(self, edges: Values, close: Sequence[Run]) -> list[FrameSteps]:
        return _by_requirement([_reduced(part, edges, close) for part in self._values()])

    def _around_ends(
        self, runs: Sequence[Run | None], edges: Values, close: Sequence[Run], bins: int
    ) -> list[Run]:
        """Ranges of so many bins beyond ends that only bounds have set."""
        padded = np.concatenate([[-np.inf], edges, [np.inf]])
        more = []
        for run, start in zip(runs, self.starts, strict=True):
            low, high = (start, start) if run is None else run
            for end, outwards in ((low, -1), (high, 1)):
                if np.isinf(end) or any(a < end <= b for a, b in close):
                    continue
                place = int(np.searchsorted(padded, end, side="right")) - 1
                other = padded[np.clip(place + outwards * bins, 0, padded.size - 1)]
                more.append((min(end, other), max(end, other)))
        return more


def _value_in(frame: CountedFrame, question: Certifiable) -> tuple[Values, Values]:
    """Scores of one frame, and the values of a requirement."""
    requirement = question.requirement
    if requirement.per_frame:
        steps = frame.steps(requirement)
        return question.undefined if steps is None else question.x(*steps)
    if frame.pixels == 0:
        return question.undefined
    return question.x_of_ratio(frame.raw(requirement.statistic), frame.size)


def _by_requirement(parts: Sequence[Sequence[tuple[Values, Values]]]) -> list[FrameSteps]:
    return [
        FrameSteps(*map(list, zip(*of_one, strict=True))) for of_one in zip(*parts, strict=True)
    ]


def _reduced(
    part: Sequence[tuple[Values, Values]], edges: Values, close: Sequence[Run]
) -> list[tuple[Values, Values]]:
    reduced = [FrameSteps([scores], [values]).reduced(edges, close) for scores, values in part]
    return [(steps.scores[0], steps.values[0]) for steps in reduced]


def _edges_of(parts: Sequence[Sequence[tuple[Values, Values]]]) -> Values:
    """Bins with about as many of the scores seen so far each; any edges are valid."""
    scores = np.concatenate([scores for part in parts for scores, _ in part])
    return np.unique(np.quantile(scores, np.linspace(0, 1, BINS), method="nearest"))
