"""
Equal AP, unequal margins
=========================

Average precision sees the order of the scores and nothing else: it says that *some* threshold is
good. It does not say whether you can find that threshold, or how far you may miss it.
"""

# %%
# Four synthetic frames, and three methods that put their pixels in the same order: `steady`
# spreads its scores over [0, 1]; `squeezed` multiplies them by 0.2; `bent` keeps the whole range,
# but takes the eighth root of its scores.
import numpy as np
from scipy.ndimage import gaussian_filter

rng = np.random.default_rng(0)


def draw_target():
    rows, columns = np.mgrid[0:96, 0:192]
    target = np.zeros(rows.shape, np.uint8)
    for _ in range(3):
        row, column, radius = rng.uniform(30, 80), rng.uniform(15, 175), rng.uniform(6, 15)
        target[np.hypot(rows - row, columns - column) < radius] = 1
    return target


def draw_scores(target):
    texture = gaussian_filter(rng.normal(size=target.shape), 3)
    seen = gaussian_filter(target.astype(float), 1.5) - 0.5
    return 1 / (1 + np.exp(-8 * seen - 1.6 * texture / texture.std()))


targets = [draw_target() for _ in range(4)]
steady = [draw_scores(target) for target in targets]
methods = {
    "steady": steady,
    "squeezed": [0.2 * scores for scores in steady],
    "bent": [scores ** (1 / 8) for scores in steady],
}

# %%
# `compare` takes frames in memory, or folders of files. AP, AUROC and best F1 are equal to the last
# bit; the margins are not.
from mdmkit import compare

frames = {name: list(zip(maps, targets, strict=True)) for name, maps in methods.items()}
metrics = "ap,auroc,best_f1,mdm_f1@0.7"
print(compare(frames, metrics=metrics))

# %%
# All three have a threshold at which F1 is 0.92. Only `steady` has it where one would look first,
# and stays good when the guess is a little wrong.
from pathlib import Path

from mdmkit import threshold_curve
from mdmkit.plots import margin_figure, save_figure

curves = {name: threshold_curve(maps, targets) for name, maps in methods.items()}
save_figure(margin_figure(curves, 0.7), Path("margins.png"))

# %%
# One frame at the thresholds that one might try first:
from mdmkit import Frame
from mdmkit.plots import thresholds_figure

first = {name: Frame(maps[0], targets[0]) for name, maps in methods.items()}
save_figure(thresholds_figure(first), Path("thresholds.png"))

# %%
# The margin belongs to the scale of a method's scores, so a map of the scores changes it:
# `minmax` gives `squeezed` the whole range back, and leaves `bent` as it is; `rank` makes all three
# the same, as it keeps nothing but the order. Say which one you used, and give all methods the
# same: margins of methods that were normalised in different ways do not compare.
for normalize in ("none", "minmax", "rank"):
    found = compare(frames, metrics="mdm_f1@0.7", normalize=normalize)
    margins = {row.method: f"{100 * row['mdm_f1@0.7']:.1f}" for row in found.results}
    print(f"{normalize:<7} {margins}")
