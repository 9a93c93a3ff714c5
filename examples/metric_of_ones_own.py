"""
A metric of one's own
=====================

MDM takes any segment metric d. There are three ways to bring yours, from the most exact and
fastest to the most general.
"""

# %%
# One synthetic frame: a large object, three small ones, and a score map that finds the large one.
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

rng = np.random.default_rng(1)
rows, columns = np.mgrid[0:120, 0:240]
target = (np.hypot(rows - 70, (columns - 70) / 1.5) < 28).astype(np.uint8)
for row, column in ((50, 150), (85, 180), (60, 215)):
    target[np.hypot(rows - row, columns - column) < 8] = 1
noise = gaussian_filter(rng.normal(size=target.shape), 3)
seen = gaussian_filter(target.astype(float), 5) - 0.5
scores = 1 / (1 + np.exp(-7 * seen - 1.3 * noise / noise.std()))

# %%
# **1. A function of the pixel counts** (TP, FP, FN, TN) is exact at every distinct score. Declared
# `monotone`, it is as fast as F1: it must never fall as TP rises, and never rise with FP.
from mdmkit import count_metric, mdm


@count_metric(monotone=True)
def tversky(tp, fp, fn, tn):
    """Misses cost more than twice what false alarms cost."""
    return tp / (tp + 0.3 * fp + 0.7 * fn)


print(mdm(scores, target, t_margin=0.7, metric=tversky))

# %%
# **2. A formula of the component counts** is exact at every distinct score as well, from one pass
# of union-find over the frame. `hits` counts, for each quality t = 0.25, 0.30, ..., 0.75, the
# objects with sIoU >= t, then the predicted components with PPV < t.
from dataclasses import dataclass

from mdmkit.metrics import ComponentMetric


@dataclass(frozen=True)
class ObjectsFound(ComponentMetric):
    """Share of the objects that are found with sIoU >= 0.5: a small one counts like a large one."""

    name = "objects_found"

    def part(self, counts):
        return counts.hits

    def values(self, totals, targets):
        return totals[..., 5] / targets  # t = 0.25 + 5 * 0.05


print(mdm(scores, target, t_margin=0.5, metric=ObjectsFound(min_prediction=20)))

# %%
# **3. Any function of two masks.** It is called at every step of d where there are at most 1,001 of
# them, else at 0, 0.001, ..., 1; the result then says `no bracket`, as nothing is known in between.


def tolerant_f1(prediction, truth):
    """F1 that forgives 3 pixels at the borders."""
    near_truth, near_prediction = (binary_dilation(m, iterations=3) for m in (truth, prediction))
    hits = (prediction & near_truth).sum() + (truth & near_prediction).sum()
    return hits / (prediction.sum() + truth.sum())


print(mdm(scores, target, t_margin=0.7, metric=tolerant_f1))

# %%
# The same map under the three of them: which thresholds are good depends on what good means. The
# plateau at exactly T is no part of the margin, as d must exceed T.
from mdmkit import threshold_curve
from mdmkit.plots import margin_multiples, save_figure

panels = {
    title: {"synthetic": threshold_curve(scores, target, metric)}
    for title, metric in (
        ("of counts", tversky),
        ("of components", ObjectsFound(min_prediction=20)),
        ("of masks", tolerant_f1),
    )
}
save_figure(margin_multiples(panels, 0.5, width=7), Path("three_metrics.png"))
