"""A threshold for each of several methods, and what it gives on a second set of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError, NoMarginError, NoTargetError
from mdmkit.core.progress import Bar, begin
from mdmkit.core.records import Json
from mdmkit.evaluation.frame_set import FrameSet
from mdmkit.metrics.base import Metric
from mdmkit.statistics.kinds import PixelStatistic
from mdmkit.thresholds.certify import Certification, as_certification, check_certifiable
from mdmkit.thresholds.counted_frames import CountedFrames, check_counted
from mdmkit.thresholds.error_bars import error_bars
from mdmkit.thresholds.ranges import Requirements as Asked
from mdmkit.thresholds.required import (
    RequiredThreshold,
    RequiredTransfer,
    apply_required,
    require_threshold,
)
from mdmkit.thresholds.requirements import Requirement, Requirements, parse_requirements
from mdmkit.thresholds.sources import ReadFrames, Source
from mdmkit.thresholds.transfer import Recommendation, Transfer, apply, recommend
from mdmkit.uncertainty.counts_source import BINS, CountsPlan, record_of_frames
from mdmkit.uncertainty.frame_counts import FrameCounts


class Remarked(Protocol):
    """A threshold, or what it gives, with remarks on the scores."""

    @property
    def remarks(self) -> tuple[str, ...]: ...


R = TypeVar("R", bound=Remarked)
S = TypeVar("S", bound=Remarked, covariant=True)
CountsOf = Callable[[str], FrameCounts]


class Chooser(Protocol[R, S]):
    """Chooses a threshold, whatever the method."""

    def recommend(self, method: str, kind: str, frames: ReadFrames) -> R:
        """The threshold of a method whose scores are normalised by `kind`."""

    def apply(self, found: R, frames: ReadFrames) -> S:
        """What it gives on other frames."""

    def finish(self, method: str, found: R, first: ReadFrames, second: ReadFrames | None) -> R:
        """The same with what both sets say together."""


def check_one_way(t_margin: object, require: object, **with_require: object) -> None:
    """One of the two ways to choose; some options belong to requirements."""
    if (t_margin is None) == (require is None):
        found = "neither" if require is None else "both"
        raise InputTypeError(
            f"expected a number in [0, 1) or `require`, found {found}", argument="t_margin"
        )
    for name, given in with_require.items():
        if given is not None and require is None:
            raise InputError("expected it with `require`, found `t_margin`", argument=name)


@dataclass(frozen=True)
class InMargin:
    """The middle of the margin of a metric at T."""

    metric: Metric
    t_margin: float

    def recommend(self, method: str, kind: str, frames: ReadFrames) -> Recommendation:
        """The middle of a method's margin."""
        return recommend(frames, self.metric, self.t_margin, normalize=kind, method=method)

    def apply(self, found: Recommendation, frames: ReadFrames) -> Transfer:
        """What it gives on other frames."""
        return apply(found, frames)

    def finish(
        self, method: str, found: Recommendation, first: ReadFrames, second: ReadFrames | None
    ) -> Recommendation:
        """The same."""
        return found


@dataclass(frozen=True)
class UnderRequirements:
    """A threshold at which requirements hold; with `replicates` resampled sets, error bars.

    `counts_of` gives what was counted of a method's frames before, where it was: then they are
    not read.
    """

    requirements: Sequence[Requirement]
    sizes: ComponentSizes
    how: Certification | None
    replicates: int = 0
    inverted: frozenset[str] = frozenset()
    counts_of: CountsOf | None = None

    def _first(self, method: str, frames: ReadFrames) -> Source:
        return CountedFrames(self.counts_of(method), frames) if self.counts_of else frames

    def recommend(self, method: str, kind: str, frames: ReadFrames) -> RequiredThreshold:
        """A method's threshold under requirements."""
        found = require_threshold(
            self._first(method, frames),
            self.requirements,
            normalize=kind,
            method=method,
            sizes=self.sizes,
            how=self.how,
        )
        return replace(found, chosen=replace(found.chosen, inverted=method in self.inverted))

    def apply(self, found: RequiredThreshold, frames: ReadFrames) -> RequiredTransfer:
        """What it gives on other frames."""
        return apply_required(found, frames)

    def finish(
        self, method: str, found: RequiredThreshold, first: ReadFrames, second: ReadFrames | None
    ) -> RequiredThreshold:
        """The same with error bars, if they are asked for."""
        if not self.replicates:
            return found
        source = self._first(method, first)
        bars = error_bars(
            found.ranges, source, second, found.raw_threshold, replicates=self.replicates
        )
        return replace(found, error_bars=bars)


def under_requirements(
    require: Requirements,
    certify: float | str | Certification | None,
    frames: FrameSet,
    replicates: int = 0,
) -> UnderRequirements:
    """How a threshold is chosen under requirements, which are looked at before frames are read.

    Raises
    ------
    InputError
        Unknown measures, what cannot be certified, too few frames to resample.
    """
    requirements = parse_requirements(require, frames.choice.sizes, frames.choice.aggregate)
    how = as_certification(certify)
    check_certifiable(requirements, how)
    return UnderRequirements(
        requirements, frames.choice.sizes, how, replicates, inverted=frames.inverted
    )


@contextmanager
def counted(
    chooser: UnderRequirements,
    frames: FrameSet,
    kinds: Mapping[str, str],
    counts: str | Path | None,
    overwrite: bool,
    *,
    memory: int,
    jobs: int,
    progress: Bar | None = None,
) -> Iterator[UnderRequirements]:
    """The same chooser, which uses the counts of frames in a file, as `bootstrap` keeps them."""
    if counts is None:
        yield chooser
        return
    several = chooser.requirements
    check_counted(several, kinds.values())
    needed = {r.statistic: str(r) for r in reversed(several)}
    needed[PixelStatistic()] = "pixels"
    record = record_of_frames(frames, kinds, (), needed, bins=BINS)
    asked = Asked(tuple(several))
    plan = CountsPlan((asked,), frames.loads, kinds, BINS, memory, jobs, True)
    with plan.counts(counts, record, overwrite, progress) as counts_of:
        yield replace(chooser, counts_of=counts_of)


@dataclass
class Chosen(Generic[R, S]):
    """By method: its threshold, what it gives on a second set, or why there is none."""

    recommendations: dict[str, R] = field(default_factory=dict)
    transfers: dict[str, S] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)

    def remarked(self, *sets: FrameSet | None) -> Json:
        """Settings with the remarks on masks and scores, if there are any."""
        remarks = [remark for frames in sets if frames for remark in frames.remarks]
        for found in (self.recommendations, self.transfers):
            remarks += [f"{name}: {text}" for name, one in found.items() for text in one.remarks]
        return {"remarks": list(dict.fromkeys(remarks))} if remarks else {}


def choose_each(
    chooser: Chooser[R, S],
    first: FrameSet,
    second: FrameSet | None,
    kinds: Mapping[str, str],
    *,
    memory: int,
    jobs: int,
    progress: Bar | None = None,
) -> Chosen[R, S]:
    """Choose a threshold for each method.

    Raises
    ------
    NoMarginError
        If no method has one.
    """
    found: Chosen[R, S] = Chosen()

    def told(frames: ReadFrames, title: str) -> ReadFrames:
        """The same frames with a bar of their own."""
        bar = begin(progress, title, 2 * frames.frames)
        return replace(frames, progress=bar)

    for name, own in first.loads.items():
        here = ReadFrames.kept(own, memory, jobs)
        there = None if second is None else ReadFrames.kept(second.loads[name], memory, jobs)
        try:
            one = chooser.recommend(name, kinds[name], told(here, name))
            if there is not None:
                found.transfers[name] = chooser.apply(one, told(there, f"{name}: second set"))
            here = told(here, f"{name}: resampling")
            there = there and replace(there, progress=here.progress)
            found.recommendations[name] = chooser.finish(name, one, here, there)
        except NoMarginError as error:
            found.without[name] = "; ".join(str(error).splitlines())  # one line of notes
        except NoTargetError as error:
            raise _explained(error, first, second).inside(name) from error
        except InputError as error:
            raise error.inside(name) from error
    if not found.recommendations:
        raise NoMarginError("\n".join(f"{name}: {why}" for name, why in found.without.items()))
    return found


def _explained(error: NoTargetError, *sets: FrameSet | None) -> InputError:
    """The same error with what the masks hold of the first set without anomalies."""
    for frames in filter(None, sets):
        told = frames.explained(error)
        if told is not error:
            return told
    return error
