"""Scores of which higher means normal, in Python."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import (
    InputError,
    bootstrap,
    choose_thresholds,
    compare,
    evaluate,
    mdm,
    threshold_curve,
)
from mdmkit.core.transforms import inverted

RNG = np.random.default_rng(3)
TARGET = (RNG.random((2, 9, 11)) < 0.3).astype(np.uint8)
NAMES = "ap,auroc,mdm_f1@0.3,siou_gt"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64, bool])
def test_every_number_is_that_of_one_minus_the_score(dtype):
    high = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    maps = (RNG.random(TARGET.shape) * high).round(0 if high > 1 else 2).astype(dtype)
    plain = (high - maps.astype(np.float64)) / high
    found = compare({"a": maps, "b": maps}, TARGET, NAMES, invert="a")
    assert found["a"].numbers == compare({"a": plain}, TARGET, NAMES)["a"].numbers
    assert found["b"].numbers == compare({"b": maps}, TARGET, NAMES)["b"].numbers
    assert found.settings["invert"] == ["a"]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_arrays_are_turned_round_by_every_function(dtype):
    rng = np.random.default_rng(3)
    maps = [rng.random((7, 9)) for _ in range(3)]
    if dtype is np.uint8:
        maps = [np.round(255 * m) for m in maps]
    maps = [m.astype(dtype) for m in maps]
    targets = [(rng.random((7, 9)) < 0.3).astype(np.uint8) for _ in maps]
    turned = [255 - m if dtype is np.uint8 else 1 - m.astype(np.float64) for m in maps]
    names = "ap,f1@z=0.5,mdm_siou@0.1"
    expected = evaluate(turned, targets, names)
    assert dict(evaluate(maps, targets, names, invert=True)) == dict(expected)
    pairs = zip(maps, targets, strict=True)
    assert dict(evaluate(pairs, names, invert=True)) == dict(expected)
    for metric in ("f1", "siou"):
        for aggregate in ("pooled", "per_image"):
            options = {"metric": metric, "aggregate": aggregate}
            found = mdm(maps, targets, 0.1, invert=True, **options)
            assert found == mdm(turned, targets, 0.1, **options)
        curve = threshold_curve(maps, targets, metric, invert=True)
        assert curve(0.4) == threshold_curve(turned, targets, metric)(0.4)
    with pytest.raises(InputError, match="invert: expected a bool, found 'mine'"):
        mdm(maps, targets, 0.1, invert="mine")


def test_inverting_twice_gives_what_was_there():
    for scores in (np.arange(256, dtype=np.uint8), np.array([0, 0.25, 1]), np.array([True, False])):
        np.testing.assert_array_equal(inverted(inverted(scores)), scores)


def test_intervals_and_thresholds_are_those_of_one_minus_the_score():
    maps = RNG.random(TARGET.shape)
    known = {"a": 1 - maps}
    found = bootstrap({"a": maps}, TARGET, "ap", replicates=20, invert=["a"])
    other = bootstrap(known, TARGET, "ap", replicates=20)
    assert found.interval("a", "ap") == other.interval("a", "ap")
    chosen = choose_thresholds({"a": maps}, TARGET, 0.2, invert="a")
    assert chosen["a"].threshold == choose_thresholds(known, TARGET, 0.2)["a"].threshold
    assert "inverted: a" in chosen.to_text()


def test_names_that_are_no_methods_and_options_that_are_none_are_refused():
    maps = {"a": RNG.random(TARGET.shape)}
    with pytest.raises(InputError, match="among a, found b") as error:
        compare(maps, TARGET, "ap", invert="b")
    assert error.value.argument == "invert"
    with pytest.raises(InputError, match="names of methods"):
        compare(maps, TARGET, "ap", invert=[1])
    with pytest.raises(
        TypeError, match=r"compare\(\) has no parameter 'invrt'; did you mean `invert`"
    ):
        compare(maps, TARGET, "ap", invrt="a")
    with pytest.raises(InputError) as error:
        choose_thresholds(maps, TARGET, 0.2, by="folder")
    assert error.value.argument == "by"
