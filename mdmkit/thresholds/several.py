"""A threshold for each of several methods, and what it gives on a second set of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError, NoMarginError, NoTargetError
from mdmkit.core.records import Json
from mdmkit.evaluation.executors import check_jobs
from mdmkit.evaluation.frame_set import FrameSet
from mdmkit.evaluation.methods import Progresses
from mdmkit.evaluation.sources import Progress, no_progress
from mdmkit.evaluation.threads import Load
from mdmkit.metrics.base import Metric
from mdmkit.statistics.kinds import PixelStatistic
from mdmkit.thresholds.certify import Certification, as_certification, check_certifiable
from mdmkit.thresholds.counted_frames import CountedFrames, check_counted
from mdmkit.thresholds.error_bars import error_bars
from mdmkit.thresholds.kept_frames import kept_frames
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
from mdmkit.uncertainty.resampling import check_resampling


class Remarked(Protocol):
    """A threshold, or what it gives, with remarks on the scores."""

    @property
    def remarks(self) -> tuple[str, ...]: ...


R = TypeVar("R", bound=Remarked)
S = TypeVar("S", bound=Remarked, covariant=True)
Loads = Sequence[Load]
CountsOf = Callable[[str], FrameCounts]


class Chooser(Protocol[R, S]):
    """Chooses a threshold, whatever the method."""

    @property
    def memory(self) -> int:
        """Bytes for statistics, and half of it for frames that are looked at again."""

    def recommend(self, method: str, kind: str, loads: Loads, progress: Progress = ...) -> R:
        """The threshold of a method whose scores are normalised by `kind`."""

    def apply(self, found: R, loads: Loads, progress: Progress = ...) -> S:
        """What it gives on other frames."""

    def finish(
        self, method: str, found: R, first: Loads, second: Loads | None, progress: Progress
    ) -> R:
        """The same with what both sets say together."""


def check_one_way(t_margin: object, require: object, **with_require: object) -> None:
    """One of the two ways to choose; some options belong to requirements."""
    if (t_margin is None) == (require is None):
        found = "neither" if require is None else "both"
        raise InputTypeError(
            f"expected a number in [0, 1) or require, found {found}", argument="t_margin"
        )
    for name, given in with_require.items():
        if given is not None and require is None:
            raise InputError("expected it with `require`, found `t_margin`", argument=name)


@dataclass(frozen=True)
class InMargin:
    """The middle of the margin of a metric at T."""

    metric: Metric
    t_margin: float
    memory: int
    jobs: int

    def recommend(
        self, method: str, kind: str, loads: Loads, progress: Progress = no_progress
    ) -> Recommendation:
        """The middle of a method's margin."""
        return recommend(
            loads,
            self.metric,
            self.t_margin,
            normalize=kind,
            method=method,
            memory=self.memory,
            jobs=self.jobs,
            progress=progress,
        )

    def apply(
        self, found: Recommendation, loads: Loads, progress: Progress = no_progress
    ) -> Transfer:
        """What it gives on other frames."""
        return apply(found, loads, memory=self.memory, jobs=self.jobs, progress=progress)

    def finish(
        self,
        method: str,
        found: Recommendation,
        first: Loads,
        second: Loads | None,
        progress: Progress,
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
    memory: int
    jobs: int
    replicates: int = 0
    seed: int = 0
    inverted: frozenset[str] = frozenset()
    counts_of: CountsOf | None = None

    def _first(self, method: str, loads: Loads, progress: Progress) -> Source:
        if self.counts_of is None:
            return self._read(loads, progress)
        return CountedFrames(self.counts_of(method), loads, self.memory, self.jobs, progress)

    def _read(self, loads: Loads, progress: Progress) -> ReadFrames:
        return ReadFrames(loads, self.memory, self.jobs, progress)

    def recommend(
        self, method: str, kind: str, loads: Loads, progress: Progress = no_progress
    ) -> RequiredThreshold:
        """A method's threshold under requirements."""
        found = require_threshold(
            self._first(method, loads, progress),
            self.requirements,
            normalize=kind,
            method=method,
            sizes=self.sizes,
            how=self.how,
        )
        return replace(found, chosen=replace(found.chosen, inverted=method in self.inverted))

    def apply(
        self, found: RequiredThreshold, loads: Loads, progress: Progress = no_progress
    ) -> RequiredTransfer:
        """What it gives on other frames."""
        return apply_required(found, self._read(loads, progress))

    def finish(
        self,
        method: str,
        found: RequiredThreshold,
        first: Loads,
        second: Loads | None,
        progress: Progress,
    ) -> RequiredThreshold:
        """The same with error bars, if they are asked for."""
        if not self.replicates:
            return found
        bars = error_bars(
            found.ranges,
            self._first(method, first, progress),
            None if second is None else self._read(second, progress),
            found.raw_threshold,
            replicates=self.replicates,
            seed=self.seed,
        )
        return replace(found, error_bars=bars)


def under_requirements(
    require: Requirements,
    certify: float | str | Certification | None,
    frames: FrameSet,
    memory: int,
    jobs: int,
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
    check_resampling(max(replicates, 1), 0)
    return UnderRequirements(
        requirements,
        frames.choice.sizes,
        how,
        memory,
        check_jobs(jobs),
        replicates,
        inverted=frames.inverted,
    )


@contextmanager
def counted(
    chooser: UnderRequirements,
    frames: FrameSet,
    kinds: Mapping[str, str],
    counts: str | Path | None,
    overwrite: bool,
    progress: Progresses | None = None,
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
    plan = CountsPlan((asked,), frames.loads, kinds, BINS, chooser.memory, chooser.jobs, True)
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
    progress: Progresses | None = None,
) -> Chosen[R, S]:
    """Choose a threshold for each method.

    Raises
    ------
    NoMarginError
        If no method has one.
    """
    found: Chosen[R, S] = Chosen()
    for name, own in first.loads.items():
        loads = kept_frames(own, chooser.memory)
        there = None if second is None else kept_frames(second.loads[name], chooser.memory)
        try:
            one = chooser.recommend(name, kinds[name], loads, _bar(progress, name, loads))
            if there is not None:
                bar = _bar(progress, f"{name}: second set", there)
                found.transfers[name] = chooser.apply(one, there, bar)
            bar = _bar(progress, f"{name}: resampling", loads)
            found.recommendations[name] = chooser.finish(name, one, loads, there, bar)
        except NoMarginError as error:
            found.without[name] = "; ".join(str(error).splitlines())  # one line of notes
        except NoTargetError as error:
            raise named(_explained(error, first, second), name) from error
        except InputError as error:
            raise named(error, name) from error
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


def named(error: InputError, method: str) -> InputError:
    """The same error of a method."""
    return error.inside(method)


def _bar(progress: Progresses | None, title: str, loads: Loads) -> Progress:
    return progress(title, 2 * len(loads)) if progress else no_progress
