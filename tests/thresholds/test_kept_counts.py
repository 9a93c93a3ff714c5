"""Thresholds and certificates from kept counts: never more than every score allows."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from mdmkit import (
    Frame,
    InputError,
    bootstrap,
    choose_thresholds,
    count_metric,
    recommend_threshold,
)
from mdmkit.cli.command_line import app
from mdmkit.cli.terminal import run
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.statistics.kinds import PixelStatistic
from mdmkit.statistics.normalizers import Unchanged
from mdmkit.thresholds import walk
from mdmkit.thresholds.counted_frame import ReadFrame
from mdmkit.thresholds.counted_frames import CountedFrames, FrameInBins
from mdmkit.thresholds.frame_values import Caps, Certifiable
from mdmkit.thresholds.requirements import parse_requirements
from mdmkit.thresholds.sources import ReadFrames
from mdmkit.uncertainty.frame_counts import InMemory, chosen_edges, count_frames
from tests.conftest import random_scores

SIZES = ComponentSizes(2, 2)
NAMES = (
    "recall",
    "precision",
    "iou",
    "f1",
    "fbeta@beta=2",
    "fpr",
    "recall@size=3:inf",
    "fpr@band=1",
    "siou",
    "ppv",
    "mean_f1",
    "pro",
    "found",
    "boundary_f@px=1",
    "alarms",
    "alarm_frames",
)
CERTIFIED = [name for name in NAMES if name not in ("mean_f1", "boundary_f@px=1")]


class Keeping(InMemory):
    """Spreads are kept as in a file."""

    def spreads(self, statistic, shape):
        return np.zeros(shape, np.int64)


def drawn(rng, count):
    frames = []
    for _ in range(count):
        shape = tuple(rng.integers(3, 8, 2))
        target = (rng.random(shape) < rng.choice([0, 0.3, 0.5])).astype(np.uint8)
        target[rng.random(shape) < 0.1] = 255
        scores = random_scores(rng, shape, rng.choice(["ties", "noise", "sparse"]), "float64")
        frames.append((np.clip(0.6 * scores + 0.4 * (target == 1), 0, 1), target))
    return frames


def counted(frames, requirements, bins):
    loads = [partial(Frame, *frame) for frame in frames]
    statistics = tuple(dict.fromkeys([PixelStatistic(), *(r.statistic for r in requirements)]))
    edges = partial(chosen_edges, bins=bins, margins=True, thresholds=())
    counts = count_frames(loads, statistics, Unchanged, edges, room=Keeping(), memory=2**30)
    return CountedFrames(counts, ReadFrames(loads, 2**30)), ReadFrames(loads, 2**30)


def some(frames):
    return any((target == 1).any() for _, target in frames)


@pytest.mark.parametrize("aggregate", ["pooled", pytest.param("per_image", marks=pytest.mark.slow)])
@pytest.mark.parametrize("sets", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (41, 200))])
def test_least_values_of_frames_are_never_more_than_those_at_any_score(aggregate, sets):
    rng = np.random.default_rng(sets)
    caps, equal, looked = Caps(0.2, 3, 2), 0, 0
    for _ in range(sets):
        frames = drawn(rng, 4)
        several = [
            parse_requirements(f"{name}{rng.choice(['>=', '<'])}{rng.random()!r}", SIZES, aggregate)
            for name in (CERTIFIED if aggregate == "pooled" else NAMES)
        ]
        requirements = [one for (one,) in several]
        kept, read = counted(frames, requirements, int(rng.choice([4, 12, 10_000])))
        scores = np.unique(np.concatenate([f.scores[f.valid] for f in (x() for x in read.loads)]))
        for place, load in enumerate(read.loads):
            in_bins, exact = FrameInBins(kept.counts, place), ReadFrame(load())
            for question in (Certifiable.of(r, caps) for r in requirements):
                steps = walk._by_requirement([[in_bins.least_x(question)]])[0]
                truth = walk._by_requirement([[walk._value_in(exact, question)]])[0]
                for z in np.concatenate([[-np.inf], scores, (scores[1:] + scores[:-1]) / 2]):
                    low, x = steps.at(z)[0], truth.at(z)[0]
                    assert low <= x + 1e-9, (question.requirement, z)
                    equal, looked = equal + (abs(low - x) < 1e-9), looked + 1
    assert looked // 4 < equal < looked, (equal, looked)


@pytest.mark.parametrize("aggregate", ["pooled", pytest.param("per_image", marks=pytest.mark.slow)])
@pytest.mark.parametrize("sets", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (41, 200))])
def test_what_holds_by_counts_holds_at_every_score(aggregate, sets):
    rng = np.random.default_rng(sets)
    found = 0
    for _ in range(sets):
        frames = drawn(rng, 4)
        if not some(frames):
            continue
        for name in NAMES:
            sign = str(rng.choice([">=", "<"]))
            (requirement,) = parse_requirements(f"{name}{sign}{rng.random()!r}", SIZES, aggregate)
            bins = int(rng.choice([4, 12, 10_000]))
            kept, read = counted(frames, [requirement], bins)
            try:
                few, every = kept.ranges([requirement], "none"), read.ranges([requirement], "none")
            except InputError:  # nothing to judge at all
                continue
            inside, around = few.runs(0), every.runs(0)
            for low, high in inside:
                assert any(a <= low and high <= b for a, b in around), (requirement, inside, around)
            if bins == 10_000 and "boundary" not in name:
                assert inside == around, requirement
            found += len(inside)
            if few.run is not None:
                z = few.threshold(few.run)
                assert few.curves[0](z) == pytest.approx(every.curves[0](z), abs=1e-9)
                assert few.run[0] <= z < max(few.run[1], 1)
    assert found > 5 * sets, found


@pytest.fixture
def folders(tmp_path):
    """Forty small frames as files; every fourth is normal."""
    rng = np.random.default_rng(0)
    for name in ("masks", "mine", "normal"):
        (tmp_path / name).mkdir()
    for place in range(40):
        target = np.zeros((8, 9), np.uint8)
        if place % 4:
            target[2:5, 2:6] = 1
        scores = np.clip(
            rng.normal(0.25, 0.05, target.shape) + target * rng.normal(0.5, 0.05), 0, 1
        )
        np.save(tmp_path / "masks" / f"{place:02}.npy", target)
        np.save(tmp_path / "mine" / f"{place:02}.npy", scores)
        if not target.any():
            np.save(tmp_path / "normal" / f"{place:02}.npy", scores)
    return tmp_path


def unread(*_):
    raise AssertionError("a frame was read")


@pytest.mark.parametrize(
    "require",
    [
        "recall >= 0.5, fpr <= 0.3",
        "found >= 0.6, alarms <= 1",
        pytest.param("alarm_frames <= 0.5", marks=pytest.mark.slow),
        pytest.param("recall@size=4:inf >= 0.3", marks=pytest.mark.slow),
    ],
)
def test_kept_counts_serve_ranges_certificates_and_error_bars(folders, monkeypatch, require):
    methods, masks, counts = {"mine": folders / "mine"}, folders / "masks", folders / "counts.h5"
    options = {"require": require, "certify": 0.9, "replicates": 20}
    every = choose_thresholds(methods, masks, **options)["mine"]
    first = choose_thresholds(methods, masks, counts=counts, **options)["mine"]
    monkeypatch.setattr("mdmkit.evaluation.methods.load_frame", unread)
    again = choose_thresholds(methods, masks, counts=counts, **options)
    assert first.to_dict() == again["mine"].to_dict()
    assert "kept" in again.to_text() or "keeps" in again.to_text()
    assert first.interval == every.interval
    assert first.certificate == every.certificate
    assert first.interval[0] <= first.threshold < max(first.interval[1], 1)
    assert first.values == pytest.approx(every.values, abs=0.02)
    assert sum(first.chosen.shares) == pytest.approx(sum(every.chosen.shares), abs=0.05)


def test_counts_of_a_comparison_serve_thresholds_and_few_of_them_give_less(folders, monkeypatch):
    from mdmkit.thresholds import several

    methods, masks, counts = {"mine": folders / "mine"}, folders / "masks", folders / "counts.h5"
    bootstrap(methods, masks, "ap,siou@z=0.5", counts=counts, replicates=2)
    require = "f1 > 0.4, fpr <= 0.3, siou > 0.2"
    found = choose_thresholds(methods, masks, require=require, counts=counts, certify=0.8)["mine"]
    assert found.certificate.start_frames == 8  # which are read
    alone = recommend_threshold(
        folders / "mine", masks, require="fpr <= 0.3", counts=counts, method="mine"
    )
    assert alone.method == alone.chosen.method == "mine"
    with pytest.raises(InputError, match=r"counts: not kept for found >= 0\.5") as refused:
        choose_thresholds(methods, masks, require="found >= 0.5", counts=counts)
    assert refused.value.argument == "counts"
    monkeypatch.setattr(several, "BINS", 40)
    few = choose_thresholds(
        methods, masks, require=require, counts=counts, certify=0.8, overwrite=True
    )["mine"]
    every = choose_thresholds(methods, masks, require=require, certify=0.8)["mine"]
    assert every.interval[0] <= few.interval[0] < few.interval[1] <= every.interval[1]
    assert every.interval != few.interval
    for part, whole in zip(few.certificate.runs, every.certificate.runs, strict=True):
        assert part is None or whole[0] <= part[0] <= part[1] <= whole[1]
    assert few.certified is not None
    # exact where it was counted
    (scores, target) = (
        np.array([np.load(path) for path in sorted((folders / name).iterdir())])
        for name in ("mine", "masks")
    )
    predicted = scores > few.raw_threshold
    assert few.point.recall == predicted[target == 1].mean()
    assert few.point.fpr == few.values["fpr <= 0.3"] == predicted[target == 0].mean()


def test_counts_of_normal_frames(folders, monkeypatch):
    methods, counts = {"mine": folders / "normal"}, folders / "counts.h5"
    options = {"require": "alarms <= 0.5", "certify": "next-frame", "normal": True}
    every = choose_thresholds(methods, **options)["mine"]
    first = choose_thresholds(methods, counts=counts, **options)["mine"]
    monkeypatch.setattr("mdmkit.evaluation.normal_frames.read_scores", unread)
    again = choose_thresholds(methods, counts=counts, **options)["mine"]
    assert every.certificate.run == first.certificate.run == again.certificate.run
    assert every.threshold == again.threshold


def test_what_counts_do_not_tell_is_refused(folders):
    methods, masks = {"mine": folders / "mine"}, folders / "masks"
    counts = folders / "counts.h5"

    @count_metric
    def accuracy(tp, fp, fn, tn):
        return (tp + tn) / (tp + fp + fn + tn)

    for options, message in (
        ({"require": [(accuracy, ">", 0.5)]}, "found accuracy"),
        ({"require": "fpr <= 0.5", "normalize": "rank"}, "ranks"),
        ({"t_margin": 0.5}, "expected it with `require`"),
    ):
        with pytest.raises(InputError, match=message) as refused:
            choose_thresholds(methods, masks, counts=counts, **options)
        assert refused.value.argument == "counts"
    with pytest.raises(InputError, match="found arrays"):
        recommend_threshold(
            [(np.eye(3), np.eye(3, dtype=int))] * 3, require="fpr <= 0.5", counts=counts
        )
    assert not counts.exists()


def test_the_command_keeps_counts_and_uses_them(folders, monkeypatch, capsys):
    words = [
        "threshold", f"mine={folders / 'mine'}", "--target", str(folders / "masks"),
        "--require", "found>=0.5, fpr<=0.3", "--confidence", "0.8", "--bootstrap", "10",
        "--counts", str(folders / "counts.h5"), "--format", "csv", "-q",
    ]  # fmt: skip
    printed = []
    for more in ([], ["--overwrite"]):  # what fits is not made anew
        with pytest.raises(SystemExit) as ended:
            run(app, "mdmkit", [*words, *more])
        assert ended.value.code == 0
        printed.append(capsys.readouterr().out)
        monkeypatch.setattr("mdmkit.evaluation.methods.load_frame", unread)
    assert printed[0] == printed[1]
    assert printed[0].count("\n") == 3
    with pytest.raises(SystemExit):
        run(app, "mdmkit", [*words[:4], "--t-margin", "0.5", "--counts", "other.h5"])
    assert "--counts: expected --require with it" in capsys.readouterr().err
