"""State of the union-find sweep over pixels in descending score: few arrays with named columns.

NO VALIDATION HERE. On entry to the sweep must hold: `order` lists each valid pixel at most once,
descending in score but in any order between two flags; `flags` has LAST at the last pixel of each
level; `label` is the frame with a row above and below and one column to the right, flat: NORMAL,
SMALL (in a component too small to count) or `-2 - g` in ground-truth component (target) g = 1..K.

Invariants at the end of a level:
- the pixels seen so far form the predicted components, by 8-connectivity; each has one root, and
  `label` names a member of its component at every pixel seen (`active`, a bitmap);
- a component is KEPT once it has `min_prediction` pixels (those of too-small targets included) and
  one that is not in a too-small target;
- a kept component without anomalous pixels is counted in FALSE at once; one with anomalous pixels
  has a row in `touching`, counted in ROWS_KEPT, and a node for each target that it touches;
- COVERED of target g = its pixels in kept components;
- BEYOND of g = the sum over its nodes of PASSED, each at most the normal pixels of its component;
- a target is dead once PIXELS / (PIXELS + BEYOND) is below the lowest quality: it is a false
  negative for ever, as BEYOND never falls. A live target has fewer than 3 normal pixels a pixel
  of its own around it, so passing normal pixels on to LIVE nodes in every level is O(pixels) in
  all; DEAD nodes, which a huge component has by the thousand, are served late: only before totals
  are recorded or a verdict is in doubt;
- hence TP, FP and the numbers of components are exact at every level that is settled, and the sums
  of sIoU and PPV as counted exceed the true ones by at most `drift`: a normal pixel that joins a
  component lowers the sum of sIoU by at most the sum over its dead nodes of I / U^2 <= G / U^2 (U
  never falls, so a weight that is out of date is still a bound), and its PPV p by at most p / size.

State lives in few arrays, addressed by named columns (numba passes those cheaply).
"""

from __future__ import annotations

from mdmkit.core.exact_sums import LIMBS

NORMAL, SMALL = -1, -2  # in `label`
NORMAL_CLASS = -2 - NORMAL
NONE = -1
AHEAD = 32
FOREVER = 2**31 - 1
NEAR = 1e-9  # running sums decide only where they are farther than this from T

# flags of a pixel: ends a level; totals are recorded there; bounds of a cell start anew there; ask
# whether any verdict can still pass; the pixels before it may have come in another order
LAST, RECORD, RESTART, LOOK, SHUFFLED = 1, 2, 4, 8, 16
# predicted, by component: pixels in all, normal ones; its row of `touching`; if kept, since when
SIZE, PLAIN, TOUCHING, KEPT = range(4)
# touching, by component with anomalous pixels: those; first live and dead node; number of nodes;
# normal pixels last passed on to live ones; queued?; normal pixels up to which nothing is urgent;
# counted in PPV?, and number of qualities that its PPV reached; the component; anomalous and normal
# pixels as counted; rows counted that it took in since
ANOMALOUS, LIVE, DEAD, NODES, SERVED, URGENT, LATE, CALM, COUNTED, RANK, ROOT = range(11)
WAS_ANOMALOUS, WAS_PLAIN, TAKEN_IN = range(11, 14)
# weights, by the same: what a normal pixel takes of the sums of sIoU and PPV at most; its PPV
SIOU_FALL, PPV_FALL, RATIO = range(3)
# nodes, one a component and target: row of `touching`, target; pixels; normal ones passed on; next
OWNER, TARGET, COUNT, PASSED, NEXT = range(5)
# targets: pixels, those covered, normal pixels of touching components; queued?; dead?; number of
# qualities reached; number of the cell, and covered pixels and union when that cell began
PIXELS, COVERED, BEYOND, QUEUED, IS_DEAD, REACHED, CELL, WAS_COVERED, WAS_UNION = range(9)
# totals: limbs of the sums of sIoU and of PPV, predicted components, TP, FP of those that touch a
# target; then (FALSE) components with normal pixels only, which are FP at every quality
SIOU, PPV, PREDICTED, TP = 0, LIMBS, 2 * LIMBS, 2 * LIMBS + 1
# counters: components, rows of touching and nodes in use, first free node; entries of the queues;
# number of the cell; did TP or FP change?; FALSE and the range in which nothing need be done;
# that in which no verdict on mean F1 changes; rows written
BORN, ROWS, NODES_USED, FREE, N_URGENT, N_LATE, N_TARGETS, N_MOVED = range(8)
CELL_NOW, HIT, FALSE = range(8, 11)
LOW, HIGH, F1_LOW, F1_HIGH = range(11, 15)
N_SUMS, N_HITS = range(15, 17)
# of bounds (`mdmkit.statistics.kernels.bounds`): kept components that touch a target; number of the part of a
# cell; kept components when it began; those of then that merged since; pixels that joined kept
# components since, unkept components that did, new pixels apart from all of before; anomalous ones
# among what joined; false components that touch a target now; range of the number of components in
# this cell, and how many may touch a target without having been counted when it began
ROWS_KEPT, PART, HELD, MERGED, FRESH, SWALLOWED, SEEDS, STAINED, TURNED = range(17, 26)
FEWEST, MOST, UPSTARTS = range(26, 29)
COUNTERS = 29
PREDICTED_COLUMNS, TOUCHING_COLUMNS, WEIGHT_COLUMNS, NODE_COLUMNS, TARGET_COLUMNS = 4, 14, 3, 5, 9
