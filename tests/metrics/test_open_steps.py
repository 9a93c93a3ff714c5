"""Which steps of a curve with bounds a margin hangs on."""

from __future__ import annotations

import numpy as np

from mdmkit import evaluate, mdm
from mdmkit.core.margin import longest_run, runs_of_length
from mdmkit.metrics.curve import ThresholdCurve


def curve(low, high):
    steps = np.arange(len(low)) / len(low)
    low, high = np.array(low, np.float64), np.array(high, np.float64)
    return ThresholdCurve(steps, low, "f1", low=low, high=high)


def test_open_steps_of_runs_that_are_too_short_do_not_matter():
    # surely above 0.5 in steps 0..3; steps 5, 6 could make a run of two at most
    d = curve([0.9, 0.9, 0.9, 0.9, 0.1, 0.4, 0.6, 0.1], [0.9, 0.9, 0.9, 0.9, 0.2, 0.7, 0.6, 0.2])
    assert not d.undecided(0.5).any()
    assert d.margin(0.5).bracket == (0.5, 0.5)


def test_an_exact_margin_has_the_interval_of_a_run_that_surely_passes():
    # step 1 may make a run of two as long as that of steps 3 and 4, which is known
    d = curve([0.9, 0.4, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1], [0.9, 0.7, 0.2, 0.9, 0.9, 0.2, 0.2, 0.2])
    object.__setattr__(d, "values", d.high)  # as bins are shown that turn out to fail within
    margin = d.margin(0.5)
    assert margin.bracket == (0.25, 0.25)
    assert margin.interval == (0.375, 0.625)


def test_intervals_of_exact_margins_pass_whatever_the_truth_within_bounds():
    rng = np.random.default_rng(1)
    closed = 0
    for _ in range(2_000):
        low = rng.choice([0.2, 0.8], int(rng.integers(1, 12)))
        high = np.maximum(low, rng.choice([0.2, 0.8], low.size, p=[0.7, 0.3]))
        d = curve(low, high)
        object.__setattr__(d, "values", np.where(rng.random(low.size) < 0.5, low, high))
        margin = d.margin(0.5)
        if margin.bracket == (margin.value, margin.value) and margin.interval:
            closed += 1
            x, y = margin.interval
            assert (low[(d.edges[:-1] >= x) & (d.edges[1:] <= y)] > 0.5).all()
            assert margin.value == y - x
    assert closed > 200


def test_a_stream_beyond_memory_says_the_interval_that_its_margin_has():
    # precision: 0.75 from 0.75 on, 0.43 below, 0.6 on [0.25, 0.5 - 1e-6), a bin of its own at 0.5
    pixels = {1.0: (3, 1), 0.75: (0, 3), 0.5: (1, 0), 0.5 - 1e-6: (2, 0), 0.25: (0, 5)}
    scores = np.array([[z for z, (p, n) in pixels.items() for _ in range(p + n)]], np.float64)
    labels = [[label for p, n in pixels.values() for label in [1] * p + [0] * n]]
    target = np.array(labels, np.uint8)
    exact = mdm(scores, target, 0.55, "precision")
    streamed = mdm(iter([scores]), iter([target]), 0.55, "precision", memory=1)
    assert exact.interval == (0.75, 1.0)
    assert (streamed.value, streamed.interval) == (exact.value, exact.interval)
    assert streamed.threshold == exact.threshold
    result = evaluate(iter([(scores, target)]), "mdm_precision@0.55", memory=1)
    assert result.numbers["mdm_precision@0.55"].interval == exact.interval


def test_open_steps_of_runs_that_may_be_as_long_do():
    d = curve([0.9, 0.9, 0.1, 0.4, 0.6, 0.1], [0.9, 0.9, 0.2, 0.7, 0.6, 0.2])
    assert d.undecided(0.5).tolist() == [False, False, False, True, False, False]


def test_runs_agree_with_a_plain_walk_on_random_steps():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(1, 12))
        edges, passes = np.arange(n + 1.0), rng.random(n) < 0.6
        length = float(rng.integers(0, 5))
        kept = np.zeros(n, bool)
        for i in range(n):
            run = [i]
            while run[0] > 0 and passes[run[0] - 1]:
                run.insert(0, run[0] - 1)
            while run[-1] + 1 < n and passes[run[-1] + 1]:
                run.append(run[-1] + 1)
            kept[i] = passes[i] and len(run) >= length
        np.testing.assert_array_equal(runs_of_length(edges, passes, length), kept)
        longest = longest_run(edges, passes)
        assert (longest is None) == (not passes.any())
