"""`python -m tests.benchmarks.borders`: borders and regions at all thresholds, in radix sorts.

A radix sort of the keys of a frame is the yardstick. Beside them pyaupro and scikit-learn, where
they are installed.
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from mdmkit import Frame, evaluate
from mdmkit.metrics.boundary_metrics import NSD, BoundaryF, BoundaryIoU
from mdmkit.statistics.score_keys import keys_of, sorted_keys
from tests.benchmarks.scenes import scene

ROUNDS = 3
MAPS = 10


def least(jobs, rounds=ROUNDS):
    """Least seconds of each job, which take turns, on the clock of this thread."""
    best = dict.fromkeys(jobs, np.inf)
    for _ in range(rounds + 1):
        for name, job in jobs.items():
            start = time.thread_time()
            job()
            best[name] = min(best[name], time.thread_time() - start)
    return best


def sort_once(scores):
    sorted_keys(keys_of(scores).ravel())


def curve_of(metric, scores, target):
    """d at every threshold, of a frame that nobody has looked at yet."""
    frame = Frame(scores, target)
    metric.curve(metric.statistic.of(frame))


def measure_borders():
    """Each border metric at all thresholds of a frame of 2 megapixels."""
    metrics = (BoundaryIoU(), BoundaryF(3), NSD(3))
    print("\n| all thresholds / radix sort | " + " | ".join(m.name for m in metrics) + " |")
    print("|:--|" + "--:|" * len(metrics))
    for noise, kind in ((0.0, "smooth"), (0.7, "noisy")):
        scores, target = scene(8, noise)
        jobs = {m.name: partial(curve_of, m, scores, target) for m in metrics}
        t = least({"sort": partial(sort_once, scores), **jobs})
        row = " | ".join(f"{t[m.name] / t['sort']:.2f}" for m in metrics)
        print(f"| {kind}, 8 targets, float32 | {row} |", flush=True)


def pyaupro_of(maps, thresholds):
    import torch
    from pyaupro import PerRegionOverlap, auc_compute

    metric = PerRegionOverlap(thresholds=thresholds)
    for scores, target in maps:
        metric.update(torch.tensor(scores)[None], torch.tensor(target == 1)[None])
    auc_compute(*metric.compute(), limit=0.3, reorder=True)


def sklearn_of(maps):
    from sklearn.metrics import roc_auc_score

    scores = np.concatenate([scores.ravel() for scores, _ in maps])
    target = np.concatenate([target.ravel() for _, target in maps])
    roc_auc_score(target[target != 255] == 1, scores[target != 255])


def measure_aupro():
    """AUPRO of ten maps of 1024 x 1024, a frame."""
    maps = [scene(8, 0.7 * (i % 2), seed=i) for i in range(MAPS)]
    maps = [(scores[:, :1024].copy(), target[:, :1024].copy()) for scores, target in maps]
    jobs = {
        "sort": lambda: [sort_once(scores) for scores, _ in maps],
        "AUPRO": lambda: evaluate(maps, "aupro"),
        "AUROC by scikit-learn": partial(sklearn_of, maps),
    }
    try:
        import pyaupro  # noqa: F401

        jobs["AUPRO by pyaupro, all thresholds"] = partial(pyaupro_of, maps, None)
        jobs["AUPRO by pyaupro, 100 thresholds"] = partial(pyaupro_of, maps, 100)
    except ImportError:
        print("\npyaupro is not installed: not measured")
    t = least(jobs, 2)
    print(f"\n| {MAPS} maps of 1024 x 1024, float32 | / radix sort |\n|:--|--:|")
    for name in list(jobs)[1:]:
        print(f"| {name} | {t[name] / t['sort']:.3g} |", flush=True)


def streamed(count):
    """Maps one after the other, every second one normal; each is another cut of one scene."""
    scores, target = scene(8, 0.7)
    for i in range(count):
        left = 8 * i % 1024
        yield scores[:, left : left + 1024].copy(), target[:, left : left + 1024] * np.uint8(i % 2)


def peak_of(count):
    """Peak memory of AUPRO of so many maps of 1024 x 1024 from an iterator, in MiB."""
    from resource import RUSAGE_SELF, getrusage

    evaluate(streamed(count), "aupro", memory=2**26)
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


def measure_memory():
    """Peak memory over more and more maps, each number in a process of its own."""
    from multiprocessing import get_context

    print("\n| maps of 1024 x 1024, float32, `memory` 64 MiB | peak MiB |\n|--:|--:|")
    for count in (30, 60, 120):
        with get_context("spawn").Pool(1) as pool:
            print(f"| {count} | {pool.apply(peak_of, (count,)):.0f} |", flush=True)


if __name__ == "__main__":
    measure_borders()
    measure_aupro()
    measure_memory()
