"""Levels: distinct scores of anomalous pixels in descending order, with the counts between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.types import Array

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Levels:
    """Distinct scores of anomalous pixels in descending order, a stretch of them.

    Attributes
    ----------
    keys : ndarray, shape (n,)
        The scores, or what is ordered like them.
    anomalous, normal : ndarray of int64, shape (n,)
        Pixels of each.
    between : ndarray of int64, shape (n,)
        Normal pixels above each and below the one before.
    before : (int, int)
        TP and FP of the prediction that ends with the last score of the stretch before.
    """

    keys: Array
    anomalous: Counts
    normal: Counts
    between: Counts
    before: tuple[int, int]

    @cached_property
    def true(self) -> Counts:
        """TP of the predictions A >= score, shape (n,)."""
        return self.before[0] + np.cumsum(self.anomalous)

    @cached_property
    def false(self) -> Counts:
        """FP of the predictions A >= score, shape (n,)."""
        return self.before[1] + np.cumsum(self.between + self.normal)
