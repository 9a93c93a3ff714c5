"""Intervals and differences in tables: numbers of bootstrap(), in every form, with their marks."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mdmkit import InputError, bootstrap, compare
from mdmkit.comparison.differences import (
    EXCLUDES_ZERO,
    check_against,
    difference_block,
    paired_differences,
)
from mdmkit.comparison.published import published_table
from mdmkit.comparison.table import notes
from tests.cli.conftest import folders, run  # noqa: F401  (fixtures)
from tests.uncertainty.test_resampling import frames

METRICS = "ap,fpr95,f1@z=0.5,mdm_f1@0.5"


@pytest.fixture(scope="module")
def comparison():
    """`good` is clearly better; `same` has its maps."""
    methods = {
        "good": frames(4, count=24, contrast=0.5),
        "same": frames(4, count=24, contrast=0.5),
        "bad": frames(4, count=24, contrast=0.2),
    }
    found = bootstrap(methods, metrics=METRICS, replicates=200, seed=3)
    return compare(methods, metrics=METRICS).with_bootstrap(found)


def test_differences_are_those_of_the_best_to_each_other_method(comparison):
    differences = {(each.metric, each.method): each for each in paired_differences(comparison)}
    assert {key for _, key in differences} == {"same", "bad"}
    for key in METRICS.split(","):
        assert differences[key, "bad"].reference == "good"
        difference = comparison["good"][key] - comparison["bad"][key]
        assert differences[key, "bad"].value == difference
        expected = comparison.bootstrap.difference("good", "bad", key)
        assert differences[key, "bad"].interval == expected[1:]
        assert differences[key, "same"].interval == (0, 0)
        assert not differences[key, "same"].excludes_zero
    assert differences["ap", "bad"].excludes_zero
    assert differences["ap", "bad"].value > 0 > differences["fpr95", "bad"].value


def test_a_lead_of_a_chosen_method_may_be_negative(comparison):
    differences = paired_differences(replace(comparison, against="bad"))
    (each,) = (each for each in differences if (each.metric, each.method) == ("ap", "good"))
    assert each.interval[0] < each.value < each.interval[1] < 0
    assert each.excludes_zero


def test_an_interval_that_ends_at_zero_is_no_lead(comparison):
    drawn = comparison.bootstrap.replicates
    swap = {"ap": np.linspace(0, 1, 200), **{k: drawn["good"][k] for k in METRICS.split(",")[1:]}}
    at_zero = {name: dict(drawn[name]) for name in drawn}
    at_zero["good"], at_zero["bad"] = swap, {**drawn["bad"], "ap": np.linspace(0, 1, 200)}
    found = replace(comparison.bootstrap, replicates=at_zero)
    differences = paired_differences(replace(comparison, bootstrap=found))
    (each,) = (each for each in differences if (each.metric, each.method) == ("ap", "bad"))
    assert each.interval == (0, 0)
    assert not each.excludes_zero


def test_tables_show_values_of_compare_with_intervals(comparison):
    text = comparison.to_text("markdown")
    _, low, high = (100 * x for x in comparison.bootstrap.interval("bad", "ap"))
    assert f"| bad | {100 * comparison['bad']['ap']:.1f} [{low:.1f}, {high:.1f}] |" in text
    best = comparison.bootstrap.interval("good", "ap")
    assert f"**{100 * best.value:.1f}** [{100 * best.low:.1f}, {100 * best.high:.1f}]" in text
    (each,) = (
        x for x in paired_differences(comparison) if (x.metric, x.method) == ("ap", "bad")
    )  # fmt: skip
    low, high = (f"{100 * end:+.1f}" for end in each.interval)
    assert f"{100 * each.value:+.1f} [{low}, {high}] {EXCLUDES_ZERO}" in text
    assert "[+0.0, +0.0] |" in text  # no mark where nothing is told apart


def test_the_leader_is_named_in_the_block(comparison):
    block = difference_block(comparison)
    assert block.title.startswith("Difference: the best minus the row's method, points [95 %")
    assert block.columns[0].cells[0] == "best"
    chosen = difference_block(replace(comparison, against="same"))
    assert chosen.title.startswith("Difference: same minus")
    assert chosen.columns[0].cells[1] == "-"


def test_notes_say_what_was_resampled(comparison):
    text = "\n".join(notes(comparison))
    for part in ("95 % intervals", "200 sets of 24 frames", "seed 3", "about 4096 thresholds",
                 "know every number within 0.05 points", "excludes 0"):  # fmt: skip
        assert part in text
    assert "are few" not in text


def test_notes_name_wide_brackets_and_few_frames():
    methods = {"m": frames(6, count=3, shape=(30, 40), levels=10**6)}
    found = bootstrap(methods, metrics="ap", replicates=9, bins=8)
    low, high = found.brackets["m"]["ap"]
    text = "\n".join(notes(replace(compare(methods, metrics="ap"), bootstrap=found)))
    assert f"in a bracket only (points): ap of m {100 * (high - low):.2g}" in text
    assert "3 frames are few" in text
    assert EXCLUDES_ZERO not in text


def test_notes_count_sets_without_the_number():
    drawn = frames(4, count=3)
    for index in (1, 2):
        drawn[index] = (drawn[index][0], np.where(drawn[index][1] == 1, 0, drawn[index][1]))
    found = bootstrap({"m": drawn}, metrics="ap", replicates=50)
    text = "\n".join(notes(replace(compare({"m": drawn}, metrics="ap"), bootstrap=found)))
    assert f"ap undefined on {found.undefined('m', 'ap')} of 50 sets" in text


def test_json_has_intervals_brackets_and_differences(comparison):
    record = json.loads(comparison.to_text("json"))
    row = record["rows"][2]
    assert row["ap_confidence"] == list(comparison.bootstrap.interval("bad", "ap")[1:])
    beside = record["bootstrap"]
    assert (beside["replicates"], beside["seed"], beside["bins"]) == (200, 3, 4096)
    assert beside["brackets"]["good"]["ap"] == list(comparison.bootstrap.brackets["good"]["ap"])
    assert beside["differences"] == [
        each.to_dict() | {"interval": list(each.interval)}
        for each in paired_differences(comparison)
    ]


def test_csv_has_intervals_and_differences(comparison):
    rows = list(csv.DictReader(io.StringIO(comparison.to_text("csv"))))
    _, low, high = comparison.bootstrap.interval("bad", "ap")
    each = comparison.bootstrap.difference("good", "bad", "ap")
    bad = rows[2]
    assert [float(bad[f"ap_confidence_{end}"]) for end in ("low", "high")] == [low, high]
    assert bad["ap_reference"] == "good"
    assert float(bad["ap_difference"]) == pytest.approx(each.value)
    assert [float(bad[f"ap_difference_{end}"]) for end in ("low", "high")] == list(each[1:])
    excludes_zero = [row["ap_difference_excludes_zero"] for row in (bad, rows[1])]
    assert excludes_zero == ["True", "False"]
    assert rows[0]["ap_difference"] == ""
    (long,) = (
        row
        for row in csv.DictReader(io.StringIO(comparison.to_text("csv-long")))
        if (row["method"], row["metric"]) == ("bad", "ap")
    )
    assert [float(long[f"confidence_{end}"]) for end in ("low", "high")] == [low, high]
    assert [float(long[f"difference_{end}"]) for end in ("low", "high")] == list(each[1:])
    assert (long["reference"], long["replicates"], long["seed"]) == ("good", "200", "3")
    assert float(long["bracket_low"]) == float(long["value"])  # of the value, which is exact


def test_latex_has_differences_in_a_table_of_their_own(comparison):
    text = comparison.to_text("latex")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    assert r"\textbf{" in text
    second = text.split(r"\end{tabular}")[1]
    assert r"$^\dagger$" in second
    assert EXCLUDES_ZERO not in re.sub(r"(?m)^%.*$", "", text)
    columns = second.split(r"\begin{tabular}{@{}")[1].split("@")[0]
    for line in second.splitlines():
        if line.endswith(r"\\"):
            assert line.count("&") == len(columns) - 1, line


def test_tables_without_a_bootstrap_have_no_intervals():
    drawn = frames(4, count=2)
    plain = compare({"good": drawn, "same": drawn}, metrics=METRICS)
    for form in ("table", "markdown", "csv", "json", "latex", "csv-long"):
        text = plain.to_text(form)
        assert "Difference:" not in text
        assert "confidence" not in text


def test_one_method_has_intervals_and_no_differences():
    methods = {"m": frames(4, count=24)}
    found = bootstrap(methods, metrics="ap", replicates=20)
    comparison = replace(compare(methods, metrics="ap"), bootstrap=found)
    assert paired_differences(comparison) == []
    assert "Difference:" not in comparison.to_text()
    assert EXCLUDES_ZERO not in comparison.to_text()


def test_measures_that_were_refused_have_neither():
    methods = {
        name: [(8 * s - 5, t) for s, t in frames(4, count=20, contrast=contrast)]
        for name, contrast in (("a", 0.5), ("b", 0.3))
    }
    metrics = "ap,mdm_f1@0.5"
    found = bootstrap(methods, metrics=metrics, replicates=20)
    comparison = replace(compare(methods, metrics=metrics), bootstrap=found)
    assert {each.metric for each in paired_differences(comparison)} == {"ap"}
    record = json.loads(comparison.to_text("json"))
    assert record["rows"][0]["mdm_f1@0.5_confidence"] is None
    assert "undefined on" not in comparison.to_text()


def test_intervals_must_be_of_the_same_methods(comparison):
    other = bootstrap({"good": frames(0)}, metrics="ap", replicates=2)
    with pytest.raises(InputError, match="found none of same, bad"):
        comparison.with_bootstrap(other)
    with pytest.raises(InputError, match="against: expected a method among good, same, bad"):
        comparison.with_bootstrap(comparison.bootstrap, "mine")


def test_the_reference_must_be_a_method():
    with pytest.raises(InputError, match="against: expected a method among a, b, found 'c'"):
        check_against("c", {"a": "x", "b": "y"})


COMMAND = ("compare", "good=good", "weak=weak", "--target", "masks", "--metrics", "ap,mdm_f1@0.5")


def test_the_command_shows_intervals_and_keeps_counts(run):  # noqa: F811
    options = ("--bootstrap", 30, "--format", "json", "--bootstrap-counts", "counts.h5")
    first = json.loads(run(*COMMAND, *options).out)
    assert first["bootstrap"]["replicates"] == 30
    again = json.loads(run(*COMMAND, *options).out)
    assert again["bootstrap"] == first["bootstrap"]
    other = json.loads(run(*COMMAND, *options, "--seed", 1, "--against", "weak").out)
    assert {each["reference"] for each in other["bootstrap"]["differences"]} == {"weak"}
    found = bootstrap(
        {"good": "good", "weak": "weak"}, "masks", "ap,mdm_f1@0.5", replicates=30,
        min_prediction=500, min_target=100,
    )  # fmt: skip
    low, high = found.interval("weak", "ap")[1:]
    assert first["rows"][1]["ap_confidence"] == [low, high]
    exact = compare({"weak": "weak"}, "masks", "ap")["weak"]["ap"]
    assert first["rows"][1]["ap"] == exact


def test_the_command_refuses_options_that_do_nothing(run):  # noqa: F811
    assert run(*COMMAND, "--against", "good").refused("against: expected --bootstrap N")
    assert run(*COMMAND, "--bootstrap-counts", "s.h5").refused("bootstrap-counts: expected --boo")
    assert run(*COMMAND, "--bootstrap", 5, "--against", "no").refused("found 'no'")
    assert run(*COMMAND, "--bootstrap", -5).refused("bootstrap: expected a number of sets >= 0")
    assert run(*COMMAND, "--bootstrap", 5, "--bootstrap-bins", 1).refused("bins: expected")


def test_the_command_refuses_counts_that_do_not_fit(run):  # noqa: F811
    options = ("--bootstrap", 5, "--bootstrap-counts", "counts.h5")
    assert run(*COMMAND, *options).code == 0
    changed = run(*COMMAND, *options, "--bootstrap-bins", 64)
    assert changed.refused("bins: kept with 4096, now 64", "--overwrite")
    assert run(*COMMAND, *options, "--bootstrap-bins", 64, "--overwrite").code == 0


@pytest.fixture(scope="module")
def mixed():
    """`ranked` has the maps of `plain`, and a normaliser."""
    methods = {"plain": frames(4), "ranked": frames(4), "other": frames(4, contrast=0.3)}
    kinds = {"plain": "none", "ranked": "rank", "other": "none"}
    found = bootstrap(methods, metrics=METRICS, replicates=50, normalize=kinds)
    return compare(methods, metrics=METRICS, normalize=kinds).with_bootstrap(found, "plain")


def test_margins_on_different_scales_have_no_difference(mixed):
    pairs = {(each.metric, each.method) for each in paired_differences(mixed)}
    assert ("ap", "ranked") in pairs
    assert ("mdm_f1@0.5", "other") in pairs
    assert ("mdm_f1@0.5", "ranked") not in pairs
    columns = {column.name: column for column in difference_block(mixed).columns}
    assert columns["MDM F1"].cells[:2] == ("-", "other scale")
    alone = difference_block(replace(mixed, against="ranked"))
    (margin,) = (column for column in alone.columns if column.name == "MDM F1")
    assert margin.cells == ("other scale", "-", "other scale")
    assert any(line.startswith("other scale: ranked and plain") for line in notes(mixed))
    assert any("margins have no difference" in line for line in notes(replace(mixed, against=None)))


def test_a_difference_of_margins_that_are_passed_by_nothing_is_marked(mixed):
    def trivial(result):
        number = replace(result.numbers["mdm_f1@0.5"], trivial=0.6)
        return replace(result, numbers={**result.numbers, "mdm_f1@0.5": number})

    found = replace(mixed, results=tuple(map(trivial, mixed.results)))
    (margin,) = (c for c in difference_block(found).columns if c.name == "MDM F1")
    assert margin.cells[2].endswith("°")


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "latex-wide"])
def test_printed_rows_have_no_differences(comparison, form):
    printed = replace(comparison, published=published_table("roadanomaly"))
    shown = (
        printed.to_text(form).partition("Difference: ")[2].partition("anomaly is the positive")[0]
    )
    assert "SynBoost" not in shown
    assert "SynBoost" in printed.to_text(form)


def test_the_best_are_marked_apart_from_printed_rows_of_other_frames(comparison):
    table = published_table("roadanomaly")
    assert table.frames == 60
    assert published_table("smiyc").frames is None
    own = set(range(len(comparison.results)))
    other, unknown = (replace(comparison, published=replace(table, frames=n)) for n in (60, None))
    same = replace(comparison, published=replace(table, frames=comparison.results[0].frames))
    fewer = replace(same, settings=same.settings | {"left_out": 3})
    assert any("of 60 frames and other conventions" in line for line in notes(other))
    assert any("a number of frames that is not known and" in line for line in notes(unknown))
    for found, apart in ((same, False), (fewer, True), (other, True), (unknown, True)):
        assert ("best marked apart above and below the rule" in found.view().caption) == apart
        ap = found.view().blocks[0].columns[0]
        assert (bool(ap.best & own) and bool(ap.best - own)) == apart
        assert any("marked apart" in line for line in notes(found)) == apart


def test_margins_on_different_scales_have_no_difference_in_python_either():
    methods = {"good": frames(4, count=6, contrast=0.5), "bad": frames(4, count=6, contrast=0.2)}
    kinds = {"good": "minmax", "bad": "none"}
    found = bootstrap(methods, metrics="ap,mdm_f1@0.5", replicates=20, normalize=kinds)
    assert found.difference("good", "bad", "ap").value > 0
    with pytest.raises(InputError) as error:
        found.difference("good", "bad", "mdm_f1@0.5")
    assert error.value.argument == "other"
    assert "normalised in different ways (good by minmax, bad by none)" in str(error.value)
    with pytest.raises(InputError, match=r"^other: expected one of good, bad, found 'worse'"):
        found.difference("good", "worse", "ap")


def test_intervals_of_other_normalisers_are_no_intervals_of_a_comparison():
    methods = {"good": frames(4, count=6, contrast=0.5)}
    found = bootstrap(methods, metrics="mdm_f1@0.5", replicates=5, normalize="rank")
    with pytest.raises(InputError, match=r"^found: .*good by rank, here by none"):
        compare(methods, metrics="mdm_f1@0.5").with_bootstrap(found)
