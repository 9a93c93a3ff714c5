"""`python -m tests.benchmarks`: ratios inside one run, as a Markdown table.

Each quantity is the least of several runs that take turns, on one core; slow loops are timed on a
few of their 1,000 thresholds and scaled. Only ratios are worth comparing between machines.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from functools import partial
from pathlib import Path

import cc3d
import numpy as np
from numba import njit
from sklearn.metrics import average_precision_score, f1_score

from mdmkit import Frame, SIoU, compare, evaluate, mdm
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.components import count_targets
from mdmkit.statistics.edges import unit_edges
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixels import PixelCounts
from tests.benchmarks.scenes import scene

T = 0.5
ROUNDS = 5


@njit(fastmath=True)
def one_pass(scores, labels):
    """Read every score and label once."""
    total, count = np.float32(0), 0
    for i in range(scores.size):
        total += scores[i]
        count += labels[i]
    return total, count


def read_once(scores, target):
    if scores.dtype == np.float16:
        scores = scores.view(np.uint16)
    return one_pass(scores.ravel(), target.ravel())


def numpy_loop(scores, target, thresholds):
    """F1 at each threshold, the usual way: compare, mask, count."""
    valid = target != 255
    anomalous = (target == 1)[valid]
    flat = scores[valid]
    for z in thresholds:
        predicted = flat > z
        tp = np.count_nonzero(predicted & anomalous)
        _ = 2 * tp / (np.count_nonzero(predicted) + np.count_nonzero(anomalous))


def sklearn_loop(scores, target, thresholds):
    valid = target != 255
    for z in thresholds:
        f1_score(target[valid] == 1, scores[valid] > z)


def label_once(scores, target, z=0.3):
    return cc3d.connected_components(
        ((scores > z) & (target != 255)).astype(np.uint8), connectivity=8
    )


def cc3d_loop(scores, target, thresholds):
    """sIoU and PPV at each threshold: label, count overlaps of the two labellings, divide."""
    targets = cc3d.connected_components((target == 1).astype(np.uint8), connectivity=8)
    n = int(targets.max()) + 1
    sizes = np.bincount(targets.ravel())
    for z in thresholds:
        predicted = label_once(scores, target, z)
        width = int(predicted.max()) + 1
        hit = predicted > 0
        pairs = targets[hit].astype(np.int64) * width + predicted[hit]
        overlap = np.bincount(pairs, minlength=n * width).reshape(n, width)
        touching = overlap[1:] > 0
        union = sizes[1:] + touching @ overlap[0]
        _ = np.mean(overlap[1:].sum(axis=1) / union)
        whole = overlap.sum(axis=0)[1:]
        _ = np.mean((whole - overlap[0, 1:]) / whole) if width > 1 else 0


def component_margin(scores, target):
    """The sIoU margin at T of one frame: bins, then every score where it hangs on them."""
    return mdm(scores, target, T, metric=SIoU(500, 100))


def sweep_pixels(scores, target):
    return PixelCounts.of(Frame(scores, target))


def grid(scores, target, steps):
    edges = unit_edges(steps)
    cells = BinnedFrame.of(Frame(scores, target), edges)
    return BinnedComponents.of(cells, ComponentSizes(500, 100), edges)


def label_truth(scores, target):
    return count_targets(Frame(scores, target), 100)


def take_turns(jobs, rounds=ROUNDS):
    """Least time of each job, all of them in turn."""
    best = dict.fromkeys(jobs, np.inf)
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if turn:  # the first turn compiles and warms up
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def by_turns(job, scores, target, copies=8):
    """The job on one of several copies at a time, so that caches hold none of them."""
    frames = [(scores.copy(), target.copy()) for _ in range(copies)]

    def run():
        frames.append(frames.pop(0))
        job(*frames[0])

    return run


def scaled(loop, scores, target, few):
    """Seconds of 1,000 thresholds, from a few."""
    thresholds = np.linspace(0.02, 0.98, few)
    start = time.perf_counter()
    loop(scores, target, thresholds)
    return (time.perf_counter() - start) * 1000 / few


COLUMNS = (
    "frame", "F1 margin / pass", "both out of cache",
    "numpy loop / F1 margin", "scikit-learn loop / F1 margin",
    "all pixel metrics / argsort", "scikit-learn AP / pixel sweep",
    "sIoU margin / argsort", "sIoU margin / labelling", "cc3d loop / sIoU margin",
    "4,096 thresholds / argsort", "65,536 / argsort", "truth labelled / argsort",
)  # fmt: skip


def measure(name, scores, target):
    """One row of the table."""
    flat, valid = scores.ravel(), target != 255
    jobs = {
        "pass": partial(read_once, scores, target),
        "argsort": partial(np.argsort, flat),
        "f1": partial(mdm, scores, target, T),
        "far pass": by_turns(read_once, scores, target),
        "far f1": by_turns(partial(mdm, t_margin=T), scores, target),
        "sweep": partial(sweep_pixels, scores, target),
        "pixels": lambda: evaluate([(scores, target)], "ap,auroc,fpr95,best_f1"),
        "label": partial(label_once, scores, target),
        "truth": partial(label_truth, scores, target),
        "margin": partial(component_margin, scores, target),
        "4096": partial(grid, scores, target, 4096),
        "65536": partial(grid, scores, target, 65536),
    }
    t = take_turns(jobs)
    ap = take_turns({"ap": lambda: average_precision_score(target[valid] == 1, scores[valid])}, 1)
    loops = {
        "numpy": scaled(numpy_loop, scores, target, 20),
        "sklearn": scaled(sklearn_loop, scores, target, 2),
        "cc3d": scaled(cc3d_loop, scores, target, 12),
    }
    sweeps = {key: t[key] - t["truth"] for key in ("margin", "4096", "65536")}
    ratios = (
        t["f1"] / t["pass"], t["far f1"] / t["far pass"],
        loops["numpy"] / t["f1"], loops["sklearn"] / t["f1"],
        t["pixels"] / t["argsort"], ap["ap"] / t["sweep"],
        sweeps["margin"] / t["argsort"], t["margin"] / t["label"],
        loops["cc3d"] / t["margin"],
        sweeps["4096"] / t["argsort"], sweeps["65536"] / t["argsort"], t["truth"] / t["argsort"],
    )  # fmt: skip
    print(f"| {name} | " + " | ".join(f"{ratio:,.3g}" for ratio in ratios) + " |", flush=True)


def real_frame():
    """A RoadAnomaly frame with a score map as float32, where `MDMKIT_REAL_FRAMES` names them."""
    folder = os.environ.get("MDMKIT_REAL_FRAMES")
    if not folder:
        return None
    from mdmkit.io import read_mask, read_scores

    path = sorted(Path(folder, "scores", "espnetv2-entropy").iterdir())[0]
    target = read_mask(Path(folder, "frames", f"{path.stem}.labels", "labels_semantic.png"))
    return read_scores(path).astype(np.float32), (target == 2).astype(np.uint8)


def peak_bytes(job):
    """Most memory that a job holds at a time, as far as numpy allocates it."""
    job()
    tracemalloc.start()
    job()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measure_memory():
    """Bytes a pixel of the frame at hand, beyond its score map and labels."""
    print("\n| bytes a pixel | F1 margin | pixel sweep | sIoU margin | 65,536 thresholds |")
    print("|:--|--:|--:|--:|--:|")
    for noise, kind in ((0.0, "smooth"), (0.7, "noisy")):
        scores, target = scene(8, noise)
        jobs = (
            partial(mdm, scores, target, T), partial(sweep_pixels, scores, target),
            partial(component_margin, scores, target), partial(grid, scores, target, 65536),
        )  # fmt: skip
        row = " | ".join(f"{peak_bytes(job) / scores.size:.1f}" for job in jobs)
        print(f"| {kind}, 8 targets, float32 | {row} |", flush=True)


class StoredFrames:
    """Frames in files, read anew each time: they are never held."""

    def __init__(self, folder, count):
        self.paths = sorted(Path(folder).iterdir())[:count]

    def __iter__(self):
        for path in self.paths:
            with np.load(path) as both:
                yield both["scores"], both["target"]


THE_FLOOR = "mdm_f1@0.5,mdm_siou@0.5,mdm_mean_f1@0.5"


def peak_rss():
    """Most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_data_set(folder, count=30):
    """Seconds a frame of a long data set, reading left out, and whether memory stays flat."""
    sizes = {"min_prediction": 500, "min_target": 100}
    first = next(iter(StoredFrames(folder, 1)))[0].ravel()
    start = time.perf_counter()
    for _ in range(2):
        for _ in StoredFrames(folder, count):
            pass
    reading = (time.perf_counter() - start) / count
    evaluate(StoredFrames(folder, 2), **sizes)  # compiles
    rows = (
        ("F1 and component margins", THE_FLOOR, 2**31),
        ("every default metric, beyond the memory budget", None, 0),
        ("every default metric", None, 2**31),
    )
    print("\n| frames of 2 megapixels, float32 | s a frame | / argsort | MiB after 10 | after 30 |")
    print("|:--|--:|--:|--:|--:|")
    for name, metrics, memory in rows:
        peaks, best, argsort = [], np.inf, np.inf
        for several in (10, count):
            start = time.perf_counter()
            evaluate(StoredFrames(folder, several), metrics, memory=memory, **sizes)
            best = min(best, (time.perf_counter() - start) / several - reading)
            peaks.append(peak_rss())
            for _ in range(3):
                start = time.perf_counter()
                np.argsort(first)
                argsort = min(argsort, time.perf_counter() - start)
        rss = " | ".join(f"{peak:.0f}" for peak in peaks)
        print(f"| {name} | {best:.3f} | {best / argsort:.3g} | {rss} |", flush=True)


def measure_frames(count=6):
    """What a second thread gives; then a long data set, in a process of its own."""
    frames = [scene(8, 0.7 * (i % 2), seed=i) for i in range(count)]

    def run(jobs):
        sizes = {"min_prediction": 500, "min_target": 100}
        compare({"method": frames}, metrics=THE_FLOOR, jobs=jobs, **sizes)

    t = take_turns({jobs: partial(run, jobs) for jobs in (1, 2)}, 2)
    print("\n| F1 and component margins over frames | ratio |\n|:--|--:|")
    print(f"| one thread / two threads | {t[1] / t[2]:.3g} |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(30):
            scores, target = scene(8, 0.7 * (i % 2), seed=i)
            np.savez(Path(folder, f"{i:02}.npz"), scores=scores, target=target)
        subprocess.run([sys.executable, "-m", "tests.benchmarks", folder], check=True)


def main():
    if len(sys.argv) > 1:
        measure_data_set(sys.argv[1])
        return
    print("| " + " | ".join(COLUMNS) + " |\n|:--|" + "--:|" * (len(COLUMNS) - 1))
    real = real_frame()
    if real is None:
        print("MDMKIT_REAL_FRAMES names no folder: no real frame", file=sys.stderr)
    else:
        measure("RoadAnomaly, 720 x 1280", *real)
    for dtype in ("float32", "float16"):
        for noise, kind in ((0.0, "smooth"), (0.7, "noisy")):
            for targets in (8, 2000):
                measure(f"{kind}, {targets} targets, {dtype}", *scene(targets, noise, dtype))
    measure_memory()
    measure_frames()


if __name__ == "__main__":
    main()
