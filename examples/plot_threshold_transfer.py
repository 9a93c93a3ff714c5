"""
A threshold taken elsewhere
===========================

A detector is used at one threshold, chosen on frames other than those on which it must work. The
usual choice is the threshold with the best F1; the middle of the Maximal Detection Margin is the
one that is farthest from failing on either side. How do both do when the light changes?
"""

# %%
# Synthetic frames: discs on textured ground. The detector is equally sure of all discs, while false
# alarms fade slowly: F1 creeps up with the threshold and then falls off a cliff. `light` shifts all
# of its evidence: below 0 the scene is dim, above 0 it glares.
import numpy as np
from scipy.ndimage import gaussian_filter


def draw_frames(light, seed, n=6):
    """Pairs of a score map in [0, 1] and its ground truth, both (96, 192)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:96, 0:192]
    frames = []
    for _ in range(n):
        target = np.zeros(rows.shape, np.uint8)
        for _ in range(4):
            row, column, radius = rng.uniform(15, 80), rng.uniform(15, 175), rng.uniform(8, 14)
            target[np.hypot(rows - row, columns - column) < radius] = 1
        texture = gaussian_filter(rng.normal(size=target.shape), 3)
        ground = -3 + 1.7 * texture / texture.std()
        discs = 2 + 1.4 * gaussian_filter(rng.normal(size=target.shape), 1)
        evidence = gaussian_filter(np.where(target == 1, discs, ground), 0.7) + light
        frames.append((np.float32(1 / (1 + np.exp(-evidence))), target))
    return frames


day, dusk = draw_frames(light=0, seed=0), draw_frames(light=-1, seed=1)

# %%
# `recommend_threshold` finds the range of thresholds with F1 > 0.7 by day and takes its middle.
# `transfer_threshold` counts what that threshold gives on other frames, and beside it what the
# best-F1 threshold of the first ones gives there.
from mdmkit import recommend_threshold, transfer_threshold

chosen = recommend_threshold(day, 0.7, "f1")
moved = transfer_threshold(chosen, dusk)
for name, here, there in (
    ("middle of margin", chosen.point, moved.point),
    ("best F1", chosen.best_f1, moved.best_f1),
):
    print(f"{name:<17} z = {here.threshold:.3f}: F1 {here.f1:.3f} by day, {there.f1:.3f} at dusk")
down, up = moved.slack
print(f"the middle could fall by {down:.3f} and rise by {up:.3f} at dusk before F1 > 0.7 fails")

# %%
# The same two thresholds, taken into more and more dimness and glare:
lights = np.linspace(-2, 2, 17)
there = [transfer_threshold(chosen, draw_frames(light, seed=2)) for light in lights]
middle = [each.point.f1 for each in there]
best = [each.best_f1.f1 for each in there]

# %%
# Left: F1 at every threshold. By day the best one lies at the edge of the cliff, which comes closer
# at dusk. Right: the best-F1 threshold is some points better where nothing changes, better still in
# glare, and lost once it gets a little dimmer. The middle of the margin has room on both sides.
import matplotlib.pyplot as plt

from mdmkit import threshold_curve

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for name, frames, colour, place in (
    ("day", day, "0.15", (0.92, 0.4)),
    ("dusk", dusk, "0.5", (0.11, 0.75)),
):
    maps, targets = zip(*frames, strict=True)
    curve = threshold_curve(list(maps), list(targets))
    left.step(curve.breakpoints, curve.values, where="post", color=colour)
    left.text(*place, name, color=colour)
left.axvspan(*chosen.margin.interval, color="#0072b2", alpha=0.12, linewidth=0)
left.set(xlim=(0, 1), ylim=(0, 1), xlabel="threshold z", ylabel="pixel F1")

for name, point, values, colour, dash, side in (
    ("middle of margin", chosen.point, middle, "#0072b2", "-", "right"),
    ("best F1 by day", chosen.best_f1, best, "#d55e00", "--", "left"),
):
    left.axvline(point.threshold, color=colour, linestyle=dash)
    left.text(point.threshold, 1.02, name, color=colour, ha=side)
    right.plot(lights, values, color=colour, linestyle=dash)
    right.text(2.05, values[-1], name, color=colour, va="center")
right.plot([-1, -1], [0, 0.04], color="0.5")
right.text(-1, 0.06, "dusk", color="0.5", ha="center")
right.text(-1.98, 0.71, "T = 0.7", color="0.4")
right.set(xlim=(-2, 2), xticks=range(-2, 3), xlabel="light (below 0: dim, above: glaring)")
for ax in (left, right):
    ax.axhline(0.7, color="0.6", linewidth=0.8, linestyle=":")
    ax.spines[["top", "right"]].set_visible(False)
figure.savefig("transfer.png", dpi=160)
plt.close(figure)
