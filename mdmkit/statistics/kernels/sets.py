"""Counts of frames summed up for many sets of frames.

NO VALIDATION HERE. On entry must hold: `counts` (F, n) and `times` (R, F) are uint32, a row of
either lies in one piece; `sums` (R, n) is int64, and its entries never reach 2^63.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import kernel

_CHUNK = 1024  # columns at a time: those of a set of ten frames stay in the first cache


@kernel
def add_sets(counts, times, sums, anew):
    """Add to the sums of each set, or to 0, the counts of each frame as often as the set has it.

    Four frames at a time, as each sum is then read and written a quarter as often.
    """
    drawn = np.empty(times.shape[1], np.intp)
    for start in range(0, sums.shape[1], _CHUNK):
        stop = min(start + _CHUNK, sums.shape[1])
        for r in range(times.shape[0]):
            row, n = sums[r, start:stop], 0
            if anew:
                row[:] = 0
            for frame in range(times.shape[1]):
                drawn[n] = frame
                n += times[r, frame] > 0
            for k in range(0, n - 3, 4):
                a, b, c, d = drawn[k : k + 4]
                ta, tb = np.int64(times[r, a]), np.int64(times[r, b])
                tc, td = np.int64(times[r, c]), np.int64(times[r, d])
                at, bt = counts[a, start:stop], counts[b, start:stop]
                ct, dt = counts[c, start:stop], counts[d, start:stop]
                for i in range(row.size):
                    row[i] += ta * np.int64(at[i]) + tb * np.int64(bt[i])
                    row[i] += tc * np.int64(ct[i]) + td * np.int64(dt[i])
            for k in range(n - n % 4, n):
                last, times_of = counts[drawn[k], start:stop], np.int64(times[r, drawn[k]])
                for i in range(row.size):
                    row[i] += times_of * np.int64(last[i])
