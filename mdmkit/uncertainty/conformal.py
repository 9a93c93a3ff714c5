"""Conformal rules: promises for the next frame, on average over sets of frames.

Each is for one requirement, and asks for exchangeable frames only.
"""

from __future__ import annotations

from math import floor, fsum

import numpy as np

from mdmkit.uncertainty.certificates import FrameSteps, Run

#: Sums that decide nearer than this to the limit are computed anew.
NEAR = 1e-9
#: A sum that is farther than this above what is allowed exceeds it: 0.07 * 100 is not 7.
TINY = 1e-10


def risk_run(
    losses: FrameSteps,
    limit: float,
    *,
    largest: float = 1.0,
    up: bool = False,
    strict: bool = False,
) -> Run | None:
    """The range of thresholds at which the next frame's loss is at most `limit` on average.

    Conformal risk control: F / (F + 1) R(z) + B / (F + 1) <= limit, R being the mean loss. Of
    losses of 0 and 1 that fall at the level of each frame it gives the k-th smallest level, k =
    ceil((1 - limit) (F + 1)), above which the next level lies with a probability of at most
    `limit` (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005).

    Parameters
    ----------
    losses : FrameSteps
        In [0, B]. Of each frame the envelope is taken: its largest loss from the safe end to z.
    limit : float
    largest : float
        B, declared beforehand.
    up : bool
        Whether losses rise with the threshold, so that the prediction of everything is the safe
        end; else it is that of nothing.
    strict : bool
        Below `limit` rather than at most.

    Returns
    -------
    (float, float) or None
        [low, inf) or, upwards, [-inf, high); None where no threshold will do: that takes
        F >= B / limit - 1 frames.

    References
    ----------
    Angelopoulos et al.: Conformal Risk Control. 2024.

    Examples
    --------
    >>> frame = FrameSteps([np.array([0.2, 0.6])] * 9, [np.array([1.0, 0.5, 0.0])] * 9)
    >>> risk_run(frame, 0.1), risk_run(frame, 0.55)
    ((0.6, inf), (0.2, inf))
    """
    allowed = limit * (losses.frames + 1) - largest  # of the sum of losses
    envelope = losses.rising() if up else losses.falling()
    safe = -np.inf if up else np.inf

    def fails(total: float) -> bool:
        return total > allowed + (-TINY if strict else TINY)

    start = fsum(envelope.at(safe))
    if fails(start):
        return None
    events = envelope.ascending.upwards(safe) if up else envelope.ascending.downwards(safe)
    sums = start + np.cumsum(events.after - events.before)
    distinct = np.append(events.scores[1:] != events.scores[:-1], True)[: sums.size]
    for place in np.flatnonzero(distinct & (sums > allowed - NEAR)):
        score = float(events.scores[place])
        beyond = score if up else float(np.nextafter(score, -np.inf))
        if sums[place] > allowed + NEAR or fails(fsum(envelope.at(beyond))):
            return (-np.inf, score) if up else (score, np.inf)
    return -np.inf, np.inf


def frames_for_next(rate: float, largest: float = 1.0) -> int | None:
    """Number of frames that a conformal rule takes: F >= B / rate - 1.

    Examples
    --------
    >>> frames_for_next(0.05), frames_for_next(0.0)
    (19, None)
    """
    return None if rate <= 0 else max(1, floor(largest / rate - 1 - NEAR) + 1)
