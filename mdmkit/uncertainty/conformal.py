"""Conformal rules: what holds for the next frame, on average over the sets one may have drawn.

Each is for one requirement, and asks for exchangeable frames only.
"""

from __future__ import annotations

from math import ceil, floor, fsum

import numpy as np

from mdmkit.uncertainty.certificates import FrameSteps
from mdmkit.uncertainty.p_values import Values

#: Sums that decide nearer than this to the limit are computed anew.
NEAR = 1e-9


def next_frame_threshold(levels: Values, rate: float) -> float | None:
    """The threshold that the next frame's level exceeds with a probability of at most `rate`.

    Parameters
    ----------
    levels : array of float64, shape (F,)
        Of each frame: the lowest threshold at and above which it raises no alarm.
    rate : float in (0, 1)

    Returns
    -------
    float or None
        The k-th smallest level, k = ceil((1 - rate) (F + 1)); None where k exceeds F: that takes
        F >= 1 / rate - 1 frames.

    References
    ----------
    Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World. 2005.

    Examples
    --------
    >>> next_frame_threshold(np.arange(19) / 20, 0.05), next_frame_threshold(np.ones(18), 0.05)
    (0.9, None)
    """
    frames = len(levels)
    # a product such as 0.9 * 20 may lie an ulp above the whole number that it is
    k = ceil((1 - rate) * (frames + 1) - NEAR)
    return float(np.sort(levels)[k - 1]) if k <= frames else None


def risk_threshold(losses: FrameSteps, limit: float, largest: float = 1.0) -> float | None:
    """The lowest threshold from which on the next frame's loss is at most `limit` on average.

    Conformal risk control: F / (F + 1) R(z) + B / (F + 1) <= limit, R being the mean loss.

    Parameters
    ----------
    losses : FrameSteps
        In [0, B]. Of each frame the envelope is taken, its largest loss at z or above.
    limit : float
    largest : float
        B, declared beforehand.

    Returns
    -------
    float or None
        `-inf` where every threshold will do; None where none does: that takes F >= B / limit - 1
        frames.

    References
    ----------
    Angelopoulos et al.: Conformal Risk Control. 2024.

    Examples
    --------
    >>> frame = FrameSteps([np.array([0.2, 0.6])] * 9, [np.array([1.0, 0.5, 0.0])] * 9)
    >>> risk_threshold(frame, 0.1), risk_threshold(frame, 0.55)
    (0.6, 0.2)
    """
    frames = losses.frames
    allowed = limit * (frames + 1) - largest  # of the sum of losses
    envelope = losses.falling()
    start = float(sum(envelope.at(np.inf)))
    if start > allowed:
        return None
    events = envelope.ascending.downwards(np.inf)
    sums = start + np.cumsum(events.after - events.before)
    distinct = np.append(events.scores[1:] != events.scores[:-1], True)[: sums.size]
    for place in np.flatnonzero(distinct & (sums > allowed - NEAR)):
        below = np.nextafter(events.scores[place], -np.inf)
        if sums[place] > allowed + NEAR or fsum(envelope.at(below)) > allowed:
            return float(events.scores[place])
    return -np.inf


def frames_for_next(rate: float, largest: float = 1.0) -> int | None:
    """How many frames a conformal rule takes: F >= B / rate - 1.

    Examples
    --------
    >>> frames_for_next(0.05), frames_for_next(0.0)
    (19, None)
    """
    return None if rate <= 0 else max(1, floor(largest / rate - 1 - NEAR) + 1)
