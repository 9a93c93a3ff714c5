"""Certified ranges: where requirements hold for the population that the frames were drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.evaluation.sources import Progress, no_progress
from mdmkit.evaluation.threads import Load, in_order
from mdmkit.statistics.normalizers import raw_threshold
from mdmkit.thresholds.frame_values import Caps, Certifiable
from mdmkit.thresholds.ranges import CountedFrame, find_ranges
from mdmkit.thresholds.requirements import Requirement
from mdmkit.uncertainty.certificates import FrameSteps, Run, certified_run
from mdmkit.uncertainty.conformal import next_frame_threshold
from mdmkit.uncertainty.p_values import Values, fewest_frames, frames_needed

#: Bytes of one score that a frame passes, sorting included.
EVENT = 100
#: Bins of scores where not every one fits into memory, and how often the ends are looked at closer.
BINS, LOOKS = 4096, 8


@dataclass(frozen=True)
class Certification:
    """How requirements are certified, declared before the frames are seen.

    Parameters
    ----------
    confidence : float in (0, 1)
        Certified ranges hold with this probability.
    start_share : float in (0, 1)
        Share of the frames that choose where the walk starts, and certify nothing; only where
        some requirement may fail on both sides.
    caps : Caps
        What a frame may weigh in pooled ratios.

    Raises
    ------
    InputError
        For numbers out of range.

    Examples
    --------
    >>> from mdmkit import Certification, recommend_threshold
    >>> normal = [([[0.1, 0.2, 0.3]], [[0, 0, 0]])] * 40
    >>> how = Certification(0.9)
    >>> found = recommend_threshold(normal, require="alarm_frames <= 0.1", certify=how)
    >>> found.certificate.confidence, found.certified
    (0.9, (0.3, 1.0))
    """

    confidence: float = 0.95
    start_share: float = 0.2
    caps: Caps = field(default_factory=Caps)

    def __post_init__(self) -> None:
        for name in ("confidence", "start_share"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(
                    f"expected a number in (0, 1), found {getattr(self, name)!r}", argument=name
                )

    @property
    def error(self) -> float:
        """How often a range may be wrong."""
        return 1 - self.confidence


@dataclass(frozen=True)
class Certificate:
    """The range on which every requirement holds for the population of frames.

    Attributes
    ----------
    confidence : float
    frames, start_frames : int
        That certify, and that chose the start.
    run : (float, float) or None
        [low, high) on raw scores, infinite where every lower or higher threshold is certified.
    runs : tuple of (float, float) or None
        The same of each requirement alone.
    certified_as, tests : tuple of str
        What of each requirement is certified, and by which test.
    needed : tuple of int or None
        About how many frames like these it would take for each that is not certified; None where
        no number would do, 0 where it is.
    fewest : tuple of int or None
        How many frames any method would need at least, for limits on rates; None for others.
    next_frame : float or None
        The raw threshold above which the next frame raises no alarm with the probability of a
        requirement on `alarm_frames`, on average; None without one, or with too few frames.
    """

    confidence: float
    frames: int
    start_frames: int
    run: Run | None
    runs: tuple[Run | None, ...]
    certified_as: tuple[str, ...]
    tests: tuple[str, ...]
    needed: tuple[int | None, ...]
    fewest: tuple[int | None, ...]
    next_frame: float | None = None


def certify(
    loads: Sequence[Load],
    requirements: Sequence[Requirement],
    how: Certification,
    normalize: str,
    at: float,
    *,
    memory: int,
    jobs: int,
    progress: Progress = no_progress,
) -> Certificate:
    """Certify requirements on frames.

    Parameters
    ----------
    at : float
        The raw threshold at which the frames that it would take are told.
    """
    questions = [Certifiable.of(requirement, how.caps) for requirement in requirements]
    starts, rest = _starts(loads, requirements, how, normalize, memory, jobs)
    if len(rest) < 2:
        raise InputError(
            f"expected at least 2 frames to certify, found {len(rest)}", argument="confidence"
        )
    error = how.error / len(set(starts))
    if not np.isinf(starts).all():
        error = how.error  # one start, from where both directions have their share
    walk = _Walk(rest, questions, starts, error, memory, jobs, progress)
    steps, runs = walk.run()
    level = error if np.isinf(starts).all() else error / 2
    common = _common(runs)
    needed = []
    for part, question, run, start in zip(steps, questions, runs, starts, strict=True):
        met = common is not None or (run is not None and run[0] <= at < run[1])
        place = start if run is None else at
        needed.append(0 if met else frames_needed(part.at(place), question.test, level))
    return Certificate(
        how.confidence,
        len(rest),
        len(loads) - len(rest),
        common,
        tuple(runs),
        tuple(q.certified_as for q in questions),
        tuple(q.test.name for q in questions),
        tuple(needed),
        tuple(_fewest(r, how.error) for r in requirements),
        _next_frame(steps, requirements),
    )


def _starts(
    loads: Sequence[Load],
    requirements: Sequence[Requirement],
    how: Certification,
    normalize: str,
    memory: int,
    jobs: int,
) -> tuple[list[float], Sequence[Load]]:
    """Where the walk of each requirement starts, on raw scores, and the frames that certify.

    Requirements that can fail on one side only start at their safe end. With any other one all
    walks start together, at a threshold that some of the frames choose.
    """
    ends = [requirement.safe_end for requirement in requirements]
    if not np.isnan(ends).any():
        return ends, loads
    every = round(1 / how.start_share)
    first = loads[::every]
    rest = [load for place, load in enumerate(loads) if place % every]
    ranges = find_ranges(first, requirements, normalize, memory=memory, jobs=jobs)
    run = ranges.run
    z = ranges.nearest if run is None else (run[0] + run[1]) / 2
    return [raw_threshold(ranges.normalizer, z)] * len(requirements), rest


@dataclass(frozen=True)
class _Walk:
    """The walks of several requirements through every distinct score of all frames.

    Where the scores do not fit into memory, values are first known by lower bounds on bins; then
    every score is looked at around the ends that this gives, until they are ends at every score.
    """

    loads: Sequence[Load]
    questions: Sequence[Certifiable]
    starts: Sequence[float]
    error: float
    memory: int
    jobs: int
    progress: Progress

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
        return [certified_run(part, q.test, start, self.error) for part, q, start in walks]

    def _values(self) -> Iterator[list[tuple[Values, Values]]]:
        values = (partial(_values_in, load, self.questions) for load in self.loads)
        for part in in_order(values, self.jobs):
            yield part
            self.progress()

    def _gathered(self) -> tuple[list[FrameSteps], Values | None]:
        """At every score, or on bins if those are too many."""
        parts: list[list[tuple[Values, Values]]] = []
        edges: Values | None = None
        size = 0
        for part in self._values():
            parts.append(part)
            size += EVENT * sum(scores.size for scores, _ in part)
            if size > self.memory:
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


def _values_in(load: Load, questions: Sequence[Certifiable]) -> list[tuple[Values, Values]]:
    """Of one frame, of each requirement: scores and values."""
    frame = CountedFrame(load())
    return [_value_in(frame, question) for question in questions]


def _value_in(frame: CountedFrame, question: Certifiable) -> tuple[Values, Values]:
    metric = question.requirement.metric
    if question.requirement.per_frame:
        steps = frame.steps(metric)
        return question.undefined if steps is None else question.x(*steps)
    if frame.frame.pixels == 0:
        return question.undefined
    return question.x_of_ratio(frame.raw(metric.statistic), frame.frame.scores.size)


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


def _common(runs: Sequence[Run | None]) -> Run | None:
    known = [run for run in runs if run is not None]
    if len(known) < len(runs):
        return None
    low, high = max(run[0] for run in known), min(run[1] for run in known)
    return (low, high) if low < high else None


def _fewest(requirement: Requirement, error: float) -> int | None:
    if requirement.at_least or requirement.metric.name not in ("fpr", "alarm_frames"):
        return None
    return fewest_frames(requirement.limit, error)


def _next_frame(steps: Sequence[FrameSteps], requirements: Sequence[Requirement]) -> float | None:
    """By the frames' alarm levels, without any share of the error."""
    for part, requirement in zip(steps, requirements, strict=True):
        if requirement.metric.name == "alarm_frames" and requirement.counts_alarms:
            levels = np.array(
                [_alarm_level(s, v) for s, v in zip(part.scores, part.values, strict=True)]
            )
            if 0 < requirement.limit < 1:
                return next_frame_threshold(levels, requirement.limit)
    return None


def _alarm_level(scores: Values, values: Values) -> float:
    """The lowest threshold at and above which a frame raises no alarm (value 1)."""
    alarms = np.flatnonzero(values < 0.5)
    return float(scores[alarms[-1]]) if alarms.size else -np.inf
