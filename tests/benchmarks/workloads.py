"""`python -m tests.benchmarks.workloads NAME`: one row of `tests.benchmarks.goals`, as JSON.

By public functions alone wherever there are some, so that the same file measures an older version
whose folder stands first on `PYTHONPATH`. Times are CPU times, the least of a few runs.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from numba import njit

from mdmkit import compare, evaluate, mdm, threshold_curve

ROUNDS = 3
SIZES = {"min_prediction": 500, "min_target": 20}
PIXELS = "ap,auroc,fpr95,best_f1,mdm_f1@0.5,mdm_f1@0.7"


def cpu(job, rounds=ROUNDS, clock=time.process_time):
    """Least time of a job, after one run that warms up."""
    best = float("inf")
    for turn in range(rounds + 1):
        start = clock()
        job()
        best = min(best, clock() - start) if turn else best
    return best


def peak():
    """Most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def now():
    """Memory that this process holds, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@njit(cache=True, nogil=True)
def radix_sort(keys, spare):
    """Sort 32-bit keys by digits of 11 bits: the yardstick of a frame of float32."""
    counts = np.zeros((3, 2048), np.int64)
    mask = np.uint32(2047)
    for i in range(keys.size):
        for d in range(3):
            counts[d, (keys[i] >> np.uint32(11 * d)) & mask] += 1
    for d in range(3):
        places = np.cumsum(counts[d]) - counts[d]
        for i in range(keys.size):
            digit = (keys[i] >> np.uint32(11 * d)) & mask
            spare[places[digit]] = keys[i]
            places[digit] += 1
        keys, spare = spare, keys
    return keys


@njit(cache=True, nogil=True)
def counting_sort(keys, sorted_keys):
    """Sort keys of up to 16 bits by counting."""
    counts = np.zeros(65536, np.int64)
    for i in range(keys.size):
        counts[keys[i]] += 1
    n = 0
    for key in range(65536):
        for _ in range(counts[key]):
            sorted_keys[n] = key
            n += 1
    return n


@njit(cache=True, nogil=True)
def counting_order(keys, order):
    """Sort pixels by such keys, as a sweep takes them: their places, in the order of the keys."""
    places = np.zeros(65537, np.int64)
    for i in range(keys.size):
        places[np.int64(keys[i]) + 1] += 1
    places = np.cumsum(places)
    for i in range(keys.size):
        order[places[keys[i]]] = i
        places[keys[i]] += 1


@njit(cache=True, nogil=True, fastmath=True)
def read_once(scores, labels):
    """Read every score and label once."""
    total, count = np.float32(0), 0
    for i in range(scores.size):
        total += scores[i]
        count += labels[i]
    return total, count


def sorting(scores):
    """CPU time of sorting one frame: its keys, or its pixels where scores have up to 16 bits."""
    if scores.itemsize < 4:
        order = np.empty(scores.size, np.uint32)
        return cpu(partial(counting_order, few_keys(scores), order), 5)
    keys = scores.ravel().view(np.uint32)
    return cpu(lambda: radix_sort(keys.copy(), np.empty_like(keys)), 5)


def few_keys(scores):
    """The bits of scores of up to 16."""
    return scores.ravel().view({1: np.uint8, 2: np.uint16}[scores.itemsize])


def labelling(target):
    """CPU time of labelling one mask with connected-components-3d."""
    import cc3d

    mask = (target == 1).astype(np.uint8)
    return cpu(partial(cc3d.connected_components, mask, connectivity=8), 5)


def shifted(targets, noise, count, dtype="float32", shape=(1024, 2048)):
    """Frames like one drawn scene, no two alike."""
    from tests.benchmarks.scenes import scene

    scores, target = scene(targets, noise, shape=shape)
    rng = np.random.default_rng(1)
    for i in range(count):
        own = np.roll(scores, 37 * i, 1) + np.float32(0.01) * rng.random(shape, np.float32)
        own = own.clip(0, 1)
        own = np.rint(own * 255).astype(np.uint8) if dtype == "uint8" else own.astype(dtype)
        yield own, np.roll(target, 37 * i, 1)


def real_frames(method="espnetv2-entropy", dtype=np.float32):
    """The real frames of one method."""
    from mdmkit.io import read_mask, read_scores

    folder = Path(os.environ["MDMKIT_REAL_FRAMES"])
    for path in sorted((folder / "scores" / method).iterdir()):
        mask = read_mask(folder / "frames" / f"{path.stem}.labels" / "labels_semantic.png")
        yield read_scores(path).astype(dtype), (mask == 2).astype(np.uint8)


def every_default(targets, noise, dtype="float32", count=10):
    """Every default metric: sorts a frame, and the peak above its inputs."""
    if targets == "real":
        frames = list(real_frames(dtype=np.dtype(dtype)))
    else:
        frames = list(shifted(int(targets), float(noise), int(count), dtype))
    evaluate(frames[:1], **SIZES)
    before = now()
    time_ = cpu(partial(evaluate, frames, **SIZES), 2) / len(frames)
    found = {"sorts": time_ / sorting(frames[0][0]), "ms": 1e3 * time_}
    if frames[0][0].itemsize < 4:
        keys = few_keys(frames[0][0])
        found["keys"] = time_ / cpu(partial(counting_sort, keys, np.empty_like(keys)), 5)
    return found | {"GiB": (peak() - before) / 2**30}


def pixel_numbers(noise):
    """AP, AUROC, FPR95, best F1 and two margins: sorts a frame."""
    frames = list(shifted(8, float(noise), 12))
    time_ = cpu(partial(evaluate, frames, PIXELS), 2) / 12
    return {"sorts": time_ / sorting(frames[0][0]), "ms": 1e3 * time_}


def first_look(noise):
    """The first look of the component sweep: nanoseconds a pixel, and labellings."""
    from mdmkit import Frame

    ((scores, target),) = shifted(8, float(noise), 1)
    frame = Frame(scores, target)
    try:
        from mdmkit.core.component_sizes import ComponentSizes
        from mdmkit.statistics.accumulator import Accumulator
        from mdmkit.statistics.binned_components import BinnedComponents
        from mdmkit.statistics.pixel_bins import BinnedFrame

        direct = Accumulator().direct_bins(frozenset())
        binned = BinnedFrame.of(frame, direct.edges)
        job = partial(BinnedComponents.of, binned, ComponentSizes(500, 100), direct.component_edges)
    except ImportError:
        from mdmkit.cells import FrameCells
        from mdmkit.component_grid import ComponentGrid
        from mdmkit.components import ComponentSizes
        from mdmkit.grid import unit_edges

        binned = FrameCells.of(frame, unit_edges(65536))
        job = partial(ComponentGrid.of, binned, ComponentSizes(500, 100), unit_edges(4096))

    def fresh():
        vars(frame).pop("regions_found", None)
        job()

    time_ = cpu(fresh, 5)
    return {"ns": 1e9 * time_ / scores.size, "labellings": time_ / labelling(target)}


def exact_pixels(frames=191, share=0.15):
    """AP and AUROC of so many frames of 2 megapixels: bytes a pixel, whether they are exact."""
    base = np.random.default_rng(0).random((1024, 2048), np.float32)
    anomalous = (np.arange(base.size).reshape(base.shape) % 100 < 100 * float(share)).astype("u1")

    def drawn():
        for i in range(int(frames)):
            yield np.roll(base, i, 1) * (0.999 - 1e-4 * i) + np.float32(1e-4) * anomalous, anomalous

    evaluate(list(zip([base], [anomalous], strict=True)), "ap,auroc")
    before, start = now(), time.process_time()
    found = evaluate(drawn(), "ap,auroc")
    seconds, bytes_ = time.process_time() - start, peak() - before
    exact = not any(number.binned for number in found.numbers.values())
    pixels = found.pixels
    return {"Mpx": pixels / 1e6, "exact": exact, "bytes a pixel": bytes_ / pixels, "s": seconds}


def order_of_frames():
    """The same frames, one plain one first or last: ratio of times; and thousands of targets."""
    frames = list(shifted(8, 0.35, 4))
    target = frames[0][1]
    plain = np.where(target == 1, np.float32(0.9), np.float32(0.05)).astype(np.float32), target
    lists = {"plain": [[plain, *frames], [*frames, plain]]}
    many = next(shifted(2000, 0.35, 1))
    lists["2,000 targets"] = [[plain, many], [many, plain]]
    return {
        name: max(times) / min(times)
        for name, both in lists.items()
        for times in [[cpu(partial(evaluate, one, **SIZES), 2) for one in both]]
    }


def small_maps():
    """256 x 256 against 1024 x 2048, each pixel."""
    small = list(shifted(4, 0.2, 100, shape=(256, 256)))
    large = list(shifted(8, 0.2, 3))
    of = [cpu(partial(evaluate, one), 2) / sum(s.size for s, _ in one) for one in (small, large)]
    return {"ratio": of[0] / of[1]}


def serial_share(noise):
    """The share of `compare` outside frames, and what a second thread gives, in wall time."""
    methods = {"one": list(shifted(8, float(noise), 12))}
    compare(methods, **SIZES)
    whole, main = time.process_time(), time.thread_time()
    compare(methods, jobs=2, **SIZES)
    main, whole = time.thread_time() - main, time.process_time() - whole
    wall = [
        cpu(partial(compare, methods, jobs=jobs, **SIZES), 2, time.perf_counter) for jobs in (1, 2)
    ]
    return {"share": main / whole, "two threads": wall[0] / wall[1]}


def one_margin():
    """`evaluate` and `compare` of one F1 margin, against `mdm` of the same list."""
    frames = list(shifted(8, 0.35, 6))
    scores, targets = map(list, zip(*frames, strict=True))
    alone = cpu(partial(mdm, scores, targets, 0.5), 5)
    return {
        "evaluate": cpu(partial(evaluate, frames, "mdm_f1@0.5"), 5) / alone,
        "compare": cpu(partial(compare, {"one": frames}, metrics="mdm_f1@0.5"), 5) / alone,
    }


def component_curve(targets):
    """`threshold_curve` of sIoU with its margin, of one frame: seconds."""
    ((scores, target),) = shifted(int(targets), 0.35, 1)
    return {"s": cpu(lambda: threshold_curve(scores, target, "siou").margin(0.5), 2)}


def component_margin(targets, noise):
    """`mdm` of sIoU of one frame: milliseconds, and sorts."""
    ((scores, target),) = shifted(int(targets), float(noise), 1)
    time_ = cpu(partial(mdm, scores, target, 0.5, "siou"), 3)
    return {"ms": 1e3 * time_, "sorts": time_ / sorting(scores)}


def margin_passes(dtype):
    """`mdm` of F1 of one frame, in passes that read scores and labels once."""
    ((scores, target),) = shifted(8, 0.0, 1, dtype)
    plain = scores.view(np.uint16) if scores.dtype == np.float16 else scores
    once = cpu(partial(read_once, plain.ravel(), target.ravel()), 30)
    return {"passes": cpu(partial(mdm, scores, target, 0.5), 30) / once}


def command(*arguments, folder):
    """User and system time of `mdmkit` in a process of its own, and its peak in GiB."""
    call = [sys.executable, "-m", "mdmkit", *map(str, arguments), "--quiet"]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    process = subprocess.Popen(call, cwd=folder, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(call)}: status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


ROOT = os.environ.get("PYTHONPATH", ".").split(os.pathsep)[0]


def write_frames(folder, frames):
    """Score maps and masks as files."""
    from PIL import Image

    for name in ("scores", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for i, (scores, target) in enumerate(frames):
        np.save(folder / "scores" / f"{i:04}.npy", scores)
        Image.fromarray(target).save(folder / "masks" / f"{i:04}.png", compress_level=1)
    return "compare", f"one={folder / 'scores'}", "--target", folder / "masks"


def small_compare():
    """`mdmkit compare` of ten small frames, warm: seconds of CPU."""
    with tempfile.TemporaryDirectory() as name:
        asked = write_frames(Path(name), shifted(4, 0.2, 10, shape=(128, 128)))
        return {"s": min(command(*asked, folder=name)[0] for _ in range(3))}


def of_real_frames(name):
    """Arguments for four methods on ten real frames."""
    root = Path(os.environ["MDMKIT_REAL_FRAMES"])
    masks = Path(name, "masks")
    masks.mkdir()
    folders = sorted((root / "scores").iterdir())
    for frame in (path.stem for path in folders[0].iterdir()):
        mask = root / "frames" / f"{frame}.labels" / "labels_semantic.png"
        shutil.copy(mask, masks / f"{frame}.png")
    methods = [f"{path.name}={path}" for path in folders]
    return (*methods, "--target", masks, "--anomaly-label", 2, "--normalize", "minmax")


def bootstrap():
    """`mdmkit compare --bootstrap 1000`, four methods on ten real frames: seconds of CPU."""
    with tempfile.TemporaryDirectory() as name:
        asked = of_real_frames(name)
        alone = command("compare", *asked, folder=name)[0]
        return {"s": command("compare", *asked, "--bootstrap", 1000, folder=name)[0],
                "compare s": alone}  # fmt: skip


def report():
    """`mdmkit report`, four methods on ten real frames: seconds of CPU."""
    with tempfile.TemporaryDirectory() as name:
        return {"s": command("report", *of_real_frames(name), "-o", "r.html", folder=name)[0]}


def many_frames(count=200):
    """Frames of 720 x 1280 from a folder, every default metric: seconds for 2,000, and peak GiB."""
    count = int(count)
    with tempfile.TemporaryDirectory() as name:
        frames = shifted(6, 0.1, count, shape=(720, 1280))
        seconds, gib = command(*write_frames(Path(name), frames), folder=name)
    return {"s for 2,000": seconds * 2000 / count, "GiB": gib}


def obstacle_frames(t_margin, count=30):
    """sIoU margins of frames of 1080 x 1920 with a few small objects and noise: seconds, GiB."""
    frames = []
    for i in range(int(count)):
        rng = np.random.default_rng(i)
        scores = 0.35 * rng.random((1080, 1920), np.float32) ** 2
        target = np.full(scores.shape, 255, np.uint8)
        target[520:880] = 0
        for _ in range(rng.integers(1, 4)):
            side = int(np.sqrt(rng.integers(10, 3000)))
            row, column = rng.integers(520, 880 - side), rng.integers(0, 1920 - side)
            target[row : row + side, column : column + side] = 1
            scores[row : row + side, column : column + side] += 0.4 * rng.random((side, side))
        frames.append((scores, target))
    sizes = {"min_prediction": 50, "min_target": 10}
    evaluate(frames[:1], f"mdm_siou@{t_margin}", **sizes)
    before, start = now(), time.process_time()
    evaluate(frames, f"mdm_siou@{t_margin}", **sizes)
    return {"s": time.process_time() - start, "GiB": (peak() - before) / 2**30}


def peers(dtype):
    """Ours, exact, against a literal binned curve of ten real frames, bins of two kinds.

    The official benchmark's edges are quantiles of both classes of a frame, 768 in all; equal
    steps are what np.histogram is quickest with.
    """
    frames = list(real_frames(dtype=dtype))
    ours = cpu(partial(evaluate, frames, "ap,fpr95,best_f1"))
    found = {"ms": 1e3 * ours / len(frames)}
    for name, bins in (("quantiles", quantile_bins), ("equal steps", equal_bins)):
        found[name] = cpu(partial(binned_numbers, frames, bins)) / ours
    return found


def quantile_bins(by_class):
    """Edges with about as many scores of each class between any two."""
    shares = np.linspace(0, 1, 384)
    return np.unique(np.concatenate([[0, 1], *(np.quantile(each, shares) for each in by_class)]))


def equal_bins(by_class):
    """512 equal steps."""
    return np.linspace(0, 1, 513)


def binned_numbers(frames, bins):
    """AP and FPR95 of the true and false positives at the edges of histograms."""
    edges, counts = [], []
    for scores, target in frames:
        flat, labels = scores.ravel(), target.ravel()
        by_class = [flat[labels == label] for label in (1, 0)]
        own = bins(by_class)
        edges.append(own[:-1])
        counts.append([np.histogram(each, own)[0] for each in by_class])
    order = np.argsort(-np.concatenate(edges), kind="stable")
    tp, fp = np.cumsum(np.concatenate(counts, axis=1)[:, order], axis=1)
    tpr, precision = tp / tp[-1], tp / np.maximum(tp + fp, 1)
    return np.sum(np.diff(tpr, prepend=0) * precision), fp[np.argmax(tpr >= 0.95)] / fp[-1]


def main():
    """Run one workload."""
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))


if __name__ == "__main__":
    main()
