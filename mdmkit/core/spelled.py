"""Numbers as names spell them."""

from __future__ import annotations

import numpy as np


def spelled(value: float) -> str:
    """The shortest text that is read back as the same number.

    Examples
    --------
    >>> [spelled(value) for value in (300.0, 0.3, 1e-5, 2.5e-4, float("inf"))]
    ['300', '0.3', '1e-5', '2.5e-4', 'inf']
    """
    if np.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if 0 < abs(value) < 1e-3:
        return np.format_float_scientific(value, trim="-", exp_digits=1)
    return repr(float(value))
