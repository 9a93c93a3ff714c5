"""Certified ranges against p-values computed anew at every score, and p-values against formulas."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from mdmkit.uncertainty import certificates
from mdmkit.uncertainty.certificates import FrameSteps, certified_run, weighted
from mdmkit.uncertainty.conformal import frames_for_next, risk_run
from mdmkit.uncertainty.p_values import (
    BETS,
    AnyAbove,
    Betting,
    BinomialTail,
    fewest_frames,
    frames_needed,
    mean_test,
    p_value,
)
from tests.reference.conformal import next_frame_threshold
from tests.reference.hoeffding_bentkus import HoeffdingBentkus


def drawn_steps(rng, frames, kind, ties=12):
    """Frames whose scores coincide often; values of 0 and 1, or anything in [0, 1]."""
    scores = [np.unique(rng.integers(0, ties, rng.integers(0, 8)) / ties) for _ in range(frames)]
    level = rng.random()
    values = []
    for part in scores:
        x = rng.random(part.size + 1) ** rng.choice([0.1, 1, 4])
        values.append((x < level).astype(float) if kind == "losses" else x)
    return FrameSteps(scores, values)


def slow_p(x, test):
    """The p-value by its formula, in plain Python."""
    n, t = len(x), test.bound
    if isinstance(test, AnyAbove):
        return 0.0 if any(x > 0) else 1.0
    if isinstance(test, BinomialTail):
        k = int(sum(x < 0.5))
        return sum(comb(n, i) * (1 - t) ** i * t ** (n - i) for i in range(k + 1))
    wealth = 0.0
    for b in BETS:
        product = 1.0
        for value in x:
            product *= 1 + b / t * (value - t) if value > 0 else 1 - b
        wealth += product / len(BETS)
    return min(1.0, 1 / wealth)


def slow_run(steps, test, start, error):
    """Outwards through the steps between all distinct scores of all frames."""
    scores = np.unique(np.concatenate([np.empty(0), *steps.scores]))
    edges = np.concatenate([[-np.inf], scores, [np.inf]])
    lows = edges[:-1]
    p = [slow_p(steps.at(z), test) for z in lows]
    first = max(int(np.searchsorted(lows, start, side="right")) - 1, 0)
    level = error if np.isinf(start) else error / 2
    if p[first] > level:
        return (start, start) if p[first] <= error else None
    low = high = first
    while low > 0 and p[low - 1] <= level:
        low -= 1
    while high < len(p) - 1 and p[high + 1] <= level:
        high += 1
    return float(edges[low]), float(edges[high + 1])


@pytest.mark.parametrize("block", [3, 4096])
def test_certified_runs_are_those_of_every_score(monkeypatch, block):
    monkeypatch.setattr(certificates, "BLOCK", block)
    rng = np.random.default_rng(block)
    found = 0
    for _ in range(200):
        kind = rng.choice(["losses", "values"])
        steps = drawn_steps(rng, int(rng.integers(1, 12)), kind)
        bound = float(rng.choice([0.0, 0.1, 0.25, 0.5, 0.9]))
        test = mean_test(bound, losses=kind == "losses")
        start = float(rng.choice([-np.inf, np.inf, rng.random(), rng.integers(0, 12) / 12]))
        error = float(rng.choice([0.05, 0.3, 0.8]))
        expected = slow_run(steps, test, start, error)
        assert certified_run(steps, test, start, error) == expected
        found += expected is not None and expected[0] < expected[1]
    assert found > 30


def test_a_run_passes_over_ties_without_looking_between():
    # At 0.5 one frame falls to 0 and the other one rises to 1: only together are they tested.
    scores = [np.array([0.5])] * 40
    values = [np.array([1.0, 0.0])] * 20 + [np.array([0.0, 1.0])] * 20
    steps = FrameSteps(scores, values)
    assert certified_run(steps, Betting(0.1), 0.2, 0.1) == (-np.inf, np.inf)


def test_betting_falls_in_every_value_and_knows_no_order():
    rng = np.random.default_rng(0)
    for _ in range(200):
        x = rng.random(8)
        test = Betting(float(rng.uniform(0.05, 1)))
        assert p_value(x, test) == pytest.approx(p_value(rng.permutation(x), test), rel=1e-12)
        more = x.copy()
        more[3] = rng.uniform(more[3], 1)
        assert p_value(more, test) <= p_value(x, test) * (1 + 1e-12)


def test_the_binomial_tail_is_that_of_the_formula():
    for n, k, rate in ((20, 0, 0.1), (20, 3, 0.25), (7, 7, 0.5)):
        x = np.array([0.0] * k + [1.0] * (n - k))
        exact = sum(comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(k + 1))
        assert p_value(x, BinomialTail(1 - rate)) == pytest.approx(exact, rel=1e-12)


def test_hoeffding_bentkus_is_larger_than_betting_where_values_vary_little():
    x = np.full(40, 0.75)
    assert p_value(x, Betting(0.5)) < p_value(x, HoeffdingBentkus(0.5)) < 0.05
    assert p_value(np.full(40, 0.4), HoeffdingBentkus(0.5)) == 1


@pytest.mark.parametrize("kind", [Betting, HoeffdingBentkus])
@pytest.mark.parametrize("frames", [20, 100])
def test_a_mean_at_the_bound_is_refuted_in_few_sets(kind, frames):
    rng = np.random.default_rng(1)
    for losses in (0.5, 0.05):  # the rarer, the larger: the mean is 0.5 in both
        x = np.where(rng.random((4000, frames)) < losses, 0.0, 0.5 / (1 - losses))
        test = kind(0.5)
        p = test.p(test.parts(x).sum(axis=1), frames)
        assert (p <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_ratios_weigh_frames_up_to_a_cap():
    n, m = np.array([3.0, 0.0, 40.0]), np.array([4.0, 0.0, 100.0])
    x = weighted(n, m, 0.5, cap=50)
    # (3 - 2) / 50 above; undefined; a frame of 100 weighs half: (40 - 50) / 100 below
    assert x.tolist() == pytest.approx([0.52, 0.5, 0.4])


def test_frames_needed_are_about_those_that_certify():
    rng = np.random.default_rng(2)
    x = rng.uniform(0.4, 0.9, 400)
    needed = frames_needed(x[:10], Betting(0.5), 0.05)
    assert p_value(np.tile(x[:10], needed // 10 + 1), Betting(0.5)) <= 0.05
    assert p_value(np.tile(x[:10], needed // 10 - 1), Betting(0.5)) > 0.05
    assert frames_needed(np.full(10, 0.4), Betting(0.5), 0.05) is None
    assert frames_needed(np.full(10, 0.4), AnyAbove(), 0.05) == 1
    assert frames_needed(np.zeros(10), AnyAbove(), 0.05) is None
    assert fewest_frames(0.01, 0.05) == 299
    assert fewest_frames(0.05, 0.05) == 59


def slow_risk(losses, limit, up, strict):
    """Outwards from the safe end, the mean of each frame's largest loss so far."""
    scores = np.unique(np.concatenate([np.empty(0), *losses.scores]))
    lows = np.concatenate([[-np.inf], scores])
    n, worst, passed = losses.frames, np.zeros(losses.frames), 0
    for z in lows if up else lows[::-1]:
        worst = np.maximum(worst, losses.at(z))
        risk = n / (n + 1) * worst.mean() + 1 / (n + 1)
        if risk > limit + 1e-12 or (strict and risk > limit - 1e-12):
            break
        passed += 1
    if passed == 0:
        return None
    if up:
        return -np.inf, float(np.append(scores, np.inf)[passed - 1])
    return float(lows[-passed]), np.inf


@pytest.mark.parametrize("up", [False, True])
def test_conformal_risk_control_looks_at_every_score(up):
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(500):
        steps = drawn_steps(rng, int(rng.integers(1, 30)), rng.choice(["losses", "values"]))
        limit, strict = float(rng.choice([0.05, 0.1, 0.3, 0.6])), bool(rng.random() < 0.3)
        run = risk_run(steps, limit, up=up, strict=strict)
        assert run == slow_risk(steps, limit, up, strict)
        found += run is not None
    assert found > 50


def test_losses_of_0_and_1_give_one_of_the_levels():
    rng = np.random.default_rng(8)
    for _ in range(300):
        levels, rate = rng.integers(0, 12, rng.integers(1, 40)) / 12, float(rng.uniform(0.02, 0.5))
        steps = FrameSteps([np.array([z]) for z in levels], [np.array([1.0, 0.0])] * levels.size)
        level, run = next_frame_threshold(levels, rate), risk_run(steps, rate)
        assert run == (None if level is None else (level, np.inf))


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_next_frame_keeps_its_promise_on_average(rate):
    rng = np.random.default_rng(4)
    levels = rng.gamma(2.0, size=(4000, 41))
    alarms = [frames[-1] > next_frame_threshold(frames[:-1], rate) for frames in levels]
    assert np.mean(alarms) <= rate + 3 * np.sqrt(rate * (1 - rate) / 4000)
    assert frames_for_next(rate) == round(1 / rate) - 1
    assert next_frame_threshold(levels[0, : frames_for_next(rate)], rate) is not None
    assert next_frame_threshold(levels[0, : frames_for_next(rate) - 1], rate) is None


def test_bins_hold_the_least_value_and_close_ranges_every_score():
    rng = np.random.default_rng(5)
    for _ in range(30):
        steps = drawn_steps(rng, 2, "values")
        edges = np.unique(rng.random(4))
        low = float(rng.random())
        reduced = steps.reduced(edges, [(low, low + 0.3)])
        tried = np.concatenate([np.arange(-1, 30) / 24, edges])
        for z in tried:
            below = edges[edges <= z].max(initial=-np.inf)
            above = edges[edges > z].min(initial=np.inf)
            inside = [steps.at(w) for w in tried if below <= w < above]
            assert (reduced.at(z) >= np.min(inside, axis=0)).all()
            assert (reduced.at(z) <= steps.at(z)).all()
    exact = steps.reduced(np.empty(0), [(-np.inf, np.inf)])
    assert all((exact.at(z) == steps.at(z)).all() for z in tried)


def test_a_certificate_of_bins_lies_within_that_of_every_score():
    rng = np.random.default_rng(6)
    for _ in range(200):
        steps = drawn_steps(rng, 10, "values")
        test, start = Betting(0.4), float(rng.random())
        coarse = certified_run(steps.reduced(np.unique(rng.random(3))), test, start, 0.4)
        fine = certified_run(steps, test, start, 0.4)
        if coarse is not None:
            assert fine[0] <= coarse[0] <= coarse[1] <= fine[1]


def test_a_close_range_around_everything_changes_nothing():
    rng = np.random.default_rng(7)
    for _ in range(200):
        steps = drawn_steps(rng, 10, "values")
        test, start = Betting(0.4), float(rng.random())
        near = steps.reduced(np.unique(rng.random(3)), [(0.0, 0.3), (0.3, 2.0)])
        fine, found = (certified_run(several, test, start, 0.4) for several in (steps, near))
        assert (fine is None) == (found is None)
        if fine is not None and fine[0] > 0.0 and fine[1] < 2.0:
            assert found == fine
