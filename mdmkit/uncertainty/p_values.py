"""P-values of a mean over frames, from sums that change in a few operations when one frame does.

Each test asks the same question: is the population mean of values x in [0, 1] at most `bound`? It
turns every x into a few numbers (`parts`), whose sums over frames decide (`p`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.extras import needed_by

Values = NDArray[np.float64]

#: Shares of the largest bet 1 / bound that are tried, each with the same capital.
BETS = np.array([0.01, 0.02, 0.05, *np.arange(1, 10) / 10, 0.95, 1])


class MeanTest(Protocol):
    """A test of the hypothesis that the mean of values in [0, 1] is at most `bound`.

    Attributes
    ----------
    bound : float
        In [0, 1].
    name : str
    """

    @property
    def bound(self) -> float: ...

    @property
    def name(self) -> str: ...

    def parts(self, x: Values) -> Values:
        """Numbers (..., k) of values (...), to be added over frames."""

    def p(self, sums: Values, frames: int) -> Values:
        """The p-values (...) of sums (..., k) over so many frames; each falls in every x."""

    def log_growth(self, sums: Values, frames: int) -> Values:
        """Evidence that a share of frames adds up to, shape (b,): see `frames_needed`."""


@dataclass(frozen=True)
class Betting:
    """The mixture of constant bets W = mean of prod(1 + b (x / bound - 1)); p = min(1, 1 / W).

    It knows no order of frames and no seed, and is valid for any values in [0, 1].

    References
    ----------
    Waudby-Smith, Ramdas: Estimating Means of Bounded Random Variables by Betting. 2024.

    Examples
    --------
    >>> test = Betting(0.5)
    >>> x = np.full(20, 1.0)
    >>> float(test.p(test.parts(x).sum(axis=0), 20)) < 1e-4
    True
    """

    bound: float
    name = "betting"

    def parts(self, x: Values) -> Values:
        # The largest bet loses everything at x = 0: such frames are counted, not added up.
        with np.errstate(divide="ignore"):
            logs = np.log((1 - BETS) + BETS * (x[..., None] / self.bound))
        ruined = np.isneginf(logs[..., -1:])
        return np.concatenate([np.where(np.isneginf(logs), 0, logs), ruined], axis=-1)

    def p(self, sums: Values, frames: int) -> Values:
        wealth = self.log_growth(sums, frames)
        most = wealth.max(axis=-1)
        total = most + np.log(np.exp(wealth - most[..., None]).mean(axis=-1))
        return np.asarray(np.exp(-np.maximum(total, 0)))

    def log_growth(self, sums: Values, frames: int) -> Values:
        logs = sums[..., :-1].copy()
        logs[..., -1] = np.where(sums[..., -1] > 0.5, -np.inf, logs[..., -1])
        return np.asarray(logs)


@dataclass(frozen=True)
class AnyAbove:
    """The case of bound 0: values are never negative, so that one above 0 refutes a mean of 0."""

    bound: float = 0.0
    name = "any above 0"

    def parts(self, x: Values) -> Values:
        return np.asarray((x[..., None] > 0).astype(np.float64))

    def p(self, sums: Values, frames: int) -> Values:
        return np.where(sums[..., 0] > 0.5, 0.0, 1.0)

    def log_growth(self, sums: Values, frames: int) -> Values:
        return np.where(sums > 0.5, np.inf, 0.0)


@dataclass(frozen=True)
class BinomialTail:
    """The exact tail for values of 0 and 1: P(at most so many losses) at a loss rate 1 - bound.

    References
    ----------
    Clopper, Pearson: The Use of Confidence or Fiducial Limits Illustrated in the Case of the
    Binomial. 1934.

    Examples
    --------
    >>> test = BinomialTail(0.99)  # the rate of losses is at least 1 %?
    >>> float(test.p(test.parts(np.ones(299)).sum(axis=0), 299)) < 0.05
    True
    >>> float(test.p(test.parts(np.ones(298)).sum(axis=0), 298)) < 0.05
    False
    """

    bound: float
    name = "binomial"

    def parts(self, x: Values) -> Values:
        return np.asarray((x[..., None] < 0.5).astype(np.float64))

    def p(self, sums: Values, frames: int) -> Values:
        return np.asarray(at_most(np.rint(sums[..., 0]), frames, 1 - self.bound))

    def log_growth(self, sums: Values, frames: int) -> Values:
        """Evidence by Chernoff's bound on the tail."""
        return -frames * np.atleast_1d(divergence(1 - sums[..., :1] / frames, self.bound))


def at_most(losses: Values, frames: int, rate: float) -> Values:
    """The binomial distribution function."""
    with needed_by("binomial test"):
        from scipy.special import bdtr

    return np.asarray(bdtr(losses, frames, rate))


def divergence(mean: Values, bound: float) -> Values:
    """Minus the divergence of a mean above `bound` from it; 0 for a mean below."""
    mean = np.maximum(np.clip(mean, 0, 1), bound)
    with np.errstate(divide="ignore", invalid="ignore"):
        more = np.where(mean > 0, mean * np.log(mean / bound), 0)
        less = np.where(mean < 1, (1 - mean) * np.log((1 - mean) / (1 - bound)), 0)
    return np.asarray(-(more + less))


def mean_test(bound: float, losses: bool = False) -> MeanTest:
    """The test of a mean: by the binomial tail where values are 0 or 1, else by betting.

    Parameters
    ----------
    bound : float in [0, 1]
    losses : bool
        Whether every value is 0 or 1. It belongs to the question, never to the data.
    """
    if bound == 0:
        return AnyAbove()
    return BinomialTail(bound) if losses else Betting(bound)


def p_value(x: Values, test: MeanTest) -> float:
    """The p-value of the values (F,) of frames."""
    return float(test.p(test.parts(x).sum(axis=0), len(x)))


def frames_needed(x: Values, test: MeanTest, level: float) -> int | None:
    """About how many frames like these give a p-value of at most `level`; None: no number does.

    Each frame is taken to come so many times more often: what log evidence there is grows with
    their number.

    Examples
    --------
    >>> frames_needed(np.ones(10), BinomialTail(0.99), 0.05)
    299
    >>> frames_needed(np.zeros(10), BinomialTail(0.99), 0.05) is None
    True
    """
    growth = test.log_growth(test.parts(x).sum(axis=0), len(x)) / len(x)
    if not growth.max() > 0:
        return None
    evidence = np.log(1 / level)
    low, high = 0, 1
    while _log_mean(high * growth) < evidence:
        low, high = high, 2 * high
        if high > 2**50:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _log_mean(middle * growth) >= evidence else (middle, high)
    return high


def _log_mean(logs: Values) -> float:
    most = logs.max()
    return float(most if np.isinf(most) else most + np.log(np.exp(logs - most).mean()))


def fewest_frames(rate: float, level: float) -> int | None:
    """Number of frames without a loss that a certified rate takes: n >= ln(level) / ln(1 - rate).

    Examples
    --------
    >>> fewest_frames(0.01, 0.05), fewest_frames(0.0, 0.05)
    (299, None)
    """
    if rate <= 0:
        return None
    return 1 if rate >= 1 else int(np.ceil(np.log(level) / np.log1p(-rate) - 1e-9))
