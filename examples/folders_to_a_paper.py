"""
From folders to a paper
=======================

Score maps lie in folders, one per method, beside a folder of masks. This script makes a table and
two figures as wide as a column from them, in Python; the page :doc:`../paper` does the same with
commands.
"""

# %%
# Folders first. Here they are synthetic: a detector that is sure of its objects, and one that ranks
# pixels as well but gives low scores. Yours exist already, in any of the formats that are read.
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

root = Path(tempfile.mkdtemp())
for name in ("masks", "images", "scores/mine", "scores/quiet"):
    (root / name).mkdir(parents=True)
rng = np.random.default_rng(0)
for number in range(6):
    target = np.zeros((120, 240), np.uint8)
    for _ in range(3):
        row, column = rng.integers(20, 80), rng.integers(10, 190)
        target[row : row + rng.integers(12, 30), column : column + rng.integers(15, 40)] = 1
    texture = gaussian_filter(rng.normal(size=target.shape), 4)
    noise = texture / texture.std() + 0.5 * gaussian_filter(rng.normal(size=target.shape), 1)
    evidence = 4.5 * gaussian_filter(target.astype(float), 1) - 2.5 + noise
    sure = 1 / (1 + np.exp(-evidence))
    Image.fromarray(target).save(root / f"masks/frame{number}.png")
    grey = np.uint8(np.clip(110 + 25 * texture / texture.std() + 40 * target, 0, 255))
    Image.fromarray(np.dstack([grey] * 3)).save(root / f"images/frame{number}.png")
    np.save(root / f"scores/mine/frame{number}.npy", sure.astype(np.float16))
    np.save(root / f"scores/quiet/frame{number}.npy", (0.4 * sure**1.3).astype(np.float16))

# %%
# One call reads, pairs and compares; what is missing or strange is an error that names the file.
from mdmkit import compare

methods = {name: root / "scores" / name for name in ("mine", "quiet")}
comparison = compare(methods, root / "masks", "ap,auroc,fpr95,mdm_f1@0.5,mdm_f1@0.7")
print(comparison)

# %%
# For the paper, LaTeX with `booktabs`; `comparison.to_text("json")` keeps every digit and setting.
(root / "table.tex").write_text(comparison.to_text("latex"))

# %%
# The margins as a figure, as wide as a column of a CVPR paper. Include it without scaling.
from mdmkit import threshold_curve
from mdmkit.io import read_mask, read_scores
from mdmkit.plots import grid_figure, margin_figure, save_figure

keys = [f"frame{number}" for number in range(6)]
targets = [read_mask(root / f"masks/{key}.png") for key in keys]
scores = {m: [read_scores(folder / f"{key}.npy") for key in keys] for m, folder in methods.items()}
curves = {method: threshold_curve(maps, targets) for method, maps in scores.items()}
save_figure(margin_figure(curves, 0.5, width="cvpr"), Path("folders-margin.png"))

# %%
# And two frames, each method at its own recommended threshold, the score maps above.
from mdmkit import Frame

shown = {f"scene {n}": {m: Frame(scores[m][n], targets[n]) for m in methods} for n in range(2)}
images = {f"scene {n}": np.asarray(Image.open(root / f"images/frame{n}.png")) for n in range(2)}
thresholds = {method: curve.margin(0.5).threshold for method, curve in curves.items()}
grid = grid_figure(shown, thresholds, images=images, score_maps=True, width="cvpr")
save_figure(grid, Path("folders-grid.png"))
