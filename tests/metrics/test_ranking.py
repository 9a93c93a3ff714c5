"""AP, AUROC, FPR at a TPR and best F1: hand-drawn maps, scikit-learn, brute force."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from mdmkit import Frame
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.ranking import auroc, average_precision, best_f1, fpr_at_tpr
from tests.conftest import examples, small_frames
from tests.reference import brute


def sweep(scores, target):
    return PixelCounts.of(Frame(scores, target))


def reference_best_f1(scores, anomalous):
    """(F1, threshold, everything) over all predictions, of several maxima the highest threshold."""
    candidates = [*np.unique(scores)[::-1].tolist(), None]
    best = (-1.0, None)
    for z in candidates:
        predicted = np.ones(scores.shape, bool) if z is None else scores > z
        tp = int((predicted & anomalous).sum())
        f1 = 2 * tp / (int(predicted.sum()) + int(anomalous.sum()))
        if f1 > best[0]:
            best = (f1, z)
    return (*best, best[1] is None)


def test_a_perfect_map():
    perfect = sweep([[0.1, 0.2, 0.8, 0.9]], [[0, 0, 1, 1]])
    assert average_precision(perfect) == 1.0
    assert auroc(perfect) == 1.0
    assert fpr_at_tpr(perfect, 0.95) == 0.0
    best = best_f1(perfect)
    assert (best.value, best.threshold, best.all_predicted) == (1.0, 0.2, False)


def test_of_several_best_predictions_the_one_with_the_highest_threshold():
    # {0.9} has F1 = 2/3; {0.9, 0.5, 0.4} has F1 = 4/5; everything has 4/6
    best = best_f1(sweep([[0.9, 0.5, 0.4, 0.1]], [[1, 0, 1, 0]]))
    assert (best.value, best.threshold) == (0.8, 0.1)
    # {0.9}: 2/3 and everything: 4/6 tie
    best = best_f1(sweep([[0.9, 0.5, 0.4, 0.1]], [[1, 0, 0, 1]]))
    assert (best.value, best.threshold) == (2 / 3, 0.5)


def test_everything_may_be_the_best_prediction():
    best = best_f1(sweep([[0.1, 0.9, 0.5]], [[1, 1, 0]]))
    assert (best.value, best.threshold, best.all_predicted) == (0.8, None, True)


def test_fpr_uses_the_first_point_that_reaches_the_rate():
    # TPR 0.5 at FPR 0; TPR 1 at FPR 0.5
    ties = sweep([[0.9, 0.5, 0.5, 0.1]], [[1, 1, 0, 0]])
    assert fpr_at_tpr(ties, 0.5) == 0.0
    assert fpr_at_tpr(ties, 0.51) == 0.5


@pytest.mark.parametrize("target", [[[0, 0]], [[1, 1]]])
def test_undefined_without_both_classes(target):
    one_class = sweep([[0.1, 0.9]], target)
    assert isnan(average_precision(one_class))
    assert isnan(auroc(one_class))
    assert isnan(fpr_at_tpr(one_class, 0.95))
    assert isnan(best_f1(one_class).value)


@examples(1000)
@given(small_frames())
def test_ranking_agrees_with_scikit_learn(frames):
    world = [brute.world(*frame) for frame in frames]
    scores = np.concatenate([s[valid] for s, _, valid in world])
    anomalous = np.concatenate([a[valid] for _, a, valid in world])
    merged = PixelCounts.merged(PixelCounts.of(Frame(*frame)) for frame in frames)
    assert (merged.anomalous, merged.normal) == (anomalous.sum(), (~anomalous).sum())
    if anomalous.all():
        return
    assert average_precision(merged) == pytest.approx(
        average_precision_score(anomalous, scores), abs=1e-9
    )
    assert auroc(merged) == pytest.approx(roc_auc_score(anomalous, scores), abs=1e-9)
    fpr, tpr, _ = roc_curve(anomalous, scores, drop_intermediate=False)
    for rate in (0.5, 0.9, 0.95, 1.0):
        assert fpr_at_tpr(merged, rate) == fpr[np.argmax(tpr >= rate)]
    best = best_f1(merged)
    assert (best.value, best.threshold, best.all_predicted) == reference_best_f1(scores, anomalous)
    precision, recall, _ = precision_recall_curve(anomalous, scores)
    with np.errstate(invalid="ignore"):
        f1 = 2 * precision * recall / (precision + recall)
    assert best.value == pytest.approx(np.nanmax(f1), abs=1e-9)


@examples(200)
@given(small_frames(most=1))
def test_a_strictly_increasing_map_leaves_ranking_alone(frames):
    ((scores, target),) = frames
    raw = np.where(np.isnan(brute.world(scores, target)[0]), 0, brute.world(scores, target)[0])
    first, second = sweep(raw, target), sweep(raw * 8 - 3, target)
    assert average_precision(first) == pytest.approx(average_precision(second), nan_ok=True)
    assert auroc(first) == pytest.approx(auroc(second), nan_ok=True)
