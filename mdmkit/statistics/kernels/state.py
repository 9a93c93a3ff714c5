"""State of the union-find sweep over pixels in descending score: few arrays with named columns.

NO VALIDATION HERE. A sweep reads `Records` (see `basins` beside this) rank by rank: ranks descend
in score; within a rank pixels come in the order of the frame.

Invariants at the end of a rank:
- the pixels seen so far form the predicted components, by 8-connectivity; each has one root among
  the basins of its pixels;
- a component is KEPT once it has `min_prediction` pixels (those of too-small targets included) and
  one that is not in a too-small target;
- a kept component without anomalous pixels is counted in FALSE at once; one with anomalous pixels
  has a row in `touching`, counted in ROWS_KEPT, and a node for each target that it touches;
- COVERED of target g = its pixels in kept components;
- BEYOND of g = the sum over its nodes of PASSED, each at most the normal pixels of its component;
- a target is dead once PIXELS / (PIXELS + BEYOND) is below the lowest quality: it is a false
  negative for ever, as BEYOND never falls. A live target has fewer than 3 normal pixels a pixel
  of its own around it, so passing normal pixels on to LIVE nodes in every rank is O(pixels) in
  all; DEAD nodes, which a huge component has by the thousand, are served late: only before sums
  are recorded;
- hence TP, FP, FOUND and the numbers of components are exact at every rank that is settled, the
  sums of sIoU and PPV where what was put off is settled, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.exact_sums import LIMBS

SMALL = -2  # class of a pixel in a ground-truth component too small to count
NONE = -1
FOREVER = 2**31 - 1

# flags of a rank: totals are recorded at its end; bounds of a bin start anew there; only numbers of
# components are recorded there, if they changed
RECORD, RESTART, COUNT = 1, 2, 4
# tree, by basin: the one it was joined to; at a root ~(size << SIZE_SHIFT | KEPT | MIXED), so that
# most pixels touch no other memory. MIXED: some of its pixels are in a ground-truth component
MIXED, KEPT, SIZE_SHIFT = 1, 2, 2
# predicted, by component: if MIXED, pixels that are not normal, and its row of `touching`; if KEPT,
# since when
MARKED_PIXELS, TOUCHING, SINCE = range(3)
# touching, by component with anomalous pixels: those; first live and dead node; number of nodes;
# normal pixels last passed on to live ones; queued?; normal pixels up to which nothing is urgent;
# counted in PPV?, and number of qualities that its PPV reached; the component; anomalous and normal
# pixels as counted; rows counted that it took in since
ANOMALOUS, LIVE, DEAD, NODES, SERVED, URGENT, LATE, CALM, COUNTED, RANK, ROOT = range(11)
WAS_ANOMALOUS, WAS_PLAIN, TAKEN_IN = range(11, 14)
# nodes, one a component and target: row of `touching`, target; pixels; normal ones passed on; next
OWNER, TARGET, COUNT_OF, PASSED, NEXT = range(5)
# targets: pixels, those covered, normal pixels of touching components; queued?; dead?; number of
# qualities reached by sIoU, and by the covered share; number of the bin, and covered pixels and
# union when that bin began
PIXELS, COVERED, BEYOND, QUEUED, IS_DEAD, REACHED, FOUND, BIN, WAS_COVERED, WAS_UNION = range(10)
# totals: limbs of the sums of sIoU and of PPV, predicted components; then, for each quality, TP, FP
# of those that touch a target (FALSE ones are FP at every quality) and targets found
SIOU, PPV, PREDICTED, TP = 0, LIMBS, 2 * LIMBS, 2 * LIMBS + 1
# counters: rows of touching and nodes in use, first free node; entries of the queues; number of the
# bin; did TP, FP or FOUND change?; kept components without anomalous pixels; rows
# written; first rank to come; pixels since the last row
ROWS, NODES_USED, FREE, N_URGENT, N_LATE, N_TARGETS, N_MOVED, BIN_NOW = range(8)
HIT, FALSE, N_SUMS, N_HITS, NEXT_RANK, PENDING = range(8, 14)
# of bounds (see `bounds` beside this): kept components that touch a target; number of the part of a
# bin; kept components when it began; those of then that merged since; pixels that joined kept
# components since, unkept components that did, new pixels apart from all of before; anomalous ones
# among what joined; false components that touch a target now; range of the number of components in
# this bin, and how many may touch a target without having been counted when it began
ROWS_KEPT, PART, HELD, MERGED, FRESH, SWALLOWED, SEEDS, STAINED, TURNED = range(14, 23)
FEWEST, MOST, UPSTARTS = range(23, 26)
COUNTERS = 26
PREDICTED_COLUMNS, TOUCHING_COLUMNS, NODE_COLUMNS, TARGET_COLUMNS = 3, 14, 5, 10


class Records(NamedTuple):
    """The pixels of a frame in the order of the sweep; see `mdmkit.statistics.kernels.basins`."""

    words: NDArray[np.uint32]
    starts: NDArray[np.int32]  # of the words of each rank
    ends: NDArray[np.int32]
    flags: NDArray[np.uint8]


class State(NamedTuple):
    """Arrays that the sweep works on, made once a frame."""

    tree: NDArray[np.int32]
    predicted: NDArray[np.int32]
    touching: NDArray[np.int32]
    ratios: NDArray[np.float64]  # PPV as counted, by row of `touching`
    nodes: NDArray[np.int32]
    table: NDArray[np.int32]  # nodes by hash
    targets: NDArray[np.int64]
    sious: NDArray[np.float64]  # sIoU as counted, by target
    target_queue: NDArray[np.int32]
    queue: NDArray[np.int32]
    totals: NDArray[np.int64]
    counters: NDArray[np.int64]
    spread: NDArray[np.int64]  # bounds since the bin began
    qualities: NDArray[np.float64]
    min_prediction: int

    @classmethod
    def of(
        cls,
        births: int,
        apart: int,
        sizes: NDArray[np.int64],
        min_prediction: int,
        qualities: NDArray[np.float64],
    ) -> State:
        """Before the first pixel.

        Parameters
        ----------
        births : int
            Basins.
        apart : int
            Pixels of the frame of which no two are neighbours, at most: the first pixels of nodes
            are such.
        sizes : ndarray of int64, shape (K + 1,)
            Pixels of each target; entry 0 is 0.
        min_prediction : int
        qualities : ndarray of float64, shape (Q,)
            Thresholds on sIoU, PPV and the covered share, ascending.
        """
        nodes = min(apart, int(sizes.sum()))
        rows = min(births, nodes)
        targets = np.zeros((sizes.size, TARGET_COLUMNS), np.int64)
        targets[:, PIXELS] = sizes
        predicted = np.zeros((births, PREDICTED_COLUMNS), np.int32)
        predicted[:, TOUCHING] = NONE
        counters = np.zeros(COUNTERS, np.int64)
        counters[FREE] = NONE
        counters[[BIN_NOW, N_HITS, PART]] = 1
        return cls(
            tree=np.full(births, ~0, np.int32),
            predicted=predicted,
            touching=np.empty((rows, TOUCHING_COLUMNS), np.int32),
            ratios=np.empty(rows),
            nodes=np.empty((nodes, NODE_COLUMNS), np.int32),
            table=np.full(2 ** max(1, (2 * nodes - 1).bit_length()), NONE, np.int32),
            targets=targets,
            sious=np.zeros(sizes.size),
            target_queue=np.empty((2, sizes.size), np.int32),
            queue=np.empty((2, rows), np.int32),
            totals=np.zeros(TP + 3 * qualities.size, np.int64),
            counters=counters,
            spread=np.zeros((2, 3 + 2 * qualities.size), np.int64),
            qualities=qualities,
            min_prediction=min_prediction,
        )
