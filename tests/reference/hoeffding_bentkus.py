"""A bound on the mean that certificates are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdmkit.uncertainty.p_values import Values, at_most, divergence


@dataclass(frozen=True)
class HoeffdingBentkus:
    """The smaller of Hoeffding's and Bentkus' bounds, kept to compare with.

    References
    ----------
    Bates et al.: Distribution-Free, Risk-Controlling Prediction Sets. 2021.
    """

    bound: float
    name = "hoeffding-bentkus"

    def parts(self, x: Values) -> Values:
        return x[..., None]

    def p(self, sums: Values, frames: int) -> Values:
        mean = np.clip(sums[..., 0] / frames, 0, 1)
        hoeffding = np.exp(frames * divergence(mean, self.bound))
        losses = np.ceil(frames - sums[..., 0] - 1e-9)  # a sum that is whole, but for rounding
        bentkus = np.e * at_most(np.clip(losses, 0, frames), frames, 1 - self.bound)
        return np.asarray(np.minimum(1, np.minimum(hoeffding, bentkus)))

    def log_growth(self, sums: Values, frames: int) -> Values:
        return -frames * np.atleast_1d(divergence(sums[..., :1] / frames, self.bound))
