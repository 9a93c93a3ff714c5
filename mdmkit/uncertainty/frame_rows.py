"""Counts of one frame at bin edges as a row of integers, and back."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.exact_sums import LIMBS, in_digits, of_digits
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.binned_steps import BinnedSteps
from mdmkit.statistics.components import QUALITIES
from mdmkit.statistics.kinds import of_components, unchanged
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.statistics.stepped_counts import BinnedCounts, CountedStatistic

Integers = NDArray[np.int64]
Binned = PixelBins | BinnedComponents | BinnedCounts

#: Of one frame and statistic: smallest and largest score, targets, the largest one's pixels, and
#: the pixels of the frame, ignored ones among them.
FACTS = 5
#: Sums of sIoU and PPV in digits, the number of predictions, two counts at each quality.
COMPONENT_COLUMNS = 2 * (LIMBS + 1) + 1 + 2 * QUALITIES.size
#: Counts of weights are cut in two: up to 2^17 whole regions per frame.
HALF = 1 << 28


def columns_of(statistic: Any) -> int:
    """Columns of a row, of `m + 1` numbers each."""
    inner = unchanged(statistic)
    if isinstance(inner, CountedStatistic):
        return 2 * inner.ends + inner.sizes + 1
    return COMPONENT_COLUMNS if of_components(statistic) else 2


def parts_of(binned: BinnedComponents | BinnedCounts) -> tuple[BinnedSteps, ...]:
    """The steps that binned counts are made of."""
    if isinstance(binned, BinnedCounts):
        return (binned.ends,)
    return binned.siou, binned.ppv, binned.hits


def packed(binned: Binned) -> NDArray[np.uint32]:
    """One frame's totals as a row: column after column."""
    if isinstance(binned, BinnedCounts):
        high, low = np.divmod(binned.ends.totals, HALF)
        constants = np.append(binned.sizes, binned.anomalous)
        totals = np.hstack([high, low, np.broadcast_to(constants, (len(low), constants.size))])
    elif isinstance(binned, BinnedComponents):
        ppv = binned.ppv.totals
        parts = [in_digits(binned.siou.totals), in_digits(ppv[:, :LIMBS]), ppv[:, LIMBS:]]
        totals = np.hstack([*parts, binned.hits.totals])
    else:
        totals = binned.totals
    return np.asarray(totals.T.ravel().astype(np.uint32))


def spreads_of(binned: Binned) -> Integers | None:
    """How far one frame's totals move within bins, as a row; of pixels they only fall."""
    if isinstance(binned, PixelBins):
        return None
    columns = [spread for part in parts_of(binned) for spread in (part.dips, part.rises)]
    return np.asarray(np.hstack(columns).T.ravel())


def facts_of(binned: Binned, pixels: int) -> tuple[float, float, int, int, int]:
    """What else is to be known of one frame with so many pixels."""
    if isinstance(binned, BinnedCounts):
        return binned.ends.smallest, binned.ends.largest, 0, 0, pixels
    if isinstance(binned, BinnedComponents):
        return binned.siou.smallest, binned.siou.largest, binned.targets, binned.largest, pixels
    return float(binned.least.min()), float(binned.greatest.max()), 0, 0, pixels


def unpacked(
    whole: Binned,
    row: Integers,
    targets: int,
    largest: int,
    extremes: tuple[float, float],
    spreads: Integers | None = None,
) -> Binned:
    """Make binned counts of a row, or of a sum of rows, and of the binned counts of all frames.

    Parameters
    ----------
    whole : PixelBins, BinnedComponents or BinnedCounts
    row : ndarray of int64, shape (k (m + 1),)
    targets, largest, extremes
        Ground-truth components, pixels of the largest of them, least and greatest score.
    spreads : ndarray of int64, optional
        As `spreads_of` gives them; without them totals are taken to stay as they are within bins.
    """
    if isinstance(whole, PixelBins):
        totals = columns(row, 2)
        counts = -np.diff(totals, axis=0, append=np.zeros((1, 2), np.int64))
        return replace(whole, counts=counts)
    bins = len(parts_of(whole)[0].totals)
    totals = columns(row, row.size // bins)
    known = None if spreads is None else columns(spreads, spreads.size // bins)
    if isinstance(whole, BinnedCounts):
        ends = whole.ends.totals.shape[1]
        high, low, constants = np.split(totals, [ends, 2 * ends], axis=1)
        *sizes, anomalous = constants[0].tolist()
        (steps,) = _steps(whole, (high * HALF + low,), extremes, known)
        return BinnedCounts(steps, np.array(sizes, np.int64), anomalous, whole.paired)
    parts: Any = _steps(whole, _columns(totals), extremes, known)
    return BinnedComponents(whole.sizes, targets, largest, *parts)


def columns(row: Integers, count: int) -> Integers:
    """The columns of a row, shape (m + 1, count)."""
    return np.asarray(row.reshape(count, -1).T)


def _columns(totals: Integers) -> tuple[Integers, ...]:
    """Totals of sIoU, PPV and hits from columns of digits."""
    end = LIMBS + 1
    ppv = totals[:, end : 2 * end + 1]  # digits, and the number of predictions
    return of_digits(totals[:, :end]), of_digits(ppv), totals[:, 2 * end + 1 :]


def _steps(
    whole: BinnedComponents | BinnedCounts,
    totals: tuple[Integers, ...],
    extremes: tuple[float, float],
    spreads: Integers | None,
) -> list[BinnedSteps]:
    found, place = [], 0
    for part, own in zip(parts_of(whole), totals, strict=True):
        columns = part.dips.shape[1]
        if spreads is None:
            dips = rises = _nothing(part.dips.shape)
        else:
            dips = spreads[:, place : place + columns]
            rises = spreads[:, place + columns : place + 2 * columns]
        found.append(type(part)(own, dips, rises, *extremes))
        place += 2 * columns
    return found


@lru_cache(maxsize=8)
def _nothing(shape: tuple[int, ...]) -> Integers:
    return np.broadcast_to(np.int64(0), shape)
