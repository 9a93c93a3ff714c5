"""Tensors: read where they are, without importing torch in the package."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import Frame, InputError, InputTypeError, mdm
from mdmkit.frames import as_unit, frames_from

torch = pytest.importorskip("torch", reason="torch is not installed")

SCORES = [[0.25, 0.75]]
TARGET = [[0, 1]]
STACK = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 24
STACK_TARGET = (STACK > 0.4).astype(np.int64)

GOOD_SCORES = {
    "float32": torch.tensor(SCORES),
    "float64": torch.tensor(SCORES, dtype=torch.float64),
    "float16": torch.tensor(SCORES, dtype=torch.float16),
    "bfloat16": torch.tensor(SCORES, dtype=torch.bfloat16),
    "requires_grad": torch.tensor(SCORES, requires_grad=True),
    "bfloat16 requires_grad": torch.tensor(SCORES).bfloat16().requires_grad_(),
    "parameter": torch.nn.Parameter(torch.tensor(SCORES)),
    "transposed": torch.tensor([[0.25], [0.75]]).T,
    "flipped": torch.tensor([[0.75, 0.25]]).flip(1),
}
GOOD_TARGETS = {
    "bool": torch.tensor(TARGET, dtype=torch.bool),
    "uint8": torch.tensor(TARGET, dtype=torch.uint8),
    "int64": torch.tensor(TARGET),
}
UNREADABLE = {
    "sparse": torch.tensor(SCORES).to_sparse(),
    "float8": torch.tensor(SCORES).to(torch.float8_e4m3fn),
    "meta": torch.empty(1, 2, device="meta"),
}


@pytest.mark.parametrize("scores", GOOD_SCORES.values(), ids=GOOD_SCORES)
def test_scores_mean_the_same_whatever_holds_them(scores):
    assert mdm(scores, TARGET, 0.7).interval == (0.25, 0.75)


@pytest.mark.parametrize("target", GOOD_TARGETS.values(), ids=GOOD_TARGETS)
def test_labels_mean_the_same_whatever_holds_them(target):
    assert Frame(SCORES, target).classes.tolist() == [[0, 1]]


def test_unsigned_integers_mean_value_over_maximum():
    scores = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    frame = Frame(scores, np.zeros((1, 3), np.uint8))
    assert as_unit(frame.scores).tolist() == [[0.0, 0.2, 1.0]]


def test_signed_integers_are_refused():
    with pytest.raises(InputTypeError, match="int64"):
        Frame(torch.tensor([[0, 1]]), TARGET)


@pytest.mark.parametrize("scores", UNREADABLE.values(), ids=UNREADABLE)
def test_tensors_that_cannot_be_read_are_an_input_error(scores):
    with pytest.raises(InputError, match="scores: expected an array of numbers, found"):
        Frame(scores, TARGET)


@pytest.mark.parametrize("scores", [torch.tensor(STACK), list(torch.tensor(STACK))])
def test_stacks_and_lists_of_tensors_are_frames(scores):
    frames = list(frames_from(scores, torch.tensor(STACK_TARGET)))
    assert [frame.scores.tolist() for frame in frames] == STACK.tolist()
