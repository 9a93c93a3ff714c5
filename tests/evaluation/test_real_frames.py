"""Real road frames: scikit-learn on all pixels, brute force around the ends of the margins."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from mdmkit import MeanF1, SIoU, compare, evaluate, threshold_curve
from mdmkit.datasets import pair
from mdmkit.io import read_mask, read_scores
from tests.reference import brute

BOUNDED = ("espnetv2-msp", "espnetv2-entropy", "enet-entropy")
METHODS = (*BOUNDED, "espnetv2-maxlogit")
T = (0.05, 0.1, 0.2, 0.3)
SIZES = ((0, 0), (500, 100))


@pytest.fixture(scope="module")
def folders(real_frames):
    return {name: real_frames / "scores" / name for name in METHODS}


def read(folders, real_frames, most=None):
    """For each method, (scores, target) of its frames."""
    pairing = pair(folders, real_frames, "skip")
    return {
        name: [
            (read_scores(path), read_mask(pairing.targets[key]))
            for key, path in islice(paths.items(), most)
        ]
        for name, paths in pairing.scores.items()
    }


@pytest.fixture(scope="module")
def arrays(folders, real_frames):
    """For each method, (scores, target) of the ten frames."""
    return read(folders, real_frames)


@pytest.fixture(scope="module", params=SIZES, ids=["0/0", "500/100"])
def comparison(request, folders, real_frames):
    metrics = ["ap", "auroc", "fpr95", "best_f1", "siou_gt", "ppv", "mean_f1"]
    metrics += [f"mdm_{metric}@{t}" for metric in ("f1", "siou", "mean_f1") for t in T]
    return compare(
        folders, real_frames, metrics, anomaly_label=2, missing="skip",
        min_prediction=request.param[0], min_target=request.param[1],
    )  # fmt: skip


def test_two_frames_equal_scikit_learn_and_relabelling(folders, real_frames):
    (pairs,) = read({"msp": folders["espnetv2-msp"]}, real_frames, 2).values()
    frames = [(scores, (target == 2).astype(np.uint8)) for scores, target in pairs]
    scores = np.concatenate([scores.ravel() for scores, _ in frames]).astype(np.float64)
    anomalous = np.concatenate([target.ravel() for _, target in frames])
    result = evaluate(frames, "ap,auroc,best_f1,siou_gt", min_prediction=500, min_target=100)
    assert result["ap"] == pytest.approx(average_precision_score(anomalous, scores), abs=1e-9)
    assert result["auroc"] == pytest.approx(roc_auc_score(anomalous, scores), abs=1e-9)
    world = [brute.world(*frame) for frame in frames]
    sious, _ = brute.fast_components(
        world, result.numbers["best_f1"].threshold, min_prediction=500, min_target=100
    )
    assert result["siou_gt"] == pytest.approx(np.mean(sious), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_ranking_equals_scikit_learn_on_all_pixels(comparison, arrays, method):
    scores = np.concatenate([s.ravel() for s, _ in arrays[method]]).astype(np.float64)
    anomalous = np.concatenate([t.ravel() == 2 for _, t in arrays[method]])
    result = comparison[method]
    assert (result.frames, result.pixels) == (10, scores.size)
    assert result["ap"] == pytest.approx(average_precision_score(anomalous, scores), abs=1e-9)
    assert result["auroc"] == pytest.approx(roc_auc_score(anomalous, scores), abs=1e-9)
    fpr, tpr, _ = roc_curve(anomalous, scores, drop_intermediate=False)
    assert result["fpr95"] == pytest.approx(fpr[np.argmax(tpr >= 0.95)], abs=1e-9)
    precision, recall, thresholds = precision_recall_curve(anomalous, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    assert result["best_f1"] == pytest.approx(f1.max(), abs=1e-9)
    smallest = thresholds[np.argmax(f1)]  # the prediction is scores >= smallest
    assert (scores > result.numbers["best_f1"].threshold).sum() == (scores >= smallest).sum()


@pytest.mark.slow
def test_unbounded_scores_give_ranking_and_no_margin(comparison):
    result = comparison["espnetv2-maxlogit"]
    assert 0.2 < result["ap"] < 0.3
    assert result["mdm_f1@0.1"] is None
    assert "name a normaliser" in result.refused["mdm_f1@0.1"]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_component_metrics_equal_brute_force_at_the_best_threshold(comparison, arrays, method):
    sizes = {k: comparison.settings[k] for k in ("min_prediction", "min_target")}
    world = [brute.world(*frame, anomaly=2) for frame in arrays[method]]
    result = comparison[method]
    z = result.numbers["best_f1"].threshold
    sious, ppvs = brute.fast_components(world, z, **sizes)
    assert result["siou_gt"] == pytest.approx(np.mean(sious), abs=1e-12)
    assert result["ppv"] == pytest.approx(np.mean(ppvs), abs=1e-12)
    assert result["mean_f1"] == pytest.approx(brute.mean_f1_of(sious, ppvs), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("method", BOUNDED)
@pytest.mark.parametrize("t", T)
def test_pixel_margin_equals_counting_at_every_score(comparison, arrays, method, t):
    scores = np.concatenate([s.ravel() for s, _ in arrays[method]]).astype(np.float64)
    anomalous = np.concatenate([target.ravel() == 2 for _, target in arrays[method]])
    z = np.concatenate([[0.0], np.unique(scores[scores > 0])])
    positive = np.sort(scores[anomalous])
    tp = positive.size - np.searchsorted(positive, z, side="right")
    predicted = scores.size - np.searchsorted(np.sort(scores), z, side="right")
    f1 = 2 * tp / (predicted + positive.size)
    passes, edges = f1 > t, np.append(z, 1.0)
    best = (0.0, None)
    start = None
    for i in range(z.size + 1):
        inside = i < z.size and passes[i]
        if inside and start is None:
            start = edges[i]
        elif not inside and start is not None:
            if edges[i] - start > best[0]:
                best = (edges[i] - start, (start, edges[i]))
            start = None
    result = comparison[method]
    assert (result[f"mdm_f1@{t}"], result.numbers[f"mdm_f1@{t}"].interval) == best


@pytest.mark.slow
@pytest.mark.parametrize("method", BOUNDED)
def test_component_curves_equal_relabelling(comparison, arrays, method):
    """d at random scores of the whole curve, and at every margin's ends and their neighbours."""
    sizes = {k: comparison.settings[k] for k in ("min_prediction", "min_target")}
    world = [brute.world(*frame, anomaly=2) for frame in arrays[method]]
    scores, target = zip(*arrays[method], strict=True)
    rng = np.random.default_rng(0)
    found = 0
    curves = {
        metric.name: threshold_curve(scores, target, metric(**sizes), anomaly_label=2)
        for metric in (SIoU, MeanF1)
    }
    z = set(rng.choice(curves["siou"].breakpoints, 6).tolist())
    for name in curves:
        for t in T:
            interval = comparison[method].numbers[f"mdm_{name}@{t}"].interval
            if interval is not None:
                found += 1
                z |= set(neighbours(curves[name].breakpoints, interval))
    for threshold in sorted(z):
        sious, ppvs = brute.fast_components(world, threshold, **sizes)
        assert curves["siou"](threshold) == pytest.approx(np.mean(sious), abs=1e-12)
        assert curves["mean_f1"](threshold) == pytest.approx(
            brute.mean_f1_of(sious, ppvs), abs=1e-12
        )
    assert found or method == "enet-entropy"


def neighbours(breakpoints, interval):
    """The steps that begin and end a run, and those on either side of them."""
    for end in interval:
        at = int(np.searchsorted(breakpoints, end))
        yield from breakpoints[max(at - 1, 0) : at + 1].tolist()


@pytest.mark.slow
def test_margins_are_not_all_zero(comparison):
    values = [comparison[m][f"mdm_siou@{t}"] for m in BOUNDED for t in T]
    values += [comparison[m][f"mdm_f1@{t}"] for m in BOUNDED for t in T]
    assert sum(value > 0 for value in values) >= 6


@pytest.mark.slow
def test_beyond_the_memory_budget_a_second_pass_gives_the_same(comparison, folders, real_frames):
    metrics = ["ap", "fpr95", "best_f1", "siou_gt", "mean_f1", "mdm_f1@0.1", "mdm_siou@0.05"]
    sizes = {k: comparison.settings[k] for k in ("min_prediction", "min_target")}
    rough = compare(
        folders, real_frames, metrics, anomaly_label=2, missing="skip", memory=0, jobs=2, **sizes
    )
    for method in METHODS:
        exact, result = comparison[method], rough[method]
        low, high = result.numbers["ap"].bracket
        assert low <= exact["ap"] <= high
        assert high - low < 0.001
        for key in metrics[1:]:
            assert result[key] == exact[key]
