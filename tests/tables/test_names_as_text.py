"""Names reach terminals, files and other programs as text and nothing else."""

import csv
import io
import json

import numpy as np
import pytest

from mdmkit import InputError, compare
from mdmkit.cli.options import parse_methods
from mdmkit.cli.terminal import as_options
from mdmkit.tables.forms import FORMATS, finite

FRAMES = [(np.array([[0.1, 0.6, 0.9]]), np.array([[0, 0, 1]]))]
WILD = ["\x1b[31mred", "two\nlines", "\x9b2J", "left\u202eright", "bell\x07", "\udcff"]


def written(form, name):
    return compare({name: FRAMES}, metrics="ap").to_text(form)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", WILD)
def test_no_form_has_control_characters(form, name):
    plain = written(form, "plain")
    text = written(form, name)
    assert text.encode()  # halves of surrogates could not be
    assert not any(c in text for c in "\x1b\x9b\x07\u202e\u2028")
    assert text.count("\n") == plain.count("\n")


@pytest.mark.parametrize("name", WILD)
def test_json_keeps_a_name_all_the_same(name):
    assert json.loads(written("json", name))["rows"][0]["method"] == name


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@SUM(A1)", " =1", "\t=1"])
@pytest.mark.parametrize("form", ["csv", "csv-long"])
def test_no_cell_of_csv_is_a_formula(form, name):
    row = next(csv.DictReader(io.StringIO(written(form, name))))
    assert row["method"].startswith(("'", "\\t"))


def test_numbers_of_csv_stay_numbers():
    found = compare({"a": [(np.array([[-3.0, 5.0]]), np.array([[0, 1]]))]}, metrics="best_f1")
    row = next(csv.DictReader(io.StringIO(found.to_text("csv"))))
    assert float(row["best_f1_threshold"]) == -3


@pytest.mark.parametrize("name", WILD)
def test_methods_of_the_command_line_are_text(name):
    with pytest.raises(InputError, match="expected names that are text") as error:
        parse_methods([f"{name}=folder"])
    assert str(error.value).isprintable()


def test_a_method_is_the_same_however_accents_are_spelled():
    assert list(parse_methods(["cafe\u0301=a"])) == ["caf\u00e9"]


def test_json_has_no_numbers_that_are_none():
    record = {"a": float("nan"), "b": (0.0, float("-inf")), "c": [{"d": float("inf")}, 1]}
    assert finite(record) == {"a": None, "b": None, "c": [{"d": None}, 1]}


@pytest.mark.parametrize(
    ("python", "options"),
    [
        ("`missing='skip'` leaves them out", "--missing skip leaves them out"),
        ("pass `overwrite=True`", "pass --overwrite"),
        (
            "name it by `anomaly_label` or `ignore_index`",
            "name it by --anomaly-label or --ignore-index",
        ),
        (
            "`anomaly_label=(1, 255)`, `ignore_index=None`",
            "--anomaly-label 1,255, --ignore-index none",
        ),
        ("a/min_target/b.npy: no", "a/min_target/b.npy: no"),
        ("set.toml: ignore_index: expected", "set.toml: ignore_index: expected"),
        ("found the name overwrite=True.npy", "found the name overwrite=True.npy"),
        ("`normalize='minmax'`", "--normalize minmax"),
    ],
)
def test_messages_speak_the_words_of_the_command_line(python, options):
    assert as_options(python) == options
