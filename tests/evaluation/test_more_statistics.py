"""Statistics of borders, regions, detections, images and parts: any cut of the frames, any order.

What is kept, merged, stopped, resumed, cut into shares or resampled gives the numbers of the whole.
"""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import bootstrap, compare, evaluate
from mdmkit.comparison.checkpoints.sharding import count_shard, merge_states
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.metrics.selections import measures_by
from mdmkit.uncertainty.resampling import draws_of
from tests.comparison.test_states import Stopped, draw, stop_after
from tests.uncertainty.test_resampling import frames, same

NAMES = (
    "boundary_iou@px=1@z=0.4,mdm_boundary_iou@px=1@0.2,boundary_f@px=1@z=0.4,mdm_nsd@px=1@0.2,"
    "pro@z=0.5,mdm_pro@0.3,spro@z=0.5,aupro,auspro@fpr=0.3,image_auroc,"
    "image_f1@score=mean-top:3,autc,mdm_fbeta@beta=2@0.3"
)
PARTS = ("size=0,5,inf", "rows=0,4,inf")
KEPT_EXACT = "found@alarms=0.5,aupimo@fpr=0.01:0.5"


def mixed(seed, count=6):
    """Small frames of two dtypes, some of them normal, one without a valid pixel."""
    drawn = [
        (
            scores.astype(np.float32) if i % 2 else (255 * scores).astype(np.uint8),
            target if i % 3 else 0 * target,
        )
        for i, (scores, target) in enumerate(frames(seed, count))
    ]
    return [*drawn, (np.ones((2, 3)), np.full((2, 3), 255))]


@pytest.mark.parametrize(
    ("seed", "memory"),
    [
        (0, 2**31),
        (1, 0),
        *(
            pytest.param(seed, memory, marks=pytest.mark.slow)
            for memory in (2**31, 0)
            for seed in range(2, 5)
        ),
    ],
)
def test_any_cut_and_order_gives_the_numbers_of_the_whole(seed, memory, tmp_path):
    measures = measures_by(f"{NAMES},{KEPT_EXACT}", PARTS)
    drawn = mixed(seed)
    rng = np.random.default_rng(seed)
    whole = Evaluation(measures, memory=memory)
    for scores, target in drawn:
        whole.update(scores, target)
    parts = []
    for number, share in enumerate(np.array_split(rng.permutation(len(drawn)), 3)):
        part = Evaluation(measures, memory=memory)
        for place in share:
            part.update(*drawn[place])
        part.save(tmp_path / f"{number}.npz")
        parts.append(Evaluation.load(tmp_path / f"{number}.npz"))
    first, *others = rng.permutation(parts)
    for other in others:
        first.merge(other)
    assert first.result().numbers == whole.result().numbers


@pytest.mark.parametrize("seed", range(2))
def test_replicates_equal_evaluating_the_resampled_frames(seed):
    drawn = [(scores.astype(np.float32), target) for scores, target in frames(seed)]
    measures = measures_by(f"{NAMES},{KEPT_EXACT}", PARTS)
    found = bootstrap({"mine": drawn}, metrics=measures, replicates=6, seed=seed, bins=64)
    for place, times in enumerate(draws_of(len(drawn), 6, seed)):
        resampled = [drawn[frame] for frame in np.repeat(np.arange(len(drawn)), times)]
        expected = evaluate(resampled, measures)
        for key in found.keys:
            assert same(found.replicates["mine"][key][place], expected[key]), key


def test_a_run_that_is_stopped_and_one_in_shares_give_the_same_numbers(tmp_path):
    methods, target = draw(tmp_path, 6, (12, 40), ("mine",))
    asked = {"metrics": f"{NAMES},{KEPT_EXACT}", "by": ["size=0,90,inf", "rows=0,9,inf"]}
    whole = compare(methods, target, **asked)["mine"].numbers
    for after in (2, 4):
        with pytest.raises(Stopped):
            compare(methods, target, counts=tmp_path / "s", progress=stop_after(after), **asked)
    assert compare(methods, target, counts=tmp_path / "s", **asked)["mine"].numbers == whole
    for number in (2, 1):
        count_shard(methods, target, counts=tmp_path / str(number), shard=f"{number}/2", **asked)
    assert merge_states([tmp_path / "1", tmp_path / "2"])["mine"].numbers == whole
