"""How far the conventions of published tools move a number: the table of docs/protocols.md.

    python -m tests.reference.deviations FOLDER [METHOD]

FOLDER holds RoadAnomaly frames, and score maps in scores/METHOD.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from mdmkit import Frame, SIoU, evaluate
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.transforms import HalfPrecision
from mdmkit.io import read_mask, read_scores
from mdmkit.metrics.protocols.smiyc import BINS
from mdmkit.statistics.components import ComponentCounts
from mdmkit.statistics.pixels import PixelCounts
from tests.reference import smiyc

SIZES = {"min_prediction": 500, "min_target": 100}
PIXELS, COMPONENTS = ("ap", "auroc", "fpr95", "best_f1"), ("siou_gt", "ppv", "mean_f1")
MARGINS = tuple(f"mdm_f1@{t}" for t in (0.1, 0.2, 0.3))


def drawn_frames(count=4, seed=0):
    """Frames of 480 x 640 in float32 whose scores separate well, and saturate at 1."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        target = np.zeros((480, 640), np.uint8)
        for _ in range(5):
            y, x = rng.integers(0, 400), rng.integers(0, 560)
            target[y : y + rng.integers(15, 80), x : x + rng.integers(15, 80)] = 1
        noise = rng.normal(size=target.shape)
        odds = np.where(target == 1, 3.0, -3.0) + 1.6 * noise
        frames.append((np.float32(1 / (1 + np.exp(-2 * odds))), target))
    return frames


def real_frames(folder, method):
    """Score maps with labels 0 and 1."""
    frames = []
    for path in sorted((folder / "scores" / method).glob("*.hdf5")):
        labels = folder / "frames" / f"{path.stem}.labels" / "labels_semantic.png"
        frames.append((read_scores(path), (read_mask(labels) == 2).astype(np.uint8)))
    return frames


def points_of(frames):
    """The pixel curve of SegmentMeIfYouCan's tools and every frame's edges, repeated."""
    half = [HalfPrecision()(Frame(*frame)) for frame in frames]
    sweep = PixelCounts.merged([PixelCounts.of(BINS(frame)) for frame in half])
    totals = sweep.totals[:-1][::-1].tolist()
    points = [(z, *t) for z, t in zip(sweep.scores[::-1].tolist(), totals, strict=True)]
    repeated = np.sort(np.concatenate([BINS.edges(frame) for frame in half]))[::-1]
    return points, repeated


def siou_above(frames, z):
    sizes = ComponentSizes(**SIZES)
    sweep = ComponentCounts.merged(
        [ComponentCounts.of(HalfPrecision()(Frame(*frame)), sizes) for frame in frames]
    )
    metric = SIoU(**SIZES)
    return float(metric.values(metric.part(sweep).above(z), sweep.targets))


def first_point(frames, other):
    """The binned AP where the curve starts with one frame's share of an edge that several have.

    Which frame that is depends on the sort of the tools; the one that moves AP most is taken.
    """
    sweeps = [PixelCounts.of(BINS(Frame(*frame))) for frame in frames]
    top = max(sweep.scores[-1] for sweep in sweeps)
    shares = np.array([sweep.from_score(top) for sweep in sweeps if sweep.scores[-1] == top])
    if len(shares) == 1:
        return other["ap"]
    true, false = shares.sum(axis=0)
    anomalous = sum(sweep.anomalous for sweep in sweeps)
    moves = shares[:, 0] / anomalous * (shares[:, 0] / shares.sum(axis=1) - true / (true + false))
    return other["ap"] + float(moves[np.argmax(np.abs(moves))])


def rows(frames, margins):
    """(what, number, exact, by the convention) of each deviation."""
    names = (*PIXELS, *COMPONENTS, *margins)
    exact = evaluate(frames, names, **SIZES)
    other = evaluate(frames, names, protocol="smiyc", **SIZES)
    found = [("smiyc", name, exact[name], other[name]) for name in (*PIXELS, *COMPONENTS)]
    half = [(scores.astype(np.float16), target) for scores, target in frames]
    rounded = evaluate(half, ("ap", "fpr95"))
    found += [("float16", name, exact[name], rounded[name]) for name in ("ap", "fpr95")]
    points, repeated = points_of(frames)
    found.append(("trapezoids over bins", "ap", exact["ap"], smiyc.trapezoid_ap(points)))
    z = float(np.float16(smiyc.shifted_threshold(points, repeated)))
    wrong = siou_above(frames, z)
    found.append(("the wrong threshold looked up", "siou_gt", exact["siou_gt"], wrong))
    found.append(("one frame of a tied first edge", "ap", other["ap"], first_point(frames, other)))
    release = evaluate(frames, ("fpr95", *margins), protocol="maskomaly-release")
    found.append(("FPR at TPR > 0.9", "fpr95", exact["fpr95"], release["fpr@tpr>0.9"]))
    found += [("1000 steps", name, exact[name], release[name]) for name in margins]
    scores = np.concatenate([s.ravel() for s, _ in frames]).astype(np.float64)
    anomalous = np.concatenate([t.ravel() == 1 for _, t in frames])
    precision, recall, _ = precision_recall_curve(anomalous, scores)
    found.append(("trapezoids, every score", "ap", exact["ap"], auc(recall, precision)))
    fpr, tpr, _ = roc_curve(anomalous, scores)
    found.append(("ROC vertices only", "fpr95", exact["fpr95"], float(fpr[tpr >= 0.95][0])))
    fpr, tpr, _ = roc_curve(~anomalous, -scores, drop_intermediate=False)
    found.append(("normal is positive", "fpr95", exact["fpr95"], float(fpr[tpr >= 0.95][0])))
    images = evaluate(frames, ("ap", "fpr95"), aggregate="per_image")
    found += [("mean over images", name, exact[name], images[name]) for name in ("ap", "fpr95")]
    return found


def main(folder, method="espnetv2-entropy"):
    real = rows(real_frames(Path(folder), method), MARGINS)
    drawn = rows(drawn_frames(), ("mdm_f1@0.5", "mdm_f1@0.7", "mdm_f1@0.8"))
    for title, found in ((f"{method}, real frames", real), ("drawn frames", drawn)):
        print(f"\n{title}\n")
        for what, name, exact, value in found:
            moved = f"{100 * (value - exact):+.4f}"
            print(f"| {what} | {name} | {100 * exact:.4f} | {100 * value:.4f} | {moved} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
