"""Several frames in any structure: pairs, stacks, lists and iterators, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import Frame, InputError, InputTypeError, evaluate
from mdmkit.core.frame_streams import as_frames, frames_from
from mdmkit.core.labels import LabelCodes
from tests.core.test_frames import SCORES, TARGET, OnlyArray, shapes

STACK = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 24
STACK_TARGET = np.zeros((2, 3, 4), np.uint8)


@pytest.mark.parametrize(
    ("scores", "target"),
    [
        (STACK, STACK_TARGET),
        (STACK[:, None], STACK_TARGET[:, None]),
        (STACK[:, None], STACK_TARGET),
        (list(STACK), list(STACK_TARGET)),
        (tuple(STACK), STACK_TARGET),
        (STACK.tolist(), STACK_TARGET.tolist()),
        (iter(STACK), iter(STACK_TARGET)),
        ((batch for batch in (STACK[:1], STACK[1:, None])), STACK_TARGET),
        ((OnlyArray(a) for a in STACK), OnlyArray(STACK_TARGET)),
    ],
    ids=["stack", "batch", "batch and stack", "lists", "tuple", "nested lists", "iterators",
         "generator of batches", "__array__"],
)  # fmt: skip
def test_frames_come_in_many_structures(scores, target):
    frames = list(frames_from(scores, target))
    assert [frame.scores.tolist() for frame in frames] == STACK.tolist()


def test_one_map_is_one_frame():
    assert shapes(STACK[0], STACK_TARGET[0]) == [(3, 4)]
    assert shapes(STACK[0], STACK_TARGET[:1]) == [(3, 4)]


def test_frames_may_differ_in_size():
    scores = [np.zeros((2, 3)), np.zeros((4, 1)), np.zeros((1, 1))]
    target = [np.zeros((2, 3), int), np.zeros((4, 1), int), np.zeros((1, 1), np.uint8)]
    assert shapes(scores, target) == [(2, 3), (4, 1), (1, 1)]


def test_ignore_comes_in_the_same_structures():
    ignore = np.zeros((2, 3, 4), bool)
    ignore[1] = True
    for given in (ignore, ignore[:, None], list(ignore), iter(ignore)):
        assert [f.pixels for f in frames_from(STACK, STACK_TARGET, given)] == [12, 0]


def test_an_iterator_is_read_one_frame_at_a_time():
    read = []

    def maps():
        for index in range(3):
            read.append(index)
            yield np.zeros((1, 2))

    frames = frames_from(maps(), np.zeros((3, 1, 2), int))
    next(frames)
    assert read == [0]


@pytest.mark.parametrize("wrap", [list, iter, np.array], ids=["list", "generator", "stack"])
@pytest.mark.parametrize("short", ["scores", "target", "ignore"])
def test_every_argument_needs_as_many_frames(wrap, short):
    arguments = {
        "scores": [np.zeros((1, 2))] * 3,
        "target": [np.zeros((1, 2), int)] * 3,
        "ignore": [np.zeros((1, 2), bool)] * 3,
    }
    arguments[short] = arguments[short][:2]
    with pytest.raises(InputError, match=rf"{short}: expected as many frames as \w+, found only 2"):
        list(frames_from(**{name: wrap(maps) for name, maps in arguments.items()}))


def test_a_bad_frame_is_named_by_its_number():
    with pytest.raises(InputError, match=r"target of frame 1: .* found 9 at 1 pixels"):
        [frame.check() for frame in frames_from(np.zeros((2, 1, 2)), [[[0, 1]], [[0, 9]]])]


@pytest.mark.parametrize(
    ("bad", "found"),
    [("scores.npy", "str"), (b"abc", "bytes"), ({"a": 1}, "dict"), (0.5, "float"), (None, "None")],
)
@pytest.mark.parametrize("argument", ["scores", "target"])
def test_things_that_are_no_arrays_are_refused(argument, bad, found):
    arguments = {"scores": SCORES, "target": TARGET, argument: bad}
    with pytest.raises(
        InputTypeError,
        match=f"{argument}: expected an array, a stack or an iterable of arrays, found {found}",
    ):
        list(frames_from(**arguments))


@pytest.mark.parametrize(
    "shape", [(), (2,), (2, 3, 4, 5), (0, 1, 2, 3), (0, 2, 3), (1, 1, 1, 1, 1)]
)
def test_shapes_that_are_no_stack_are_refused_as_given(shape):
    with pytest.raises(InputError) as caught:
        list(frames_from(np.zeros(shape), np.zeros(shape, int)))
    assert str(caught.value) == (
        f"scores: expected shape (H, W), (N, H, W) or (N, 1, H, W), found {shape}"
    )


def test_an_item_of_a_wrong_shape_is_named_by_its_index():
    with pytest.raises(InputError, match=r"scores\[1\]: expected shape .*, found \(2,\)"):
        list(frames_from([np.zeros((1, 2)), np.zeros(2)], np.zeros((2, 1, 2), int)))


@pytest.mark.parametrize("nothing", [iter([]), (a for a in ())])
def test_no_frames_are_an_error(nothing):
    with pytest.raises(InputError, match="scores: expected at least one frame, found none"):
        list(frames_from(nothing, iter([])))


# ---------------------------------------------------------------------------------- as_frames


def test_evaluation_takes_frames_and_pairs_and_triples():
    ready = Frame(SCORES, TARGET)
    hidden = [[False, True]]
    frames = list(
        as_frames([ready, (SCORES, TARGET), [SCORES, TARGET, hidden], (SCORES, TARGET, None)])
    )
    assert frames[0] is ready
    assert [frame.pixels for frame in frames] == [2, 2, 1, 2]


def test_one_frame_needs_no_list():
    assert evaluate(Frame(SCORES, TARGET), "ap").frames == 1


def test_label_codes_apply_to_pairs():
    (frame,) = as_frames([(SCORES, [[0, 2]])], LabelCodes(anomaly_label=2))
    assert frame.anomalous_pixels == 1


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (None, r"frames: expected an iterable of Frame or \(scores, target\) pairs, found None"),
        (3, r"frames: expected an iterable of Frame or \(scores, target\) pairs, found int"),
        ([SCORES], r"frames\[0\]: expected a Frame, .*, found list"),
        ([(SCORES, TARGET), (SCORES,)], r"frames\[1\]: expected a Frame, .*, found tuple"),
        ([(SCORES, TARGET, None, None)], r"frames\[0\]: expected a Frame, .*, found tuple"),
        (np.zeros((1, 2, 2)), r"frames\[0\]: expected a Frame, .*, found ndarray"),
        ({"scores": SCORES}, r"frames\[0\]: expected a Frame, .*, found str"),
    ],
)  # fmt: skip
def test_things_that_are_no_frames_are_refused(frames, message):
    with pytest.raises(InputTypeError, match=message):
        list(as_frames(frames))


def test_bad_pairs_are_named_by_their_number():
    with pytest.raises(InputError, match="scores of frame 1: expected finite scores"):
        [frame.check() for frame in as_frames([(SCORES, TARGET), ([[np.nan, 0.5]], TARGET)])]
