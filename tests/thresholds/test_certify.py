"""Certified ranges of requirements: against plain counting at every score, and on new frames."""

from __future__ import annotations

from functools import partial
from math import isnan

import numpy as np
import pytest

from mdmkit import Certification, Frame, InputError, recommend_threshold
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.thresholds.certify import certify
from mdmkit.thresholds.frame_values import Caps, Certifiable
from mdmkit.thresholds.requirements import parse_requirements
from mdmkit.thresholds.sources import ReadFrames
from mdmkit.uncertainty.certificates import FrameSteps, certified_run
from mdmkit.uncertainty.p_values import Betting, BinomialTail, fewest_frames, mean_test
from tests.conftest import random_scores
from tests.reference import brute
from tests.reference.conformal import next_frame_threshold
from tests.statistics.test_detections import covered_shares
from tests.thresholds.test_requirements import per_image

#: Measures as ratios n / m of one frame's counts, with the bound that F-beta > T is on them.
SIZES = (2, 2)


def slow_x(requirement, frame, z, caps):
    """x of one frame at one threshold, and the bound, from counts alone."""
    tp, fp, fn, tn = brute.counts([frame], z)
    t, name = requirement.limit, requirement.name
    up = requirement.operator in (">", ">=")
    if name.startswith("alarm") or requirement.aggregate == "per_image":
        value = per_image(name, [frame], z, SIZES)
        if name == "alarms":
            value, t = min(value, caps.alarms) / caps.alarms, t / caps.alarms
        bound = t if up else 1 - t
        return (bound if isnan(value) else value if up else 1 - value), bound
    sious, ppvs = brute.components([frame], z, *SIZES)
    covered = covered_shares(frame, z, ComponentSizes(*SIZES))
    pixels = frame[0].size
    n, m, cap = {
        "recall": (tp, tp + fn, caps.pixels * pixels),
        "precision": (tp, tp + fp, caps.pixels * pixels),
        "iou": (tp, tp + fp + fn, caps.pixels * pixels),
        "f1": (tp, tp + fp + fn, caps.pixels * pixels),
        "fbeta@beta=2": (tp, tp + fn + fp / 4, caps.pixels * pixels),
        "fpr": (fp, fp + tn, pixels),
        "siou": (sum(sious), len(sious), caps.components),
        "ppv": (sum(ppvs), len(ppvs), caps.components),
        "found": (sum(s >= 0.5 for s in covered), len(covered), caps.components),
    }[name]
    if name == "f1":
        t = t / (2 - t)
    if name == "fbeta@beta=2":  # 5 TP / (5 TP + 4 FN + FP) > T is TP / (TP + FN + FP / 4) > t
        t = 4 * t / (5 - t)
    n, bound = (n, t) if up else (m - n, 1 - t)
    return float(np.clip(bound + (n - bound * m) / max(m, cap), 0, 1)), bound


def drawn(rng, count):
    frames = []
    for _ in range(count):
        shape = tuple(rng.integers(2, 6, 2))
        target = (rng.random(shape) < rng.choice([0, 0.3, 0.5])).astype(np.uint8)
        target[rng.random(shape) < 0.1] = 255
        scores = random_scores(rng, shape, rng.choice(["ties", "noise", "sparse"]), "float64")
        scores = np.round(np.clip(0.6 * scores + 0.4 * (target == 1), 0, 1) * 16) / 16
        frames.append((scores, target))
    return frames


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
@pytest.mark.parametrize("sets", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_certified_runs_are_those_of_plain_counting(aggregate, sets):
    rng = np.random.default_rng(0)
    caps, error, found = Caps(0.2, 3, 2), 0.4, 0
    names = (
        "recall",
        "precision",
        "iou",
        "f1",
        "fbeta@beta=2",
        "fpr",
        "siou",
        "ppv",
        "found",
        "alarms",
        "alarm_frames",
    )
    for _ in range(sets):
        frames = drawn(rng, 6)
        plain = [brute.world(*frame) for frame in frames]
        edges = np.unique(np.concatenate([s[v] for s, _, v in plain]))
        for name in names:
            sign, limit = str(rng.choice([">", ">=", "<", "<="])), float(rng.random())
            (requirement,) = parse_requirements(
                f"{name}{sign}{limit!r}", ComponentSizes(*SIZES), aggregate
            )
            question = Certifiable.of(requirement, caps)
            loads = [partial(Frame, *frame) for frame in frames]
            (steps,), _ = ReadFrames(loads, 2**30).walk([question], [0.0])
            rows = [[slow_x(requirement, frame, z, caps)[0] for z in edges] for frame in plain]
            bound = slow_x(requirement, plain[0], 0.5, caps)[1]
            test = mean_test(bound, losses=name == "alarm_frames")
            assert question.bound == pytest.approx(bound, rel=1e-12)
            for z, x in zip(edges, np.transpose(rows), strict=True):
                np.testing.assert_allclose(steps.at(z), x, rtol=0, atol=1e-12)
            everything = [slow_x(requirement, frame, -1.0, caps)[0] for frame in plain]
            np.testing.assert_allclose(steps.at(-np.inf), everything, rtol=0, atol=1e-12)
            slow = FrameSteps([edges] * 6, np.column_stack([everything, rows]))
            for start in (-np.inf, np.inf, 0.5):
                run = certified_run(steps, question.test, start, error)
                assert run == certified_run(slow, test, start, error)
                found += run is not None
    assert found > 5 * sets


def plateau(seed, shape=(40, 50), shift=0.0):
    """A frame with an object that most thresholds find."""
    rng = np.random.default_rng(seed)
    target = np.zeros(shape, np.uint8)
    target[8:20, 10:30] = 1
    scores = rng.normal(0.25, 0.05, shape) + target * rng.normal(0.5, 0.05)
    return np.clip(scores + shift, 0, 1).astype(np.float32), target


FRAMES = [plateau(seed) for seed in range(60)]


@pytest.mark.parametrize(
    "require",
    [
        "f1 > 0.5",
        "recall >= 0.5, fpr <= 0.2",
        "alarm_frames <= 0.2",
        "siou > 0.3, alarms <= 2",
        "recall >= 0.5",
    ],
)
def test_little_memory_changes_no_end(require):
    sizes = ComponentSizes(3, 3)
    requirements = parse_requirements(require, sizes)
    loads = [partial(Frame, *frame) for frame in FRAMES[:40]]
    how, at = Certification(0.9), 0.5
    all_scores, few = (
        certify(ReadFrames(loads, memory), requirements, how, "none", at)
        for memory in (2**31, 2**21)
    )
    assert all_scores.run == few.run
    assert all_scores.runs == few.runs
    assert all_scores.run is not None


def test_the_threshold_lies_in_the_certified_range():
    found = recommend_threshold(FRAMES, require="f1 > 0.5", certify=0.95)
    low, high = found.certified
    assert found.interval[0] <= low < found.threshold < high <= found.interval[1]
    assert found.threshold == (low + high) / 2
    assert found.certificate.frames == 48
    assert found.certificate.start_frames == 12
    assert found.certificate.needed == (0,)
    assert found.certificate.certified_as == (
        "pooled, a frame weighing at most 10 % of its pixels",
    )


def test_requirements_on_one_side_use_all_frames_and_all_of_the_error():
    found = recommend_threshold(FRAMES, require="alarm_frames <= 0.1", certify=0.95)
    assert (found.certificate.frames, found.certificate.start_frames) == (60, 0)
    assert found.certificate.run[1] == np.inf
    assert found.threshold == found.certified[0]  # the lowest
    assert found.certificate.tests == ("binomial test",)
    assert found.certificate.fewest == (fewest_frames(0.1, 0.05),) == (29,)
    # with 60 frames one alarm is too many: 0.9^60 + 60 * 0.1 * 0.9^59 is 0.014, two are 0.053
    levels = np.sort([scores[target == 0].max() for scores, target in FRAMES])
    assert found.threshold == levels[-2]
    (promise,) = found.certificate.next_frames
    assert promise.run == (levels[-6], np.inf)  # the 55th of 60
    assert (promise.needed, promise.rule) == (9, "order statistic")


def test_nothing_certified_says_how_many_frames_it_takes():
    found = recommend_threshold(FRAMES[:10], require="alarm_frames <= 0.1", certify=0.95)
    assert found.certified is None
    assert found.certificate.needed == (29,)
    assert found.certificate.fewest == (29,)
    assert found.interval[1] == 1.0  # the frames' own range stands


def test_what_cannot_be_certified_is_refused():
    with pytest.raises(InputError, match="per_image"):
        recommend_threshold(FRAMES, require="mean_f1 > 0.2", certify=0.95)
    for wrong in (0.0, 1.0):
        with pytest.raises(InputError, match="confidence"):
            Certification(wrong)
    with pytest.raises(InputError, match="cap"):
        Caps(0)
    with pytest.raises(InputError, match="2 frames"):
        recommend_threshold(FRAMES[:2], require="f1 > 0.1", certify=0.95)


def test_a_start_may_be_certified_alone():
    how = Certification(0.99, 0.2, Caps(0.3))
    found = recommend_threshold(
        FRAMES[:12], require="f1 > 0.5, recall > 0.4", certify=how, aggregate="per_image"
    )
    low, high = found.certificate.run
    assert low == high == found.threshold == found.raw_threshold
    assert found.certified == (low, high)
    assert found.chosen.certificate["run"] == [low, high]


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.3, 0.8])
def test_budgets_of_false_positives_hold_on_new_frames_where_quantiles_do_not(spread):
    """FPR of normal frames with exponential tails: 400 sets of 200 frames, two populations."""
    rng = np.random.default_rng(1)
    z = np.linspace(0, 1, 513)[1:]
    scale = 0.06 * np.exp(spread * rng.standard_normal(2000))
    rates = np.exp(-z / scale[:, None])  # of each frame of the population
    budget, truth, test = 0.05, rates.mean(axis=0), Betting(0.95)
    kept = quantile = certified = 0
    risks = []
    for _ in range(400):
        sample = rates[rng.choice(2000, 200)]
        p = test.p(test.parts(1 - sample).sum(axis=0), 200)
        failing = np.flatnonzero(p > 0.05)
        low = failing[-1] + 1 if failing.size else 0
        certified += low < 512
        kept += low == 512 or truth[low] <= budget
        quantile += truth[np.argmax(sample.mean(axis=0) <= budget)] <= budget
        risks.append(truth[np.argmax((200 * sample.mean(axis=0) + 1) / 201 <= budget)])
    print(f"certified {certified / 4:g} %, kept {kept / 4:g} %, quantile {quantile / 4:g} %")
    assert certified > 0.9 * 400
    assert kept >= 0.95 * 400
    assert quantile < 0.75 * 400
    assert np.mean(risks) <= budget


@pytest.mark.parametrize("spread", [0.3, 0.8])
def test_alarm_budgets_hold_on_new_frames(spread):
    rng = np.random.default_rng(2)
    levels = np.exp(spread * rng.standard_normal(1000))
    kept = naive = 0
    nexts = []
    for _ in range(400):
        sample = rng.choice(levels, 100)
        steps = FrameSteps([np.array([level]) for level in sample], [np.array([0.0, 1.0])] * 100)
        low, _ = certified_run(steps, BinomialTail(0.9), np.inf, 0.05)
        kept += (levels > low).mean() <= 0.1
        naive += (levels > np.sort(sample)[89]).mean() <= 0.1
        nexts.append((levels > next_frame_threshold(sample, 0.1)).mean())
    assert kept >= 0.95 * 400 - 3 * np.sqrt(400 * 0.05 * 0.95)
    assert naive < 0.75 * 400
    assert np.mean(nexts) <= 0.1 + 0.005
