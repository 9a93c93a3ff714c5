"""Ground-truth components by 8-connectivity, written in the layout that the sweep wants.

NO VALIDATION HERE. On entry must hold: `classes` is uint8, (H, W); `label` has a row above and below
and one column to the right, flat, and is -1 throughout; `parent` and `sizes` have an entry for each
anomalous pixel that has no anomalous neighbour before it.
"""

from __future__ import annotations

from mdmkit.statistics.kernels import inner_kernel, kernel
from mdmkit.statistics.kernels.joining import find
from mdmkit.statistics.kernels.sorting import ANOMALOUS


@inner_kernel
def join_before(q, stride, label, parent):
    """A component among the four neighbours before q, two being joined where q does; -1: none."""
    above, diagonal = label[q - stride], label[q - stride + 1]
    if above >= 0:  # a neighbour of all the others
        return above
    behind = label[q - 1] if label[q - 1] >= 0 else label[q - stride - 1]
    if diagonal < 0 or behind < 0:
        return max(diagonal, behind)
    a, b = find(parent, diagonal), find(parent, behind)
    parent[max(a, b)] = min(a, b)
    return min(a, b)


@kernel
def label_components(classes, label, parent, sizes):
    """Name a component at each anomalous pixel; returns how many names there are.

    `parent` leads to one name of each component, which comes first; `sizes` counts by name.
    """
    height, width = classes.shape
    stride = width + 1
    names = 0
    for y in range(height):
        for x in range(width):
            if classes[y, x] != ANOMALOUS:
                continue
            q = (y + 1) * stride + x + 1
            name = join_before(q, stride, label, parent)
            if name < 0:
                name = names
                parent[name] = name
                sizes[name] = 0
                names += 1
            sizes[name] += 1
            label[q] = name
    for name in range(names):
        root = find(parent, name)
        if root != name:
            sizes[root] += sizes[name]
            sizes[name] = 0
    return names


@kernel
def name_anew(label, parent, codes):
    """Replace the names by the code of their component."""
    for q in range(label.size):
        if label[q] >= 0:
            label[q] = codes[find(parent, label[q])]
