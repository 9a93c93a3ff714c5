"""Keys of scores on the device that holds them: bins by arithmetic and a table, not by search."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mdmkit.integrations.histogram import EDGES, keys_at
from mdmkit.statistics.edges import UNIT_BINS

#: Keys of scores, as in `Histogram`: two for each bin, the first and the last of which hold what is
#: outside [0, 1].
KEYS = 2 * (EDGES.size + 1)
ABOVE = KEYS - 2
#: Scores below it, and above 1 minus it, are told apart by their leading bits.
_NEAR = 1 / 16
_LEADING = 11  # bits behind the leading one: no edge near 0, or at 1 minus such a one, has more
_CODES = 2 * ((127 - 4) << _LEADING)  # of floats up to _NEAR: twice their leading bits


def keys_of(values: Tensor) -> Tensor:
    """Keys of float32 or float64 scores, as int64; `ABOVE` for NaN and what is not in [0, 1].

    A code tells whether a score is a point of a lattice, 2 i, or between two of them, 2 i + 1. All
    edges are points of the lattice that stands around them.
    """
    unit = values.clamp(0, 1).nan_to_num_(nan=1) + 0.0  # -0.0 becomes 0.0
    place = unit * UNIT_BINS
    codes = (place.ceil() + place.floor_()).to(torch.int32).add_(_CODES + 2)
    codes = torch.where(unit < _NEAR, _leading(unit), codes)
    codes = torch.where(unit > 1 - _NEAR, _TABLE.size - 1 - _leading(1 - unit), codes)
    keys = _table(values.device).index_select(0, codes)
    return keys.masked_fill_(~((values >= 0) & (values <= 1)), ABOVE)


def _leading(unit: Tensor) -> Tensor:
    """Codes of floats in [0, 1] by their leading bits; those below 2^-126 have that of its like."""
    single = unit.dtype == torch.float32
    bits = unit.view(torch.int32 if single else torch.int64)
    dropped = (23 if single else 52) - _LEADING
    first = 0 if single else (1023 - 127) << _LEADING
    low = (bits >> dropped).sub_(first).clamp_(min=0)
    high = ((bits + ((1 << dropped) - 1)) >> dropped).sub_(first).clamp_(min=0)
    return low.add_(torch.maximum(high, (bits > 0).to(bits.dtype))).to(torch.int32)


def _tabled() -> NDArray[np.int64]:
    """The key of each code: near 0, in the middle, near 1 from 1 downwards."""
    leading = np.arange(_CODES // 2 + 1, dtype=np.uint32) << np.uint32(23 - _LEADING)
    low = leading.view(np.float32).astype(np.float64)
    middle = np.arange(UNIT_BINS + 1) / UNIT_BINS
    near_0, between = (
        np.stack([keys_at(at), 2 * np.searchsorted(EDGES, at, side="right")], axis=1).ravel()
        for at in (low, middle)
    )
    near_1 = np.stack([keys_at(1 - low), 2 * np.searchsorted(EDGES, 1 - low)], axis=1).ravel()
    return np.concatenate([near_0, between, near_1[::-1]])


_TABLE = _tabled()


@lru_cache(maxsize=8)
def _table(device: torch.device) -> Tensor:
    return torch.from_numpy(_TABLE).to(device)
