"""A user of the core: what numpy and numba alone are enough for. It is run, not imported.

`python tests/core/slim.py` takes what is installed; with `--block`, every other library is as if it
were not.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

ENOUGH = {"numpy", "numba", "llvmlite", "tomli", "mdmkit"}


class Blocker(MetaPathFinder):
    """Finds no library but those."""

    def find_spec(self, name, path=None, target=None):
        library = name.partition(".")[0]
        if library not in ENOUGH | sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {library!r}", name=library)


if "--block" in sys.argv:
    sys.meta_path.insert(0, Blocker())

import numpy as np  # noqa: E402

from mdmkit import (  # noqa: E402
    SIoU,
    choose_thresholds,
    compare,
    count_metric,
    evaluate,
    mdm,
    threshold_curve,
)

rng = np.random.default_rng(0)
target = (rng.random((3, 20, 20)) < 0.3).astype(np.uint8)
scores = np.clip(rng.random(target.shape) * 0.6 + 0.4 * target, 0, 1)
frames = list(zip(scores, target, strict=True))

for metric in ("f1", "siou", SIoU(2, 2), count_metric(lambda tp, fp, fn, tn: tp / (tp + fp + fn))):
    margin = mdm(scores, target, t_margin=0.1, metric=metric)
    assert margin.value > 0.1, margin
    assert threshold_curve(scores, target, metric=metric).margin(0.1).value == margin.value
numbers = evaluate(frames, "ap,auroc,fpr95,best_f1,siou_gt,ppv,mean_f1,ap@band=2,mdm_f1@0.5")
assert numbers["ap"] > 0.5
for normalize in ("minmax", "sigmoid", "rank"):
    raw = [(9 * s - 3, t) for s, t in frames]
    assert evaluate(raw, "mdm_f1@0.5", normalize=normalize)["mdm_f1@0.5"] > 0
table = compare({"mine": frames, "other": [(s / 2, t) for s, t in frames]}, metrics="ap,mdm_f1@0.5")
assert table["mine"]["ap"] == table["other"]["ap"] == numbers["ap"]
for form in ("markdown", "csv", "json", "latex"):
    assert "mine" in table.to_text(form), form
assert "mine" in str(table)
assert choose_thresholds({"mine": frames}, t_margin=0.5)
print("enough")
