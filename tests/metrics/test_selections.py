"""Measures of some components, frames and images equal those of relabelled frames."""

from __future__ import annotations

from itertools import pairwise
from math import fsum, nan

import numpy as np
import pytest
from scipy.ndimage import label

from mdmkit import evaluate
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.frame import Frame, as_unit
from mdmkit.core.transforms import FrameGroup, ImageScore
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.metrics.mean_error import AUTC
from mdmkit.metrics.measures import Ranking
from mdmkit.metrics.region_measures import AUPIMO
from mdmkit.metrics.selections import GroupMean, measures_by, selections_of
from mdmkit.metrics.transformed import Through
from mdmkit.statistics.frame_regions import FrameRegions
from mdmkit.statistics.target_bins import TargetBin
from tests.reference import brute
from tests.statistics.test_boundaries import random_frame

BINS = {
    "size=0:3": lambda mask: mask.sum() < 3,
    "size=3:7": lambda mask: 3 <= mask.sum() < 7,
    "size=7:inf": lambda mask: mask.sum() >= 7,
    "share=0.05:inf": lambda mask: mask.sum() / mask.size >= 0.05,
    "rows=0:4": lambda mask: np.nonzero(mask)[0].max() < 4,
    "rows=4:inf": lambda mask: np.nonzero(mask)[0].max() >= 4,
}
PIXELS = ("ap", "auroc", "fpr95", "best_f1", "f1@z=0.5", "mdm_f1@0.3", "boundary_iou@px=1@z=0.5")


def masks_of(frame):
    labels, n = label(frame.classes == 1, np.ones((3, 3)))
    return [labels == i for i in range(1, n + 1)]


def relabelled(frame, keeps):
    """The frame with the components outside the bin ignored."""
    classes = frame.classes.copy()
    for mask in masks_of(frame):
        if not keeps(mask):
            classes[mask] = 2
    return frame.altered(classes=classes)


def values_of(frames, names, **options):
    evaluation = Evaluation(names, **options)
    for frame in frames:
        evaluation.update(frame)
    return evaluation.result()


def frames_of(seed, n=3):
    rng = np.random.default_rng(seed)
    frames = [random_frame(rng) for _ in range(n)]
    scores = (rng.integers(0, 5, (9, 9)) / 4).astype(np.float32)
    target = np.zeros((9, 9), np.uint8)
    target[1, 1] = target[3:5, 3:5] = target[6:9, 5:9] = 1  # a component of each size
    return [*frames, Frame(scores, target)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", BINS)
def test_a_bin_ignores_the_pixels_of_the_others(seed, name):
    frames = frames_of(seed)
    others = [relabelled(frame, BINS[name]) for frame in frames]
    if not any(frame.anomalous_pixels for frame in others):
        return
    expected = values_of(others, PIXELS)
    found = values_of(frames, ["ap", *(f"{key}@{name}" for key in PIXELS)])
    for key in PIXELS:
        assert found[f"{key}@{name}"] == expected[key]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", BINS)
def test_components_of_other_bins_join_predictions_and_count_nowhere(seed, name):
    frames = frames_of(seed)
    world = [(np.where(f.valid, as_unit(f.scores), 0), f.classes == 1, f.valid) for f in frames]
    sizes = {"min_prediction": seed % 3, "min_target": seed % 4}
    z = (seed % 5) / 8
    sious, ppvs = brute.components(world, z, **sizes, counts_too=BINS[name])
    metrics = ("siou", "ppv", "mean_f1")
    found = values_of(frames, ["ap", *(f"{m}@z={z}@{name}" for m in metrics)], **sizes)
    expected = (
        (
            fsum(sious) / len(sious),
            fsum(ppvs) / len(ppvs) if ppvs else None,
            brute.mean_f1_of(sious, ppvs),
        )
        if sious
        else (None,) * 3
    )
    assert tuple(found[f"{m}@z={z!r}@{name}"] for m in metrics) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("edges", [(0, 3, 7, np.inf), (0, 1, 2, 50, np.inf)])
@pytest.mark.parametrize("by", ["size", "share", "rows"])
def test_every_component_is_in_one_bin(seed, edges, by):
    for frame in frames_of(seed):
        steps = np.array(edges) / (100 if by == "share" else 1)
        bins = [TargetBin(by, *ends) for ends in pairwise(steps)]
        kept = np.sum([one.keeps(frame) for one in bins], axis=0)
        assert kept.tolist() == [1] * len(FrameRegions.of(frame))
        assert np.array_equal(TargetBin(by, 0, np.inf)(frame).classes, frame.classes)


def test_a_bin_without_components_is_undefined():
    values = values_of(
        frames_of(0), "ap, ap@size=1000:inf, mdm_siou@0.5@size=1000:inf, pro@z=0.5@rows=99:inf"
    )
    assert values["ap"] is not None
    assert {values[key] for key in values if "@size" in key or "@rows" in key} == {None}


@pytest.mark.parametrize(
    ("kind", "score"),
    [
        ("max", 0.9),
        ("mean-top:2", 0.75),
        ("mean-top:50%", 0.75),
        ("mean-top:1%", 0.9),
        ("mean-top:99", 0.5),
    ],
)
def test_the_score_of_an_image(kind, score):
    frame = Frame([[0.9, 0.2, nan, 0.6, 0.3]], [[0, 0, 255, 1, 0]])
    one = ImageScore(kind)(frame)
    assert (one.scores.tolist(), one.classes.tolist()) == ([[pytest.approx(score)]], [[1]])
    assert one.pixels == 1


def test_images_are_judged_as_wholes():
    images = [(0.9, 1), (0.8, 0), (0.7, 1), (0.1, 0)]
    frames = [Frame([[0, score]], [[0, anomalous]]) for score, anomalous in images]
    values = values_of(frames, "image_auroc, image_ap, image_f1")
    assert values["image_auroc"] == 0.75
    assert values["image_ap"] == pytest.approx((1 + 2 / 3) / 2)
    assert values["image_f1"] == pytest.approx(0.8)


def test_an_image_without_valid_pixels_is_none():
    frame = Frame([[0.9]], [[255]])
    assert ImageScore()(frame).pixels == 0


def test_a_group_has_its_own_frames():
    frames = frames_of(1)
    for i, frame in enumerate(frames):
        frame.name = f"frame {i}"
    group = FrameGroup("weather", "rain", frozenset({"frame 0", "frame 3"}))
    value = values_of(frames, ["ap", Through(group, Ranking("ap"), "ap@weather=rain")])
    assert value["ap@weather=rain"] == values_of([frames[0], frames[3]], "ap")["ap"]
    assert value["ap"] == values_of(frames, "ap")["ap"]


def test_a_group_without_frames_is_undefined():
    group = FrameGroup("weather", "snow", frozenset())
    measure = Through(group, Ranking("ap"), "ap@weather=snow")
    assert values_of(frames_of(1), ["ap", measure])["ap@weather=snow"] is None


def test_found_at_alarms_is_the_best_of_the_thresholds_with_few_enough():
    for seed in range(6):
        frames = frames_of(seed)
        evaluation = Evaluation("found@alarms=0.5")
        for frame in frames:
            evaluation.update(frame)
        result = evaluation.result()
        world = [(np.where(f.valid, as_unit(f.scores), 0), f.classes == 1, f.valid) for f in frames]
        every = np.unique(np.concatenate([as_unit(f.scores[f.valid]) for f in frames]))
        best, threshold = 0.0, None
        for z in [*every[::-1], -1.0]:
            _, ppvs = brute.components(world, z)
            if sum(ppv < 0.25 for ppv in ppvs) / len(frames) > 0.5:
                break  # from here down the envelope is above
            shares = [
                ((scores > z) & mask).sum() / mask.sum()
                for (scores, _, _), frame in zip(world, frames, strict=True)
                for mask in masks_of(frame)
            ]
            found = np.mean([share >= 0.5 for share in shares])
            if found >= best:
                best, threshold = found, None if z < 0 else z
        assert result["found@alarms=0.5"] == pytest.approx(best)
        assert result.numbers["found@alarms=0.5"].threshold == threshold


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by", ["size=0,3,7,inf", "rows=0,4,inf", "share=0,0.04,0.2,inf"])
def test_numbers_of_bins_add_up_to_those_of_the_whole(seed, by):
    frames = frames_of(seed)
    names = "pro@z=0.4,siou@z=0.4,recall@z=0.4,fpr@z=0.4,ap,mdm_siou@0.2,best_f1"
    least = ComponentSizes(min_target=2 if seed % 2 else 0)
    found = values_of(frames, measures_by(names, by, sizes=least), min_target=least.min_target)
    alone = values_of(frames, names, min_target=least.min_target)
    assert {key: found[key] for key in alone} == dict(alone)  # the whole is what it was
    parts = [selection.name for selection in selections_of(by)]
    numbers = {part: found[f"components@{part}"] for part in parts}
    whole = [mask for f in frames for mask in masks_of(f) if mask.sum() >= least.min_target]
    assert sum(numbers.values()) == len(whole)
    for name in ("pro@z=0.4", "siou@z=0.4"):  # means over components
        shares = [numbers[part] * found[f"{name}@{part}"] for part in parts if numbers[part]]
        assert sum(shares) == pytest.approx(len(whole) * found[name], abs=1e-9)
    false_alarms = {found[f"fpr@z=0.4@{part}"] for part in parts}
    assert false_alarms == {found["fpr@z=0.4"]}  # normal pixels stay


def test_ignored_pixels_leave_before_a_component_has_a_size():
    target = np.array([[1, 1, 255, 1, 1, 1, 0, 0, 1, 1, 0]], np.uint8)  # 2, 3 and 2 pixels
    target = np.vstack([target, np.zeros_like(target)])
    frame = Frame(np.linspace(0, 1, target.size).reshape(target.shape), target)
    names = "components@size=0:3,components@size=3:6,components@size=6:inf"
    assert list(values_of([frame], names).values()) == [2, 1, 0]


def test_a_limit_of_size_holds_within_a_bin():
    target = np.array([[1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1]], np.uint8)  # 1, 2, 3, 4 pixels
    scores = np.array([[1, 0, 1, 0, 0, 1, 1, 0, 0.5, 1, 1, 1, 1]])
    names = "components,components@size=0:3,components@size=3:4,pro@z=0.5@size=0:3,siou@z=0.5"
    values = values_of([Frame(scores, target)], names, min_target=2)
    counts = [values[f"components{part}"] for part in ("", "@size=0:3", "@size=3:4")]
    assert counts == [3, 1, 1]  # the smallest is in no bin, and 3 pixels are not below 3
    assert values["pro@z=0.5@size=0:3"] == 0.5
    assert values["siou@z=0.5"] == pytest.approx((1 / 2 + 2 / 3 + 1) / 3)


def test_a_bin_of_components_that_are_all_too_small_is_undefined():
    target = np.array([[1, 0, 1, 1, 1]], np.uint8)
    frame = Frame(np.array([[0.9, 0.1, 0.8, 0.7, 0.6]]), target)
    values = values_of([frame], "components@size=0:2,pro@z=0.5@size=0:2,pro@z=0.5", min_target=2)
    assert values["components@size=0:2"] == 0
    assert values["pro@z=0.5@size=0:2"] is None
    assert values["pro@z=0.5"] == 1


def test_components_in_two_bins_lie_in_both():
    target = np.zeros((60, 60), np.uint8)
    target[5:8, 5:8] = target[40:43, 5:8] = target[10:30, 30:50] = 1
    scores = np.random.default_rng(0).random((60, 60)) * 0.5 + target * 0.5
    one = target * 0
    one[5:8, 5:8] = 1
    one[target != one] = 255  # for pixels the others are ignored
    for name in ("recall@z=0.7", "pro@z=0.7", "components"):
        key = f"{name}@size=0:100@rows=0:35"
        assert evaluate([(scores, target)], key)[key] == evaluate([(scores, one)], name)[name]
    both, size, rows = (
        evaluate([(scores, target)], f"mdm_siou@0.2{bins}")[f"mdm_siou@0.2{bins}"]
        for bins in ("@size=0:100@rows=0:35", "@size=0:100", "@rows=0:35")
    )
    assert len({both, size, rows}) == 3


def test_measures_of_changed_frames_keep_the_traits_of_their_measure():
    traits = ("higher_is_better", "needs_anomalies", "on_scale", "rates")
    group = FrameGroup("weather", "rain", frozenset(["a"]))
    for measure in (AUTC(), Ranking("ap"), AUPIMO().in_bins):
        changed = Through(group, measure, "name")
        mean = GroupMean((changed,))
        for trait in traits:
            assert getattr(changed, trait) == getattr(measure, trait)
            assert trait == "needs_anomalies" or getattr(mean, trait) == getattr(measure, trait)
        assert not mean.needs_anomalies  # it is undefined where no group has any
