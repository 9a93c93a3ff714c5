"""Stacks in the place of maps are told how they are given."""

import numpy as np
import pytest

from mdmkit import (
    Evaluation,
    InputError,
    bootstrap,
    choose_thresholds,
    compare,
    evaluate,
    mdm,
    recommend_threshold,
    threshold_curve,
)

SCORES = np.tile([[0.1, 0.9]], (4, 1, 1))
TARGET = np.tile([[0, 1]], (4, 1, 1))
STACKS = SCORES, TARGET

DOORS = {
    "evaluate": lambda given: evaluate(given, "ap"),
    "mdm": lambda given: mdm(given, 0.5),
    "threshold_curve": threshold_curve,
    "recommend_threshold": lambda given: recommend_threshold(given, t_margin=0.5),
    "compare": lambda given: compare({"mine": given}, metrics="ap"),
    "bootstrap": lambda given: bootstrap({"mine": given}, metrics="ap", replicates=5),
    "choose_thresholds": lambda given: choose_thresholds({"mine": given}, t_margin=0.5),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "given", [STACKS, [STACKS], (SCORES[:, None], TARGET), (list(SCORES), list(TARGET))]
)
def test_a_pair_of_stacks_is_told_how_it_is_given(door, given):
    with pytest.raises(InputError) as error:
        DOORS[door](given)
    message = str(error.value)
    assert "two arguments, scores and target, or pairs: list(zip(scores, target))" in message
    assert message.startswith("mine: ") == (door in ("compare", "bootstrap", "choose_thresholds"))


def test_the_ways_that_are_named_work():
    pairs = list(zip(*STACKS, strict=True))
    assert evaluate(pairs, "ap") == evaluate(*STACKS, "ap")
    assert compare({"mine": pairs}, metrics="ap")["mine"]["ap"] == 1.0


def test_a_batch_of_one_is_a_map():
    assert evaluate((SCORES[:1], TARGET[:1]), "ap")["ap"] == 1.0


def test_one_frame_of_an_evaluation_is_no_stack():
    with pytest.raises(InputError, match=r"go through a stack with zip\(scores, target\)"):
        Evaluation("ap").update(SCORES, TARGET)
