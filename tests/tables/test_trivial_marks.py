"""Tables mark what a constant prediction passes, and mark the best only among what compares."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from mdmkit import compare, mdm
from mdmkit.core.number import Number
from mdmkit.tables.table import TRIVIAL, number_column

METRICS = ("f1", "iou", "precision", "recall", "fbeta@beta=2")
LEVELS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.9)
TARGET = np.zeros((20, 20), np.uint8)
TARGET[:, :4] = 1
#: Every score has the same share of anomalous pixels: noise without luck.
NOISE = np.repeat(np.arange(1, 21)[:, None] / 25, 20, axis=1)
FLAT = np.full(TARGET.shape, 0.5)
NAMES = ",".join(f"mdm_{metric}@{t}" for metric in METRICS for t in LEVELS)


@pytest.fixture(scope="module", params=["pooled", "per_image"])
def comparison(request):
    frames = {"noise": [(NOISE, TARGET)], "flat": [(FLAT, TARGET)]}
    return compare(frames, metrics=NAMES, aggregate=request.param)


def unmarked(cells):
    """Margins above 0 without a mark."""
    return [cell for cell in cells if cell not in ("-", "0.0", "--") and TRIVIAL not in cell]


def test_noise_and_a_constant_map_have_no_unmarked_margin_in_tables(comparison):
    view = comparison.view()
    (block,) = [b for b in view.tables if b.title.startswith("Maximal")]
    assert any(TRIVIAL in cell for column in block.columns for cell in column.cells)
    for column in block.columns:
        assert not unmarked(column.cells), column.heading
        assert not column.best, column.heading
        assert not column.second, column.heading
    for block in view.blocks:
        if block.title.startswith("Recommended"):
            assert not any(unmarked(column.cells) for column in block.columns)
    for form, mark in (("table", TRIVIAL), ("markdown", TRIVIAL), ("latex", r"$^{\circ}$")):
        assert mark in comparison.to_text(form)
        assert "passed by doing nothing" in comparison.to_text(form)


def test_noise_and_a_constant_map_have_no_unmarked_margin_in_records(comparison):
    for form in ("json", "csv"):
        text = comparison.to_text(form)
        rows = json.loads(text)["rows"] if form == "json" else csv.DictReader(io.StringIO(text))
        for row in rows:
            for key in NAMES.split(","):
                trivial = str(row[f"{key}_is_trivial"]) == "True"
                assert trivial or float(row[key]) == 0, (form, key)
    for form in ("json-long", "csv-long"):
        text = comparison.to_text(form)
        rows = json.loads(text) if "json" in form else csv.DictReader(io.StringIO(text))
        assert all(str(row["is_trivial"]) == "True" or float(row["value"]) == 0 for row in rows)


def test_images_have_the_level_of_mdm():
    frames = [(NOISE, TARGET), (FLAT, TARGET.T), (NOISE, 1 - TARGET)]
    found = compare({"m": frames}, metrics="mdm_f1@0.2", aggregate="per_image")
    scores, targets = zip(*frames, strict=True)
    expected = mdm(list(scores), list(targets), 0.2, aggregate="per_image").trivial
    assert found["m"].numbers["mdm_f1@0.2"].trivial == pytest.approx(expected)


def test_the_best_is_marked_among_methods_of_one_normaliser():
    numbers = [Number.exact(v) for v in (0.9, 0.5, 0.4, 0.2)]
    column = number_column("MDM", "", True, numbers, ["minmax", "none", "none", "rank"])
    assert (column.best, column.second) == ({1}, set())
    together = number_column("AP", "", True, numbers, [""] * 4)
    assert (together.best, together.second) == ({0}, {1})


def test_a_value_in_a_wide_bracket_is_shown_as_its_bracket_and_nothing_is_best():
    numbers = [Number(0.5, (0.45, 0.62), binned=True), Number.exact(0.55), Number.exact(0.1)]
    column = number_column("AP", "", True, numbers, [""] * 3)
    assert column.cells == ("[45.0, 62.0]", "55.0", "10.0")
    assert not column.best
    perhaps = Number(0.5, (float("nan"), 0.5), binned=True)
    assert number_column("AP", "", True, [perhaps], [""]).cells == ("[-, 50.0]",)


def test_the_thresholds_of_rates_are_in_every_form():
    frames = {"m": [(np.array([[0.2, 0.4, 0.7, 0.9]]), np.array([[0, 0, 1, 1]]))]}
    found = compare(frames, metrics="fpr95,fpr@tpr=0.5")
    for form in ("table", "markdown", "latex"):
        text = found.to_text(form)
        assert "Threshold on raw scores" in text
        assert "0.4" in text
        assert "0.7" in text
    (row,) = json.loads(found.to_text("json"))["rows"]
    assert (row["fpr95_threshold"], row["fpr@tpr=0.5_threshold"]) == (0.4, 0.7)


def test_sizes_stand_in_the_heads_of_the_columns_they_concern():
    frames = {"m": [(NOISE, TARGET)]}
    view = compare(frames, metrics="ap,siou_gt,mdm_siou@0.1", min_prediction=3).view()
    heads = [c.narrow_heading for b in view.tables for c in b.columns]
    assert [("sizes 3/0" in head) for head in heads[:3]] == [False, True, True]
