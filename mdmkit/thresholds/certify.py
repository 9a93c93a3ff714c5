"""Certified ranges: where requirements hold for the population that the frames were drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.given import is_number
from mdmkit.statistics.normalizers import raw_threshold
from mdmkit.thresholds.frame_values import Caps, Certifiable
from mdmkit.thresholds.next_frame import NextFrame, of_next_frame
from mdmkit.thresholds.requirements import Requirement
from mdmkit.thresholds.sources import Source
from mdmkit.uncertainty.certificates import FrameSteps, Run
from mdmkit.uncertainty.p_values import fewest_frames, frames_needed

#: Instead of a confidence.
NEXT_FRAME = "next-frame"


@dataclass(frozen=True)
class Certification:
    """Declares how requirements are certified, before the frames are seen.

    Parameters
    ----------
    confidence : float in (0, 1) or None
        Certified ranges hold with this probability; None: one requirement for the next frame, on
        average over the sets of frames that one may have drawn.
    start_share : float in (0, 1)
        Share of the frames that choose where the walk starts, and certify nothing; only where
        some requirement may fail on both sides.
    caps : Caps
        Largest weights of a frame in pooled ratios.

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

    confidence: float | None = 0.95
    start_share: float = 0.2
    caps: Caps = field(default_factory=Caps)

    def __post_init__(self) -> None:
        for name in ("confidence", "start_share"):
            value = getattr(self, name)
            if value is None and name == "confidence":
                continue
            if not (is_number(value) and 0 < value < 1):
                raise InputError(f"expected a number in (0, 1), found {value!r}", argument=name)

    @property
    def error(self) -> float:
        """Probability with which a certified range may be wrong."""
        return 1 - (self.confidence or 0)


def as_certification(certify: float | str | Certification | None) -> Certification | None:
    """A certification from its confidence, or for the next frame."""
    if certify is None or isinstance(certify, Certification):
        return certify
    if isinstance(certify, str):
        if certify != NEXT_FRAME:
            raise InputError(
                f"expected a confidence in (0, 1) or {NEXT_FRAME!r}, found {certify!r}",
                argument="certify",
            )
        return Certification(None)
    return Certification(certify)


@dataclass(frozen=True)
class Promise:
    """Holds promises for the next frame, on average over sets of frames.

    Attributes
    ----------
    run : (float, float) or None
        The thresholds [low, high) on raw scores, one of which is infinite; None with too few
        frames, or none that will do.
    needed : int or None
        How many frames the rule takes at least; None where no number would do.
    rule : str
        Conformal risk control, or the order statistic that it is of losses of 0 and 1.
    """

    run: Run | None
    needed: int | None
    rule: str


@dataclass(frozen=True)
class Certificate:
    """The range on which every requirement holds for the population of frames.

    Attributes
    ----------
    confidence : float or None
        None where it is about the next frame, on average.
    frames, start_frames : int
        That certify, and that chose the start.
    run : (float, float) or None
        [low, high) on raw scores, infinite where every lower or higher threshold is certified;
        (z, z) where the start z is certified alone.
    runs : tuple of (float, float) or None
        The same of each requirement alone.
    certified_as, tests : tuple of str
        What of each requirement is certified, and by which test or rule.
    needed : tuple of int or None
        About how many frames like these it would take for each that is not certified; None where
        no number would do, 0 where it is.
    fewest : tuple of int or None
        How many frames any method would need at least, for limits on rates; None for others.
    next_frames : tuple of Promise or None
        Of each requirement, what it promises for the next frame; None where it is not of that
        kind.
    """

    confidence: float | None
    frames: int
    start_frames: int
    run: Run | None
    runs: tuple[Run | None, ...]
    certified_as: tuple[str, ...]
    tests: tuple[str, ...]
    needed: tuple[int | None, ...]
    fewest: tuple[int | None, ...]
    next_frames: tuple[Promise | None, ...] = ()


def check_certifiable(requirements: Sequence[Requirement], how: Certification | None) -> None:
    """Refuse requirements that cannot be certified, before a frame is read.

    Raises
    ------
    InputError
        As `Certifiable.of`; for the next frame several requirements, and those that are no mean
        over frames of a loss that only falls, or only rises, with the threshold.
    """
    if how is None:
        return
    if how.confidence is not None:
        for requirement in requirements:
            Certifiable.of(requirement, how.caps)
        return
    if len(requirements) > 1:
        raise InputError(
            "expected one requirement for the next frame, found "
            f"{len(requirements)}; several are certified with a confidence",
            argument="require",
        )
    (requirement,) = requirements
    if not of_next_frame(requirement):
        raise InputError(
            "expected alarms or alarm_frames with < or <=, or fpr with < or <= or recall with > or "
            f">= as means over images (aggregate='per_image'), for the next frame, found "
            f"{requirement}; others are certified with a confidence",
            argument="require",
        )
    Certifiable.of(requirement, how.caps)


def certify(
    frames: Source,
    requirements: Sequence[Requirement],
    how: Certification,
    normalize: str,
    at: float,
) -> Certificate:
    """Certify requirements on frames.

    Parameters
    ----------
    at : float
        The raw threshold at which the frames that it would take are told.
    """
    questions = [Certifiable.of(requirement, how.caps) for requirement in requirements]
    starts, rest = _starts(frames, requirements, how, normalize)
    if rest.frames < 2:
        raise InputError(
            f"expected at least 2 frames that certify, found {rest.frames}", argument="confidence"
        )
    ends = bool(np.isinf(starts).all())
    error = how.error / len(set(starts))  # requirements from the same start need no share of it
    questions = [replace(question, error=error) for question in questions]
    steps, runs = rest.walk(questions, starts)
    common, level = _common(runs, starts), error if ends else error / 2
    needed = []
    for part, question, run, start in zip(steps, questions, runs, starts, strict=True):
        met = common is not None or (run is not None and run[0] <= at < run[1])
        place = start if run is None else at
        needed.append(0 if met else frames_needed(part.at(place), question.test, level))
    return Certificate(
        how.confidence,
        rest.frames,
        frames.frames - rest.frames,
        common,
        tuple(runs),
        tuple(q.certified_as for q in questions),
        tuple(f"{q.test.name} test" for q in questions),
        tuple(needed),
        tuple(_fewest(r, how.error) for r in requirements),
        tuple(
            _of_next_frame(r, how.caps, part) for r, part in zip(requirements, steps, strict=True)
        ),
    )


def promise_next(source: Source, requirements: Sequence[Requirement], caps: Caps) -> Certificate:
    """Compute the promise of one requirement for the next frame, on average over sets of frames."""
    (requirement,) = requirements
    question = NextFrame.of(requirement, caps)
    (steps,), (run,) = source.walk([question], [requirement.safe_end])
    frames, needed = question.defined(steps).frames, question.needed
    return Certificate(
        None,
        frames,
        0,
        run,
        (run,),
        (question.certified_as,),
        (question.rule,),
        (0 if run is not None else needed,),
        (needed,),
    )


def _of_next_frame(requirement: Requirement, caps: Caps, steps: FrameSteps) -> Promise | None:
    """Compute promises for the next frame from the values of a certificate."""
    if not of_next_frame(requirement):
        return None
    question = NextFrame.of(requirement, caps)
    return Promise(question.run(steps, requirement.safe_end), question.needed, question.rule)


def _starts(
    frames: Source, requirements: Sequence[Requirement], how: Certification, normalize: str
) -> tuple[list[float], Source]:
    """Choose where the walk of each requirement starts, on raw scores, and the frames that certify.

    Requirements that can fail on one side only start at their safe end. With any other one all
    walks start together, at a threshold that some of the frames choose.
    """
    ends = [requirement.safe_end for requirement in requirements]
    if not np.isnan(ends).any():
        return ends, frames
    first, rest = frames.parted(round(1 / how.start_share))
    ranges = first.ranges(requirements, normalize)
    run = ranges.run
    z = ranges.nearest if run is None else (run[0] + run[1]) / 2
    return [raw_threshold(ranges.normalizer, z)] * len(requirements), rest


def _common(runs: Sequence[Run | None], starts: Sequence[float]) -> Run | None:
    known = [run for run in runs if run is not None]
    if len(known) < len(runs):
        return None
    low, high = max(run[0] for run in known), min(run[1] for run in known)
    alone = low == high and np.isfinite(starts).all()  # the start itself
    return (low, high) if low < high or alone else None


def _fewest(requirement: Requirement, error: float) -> int | None:
    if requirement.at_least or requirement.metric.name not in ("fpr", "alarm_frames"):
        return None
    return fewest_frames(requirement.limit, error)
