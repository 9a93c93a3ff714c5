"""
MDM in five lines
=================

A score map, a ground truth and a required quality are enough. What comes back is how wide the
range of good thresholds is, where it lies, and which threshold to use.
"""

# %%
# A synthetic frame: two objects, seen blurred and through noise.
import numpy as np
from scipy.ndimage import gaussian_filter

rng = np.random.default_rng(3)
rows, columns = np.mgrid[0:120, 0:240]
disc = np.hypot(rows - 70, (columns - 70) / 1.6) < 22
diamond = abs(rows - 80) + abs(columns - 180) < 24
target = (disc | diamond).astype(np.uint8)
noise = gaussian_filter(rng.normal(size=target.shape), 3)
evidence = 7 * (gaussian_filter(target.astype(float), 2) - 0.5) + 1.7 * noise / noise.std()
scores = 1 / (1 + np.exp(-evidence))

# %%
# The five lines. T has no default: a margin without its T says nothing.
from mdmkit import mdm

m = mdm(scores, target, t_margin=0.7, metric="f1")
low, high = m.interval
print(f"margin    {m.value:.3f}: F1 > {m.t_margin} at every threshold in [{low:.3f}, {high:.3f})")
print(f"threshold {m.threshold:.3f}: the middle of that range, farthest from failing")

# %%
# `threshold_curve` has F1 at every threshold, exactly. The shaded part is the margin, and so is
# the bar beneath.
from pathlib import Path

from mdmkit import threshold_curve
from mdmkit.plots import margin_figure, save_figure

curve = threshold_curve(scores, target, metric="f1")
save_figure(margin_figure({"synthetic": curve}, 0.7), Path("margin.png"))

# %%
# The frame itself, at the recommended threshold and at both ends of the margin, where F1 has
# fallen to 0.7.
from mdmkit import Frame
from mdmkit.plots import thresholds_figure

ends = [round(z, 3) for z in (low, m.threshold, high)]
save_figure(thresholds_figure({"synthetic": Frame(scores, target)}, ends), Path("frame.png"))
