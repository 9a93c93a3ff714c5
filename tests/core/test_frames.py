"""Frame, LabelCodes, frames_from, as_frames: what is judged, what is refused and in which words."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import Frame, InputError, InputTypeError, mdm
from mdmkit.core.frame import as_unit
from mdmkit.core.frame_streams import frames_from
from mdmkit.core.labels import LabelCodes

SCORES = [[0.25, 0.75]]
TARGET = [[0, 1]]
INTERVAL = (0.25, 0.75)  # of the margin of SCORES at T = 0.7


class OnlyArray:
    """Something that numpy can read by the `__array__` protocol and by nothing else."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


def shapes(*arguments, **options):
    return [frame.shape for frame in frames_from(*arguments, **options)]


# ------------------------------------------------------------------------- arrays that are good


GOOD_SCORES = {
    "nested list": SCORES,
    "tuple": tuple(map(tuple, SCORES)),
    "float16": np.float16(SCORES),
    "float32": np.float32(SCORES),
    "float64": np.float64(SCORES),
    "big-endian float32": np.array(SCORES, ">f4"),
    "big-endian float16": np.array(SCORES, ">f2"),
    "Fortran order": np.asfortranarray(SCORES),
    "reversed view": np.array([[0.75, 0.25]])[:, ::-1],
    "every second column": np.array([[0.25, 0.0, 0.75, 0.0]])[:, ::2],
    "read-only": np.broadcast_to(np.array([0.25, 0.75]), (1, 2)),
    "__array__ only": OnlyArray(SCORES),
}
GOOD_TARGETS = {
    "nested list": TARGET,
    "bool": np.array(TARGET, bool),
    "uint8": np.uint8(TARGET),
    "int8": np.int8(TARGET),
    "int16": np.int16(TARGET),
    "uint16": np.uint16(TARGET),
    "int64": np.int64(TARGET),
    "uint64": np.uint64(TARGET),
    "big-endian int32": np.array(TARGET, ">i4"),
    "reversed view": np.array([[1, 0]])[:, ::-1],
    "__array__ only": OnlyArray(TARGET),
}


@pytest.mark.parametrize("scores", GOOD_SCORES.values(), ids=GOOD_SCORES)
def test_scores_mean_the_same_whatever_holds_them(scores):
    assert mdm(scores, TARGET, 0.7).interval == INTERVAL


@pytest.mark.parametrize("target", GOOD_TARGETS.values(), ids=GOOD_TARGETS)
def test_labels_mean_the_same_whatever_holds_them(target):
    assert Frame(SCORES, target).classes.tolist() == [[0, 1]]
    assert mdm(SCORES, target, 0.7).interval == INTERVAL


@pytest.mark.parametrize(
    ("scores", "meant"),
    [
        (np.uint8([[0, 51, 255]]), [[0.0, 0.2, 1.0]]),
        (np.uint16([[0, 13107, 65535]]), [[0.0, 0.2, 1.0]]),
        (np.uint32([[0, 2**32 - 1]]), [[0.0, 1.0]]),
        (np.array([[0, 13107, 65535]], ">u2"), [[0.0, 0.2, 1.0]]),
        (np.array([[False, True]]), [[0.0, 1.0]]),
        (np.float32([[0.1]]), [[float(np.float32(0.1))]]),
    ],
)
def test_unsigned_integers_mean_value_over_maximum(scores, meant):
    frame = Frame(scores, np.zeros(np.shape(scores), np.uint8))
    assert as_unit(frame.scores).tolist() == meant
    assert mdm(scores, np.array([[0] * (len(meant[0]) - 1) + [1]]), 0.0).interval[0] == 0.0


def test_uint8_margin_is_on_the_unit_scale():
    m = mdm(np.uint8([[51, 204]]), TARGET, 0.7)
    assert m.interval == (51 / 255, 204 / 255)


def test_bool_scores_separate_at_every_threshold_below_one():
    assert mdm(np.array([[False, True]]), TARGET, 0.7).interval == (0.0, 1.0)


def test_scores_are_not_changed_by_judging_them():
    scores, target = np.array([[-0.0, np.nan, 0.5]]), np.array([[0, 255, 1]])
    before = scores.copy(), target.copy()
    mdm(scores, target, 0.5, metric="siou")
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(target, before[1])


def test_frame_counts_its_pixels():
    frame = Frame([[0.1, 0.2, 0.3]], [[0, 1, 255]], name="road")
    assert (frame.shape, frame.pixels, frame.anomalous_pixels) == ((1, 3), 2, 1)
    assert frame.valid.tolist() == [[True, True, False]]
    assert repr(frame) == "Frame('road', 1 x 3, float64, 2 valid pixels, 1 anomalous)"


# ---------------------------------------------------------------------- scores that are refused


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_scores_that_are_not_finite_are_refused_with_their_place(value, shown, dtype):
    scores = np.full((3, 4), 0.5, dtype)
    scores[1, 2] = scores[2, 0] = value
    with pytest.raises(
        InputError,
        match=rf"scores: expected finite scores at valid pixels, found {shown} "
        r"at row 1, column 2 \(2 such pixels\)",
    ):
        Frame(scores, np.eye(3, 4, dtype=int))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 7.0, -1.0])
def test_ignored_pixels_may_hold_any_score(value):
    scores = np.array([[0.25, value, 0.75]])
    assert mdm(scores, [[0, 255, 1]], 0.7).interval == INTERVAL
    ignore = [[False, True, False]]
    assert mdm(scores, [[0, 0, 1]], 0.7, ignore=ignore).interval == INTERVAL


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        (np.int8([[0, 1]]), "int8"),
        (np.int64([[0, 1]]), "int64"),
        ([[0, 1]], "int64"),
        (np.complex64([[0, 1]]), "complex64"),
        (np.longdouble([[0, 1]]), r"float\d+|longdouble"),
        (np.array([["0", "1"]]), "<U1"),
        (np.zeros((1, 2), "M8[s]"), "datetime64"),
        (np.zeros((1, 2), [("a", "f4")]), "'a'"),
    ],
)
def test_unfit_score_dtypes_are_refused(scores, found):
    with pytest.raises(
        InputTypeError,
        match=r"scores: expected float16, float32, float64, unsigned integers \(value / maximum\) "
        rf"or bool, found .*({found})",
    ):
        Frame(scores, TARGET)


@pytest.mark.parametrize("scores", [np.array([[None, 0.5]]), [[object(), 0.5]], None])
def test_objects_are_no_scores(scores):
    with pytest.raises(InputTypeError, match="scores: expected an array of numbers, found"):
        Frame(scores, TARGET)


def test_ragged_lists_are_no_scores():
    with pytest.raises(InputError, match="scores: expected an array of numbers, found"):
        Frame([[0.1, 0.2], [0.3]], TARGET)


@pytest.mark.parametrize(
    "scores",
    [np.zeros((0, 2)), np.zeros((2, 0)), np.zeros(2), np.zeros((2, 1, 2)), np.float64(0.5)],
    ids=lambda a: str(a.shape),
)
def test_scores_need_two_non_empty_axes(scores):
    with pytest.raises(InputError, match=r"scores: expected a non-empty array of shape \(H, W\)"):
        Frame(scores, np.zeros(scores.shape, int))


def test_target_needs_the_shape_of_the_scores():
    with pytest.raises(
        InputError,
        match=r"target of road: expected the shape of the scores \(1, 2\), found \(2, 1\)",
    ):
        Frame(SCORES, [[0], [1]], name="road")


def test_ignore_needs_the_shape_of_the_scores():
    with pytest.raises(
        InputError, match=r"ignore: expected the shape of the scores \(1, 2\), found \(1, 1\)"
    ):
        Frame(SCORES, TARGET, [[True]])


@pytest.mark.parametrize("ignore", [[[0, 1]], [[0.0, 1.0]], np.uint8([[0, 1]])])
def test_ignore_mask_must_be_bool(ignore):
    with pytest.raises(InputTypeError, match=r"ignore: expected bool, found \w+\d+"):
        Frame(SCORES, TARGET, ignore)


@pytest.mark.parametrize("name", ["scores", "target", "ignore"])
def test_masked_arrays_are_refused_with_the_way_out(name):
    arguments = {"scores": SCORES, "target": TARGET, "ignore": [[False, False]]}
    arguments[name] = np.ma.masked_array(arguments[name])
    with pytest.raises(InputTypeError, match=f"{name}: .* masked array; pass its mask as `ignore`"):
        Frame(**arguments)


class Unwilling:
    """Something that claims to be an array and fails to become one."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no numbers here")


UNREADABLE = {
    "broken __array__": Unwilling(),
}


@pytest.mark.parametrize("scores", UNREADABLE.values(), ids=UNREADABLE)
def test_arrays_that_cannot_be_read_are_an_input_error(scores):
    with pytest.raises(InputError, match="scores: expected an array of numbers, found"):
        Frame(scores, TARGET)


# ------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("target", [[[0.0, 1.0]], np.float32(TARGET), np.complex64(TARGET)])
def test_labels_must_be_integers(target):
    with pytest.raises(InputTypeError, match="target: expected integer or bool labels, found"):
        Frame(SCORES, target)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_unknown_labels_are_listed_with_their_counts(dtype):
    target = np.array([[0, 1, 7, 9, 7, 9, 9]], dtype)
    with pytest.raises(
        InputError,
        match=r"target: expected label values 0 \(normal\), 1 \(anomaly\), 255 \(ignore\), "
        "found 7 at 2 pixels, 9 at 3 pixels",
    ):
        Frame(np.zeros(target.shape), target)


def test_many_unknown_labels_are_counted_rather_than_shown():
    target = np.arange(20)[None]
    with pytest.raises(InputError, match="9 at 1 pixels and 10 other values"):
        Frame(np.zeros(target.shape), target)


@pytest.mark.parametrize(
    "codes", [1, [1], (1,), {1}, np.int64(1), np.array([1]), range(1, 2)], ids=repr
)
def test_label_codes_are_one_value_or_a_collection(codes):
    assert Frame(SCORES, TARGET, anomaly_label=codes).anomalous_pixels == 1


def test_several_values_may_share_a_meaning():
    codes = {"normal_label": [0, 3], "anomaly_label": range(5, 8), "ignore_index": {254, 255}}
    frame = Frame(np.zeros((1, 6)), [[0, 3, 5, 7, 254, 255]], **codes)
    assert frame.classes.tolist() == [[0, 0, 1, 1, 2, 2]]


@pytest.mark.parametrize(("none", "label"), [("ignore_index", 255), ("normal_label", 0)])
@pytest.mark.parametrize("empty", [None, []])
def test_a_meaning_that_does_not_occur_is_none(none, label, empty):
    with pytest.raises(InputError, match=f"found {label} at 1 pixels"):
        Frame(SCORES, [[1, label]], **{none: empty})


@pytest.mark.parametrize("codes", [-1, 2**15 - 1, -(2**15)])
def test_label_codes_may_be_negative_or_large(codes):
    assert Frame(SCORES, np.int16([[0, codes]]), anomaly_label=codes).anomalous_pixels == 1


@pytest.mark.parametrize("far", [-1, 256, 2**40, 2**80, -(2**80)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, bool])
def test_codes_beyond_the_labels_dtype_just_do_not_occur(far, dtype):
    frame = Frame(SCORES, np.array(TARGET, dtype), ignore_index=far)
    assert frame.classes.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ({"anomaly_label": 0}, "anomaly_label: the value 0 already means `normal_label`"),
        ({"ignore_index": [3, 1]}, "ignore_index: the value 1 already means `anomaly_label`"),
        ({"normal_label": range(256)}, "anomaly_label: the value 1 already means `normal_label`"),
    ],
)
def test_a_label_value_has_one_meaning(codes, message):
    with pytest.raises(InputError, match=message):
        LabelCodes(**codes)


@pytest.mark.parametrize("none", [None, [], ()])
def test_some_value_must_mean_anomaly(none):
    with pytest.raises(InputError, match="anomaly_label: expected at least one value, found none"):
        LabelCodes(anomaly_label=none)


@pytest.mark.parametrize(
    "code",
    [1.0, np.float64(1), True, np.True_, "1", ["1"], [1.0], [None], int, b"1"],
    ids=repr,
)
@pytest.mark.parametrize("argument", ["normal_label", "anomaly_label", "ignore_index"])
def test_label_codes_must_be_integers(argument, code):
    with pytest.raises(
        InputTypeError, match=f"{argument}: expected an integer, integers or None, found"
    ):
        LabelCodes(**{argument: code})


def test_the_ignore_mask_hides_labels_and_scores():
    frame = Frame([[0.1, np.nan, 0.9]], [[0, 77, 1]], [[False, True, False]])
    assert frame.classes.tolist() == [[0, 2, 1]]


def test_unknown_labels_beside_the_ignore_mask_are_still_refused():
    with pytest.raises(InputError, match="found 77 at 1 pixels"):
        Frame([[0.1, 0.2, 0.9]], [[77, 77, 1]], [[False, True, False]])
