"""Ground-truth components by 8-connectivity: runs of anomalous pixels, joined row by row.

NO VALIDATION HERE. On entry must hold: `labels` is uint8, (H, W), `code` at anomalous pixels;
`runs` (N, 3), `parent` and `sizes` (N,) have an entry for each run of anomalous pixels of a row.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inlined_kernel, inner_kernel, kernel

START, STOP, NAME = range(3)  # of a run: places in the flat frame, and its component


@inlined_kernel
def find(parent, i):
    """Root of i, halving the path."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@inner_kernel
def join_above(first, stop, right, runs, parent):
    """Join the components of runs first..stop - 1 that start at `right` at most; -1: none does."""
    name = -1
    for j in range(first, stop):
        if runs[j, START] > right:
            break
        root = find(parent, runs[j, NAME])
        if name >= 0:
            parent[max(name, root)] = min(name, root)
            root = min(name, root)
        name = root
    return name


@kernel
def count_runs(labels, code, runs):
    """Number of runs of anomalous pixels in each row, to `runs` (H,); returns their sum."""
    total = 0
    for y in range(labels.shape[0]):
        row = labels[y]
        count = np.int32(row[0] == code)
        for x in range(1, row.size):  # no run is carried along: one vector loop
            count += np.int32((row[x] == code) & (row[x - 1] != code))
        runs[y] = count
        total += count
    return total


@kernel
def label_runs(labels, code, in_row, runs, parent, sizes):
    """List the runs with a name of their component each; returns how many names there are.

    `in_row` is what `count_runs` wrote. `parent` leads to one name of each component, which comes
    first; `sizes` counts by name.
    """
    height, width = labels.shape
    n = names = above = 0
    for y in range(height):
        first = n
        x = 0
        while n - first < in_row[y]:
            if labels[y, x] != code:
                x += 1
                continue
            start = x
            while x < width and labels[y, x] == code:
                x += 1
            up = (y - 1) * width
            while above < first and runs[above, STOP] < up + start:
                above += 1
            # a run that ends at `start` or starts at `x` is a diagonal neighbour
            name = join_above(above, first, up + x, runs, parent)
            if name < 0:
                name = names
                parent[name] = name
                sizes[name] = 0
                names += 1
            runs[n, START], runs[n, STOP], runs[n, NAME] = y * width + start, y * width + x, name
            sizes[name] += x - start
            n += 1
        above = first
    for name in range(names):
        root = find(parent, name)
        if root != name:
            sizes[root] += sizes[name]
            sizes[name] = 0
    return names


@kernel
def name_anew(runs, parent, codes):
    """Replace the names by the code of their component."""
    for i in range(runs.shape[0]):
        runs[i, NAME] = codes[find(parent, runs[i, NAME])]
