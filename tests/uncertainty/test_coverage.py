"""How often certified ranges are wrong, on many drawn data sets whose population is known.

A population is a list of kinds of frames with their shares, so that its quality at every threshold
is a finite sum. A range is wrong if it holds any threshold at which that does not exceed the bound.
"""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit.uncertainty.certificates import FrameSteps, certified_run, weighted
from mdmkit.uncertainty.p_values import mean_test
from tests.reference.hoeffding_bentkus import HoeffdingBentkus

KINDS, SCORES = 60, np.arange(1, 33) / 32
PIXELS = 1000
ERROR = 0.05


class Population:
    """Counts of kinds of frames after each score, shape (KINDS, 33); row 0 is everything."""

    def __init__(self, rare_losses, seed=0):
        rng = np.random.default_rng(seed)
        anomalous = rng.integers(5, 80, (KINDS, 1))
        normal = PIXELS - anomalous
        z = np.append(0, SCORES)
        place = rng.normal(0.75, 0.1, (KINDS, 1))
        found = 1 / (1 + np.exp((z - place) / 0.06))
        false = np.exp(-z / rng.uniform(0.03, 0.06, (KINDS, 1)))
        self.share = np.full(KINDS, 1 / KINDS)
        if rare_losses:  # 3 % of the frames are missed, and full of false alarms
            lost = np.arange(KINDS) < 6
            self.share = np.where(lost, 0.03 / 6, 0.97 / (KINDS - 6))
            found[lost], false[lost] = 0.02 * found[lost], np.maximum(false[lost], 0.5 * (z < 0.9))
        self.tp = np.floor(anomalous * np.where(z == 0, 1, found))
        self.fp = np.floor(normal * np.where(z == 0, 1, false))
        self.tp[:, -1] = self.fp[:, -1] = 0  # nothing exceeds the largest score
        self.anomalous, self.normal = np.broadcast_arrays(anomalous, normal, self.tp)[:2]

    def mean(self, x):
        return self.share @ x


def f1(population):
    p = population
    return 2 * p.tp / (p.tp + p.fp + p.anomalous)


#: Values x of each kind of frame and whether they are 0 or 1, from which bounds are taken; and
#: for ratios numerator and denominator.
PER_FRAME = {
    "f1 of images": (f1, False),
    "1 - fpr": (lambda p: 1 - p.fp / p.normal, False),
    "1 - fnr": (lambda p: p.tp / p.anomalous, False),
    "no alarm": (lambda p: (p.fp < 20).astype(float), True),
}
RATIOS = {
    "pooled f1": lambda p: (p.tp, p.anomalous + p.fp),
    "pooled recall": lambda p: (p.tp, p.anomalous),
}
SAFE_ENDS = {"1 - fpr": 33 - 1, "no alarm": 33 - 1, "1 - fnr": 0, "pooled recall": 0}


def question(name, population, cap, at):
    """x of each kind, the bound, whether it holds in the population, and the test.

    The bound is the population's quality at one threshold, exactly: the hardest case.
    """
    if name in PER_FRAME:
        of, losses = PER_FRAME[name]
        x = of(population)
        quality = population.mean(x)
        bound = float(quality[at])
    else:
        losses = False
        n, m = RATIOS[name](population)
        shrink = np.minimum(1, cap * PIXELS / np.maximum(m, 1e-300))
        quality = population.mean(n * shrink) / population.mean(m * shrink)
        bound = float(quality[at])
        x = weighted(n, m, bound, cap * PIXELS)
        # the null hypothesis is the mean of x, so that no rounding decides
        quality = np.where(
            np.isclose(population.mean(x), bound, atol=1e-12), bound, population.mean(x)
        )
    good = quality > bound + 1e-12
    return x, bound, good, losses


def walks(p, start, error):
    """First and last step of each walk, shape (sets, 2); first > last where the start fails.

    A start that passes while no direction does is certified alone: its step here.
    """
    steps = p.shape[1]
    at_end = start in (0, steps - 1)
    fails = p > (error if at_end else error / 2)
    if not at_end:
        fails[:, start] = p[:, start] > error
        fails[:, :start] |= p[:, start, None] > error / 2
        fails[:, start + 1 :] |= p[:, start, None] > error / 2
    low = np.where(fails[:, : start + 1].any(1), start + 1 - np.argmax(fails[:, start::-1], 1), 0)
    up = fails[:, start:]
    high = np.where(up.any(1), start + np.argmax(up, 1) - 1, steps - 1)
    return np.stack([low, high], axis=1)


def drawn(name, population, frames, cap, at, sets, seed, test_of=mean_test):
    """Shares of data sets with a wrong range and without any, and the mean length in steps."""
    x, bound, good, losses = question(name, population, cap, at)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(frames, population.share, sets).astype(float)
    test = test_of(bound, losses)
    parts = test.parts(x)
    sums = np.tensordot(draws, parts, axes=1)
    p = test.p(sums, frames)
    start = SAFE_ENDS.get(name)
    if start is None:  # as another set of frames would choose it: where the population is best
        start = int(np.argmax(population.mean(x)))
    ends = walks(p, start, ERROR)
    length = np.maximum(ends[:, 1] - ends[:, 0] + 1, 0)
    wrong = np.array([a <= b and not good[a : b + 1].all() for a, b in ends])
    return wrong.mean(), (length == 0).mean(), length.mean(), int(good.sum())


CELLS = [
    *((name, 1.0) for name in PER_FRAME),
    *((name, cap) for name in RATIOS for cap in (1.0, 0.1)),
]


def wrong_at_most(sets):
    """5 %, and what counting so many sets may add to it, three standard errors."""
    return ERROR + 3 * np.sqrt(ERROR * (1 - ERROR) / sets)


@pytest.mark.parametrize("rare_losses", [False, True])
def test_few_certified_ranges_are_wrong(rare_losses):
    population = Population(rare_losses)
    for name, cap in CELLS:
        wrong, _, _, _ = drawn(name, population, 60, cap, 12, 300, seed=1)
        assert wrong <= wrong_at_most(300), (name, cap)


@pytest.mark.slow
@pytest.mark.parametrize("rare_losses", [False, True])
@pytest.mark.parametrize("frames", [20, 60, 300])
@pytest.mark.parametrize(("name", "cap"), CELLS)
def test_certified_ranges_are_wrong_in_5_percent_at_most(name, cap, frames, rare_losses):
    population = Population(rare_losses)
    for at in (6, 12, 24):
        wrong, nothing, length, true = drawn(name, population, frames, cap, at, 2000, seed=at)
        hb = drawn(
            name, population, frames, cap, at, 2000, at, lambda bound, _: HoeffdingBentkus(bound)
        )
        print(
            f"{name}, cap {cap:g}, {frames} frames, rare losses {rare_losses}, bound at {at}: "
            f"wrong {100 * wrong:.1f} %, nothing {100 * nothing:.0f} %, length {length:.1f} of "
            f"{true}; Hoeffding-Bentkus {hb[2]:.1f}"
        )
        assert wrong <= wrong_at_most(2000)


@pytest.mark.slow
@pytest.mark.parametrize("rare_losses", [False, True])
def test_walks_over_frames_are_those_of_the_sums(rare_losses):
    """The same ranges by `certified_run` over the frames themselves."""
    population = Population(rare_losses)
    rng = np.random.default_rng(3)
    for name, cap in CELLS:
        x, bound, _, losses = question(name, population, cap, 12)
        test = mean_test(bound, losses)
        start = SAFE_ENDS.get(name, int(np.argmax(population.mean(x))))
        for _ in range(20):
            kinds = rng.choice(KINDS, 30, p=population.share)
            steps = FrameSteps([SCORES] * 30, list(x[kinds]))
            z = {0: -np.inf, 32: np.inf}.get(start, np.append(0, SCORES)[start])
            found = certified_run(steps, test, z, ERROR)
            sums = test.parts(x[kinds]).sum(axis=0)
            low, high = walks(test.p(sums, 30)[None], start, ERROR)[0]
            edges = np.concatenate([[-np.inf], SCORES, [np.inf]])
            if found is not None and found[0] == found[1]:
                assert (found[0], low, high) == (z, start, start)
                continue
            assert found == (None if low > high else (edges[low], edges[high + 1]))


@pytest.mark.parametrize("whole_step", [False, True])
def test_a_start_that_passes_alone_says_nothing_of_its_step(whole_step):
    """Frames that fail just below the start, others just above it, none at the start itself.

    Of 29 frames without a loss the p-value is 0.047: the start passes, and its step on these
    frames reaches beyond 0.4 or 0.6, where a tenth fails, wherever no such frame was drawn.
    """
    rng = np.random.default_rng(0)
    sets, frames, wrong = 1000, 29, 0
    for _ in range(sets):
        kind = rng.choice(3, frames, p=[0.1, 0.1, 0.8])
        scores = [np.array([[0.4], [0.6], [2.0]][k]) for k in kind]
        values = [np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]][k]) for k in kind]
        steps, test = FrameSteps(scores, values), mean_test(0.9, losses=True)
        run = certified_run(steps, test, 0.5, ERROR)
        assert run == (0.5, 0.5)
        if whole_step:  # as if the step of the start were certified with it
            run = (0.4 if 0 in kind else -np.inf, 0.6 if 1 in kind else np.inf)
        wrong += not 0.4 <= run[0] <= run[1] <= 0.6
    assert wrong == 0 if not whole_step else wrong > 0.07 * sets
