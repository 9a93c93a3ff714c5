"""
Many frames on a Dask cluster
=============================

`compare(..., scheduler=...)` hands the frames to the workers of a Dask cluster. Each task counts a
few of them; their counts are merged in a tree, exactly. So the table is the one that a single
process makes, to the last bit.
"""

# %%
# Twenty-four synthetic frames, and a method that saw them through noise. The files lie where every
# worker can read them under the same path.
import tempfile
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

rng = np.random.default_rng(0)
folder = Path(tempfile.mkdtemp())
for name in ("masks", "ours"):
    (folder / name).mkdir()
rows, columns = np.mgrid[0:256, 0:512]
for index in range(24):
    target = np.zeros(rows.shape, np.uint8)
    for _ in range(4):
        row, column, radius = rng.uniform(30, 226), rng.uniform(30, 482), rng.uniform(8, 30)
        target[np.hypot(rows - row, columns - column) < radius] = 1
    texture = gaussian_filter(rng.normal(size=target.shape), 6)
    seen = 6 * gaussian_filter(target.astype(float), 3) - 3 + texture / texture.std()
    np.save(folder / "masks" / f"{index:02}.npy", target)
    np.save(folder / "ours" / f"{index:02}.npy", (1 / (1 + np.exp(-seen))).astype(np.float32))

# %%
# First in this process alone.
from mdmkit import compare

methods, masks = {"ours": folder / "ours"}, folder / "masks"
metrics = "ap,fpr95,mdm_f1@0.7,mdm_siou@0.5"
alone = compare(methods, masks, metrics)
print(alone)

# %%
# A cluster for this page: three workers inside of this process. A real one is started by
# `dask scheduler` on one machine and `dask worker tcp://HOST:8786` on others, or by
# `LocalCluster()` for all cores of this one; its address, `"tcp://HOST:8786"`, takes the place of
# the client below. It finds the same.
from distributed import Client, LocalCluster, get_task_stream

cluster = LocalCluster(n_workers=3, threads_per_worker=1, processes=False, dashboard_address=None)
client = Client(cluster, set_as_default=False)

with get_task_stream(client) as stream:
    together = compare(methods, masks, metrics, scheduler=client)
assert together.results == alone.results

# %%
# What the workers did. A first pass counts pixels at every score, and components in
# bins; a second looks closely at the few bins that leave a margin unresolved. The
# evaluations of four tasks at a time become one, and only the last of each pass comes back.
import matplotlib.pyplot as plt

COLOURS = {"sweep": "#0072B2", "merge": "#E69F00"}
tasks = [
    (kind, str(task["worker"]), span["start"], span["stop"])
    for task in stream.data
    for kind in COLOURS
    for span in task["startstops"]
    if f"mdmkit-{kind}" in str(task["key"]) and span["action"] == "compute"
]
workers = sorted({worker for _, worker, _, _ in tasks})
begin = min(start for _, _, start, _ in tasks)

figure, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
for kind, worker, start, stop in tasks:
    left, width = 1e3 * (start - begin), 1e3 * (stop - start)
    ax.barh(workers.index(worker), width, 0.7, left, color=COLOURS[kind], ec="white", lw=0.5)
for kind, colour in COLOURS.items():
    count = sum(kind == other for other, *_ in tasks)
    ax.barh(0, 0, color=colour, label=f"{kind} ({count} tasks)")
passes = sorted(start for kind, _, start, _ in tasks if kind == "sweep")
for name, start in (("first pass", begin), ("second pass", passes[len(passes) // 2])):
    ax.text(1e3 * (start - begin), len(workers) - 0.5, name, va="bottom")
ax.set(xlabel="milliseconds", yticks=range(len(workers)))
ax.set_yticklabels([f"worker {number + 1}" for number in range(len(workers))])
ax.spines[["top", "right"]].set_visible(False)
figure.legend(loc="outside upper right", ncols=2, frameon=False)
figure.savefig("cluster.png", dpi=160)

# %%
# Dask's own collections are evaluated where they are, too: `evaluate` takes a bag of
# `(scores, target)`, or Dask arrays of shape (N, H, W), and no score map comes to this process.
import dask.bag as db

from mdmkit import evaluate


def load(index):
    return tuple(np.load(folder / name / f"{index:02}.npy") for name in ("ours", "masks"))


with client.as_current():
    result = evaluate(db.range(24, npartitions=6).map(load), "mdm_f1@0.7")
print(f"margin {100 * result['mdm_f1@0.7']:.1f} %, as in the table")
assert result["mdm_f1@0.7"] == alone["ours"]["mdm_f1@0.7"]

client.close()
cluster.close()
