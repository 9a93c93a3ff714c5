"""Intervals hold the population's value about as often as they say, over many drawn data sets."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import bootstrap, evaluate

pytestmark = pytest.mark.slow

DATA_SETS, FRAMES, SETS = 200, 50, 200
METRICS = ("ap", "f1@z=0.5", "mdm_f1@0.5")


def draw(rng, frames, pixels=40):
    """Two methods on the same frames, each of its own size of anomaly and its own difficulty.

    What is hard for one method is hard for the other: differences vary less than numbers do.
    """
    target = (rng.random((frames, pixels)) < rng.beta(2, 4, (frames, 1))).astype(np.uint8)
    hard = rng.normal(0, 0.6, (frames, 1))
    scores = {}
    for method, gap in (("better", 1.4), ("worse", 1.1)):
        own = rng.normal(0, 0.3, (frames, 1)) + rng.normal(0, 1, (frames, pixels))
        scores[method] = np.clip(0.33 + (own + hard + gap * target) / 6, 0, 1)
    return {m: np.round(255 * s).astype(np.uint8) for m, s in scores.items()}, target


@pytest.fixture(scope="module")
def population():
    """Numbers on so many frames that what is left of chance is far below an interval."""
    scores, target = draw(np.random.default_rng(0), 40_000)
    return {method: evaluate([(s, target)], METRICS) for method, s in scores.items()}


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_cover_the_population_about_as_often_as_they_say(population, metric):
    truth = {method: numbers[metric] for method, numbers in population.items()}
    covered = {"better": 0, "worse": 0, "difference": 0}
    widths = {name: [] for name in covered}
    for seed in range(DATA_SETS):
        scores, target = draw(np.random.default_rng([1, seed]), FRAMES)
        frames = {
            method: [(s[None], t[None]) for s, t in zip(several, target, strict=True)]
            for method, several in scores.items()
        }
        found = bootstrap(frames, metrics=metric, replicates=SETS, seed=seed)
        for name, true in (*truth.items(), ("difference", truth["better"] - truth["worse"])):
            _, low, high = (
                found.difference("better", "worse", metric)
                if name == "difference"
                else found.interval(name, metric)
            )
            covered[name] += low <= true <= high
            widths[name].append(high - low)
    shares = {name: count / DATA_SETS for name, count in covered.items()}
    assert all(0.90 <= share <= 0.98 for share in shares.values()), shares
    # pairing is worth it: were the sets drawn apart, the variances would add up
    apart = np.hypot(np.mean(widths["better"]), np.mean(widths["worse"]))
    assert np.mean(widths["difference"]) < 0.8 * apart
