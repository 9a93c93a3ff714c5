"""Certified ranges of thresholds: where a mean over the population of frames exceeds a bound.

Learn-then-Test with fixed sequences (Angelopoulos et al.: Learn then Test, 2021): from a start that
was not chosen on these frames, outwards through every distinct score, until a p-value exceeds its
share of the error. Frames must be independent, and drawn as those that the promise is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mdmkit.uncertainty.p_values import MeanTest, Values, p_value

#: Scores that are passed at once.
BLOCK = 4096
#: Sums that decide nearer than this to the level, relatively, are computed anew.
NEAR = 1e-9

Run = tuple[float, float]


def weighted(numerator: Values, denominator: Values, bound: float, cap: float) -> Values:
    """Values x in [0, 1] whose mean exceeds `bound` where the pooled ratio does.

    Parameters
    ----------
    numerator, denominator : ndarray of float64
        0 <= numerator <= denominator, of one frame each.
    bound : float in [0, 1]
    cap : float
        The largest denominator with full weight, declared beforehand: a frame with a larger one
        weighs cap / denominator.

    Returns
    -------
    ndarray of float64
        bound + w (numerator - bound * denominator) / cap; `bound` where the denominator is 0.

    Examples
    --------
    >>> weighted(np.array([3.0, 0.0]), np.array([4.0, 0.0]), 0.5, cap=10)
    array([0.6, 0.5])
    """
    shares = (numerator - bound * denominator) / np.maximum(denominator, cap)
    return np.clip(bound + shares, 0, 1)


@dataclass(frozen=True, eq=False)
class FrameSteps:
    """Holds one value of each frame, as a step function of the threshold.

    Attributes
    ----------
    scores : sequence of ndarray of float64, shape (n_i,)
        Of each frame: distinct scores at which its value can change, ascending.
    values : sequence of ndarray of float64, shape (n_i + 1,)
        Row j belongs to the prediction A >= scores[j], the last one to the empty prediction.
    """

    scores: Sequence[Values]
    values: Sequence[Values]

    @property
    def frames(self) -> int:
        """F, the number of frames."""
        return len(self.scores)

    def at(self, z: float) -> Values:
        """The values (F,) of the prediction A > z; z may be infinite."""
        rows = (np.searchsorted(scores, z, side="right") for scores in self.scores)
        return np.array([v[r] for v, r in zip(self.values, rows, strict=True)], np.float64)

    def mapped(self, function: Callable[[Values], Values]) -> FrameSteps:
        """Apply a function to the values of the steps."""
        return replace(self, values=[function(values) for values in self.values])

    def falling(self) -> FrameSteps:
        """The envelope of each frame: its largest value at this or any higher threshold."""
        return self.mapped(lambda values: np.maximum.accumulate(values[::-1])[::-1])

    def rising(self) -> FrameSteps:
        """The envelope of each frame: its largest value at this or any lower threshold."""
        return self.mapped(np.maximum.accumulate)

    def where(self, kept: NDArray[np.bool_]) -> FrameSteps:
        """The steps of some of the frames."""
        places = np.flatnonzero(kept).tolist()
        return FrameSteps([self.scores[i] for i in places], [self.values[i] for i in places])

    def reduced(self, edges: Values, close: Sequence[Run] = ()) -> FrameSteps:
        """Lower bounds of the values on bins [edge, next edge), exact within some ranges.

        A certificate of lower bounds is one of the values, as every p-value falls in them.

        Parameters
        ----------
        edges : ndarray of float64, shape (m,)
            Thresholds, ascending.
        close : sequence of (float, float)
            Ranges [low, high) in which every score is kept.
        """
        parts = [
            _reduced(scores, values, edges, close)
            for scores, values in zip(self.scores, self.values, strict=True)
        ]
        return FrameSteps([scores for scores, _ in parts], [values for _, values in parts])

    @cached_property
    def ascending(self) -> _Events:
        """Changes of frames, by ascending score."""
        scores = np.concatenate([np.empty(0), *self.scores])
        frame = np.repeat(np.arange(self.frames), [part.size for part in self.scores])
        before = np.concatenate([np.empty(0), *(values[:-1] for values in self.values)])
        after = np.concatenate([np.empty(0), *(values[1:] for values in self.values)])
        order = np.argsort(scores, kind="stable")
        return _Events(scores[order], frame[order], before[order], after[order])


@dataclass(frozen=True, eq=False)
class _Events:
    """At `scores[i]` the value of frame `frame[i]` turns from `before[i]` to `after[i]`."""

    scores: Values
    frame: NDArray[np.intp]
    before: Values
    after: Values

    def upwards(self, start: float) -> _Events:
        """Changes above a threshold."""
        return self._taken(slice(np.searchsorted(self.scores, start, side="right"), None))

    def downwards(self, start: float) -> _Events:
        """Changes at or below a threshold, descending, undone."""
        stop = int(np.searchsorted(self.scores, start, side="right"))
        part = self._taken(slice(0, stop))
        return _Events(part.scores[::-1], part.frame[::-1], part.after[::-1], part.before[::-1])

    def _taken(self, rows: slice) -> _Events:
        return _Events(self.scores[rows], self.frame[rows], self.before[rows], self.after[rows])


def _reduced(
    scores: Values, values: Values, edges: Values, close: Sequence[Run]
) -> tuple[Values, Values]:
    ends = np.array([end for run in close for end in run if np.isfinite(end)])
    kept = [edges, ends, *(scores[(scores > low) & (scores <= high)] for low, high in close)]
    bins = np.unique(np.concatenate(kept))
    first = np.append(0, np.searchsorted(scores, bins, side="right"))
    stop = np.append(np.searchsorted(scores, bins, side="left"), scores.size) + 1
    rows = np.stack([first, stop], axis=1).ravel()
    return bins, np.minimum.reduceat(np.append(values, values[-1]), rows)[::2]


def first_failing(steps: FrameSteps, test: MeanTest, start: float, up: bool, level: float) -> float:
    """The first score, outwards from `start`, whose passing brings the p-value above `level`.

    Returns
    -------
    float
        Going up: the test passes at every z in [start, score). Going down: at every z in
        [score, start]. Infinite where it passes everywhere.

    Notes
    -----
    Every distinct score is looked at: O(1) for each that a frame passes.
    """
    events = steps.ascending.upwards(start) if up else steps.ascending.downwards(start)
    x = steps.at(start)
    for block in _blocks(events):
        sums = test.parts(x).sum(axis=0)
        changes = test.parts(block.after) - test.parts(block.before)
        p = test.p(sums + np.cumsum(changes, axis=0), steps.frames)
        # Between equal scores nothing is predicted: there is no threshold to test.
        distinct = np.append(block.scores[1:] != block.scores[:-1], True)
        for place in np.flatnonzero(distinct & (p > level * (1 - NEAR))):
            if p[place] > level * (1 + NEAR) or _anew(x, block, int(place), test) > level:
                return float(block.scores[place])
        x[block.frame] = block.after  # of several changes of a frame the last one stays
    return np.inf if up else -np.inf


def _blocks(events: _Events) -> Iterator[_Events]:
    """Runs of about `BLOCK` events that do not part equal scores."""
    start, size = 0, events.scores.size
    while start < size:
        stop = min(start + BLOCK, size)
        while stop < size and events.scores[stop] == events.scores[stop - 1]:
            stop += 1
        yield events._taken(slice(start, stop))
        start = stop


def _anew(x: Values, block: _Events, place: int, test: MeanTest) -> float:
    passed = x.copy()
    passed[block.frame[: place + 1]] = block.after[: place + 1]
    return p_value(passed, test)


def certified_run(steps: FrameSteps, test: MeanTest, start: float, error: float) -> Run | None:
    """The range of thresholds, outwards from a start, at which a mean exceeds the test's bound.

    Parameters
    ----------
    steps : FrameSteps
        Values in [0, 1].
    test : MeanTest
    start : float
        A threshold that was not chosen on these frames. It is tested with all of the error, each
        of the two directions with half of it. `-inf` and `inf` are the predictions of everything
        and of nothing, from where one direction is left, which has all of it.
    error : float in (0, 1)
        How often, at most, the range may hold a threshold at which the population's mean does
        not exceed the bound.

    Returns
    -------
    (float, float) or None
        [low, high), either of which may be infinite; (start, start) where the start passes, and
        no direction: it is certified alone; None where the start fails.

    Notes
    -----
    The range around a start holds other thresholds as long as no frame changes there: these are
    tested with the share of their direction. With all of the error they would be wrong in up to
    twice as many sets: once for a frame that was not drawn below, and once for one above.

    References
    ----------
    Angelopoulos et al.: Learn then Test: Calibrating Predictive Algorithms to Achieve Risk
    Control. 2021.

    Examples
    --------
    >>> from mdmkit.uncertainty.p_values import Betting
    >>> steps = FrameSteps([np.array([0.25, 0.75])] * 20, [np.array([0.0, 1.0, 0.0])] * 20)
    >>> certified_run(steps, Betting(0.5), start=0.5, error=0.05)
    (0.25, 0.75)
    """
    p, level = p_value(steps.at(start), test), error if np.isinf(start) else error / 2
    if p > level:
        return (start, start) if p <= error else None
    low = first_failing(steps, test, start, False, level) if start > -np.inf else -np.inf
    high = first_failing(steps, test, start, True, level) if start < np.inf else np.inf
    return low, high
