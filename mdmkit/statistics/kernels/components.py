"""Component statistics at the thresholds that matter: union-find over pixels in descending score.

NO VALIDATION HERE. On entry must hold what `mdmkit.statistics.kernels.state` asks for.

A rank whose flags have
- RECORD has a row of sums, and one of numbers where these changed; with bounds on all totals since
  the last RECORD or RESTART if they are asked for: see `mdmkit.statistics.kernels.bounds`;
- COUNT has a row of numbers where these changed, which is cheaper as no sum need be right.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import borrowed, inlined_kernel, inner_kernel, kernel
from mdmkit.statistics.kernels.bounds import (
    begin_bin,
    bound_components,
    bound_targets,
    end_part,
    write_bounds,
)
from mdmkit.statistics.kernels.joining import join_pixels
from mdmkit.statistics.kernels.state import (
    BEYOND,
    COUNT,
    COVERED,
    FALSE,
    HIT,
    N_HITS,
    N_SUMS,
    N_TARGETS,
    N_URGENT,
    NEXT_RANK,
    PENDING,
    PREDICTED,
    RECORD,
    RESTART,
    TP,
)
from mdmkit.statistics.kernels.updating import count_targets, serve, settle


@inlined_kernel
def record_sums(rank, sums, s):
    """Write a row of sums."""
    row = s.counters[N_SUMS]
    sums[row, 0] = rank
    for i in range(PREDICTED):
        sums[row, 1 + i] = s.totals[i]
    sums[row, 1 + PREDICTED] = s.totals[PREDICTED] + s.counters[FALSE]
    s.counters[N_SUMS] += 1


@inlined_kernel
def record_hits(rank, hits, s):
    """Write a row of TP, FP and, if there is room, FOUND where they differ from the latest."""
    row, n = s.counters[N_HITS], s.qualities.size
    differ = False
    for i in range(hits.shape[1] - 1):
        value = s.totals[TP + i] + (s.counters[FALSE] if n <= i < 2 * n else 0)
        differ |= hits[row - 1, 1 + i] != value
        hits[row, 1 + i] = value
    if differ:
        hits[row, 0] = rank
        s.counters[N_HITS] += 1


@inner_kernel
def count_rank(rank, false, hits, s):
    """Record numbers of components, if any can have changed since there were `false` ones."""
    if s.counters[N_URGENT] > 0 or s.counters[HIT] != 0 or s.counters[FALSE] != false:
        settle(False, s)
        s.counters[HIT] = 0
        record_hits(rank, hits, s)


@inlined_kernel
def end_rank(rank, flag, sums, hits, bounds, hit_bounds, s):
    """Count, bound and record at the end of a rank what its flags ask for."""
    bins = bounds.shape[0] > 0
    if bins and flag & RESTART == 0:
        bound_components(s)
    settle(True, s)
    if flag & RESTART:
        begin_bin(s)
        bound_components(s)
    if flag & RECORD:
        if bins:
            bound_targets(s)
            write_bounds(s.counters[N_SUMS], bounds, hit_bounds, s)
        record_sums(rank, sums, s)
        record_hits(rank, hits, s)
        s.counters[PENDING] = 0
    if bins:
        begin_bin(s)


@kernel
def sweep_ranks(records, state, sums, hits, bounds, hit_bounds):
    """Sweep on until all ranks are seen, or there is no room for a row; whether all are."""
    records, s = borrowed(records), borrowed(state)
    sums, hits, bounds = borrowed(sums), borrowed(hits), borrowed(bounds)
    hit_bounds = borrowed(hit_bounds)
    counters = s.counters
    for rank in range(counters[NEXT_RANK], records.ends.size):
        if counters[N_SUMS] == sums.shape[0] or counters[N_HITS] == hits.shape[0]:
            counters[NEXT_RANK] = rank
            return False
        flag, false = records.flags[rank], counters[FALSE]
        start, stop = records.starts[rank], records.ends[rank]
        if start < stop:
            join_pixels(start, stop, records.words, s)
            counters[PENDING] = 1
            if bounds.shape[0] > 0:
                end_part(s)
        elif flag & RECORD == 0 or counters[PENDING] == 0:
            continue  # without pixels there is nothing to record
        if flag & COUNT:
            count_rank(rank, false, hits, s)
        elif flag:
            end_rank(rank, flag, sums, hits, bounds, hit_bounds, s)
    return True


def sweep(records, state, bins=False, found=False):
    """Totals at the ranks asked for.

    Returns sums (M, 8): rank, limbs of sIoU, limbs of PPV, number of predicted components; hits
    (N, 1 + 2 Q) where TP or FP changed: rank, TP and FP (and, with `found`, FOUND); with `bins`
    bounds (M, 6), low and high of the sums of sIoU and PPV (in 2^-40) and of that number, and
    (M, 4 Q) low and high of TP and FP.
    """
    n, rows = state.qualities.size, int(np.count_nonzero(records.flags & RECORD))
    sums = np.empty((rows + 1, PREDICTED + 2), np.int64)
    hits = np.zeros((64, 1 + (3 if found else 2) * n), np.int32)
    bounds = np.empty((rows + 1 if bins else 0, 6), np.int64)
    hit_bounds = np.empty((len(bounds), 4 * n), np.int32)
    while not sweep_ranks(records, state, sums, hits, bounds, hit_bounds):
        hits = np.concatenate([hits, np.zeros_like(hits)])
    filled = state.counters[N_SUMS]
    return sums[:filled], hits[1 : state.counters[N_HITS]], bounds[:filled], hit_bounds[:filled]


@inner_kernel
def record_targets(rank, rows, s):
    """Write a row for each target whose pixels, covered or beyond, may have changed."""
    for i in range(s.counters[N_TARGETS]):
        g, n = s.target_queue[0, i], s.counters[N_SUMS]
        rows[n, 0], rows[n, 1] = g, rank
        rows[n, 2], rows[n, 3] = s.targets[g, COVERED], s.targets[g, BEYOND]
        s.counters[N_SUMS] += 1


@kernel
def sweep_targets(records, state, rows):
    """Sweep on until all ranks are seen, or there is no room for every target; whether all are."""
    records, s, rows = borrowed(records), borrowed(state), borrowed(rows)
    for rank in range(s.counters[NEXT_RANK], records.ends.size):
        if rows.shape[0] - s.counters[N_SUMS] < s.sious.size:
            s.counters[NEXT_RANK] = rank
            return False
        join_pixels(records.starts[rank], records.ends[rank], records.words, s)
        serve(True, s)
        record_targets(rank, rows, s)
        count_targets(s)
    return True
