"""Which steps of a curve with bounds a margin hangs on."""

from __future__ import annotations

import numpy as np

from mdmkit.core.margin import longest_run, runs_of_length
from mdmkit.metrics.curve import ThresholdCurve


def curve(low, high):
    steps = np.arange(len(low)) / len(low)
    return ThresholdCurve(steps, np.float64(low), "f1", low=np.float64(low), high=np.float64(high))


def test_open_steps_of_runs_that_are_too_short_do_not_matter():
    # surely above 0.5 in steps 0..3; steps 5, 6 could make a run of two at most
    d = curve([0.9, 0.9, 0.9, 0.9, 0.1, 0.4, 0.6, 0.1], [0.9, 0.9, 0.9, 0.9, 0.2, 0.7, 0.6, 0.2])
    assert not d.undecided(0.5).any()
    assert d.margin(0.5).bracket == (0.5, 0.5)


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
