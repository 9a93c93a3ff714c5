"""Rows of a sweep over bins as totals of every bin, with how far they may dip and rise within it.

NO VALIDATION HERE. On entry must hold: `bins` (M,) descend, one a row of `sums`, `bounds` and
`hit_bounds` of the sweep; the tables have a row for each bin.
"""

from __future__ import annotations

from mdmkit.core.exact_sums import LIMBS, UNIT_BITS
from mdmkit.statistics.kernels import inner_kernel, kernel
from mdmkit.statistics.kernels.bounds import fixed

_FINER = 40 - UNIT_BITS  # the sweep bounds sums in units of 2^-40


@inner_kernel
def fill_sum(b, totals, low, high, table, dips, rises):
    """Write three limbs into a bin of a table, and how far they may dip and rise."""
    known = fixed(totals, 0) >> _FINER
    for i in range(LIMBS):
        table[b, i] = totals[i]
    dips[b, 0] = known + 1 - (low >> _FINER)
    rises[b, 0] = (high >> _FINER) + 1 - known


@inner_kernel
def copy_bin(source, b, siou, ppv, hits):
    """Write into bin b the totals of another one, between whose lower end and b nothing joins."""
    for table in (siou[0], ppv[0], hits[0]):
        for i in range(table.shape[1]):
            table[b, i] = table[source, i]


@kernel
def fill_bins(bins, sums, hit_rows, bounds, hit_bounds, siou, ppv, hits):
    """Fill (totals, dips, rises) of the sums of sIoU and PPV and of TP and FP, highest bin first.

    The tables hold zeros.
    """
    end, n, h = siou[0].shape[0], hits[0].shape[1], 0
    above = end
    for row in range(bins.size + 1):
        b = bins[row] if row < bins.size else -1
        if above < end:
            for between in range(b + 1, above):
                copy_bin(above, between, siou, ppv, hits)
        if b < 0:
            break
        while h < hit_rows.shape[0] and hit_rows[h, 0] <= sums[row, 0]:
            h += 1
        fill_sum(b, sums[row, 1:], bounds[row, 0], bounds[row, 3], *siou)
        fill_sum(b, sums[row, 1 + LIMBS :], bounds[row, 1], bounds[row, 4], *ppv)
        number = sums[row, 1 + 2 * LIMBS]
        ppv[0][b, LIMBS] = number
        ppv[1][b, 1], ppv[2][b, 1] = number - bounds[row, 2], bounds[row, 5] - number
        for i in range(n):
            value = hit_rows[h - 1, 1 + i] if h > 0 else 0
            hits[0][b, i] = value
            hits[1][b, i] = value - hit_bounds[row, i]
            hits[2][b, i] = hit_bounds[row, n + i] - value
        above = b
