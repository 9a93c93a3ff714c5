"""Bands around borders: which pixels are in them, and that only those count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import Frame, InputError, InputTypeError, compare, evaluate
from mdmkit.core.transforms import Band
from mdmkit.metrics.names import DEFAULT_NAMES
from tests.conftest import cases, examples, small_frames
from tests.reference import border

WIDTHS = (1, 1.5, 2, 3, 100)


@examples(300)
@given(small_frames(), st.sampled_from(WIDTHS))
def test_the_band_is_that_of_all_distances(frames, width):
    for scores, target in frames:
        classes = Frame(scores, target).classes
        assert np.array_equal(Band(width).near(classes), border.near(classes, width))


@pytest.mark.parametrize("seed", range(cases(20)))
def test_the_band_of_a_larger_frame_is_that_of_all_distances(seed):
    rng = np.random.default_rng(seed)  # a few blobs, so that the box around them matters
    classes = np.zeros((30, 40), np.uint8)
    for code in (1, 1, 2):
        y, x = rng.integers(0, 25), rng.integers(0, 35)
        classes[y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] = code
    for width in WIDTHS:
        assert np.array_equal(Band(width).near(classes), border.near(classes, width))


def test_a_hand_drawn_band():
    classes = np.array([[0, 0, 0, 1, 1, 1, 1]], np.uint8)
    assert Band(1).near(classes).tolist() == [[0, 0, 1, 1, 0, 0, 0]]
    assert Band(2).near(classes).tolist() == [[0, 1, 1, 1, 1, 0, 0]]


def test_ignored_pixels_make_no_borders_and_distances_run_across_them():
    classes = np.array([[1, 2, 2, 0, 0]], np.uint8)
    assert not Band(2).near(classes).any()  # next to ignored pixels, far from the other class
    assert Band(3).near(classes).tolist() == [[1, 0, 0, 1, 0]]


def test_a_diagonal_neighbour_is_farther_than_one_pixel():
    classes = np.array([[1, 2], [2, 0]], np.uint8)
    assert not Band(1).near(classes).any()
    assert Band(1.5).near(classes).tolist() == [[1, 0], [0, 1]]


def frames_with_borders():
    rng = np.random.default_rng(5)
    target = np.zeros((20, 30), np.uint8)
    target[5:13, 6:20] = 1
    target[0:4, 25:] = 255
    return [(np.float32(0.5 * rng.random(target.shape) + 0.3 * (target == 1)), target)]


NEAR = ("ap", "ap@band=3")


def within(*widths):
    """Names of the numbers in bands of these widths."""
    return [f"{name}@band={width:g}" for width in widths for name in ("ap", "fpr95", "best_f1")]


@examples(100)
@given(small_frames(), st.sampled_from(WIDTHS))
def test_numbers_in_a_band_are_those_of_frames_whose_other_pixels_are_ignored(frames, width):
    restricted = [
        (scores, np.where(border.near(Frame(scores, target).classes, width), target, 255))
        for scores, target in frames
    ]
    found = evaluate(frames, within(width))
    if all((target == 255).all() for _, target in restricted):
        assert found[f"ap@band={width:g}"] is None
        return
    expected = evaluate(restricted, "ap,fpr95,best_f1")
    for key in ("ap", "fpr95", "best_f1"):
        assert found[f"{key}@band={width:g}"] == expected[key]
    suffix = f"best_f1@band={width:g}"
    assert found.numbers[suffix].threshold == expected.numbers["best_f1"].threshold
    assert found.numbers[suffix].all_predicted == expected.numbers["best_f1"].all_predicted


def test_all_other_numbers_are_as_without_a_band():
    frames = frames_with_borders()
    plain, banded = evaluate(frames), evaluate(frames, [*DEFAULT_NAMES, *within(2, 5)])
    assert banded.numbers.items() >= plain.numbers.items()
    assert all(banded[name] is not None for name in within(2, 5))


def test_a_band_that_holds_everything_changes_nothing():
    frames = frames_with_borders()
    result = evaluate(frames, ["ap", "fpr95", "best_f1", *within(100)])
    for key in ("ap", "fpr95", "best_f1"):
        assert result[key] == result[f"{key}@band=100"]


def test_measures_of_pixels_are_named_in_a_band():
    frames = frames_with_borders()
    names = ["f1@z=0.5@band=2", "fpr@tpr=0.9@band=2", "mdm_f1@0.2@band=2", "auroc@band=2"]
    result = evaluate(frames, names)
    scores, target = frames[0]
    near = border.near(Frame(scores, target).classes, 2)
    inner = evaluate(
        [(scores, np.where(near, target, 255))], "f1@z=0.5,fpr@tpr=0.9,mdm_f1@0.2,auroc"
    )
    for name in names:
        assert result[name] == inner[name.removesuffix("@band=2")]
    assert result.numbers["mdm_f1@0.2@band=2"].interval == inner.numbers["mdm_f1@0.2"].interval


def test_a_normaliser_keeps_the_constants_of_the_whole_frames():
    scores = np.float32([[-4, 0, 1, 2, 6]])  # the ends are outside the band
    target = [[0, 0, 1, 1, 1]]
    result = evaluate([(scores, target)], "f1@z=0.45@band=1,f1@z=0.6@band=1", normalize="minmax")
    assert result["f1@z=0.45@band=1"] == 1.0  # 0 -> 0.4, 1 -> 0.5
    assert result["f1@z=0.6@band=1"] == 0.0


def test_frames_without_a_border_count_nowhere_in_the_band():
    frames = frames_with_borders()
    scores, target = frames[0]
    normal = [(scores, np.zeros_like(target))]
    whole, more = evaluate(frames, NEAR), evaluate(frames + normal, NEAR)
    assert whole["ap@band=3"] == more["ap@band=3"]
    assert whole["ap"] != more["ap"]


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_a_set_without_a_border_is_undefined_in_the_band(aggregate):
    result = evaluate([([[0.1, 0.9]], [[1, 1]])], ["f1@z=0.5", *within(2)], aggregate=aggregate)
    assert result["ap@band=2"] is result["best_f1@band=2"] is None


@pytest.mark.parametrize("width", [0, 0.5, -1, float("nan"), float("inf")])
def test_unfit_widths_are_refused(width):
    with pytest.raises(InputError, match="band: expected a width in pixels >= 1, found"):
        Band(width)


def test_widths_are_numbers():
    for wrong in ("5", None, [[1, 2]]):
        with pytest.raises((InputTypeError, InputError), match="band: expected a width"):
            Band(wrong)


@pytest.mark.parametrize("name", ["siou_gt", "mean_f1", "siou@z=0.5", "mdm_siou@0.5"])
def test_component_measures_have_no_band(name):
    with pytest.raises(InputError, match=r"band: expected a measure of pixels .* found '"):
        evaluate(frames_with_borders(), f"{name}@band=3")


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_tables_show_the_band_apart(form):
    text = compare({"a": frames_with_borders()}, metrics=NEAR).to_text(form)
    assert "Quality near borders" in text
    assert "within 3 px" in text
