"""Component metrics at a given threshold, against a literal transcription of their definition."""

from __future__ import annotations

from collections import Counter
from math import fsum, nan

import numpy as np
import pytest
from scipy.ndimage import label

from mdmkit import PPV, MeanF1, SIoU
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.frame import Frame
from mdmkit.statistics.components import ComponentCounts
from tests.conftest import cases
from tests.reference import brute

METRICS = {"siou": SIoU, "ppv": PPV, "mean_f1": MeanF1}


def fields(rng, shape):
    """Smooth scores, so that components are blobs that merge and part as the threshold moves."""
    scores = rng.random(shape)
    for axis in (0, 1):
        scores = scores + np.roll(scores, 1, axis) + np.roll(scores, -1, axis)
    scores = (scores - scores.min()) / max(np.ptp(scores), 1e-9)
    return np.round(scores * rng.choice([8, 30, 4096])) / 4096 if rng.random() < 0.3 else scores


def scene(rng):
    """(scores, target): blobs of all sizes, cut by ignored bars, some under one prediction."""
    shape = tuple(int(side) for side in rng.integers(4, 26, 2))
    scores, target = fields(rng, shape), np.zeros(shape, np.uint8)
    for _ in range(rng.integers(1, 7)):
        y, x = (int(rng.integers(0, side)) for side in shape)
        target[y : y + rng.integers(1, 6), x : x + rng.integers(1, 6)] = 1
    if rng.random() < 0.4:  # one prediction over several targets
        y, x = (int(rng.integers(0, side)) for side in shape)
        scores[y : y + 12, x : x + 12] = np.maximum(scores[y : y + 12, x : x + 12], 0.75)
    if rng.random() < 0.3:  # a prediction that is a tiny target, and nothing else
        y, x = (int(rng.integers(0, side)) for side in shape)
        target[y, x] = 1
        scores[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = 0.0
        scores[y, x] = 1.0
    for _ in range(rng.integers(0, 3)):  # bars that cut predictions and targets in two
        if rng.random() < 0.5:
            target[rng.integers(0, shape[0])] = 255
        else:
            target[:, rng.integers(0, shape[1])] = 255
    if rng.random() < 0.2:
        target[rng.random(shape) < 0.1] = 255
    scores = scores.astype(rng.choice(["float16", "float32", "float64"]))
    scores[(target == 255) & (rng.random(shape) < 0.5)] = np.nan
    return scores, target


def seen(world, z, min_prediction, min_target):
    """What is special about a case, so that the test below can tell that it met all of it."""
    scores, anomalous, valid = world
    predicted = np.zeros(scores.shape, bool)
    predicted[valid] = scores[valid] > z
    p_ids, n_p = label(predicted, brute.EIGHT)
    t_ids, n_t = label(anomalous & valid, brute.EIGHT)
    p_sizes, t_sizes = (np.bincount(i.ravel())[1:] for i in (p_ids, t_ids))
    under = [np.unique(t_ids[p_ids == j]) for j in range(1, n_p + 1)]
    # labelled before the ignored pixels leave, there would be fewer components
    uncut = label(np.where(valid, predicted, np.nan_to_num(scores) > z), brute.EIGHT)[1]
    return {
        "a prediction that is too small": bool((p_sizes < min_prediction).any()),
        "a target that is too small": bool((t_sizes < min_target).any()),
        "several targets under one prediction": any((u > 0).sum() > 1 for u in under),
        "several predictions on one target": any(
            np.unique(p_ids[(t_ids == i) & (p_ids > 0)]).size > 1 for i in range(1, n_t + 1)
        ),
        "a prediction in targets that are too small only": any(
            (u > 0).all() and (t_sizes[u - 1] < min_target).all() for u in under
        ),
        "ignored pixels that cut a prediction": uncut < n_p,
    }


@pytest.mark.parametrize("block", range(4))
def test_metrics_at_a_threshold_are_those_of_the_definition(block):
    scenes, met = cases(1200), Counter()
    for seed in range(block * 10_000, block * 10_000 + scenes):
        rng = np.random.default_rng(seed)
        frames = [scene(rng) for _ in range(rng.integers(1, 3))]
        worlds = [brute.world(*frame) for frame in frames]
        sizes = ComponentSizes(int(rng.integers(0, 12)), int(rng.integers(0, 6)))
        several = {"min_prediction": sizes.min_prediction, "min_target": sizes.min_target}
        sweep = ComponentCounts.merged([ComponentCounts.of(Frame(*f), sizes) for f in frames])
        if sweep.targets == 0:
            continue
        z = float(rng.choice([rng.random(), worlds[0][0][worlds[0][2]].max(initial=0.5), 0.5]))
        for world in worlds:
            met.update(name for name, is_so in seen(world, z, **several).items() if is_so)
        sious, ppvs = brute.components(worlds, z, **several)
        expected = {
            "siou": fsum(sious) / len(sious),
            "ppv": fsum(ppvs) / len(ppvs) if ppvs else nan,
            "mean_f1": brute.mean_f1_of(sious, ppvs),
        }
        for name in METRICS:
            m = METRICS[name](**several)
            found = float(m.values(m.part(sweep).above(z), sweep.targets))
            assert found == pytest.approx(expected[name], abs=1e-12, nan_ok=True), (seed, name)
        assert brute.fast_components(worlds, z, **several) == (sious, ppvs)
    assert len(met) == 6, met
    assert min(met.values()) > scenes / 100, met
