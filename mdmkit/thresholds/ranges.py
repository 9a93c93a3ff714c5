"""Ranges of thresholds at which requirements hold on a set of frames, exact at every score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError, NoTargetError
from mdmkit.core.margin import Interval, longest_run
from mdmkit.core.number import Number
from mdmkit.evaluation.remarks import Look
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.measures import Measure, Unresolved
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.pixel_metrics import CountMetric
from mdmkit.statistics.frame_means import FrameMeans
from mdmkit.statistics.kinds import PixelStatistic, Statistic
from mdmkit.statistics.normalizers import Normalizer, Unchanged
from mdmkit.thresholds.counted_frame import means_in
from mdmkit.thresholds.kept_frames import LoadedFrames
from mdmkit.thresholds.requirements import Requirement

Scores = NDArray[np.float64]


class AsTheyAre(Unchanged):
    """No map and no check: of the scores of a second set, which may leave [0, 1]."""

    def __call__(self, scores: object) -> Any:
        return scores


def as_they_are(normalizer: Normalizer) -> Normalizer:
    """The normaliser of a first set, for scores of a second one."""
    return AsTheyAre() if isinstance(normalizer, Unchanged) else normalizer


@dataclass(frozen=True, eq=False)
class Ranges:
    """Holds the ranges in which each of several requirements holds, and in which all do.

    Attributes
    ----------
    requirements : tuple of Requirement
    curves : tuple of ThresholdCurve
        The measure of each, on normalised scores in [0, 1].
    normalizer : Normalizer
    frames, pixels, anomalous_pixels : int
        What was counted, ignored pixels left out.
    known : ndarray of float64, or None
        Thresholds at which measures are exact, one of which is recommended then: frames were not
        read, but counted before. Ranges are those that surely hold.
    remarks : tuple of str
        Scores that look like mistakes.
    """

    requirements: tuple[Requirement, ...]
    curves: tuple[ThresholdCurve, ...]
    normalizer: Normalizer
    frames: int
    pixels: int
    anomalous_pixels: int
    known: Scores | None = None
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        curves: Mapping[Requirement, ThresholdCurve],
        totals: NormalizedTotals,
        known: Scores | None = None,
    ) -> Ranges:
        """Make the ranges of requirements from their curves, and from what was counted."""
        anomalous = totals.pixels.anomalous
        return cls(
            tuple(curves),
            tuple(map(within_unit, curves.values())),
            totals.normalizer,
            totals.frames,
            anomalous + totals.pixels.normal,
            anomalous,
            known,
            tuple(Look.at(totals).remarks()),
        )

    @cached_property
    def edges(self) -> Scores:
        """Ends of the steps of all curves together: step i is [edges[i], edges[i + 1])."""
        return np.append(np.unique(np.concatenate([c.breakpoints for c in self.curves])), 1.0)

    def values(self, place: int) -> Scores:
        """The measure of a requirement on each step; of alarms the largest from there on."""
        values = self.curves[place](self.edges[:-1])
        if self.requirements[place].counts_alarms:
            return np.asarray(np.fmax.accumulate(values[::-1])[::-1])
        return np.asarray(values)

    @cached_property
    def holds(self) -> NDArray[np.bool_]:
        """Whether each requirement holds on each step, shape (R, n)."""
        return np.array([self._holds(i, r) for i, r in enumerate(self.requirements)])

    def _holds(self, place: int, requirement: Requirement) -> NDArray[np.bool_]:
        """Whether a requirement holds on each step; where bounds are known, on all of it."""
        holds, curve = requirement.holds(self.values(place)), self.curves[place]
        if curve.low is None or curve.high is None:
            return holds
        step = np.searchsorted(curve.breakpoints, self.edges[:-1], side="right") - 1
        low, high = curve.low[step], curve.high[step]
        if requirement.counts_alarms:
            high = np.fmax.accumulate(high[::-1])[::-1]
        return holds & _surely(requirement, low, high)

    def runs(self, place: int | None = None) -> list[Interval]:
        """All ranges [low, high) of thresholds at which a requirement holds; None: all do."""
        holds = self.holds.all(axis=0) if place is None else self.holds[place]
        turns = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]])))
        ends = self.edges[turns].reshape(-1, 2)
        return [(float(low), float(high)) for low, high in ends if high > low]

    @cached_property
    def run(self) -> Interval | None:
        """The longest range at which all hold: of requirements on alarms alone the last one."""
        if self.safe_ends == {np.inf}:
            runs = [run for run in self.runs() if run[1] == self.edges[-1]]
            return runs[0] if runs else None
        return longest_run(self.edges, np.asarray(self.holds.all(axis=0)))

    @property
    def safe_ends(self) -> set[float]:
        """The end at which the requirements are met if anywhere; NaN stands for neither end."""
        ends = {r.safe_end for r in self.requirements}
        return {np.nan} if any(np.isnan(end) for end in ends) else ends

    def threshold(self, run: Interval) -> float:
        """The one recommended of a range, as `rule` says."""
        low, high = run
        if self.safe_ends == {np.inf}:
            z = low
        elif self.safe_ends == {-np.inf}:
            z = float(self.edges[max(int(np.searchsorted(self.edges, high)) - 1, 0)])
        else:
            z = (low + high) / 2
        return z if self.known is None else self._nearest_known(z, run)

    def _nearest_known(self, z: float, run: Interval) -> float:
        """The threshold of a range at which measures are exact that lies nearest to another."""
        assert self.known is not None
        inside = self.known[(self.known >= run[0]) & (self.known < run[1])]
        return float(inside[np.abs(inside - z).argmin()]) if inside.size else run[0]

    @property
    def counted(self) -> bool:
        """Whether frames were counted before."""
        return self.known is not None

    @property
    def rule(self) -> str:
        """The rule by which the threshold is chosen within a range."""
        if self.safe_ends == {np.inf}:
            return "the lowest threshold from which on every higher one meets the requirements"
        if self.safe_ends == {-np.inf}:
            return "the lower end of the last step that meets the requirements"
        middle = "the middle of the range: as far as one can be from failing on either side"
        return f"{middle}, among those counted" if self.counted else middle

    @cached_property
    def nearest(self) -> float:
        """The step at which the requirement that fails most fails least."""
        short = np.array(
            [
                (self.values(i) - r.limit) * (1 if r.at_least else -1)
                for i, r in enumerate(self.requirements)
            ]
        )
        worst = np.where(np.isnan(short), -np.inf, short).min(axis=0)
        return float(self.edges[int(np.argmax(worst))])

    @property
    def trivially_met(self) -> str | None:
        """The constant prediction that meets all requirements, if one does."""
        for place, name in enumerate(("all valid pixels", "no pixel")):
            pairs = zip(self.requirements, self.curves, strict=True)
            if all(c.ends is not None and bool(r.holds(c.ends[place])) for r, c in pairs):
                return name
        return None

    def why_none(self) -> list[str]:
        """Describe what is in reach where not all requirements can be met."""
        lines = []
        for place, requirement in enumerate(self.requirements):
            others = np.asarray(np.delete(self.holds, place, axis=0).all(axis=0))
            best, where = self._best(place, np.ones_like(others))
            if not self.holds[place].any():
                lines.append(f"{requirement} never holds: {best} at best, at z = {where:.4g}")
            elif others.any() and len(self.requirements) > 1:
                names = ", ".join(str(r) for r in self.requirements if r is not requirement)
                best, where = self._best(place, others)
                lines.append(f"{names} allows {best} at best, at z = {where:.4g}")
        return lines

    def _best(self, place: int, allowed: NDArray[np.bool_]) -> tuple[str, float]:
        requirement = self.requirements[place]
        values = np.where(allowed, self.values(place), np.nan)
        if np.isnan(values).all():
            return f"{requirement.name} undefined", float("nan")
        step = int((np.nanargmax if requirement.at_least else np.nanargmin)(values))
        return f"{requirement.name} {values[step]:.4g}", float(self.edges[step])


@dataclass(frozen=True)
class Requirements(Measure):
    """Requirements on pooled measures, so that an evaluation looks close where they may change."""

    several: tuple[Requirement, ...]
    key = "requirements"

    @property
    def resolvable(self) -> bool:  # type: ignore[override]
        metrics = [requirement.metric for requirement in self.several]
        return all(
            not isinstance(m, CountMetric) or m.monotone or not m.higher_is_better for m in metrics
        )

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        own = (requirement.statistic for requirement in self.several)
        return tuple(dict.fromkeys([PixelStatistic(), *own]))

    def compute(self, totals: NormalizedTotals) -> Number:
        return self.empty()

    @property
    def every_score(self) -> bool:
        metrics = (requirement.metric for requirement in self.several)
        return any(
            isinstance(m, CountMetric) and not m.monotone and m.higher_is_better for m in metrics
        )

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        found: Unresolved = {}
        for requirement in self.several:
            statistic, scores = requirement.statistic, _unresolved(totals, requirement)
            if scores is not None:
                known = found.get(statistic, np.empty((0, 2)))
                found[statistic] = np.concatenate([known, scores])
        return found


def _unresolved(totals: NormalizedTotals, requirement: Requirement) -> NDArray[np.float64] | None:
    """Scores that would have to be known to say where a requirement holds."""
    try:
        found = requirement.seen(totals).bounded_curve(requirement.metric)
    except InputError:
        return None
    curve = found.curve
    if curve.low is None or curve.high is None:
        return None
    maybe = requirement.holds(curve.low) | requirement.holds(curve.high)
    return np.asarray(found.scores[maybe & ~_surely(requirement, curve.low, curve.high)])


def _surely(requirement: Requirement, low: Scores, high: Scores) -> NDArray[np.bool_]:
    """Whether a requirement holds for all values between bounds, none of which is undefined."""
    return requirement.holds(low) & requirement.holds(high) & np.isfinite(low)


def _frame_means(frames: LoadedFrames, requirements: Sequence[Requirement]) -> list[FrameMeans]:
    """The mean of each measure over frames where it is defined."""
    waiting: list[list[FrameMeans]] = []
    for parts in frames.each(partial(means_in, requirements=requirements)):
        waiting.append(parts)
        if len(waiting) == 64:  # merged now and then, as frames share scores
            waiting = [[FrameMeans.merged(of_one) for of_one in zip(*waiting, strict=True)]]
    return [FrameMeans.merged(of_one) for of_one in zip(*waiting, strict=True)]


def find_ranges(
    frames: LoadedFrames,
    requirements: Sequence[Requirement],
    normalize: str | Normalizer,
    defined: bool = False,
) -> Ranges:
    """Find the ranges in which requirements hold on frames.

    Parameters
    ----------
    defined : bool
        Leave out requirements whose measure these frames do not define, instead of refusing them.

    Raises
    ------
    NoTargetError
        If a measure needs anomalies, and none is there.
    RangeError
        If scores leave [0, 1] and no normaliser is named.
    """
    pooled = tuple(r for r in requirements if not r.per_frame)
    totals = frames.evaluated([Requirements(pooled)], normalize).sweeps()
    # Without a normaliser this refuses scores outside [0, 1].
    totals.normalizer(np.array(totals.pixels.extremes))
    others = [r for r in requirements if r.per_frame]
    means = _frame_means(frames, others) if others else []
    of_frames = dict(zip(others, means, strict=True))
    curves: dict[Requirement, ThresholdCurve] = {}
    for requirement in requirements:
        try:
            curves[requirement] = _curve_of(requirement, totals, of_frames.get(requirement))
        except NoTargetError:
            if not defined:
                raise
    return Ranges.of(curves, totals)


def _curve_of(
    requirement: Requirement, totals: NormalizedTotals, means: FrameMeans | None
) -> ThresholdCurve:
    if means is None:
        return requirement.seen(totals).curve(requirement.metric)
    breakpoints, values = means.rescaled(totals.normalizer).on_unit()
    if np.isnan(values).all():
        raise undefined(requirement)
    at_all, at_none = means.ends().tolist()
    return ThresholdCurve(breakpoints, values, requirement.name, ends=(at_all, at_none))


def undefined(requirement: Requirement) -> NoTargetError:
    """The error of a measure that no frame defines."""
    return NoTargetError(
        f"expected a frame in which {requirement.name} is defined, found none", argument="target"
    )


def within_unit(curve: ThresholdCurve) -> ThresholdCurve:
    """The part of a curve with thresholds in [0, 1]: scores of a second set may leave it."""
    inside = curve.breakpoints <= 1
    low, high = (None if bound is None else bound[inside] for bound in (curve.low, curve.high))
    breakpoints, values = curve.breakpoints[inside], curve.values[inside]
    return replace(curve, breakpoints=breakpoints, values=values, low=low, high=high)
