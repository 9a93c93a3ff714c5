"""A table that is joined of kept counts makes the remarks that compare makes."""

import shutil

import numpy as np
import pytest

from mdmkit import compare, merge_states
from mdmkit.comparison.checkpoints.sharding import count_shard


@pytest.fixture
def odd(tmp_path):
    """Five frames, of which three have masks of 0 and 255; two shares of their counts."""
    rng = np.random.default_rng(0)
    masks, scores = tmp_path / "masks", tmp_path / "scores"
    masks.mkdir(), scores.mkdir()
    for number in range(5):
        mask = np.zeros((12, 16), np.uint8)
        mask[3:8, 2 + number : 8 + number] = 1
        np.save(scores / f"f{number}.npy", mask * 0.6 + rng.random(mask.shape) * 0.39)
        np.save(masks / f"f{number}.npy", mask * 255 if number > 1 else mask)
    states = [tmp_path / "first", tmp_path / "second"]
    for number, state in enumerate(states, 1):
        count_shard({"mine": scores}, masks, "ap", counts=state, shard=f"{number}/2")
    return {"mine": scores}, masks, states


def test_joined_counts_have_the_remarks_of_a_comparison(odd):
    methods, masks, states = odd
    whole = compare(methods, masks, "ap")
    assert "3 of 5 masks hold only 0 and 255 (ignore), as f2" in whole.remarks[0]
    titles = []
    joined = merge_states(states, progress=lambda *bar: titles.append(bar) or (lambda: None))
    assert joined.remarks == whole.remarks
    assert titles == [("mine", 5), ("masks", 5)]


def test_joined_counts_say_that_masks_are_elsewhere(odd):
    _, masks, states = odd
    shutil.rmtree(masks)
    joined = merge_states(states)
    assert joined.remarks == (
        "masks were not looked at for mistakes, as compare does: their files are not here",
    )
    assert f"remark: {joined.remarks[0]}" in joined.to_text()
