"""Printed numbers: as they were printed, beside one's own, and never mistaken for them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

import mdmkit.comparison.published
from mdmkit import InputError, compare, published_names, published_table
from mdmkit.tables.forms import FORMATS


def frames(shift):
    target = np.zeros((6, 8), int)
    target[2:5, 2:6] = 1
    rng = np.random.default_rng(1)
    return [((0.4 * target + shift * rng.random(target.shape)) / 1.5, target)]


METRICS = "ap,auroc,fpr95,mdm_f1@0.5"
#: A paper with its venue and year, or a page at one state of it.
SOURCE = re.compile(r"BMVC 2023|https://github\.com/[\w-]+/[\w-]+/blob/[0-9a-f]{40}/")
POSTER = ("ablation-roadanomaly", "ablation-smiyc", "fishyscapes-static", "roadanomaly", "smiyc")


def joint(published="roadanomaly", auxiliary=("strong",), metrics=METRICS):
    methods = {"strong": frames(0.3), "weak": frames(1.0)}
    return compare(methods, metrics=metrics, published=published, auxiliary=auxiliary)


def test_every_number_is_a_percentage_with_the_decimals_that_were_printed():
    folder = Path(mdmkit.comparison.published.__file__).parent
    for name in published_names():
        table = published_table(name)
        text = (folder / f"{name}.csv").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for cells, row in zip(csv.DictReader(lines), table.rows, strict=True):
            for column, value in row.values.items():
                decimals = len(cells[column].partition(".")[2])
                assert decimals in (0, 1, 2)
                assert cells[column] == ("" if value is None else f"{100 * value:.{decimals}f}")
        assert SOURCE.search(table.source)
        assert len({(row.method, row.auxiliary) for row in table.rows}) == len(table.rows)


def test_there_are_the_tables_of_the_poster():
    assert set(POSTER) < set(published_names())
    assert [len(published_table(name).rows) for name in POSTER] == [5, 2, 8, 8, 9]
    maskomaly = published_table("roadanomaly").rows[-1]
    assert maskomaly.auxiliary == 'no (printed "yes")'
    assert maskomaly.values == {"ap": 0.709, "fpr95": 0.119, "MDM (a)": 0.671, "MDM (b)": 0.359}
    pebal = published_table("roadanomaly").rows[1]
    assert (pebal.values["MDM (a)"], pebal.values["ap"]) == (None, 0.451)


def test_the_poster_agrees_with_the_leaderboard_that_it_took_its_rows_from():
    leaders = {
        (row.method.replace("Maximized", "Max."), row.auxiliary): row
        for row in published_table("smiyc-anomaly-leaderboard").rows
    }
    shared = 0
    for row in published_table("smiyc").rows:
        leader = leaders.get((row.method, row.auxiliary))
        if leader is not None:
            shared += 1
            for name, value in row.values.items():
                # one decimal of two: 93.35 was rounded up from 93.348
                assert leader.values[name] == pytest.approx(value, abs=0.00051), (row.method, name)
    assert shared == 7


def test_leaderboards_hold_the_rows_of_their_page():
    names = ("smiyc-anomaly-leaderboard", "smiyc-obstacle-leaderboard", "lostandfound-leaderboard")
    assert [len(published_table(name).rows) for name in names] == [44, 44, 21]
    for name in names:
        for row in published_table(name).rows:
            assert all(0 <= value <= 1 for value in row.values.values())


def test_what_the_margins_stand_for_is_not_guessed():
    table = published_table("roadanomaly")
    assert table.columns == ("ap", "fpr95", "MDM (a)", "MDM (b)")
    assert any("is not printed" in note for note in table.notes)


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("name", published_names())
def test_every_table_is_printed_in_every_form(name, form):
    text = published_table(name).to_text(form)
    assert text.endswith("\n")
    assert published_table(name).source.split()[0] in text
    json.loads(text) if "json" in form else None
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["method"] for row in rows] == [r.method for r in published_table(name).rows]


def test_lower_rates_lead_in_printed_tables():
    text = published_table("roadanomaly").to_text("markdown")
    assert "**79.7**" in text
    assert "**11.9**" in text


def test_unknown_tables_are_refused_with_the_names():
    with pytest.raises(InputError, match=r"expected one of ablation-roadanomaly.*found 'paper'"):
        published_table("paper")
    with pytest.raises(InputError, match=r"found '\.\./roadanomaly'"):
        joint(published="../roadanomaly")


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_printed_rows_stand_below_and_are_marked(form):
    text = joint().to_text(form)
    names = [line for line in text.splitlines() if "SynBoost" in line]
    assert names
    if form == "latex":  # a rule and the caption say it
        assert "below the rule: as printed in" in text.casefold()
        assert text.index(r"\midrule", text.index("weak &")) < text.index("SynBoost &")
    else:
        assert all("SynBoost (published)" in line for line in names)
    assert "MDM (a)" in text
    assert "aux. data" in text.replace("\\ ", " ")
    assert "published: Ackermann" in text
    assert text.index("weak") < text.index("SynBoost")


def test_printed_rows_fill_the_columns_that_they_have():
    (line,) = (
        line
        for line in joint().to_text("markdown").splitlines()
        if "Max. Ent" in line and "79" in line
    )
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "Max. Entropy (published)", "yes", "**79.7**", "-", "19.3",
    ]  # fmt: skip


def test_unasked_columns_are_left_out():
    text = joint(metrics="fpr95").to_text("markdown")
    assert "MDM (a)" not in text
    assert "79.7" not in text
    assert "19.3" in text


def test_results_are_those_without_printed_rows():
    alone = compare({"strong": frames(0.3), "weak": frames(1.0)}, metrics=METRICS)
    assert joint().results == alone.results
    assert alone.to_dict()["rows"][0].get("auxiliary") is None
    assert "aux. data" not in alone.to_text("markdown")


def test_json_keeps_printed_rows_apart():
    record = json.loads(joint().to_text("json"))
    assert [row["auxiliary"] for row in record["rows"]] == ["yes", "no"]
    assert record["published"]["name"] == "roadanomaly"
    assert record["published"]["rows"][0]["ap"] == 0.382
    assert record["settings"]["published"] == "roadanomaly"


def test_csv_says_which_rows_were_printed():
    rows = list(csv.DictReader(io.StringIO(joint().to_text("csv"))))
    assert [row["published"] for row in rows] == ["False"] * 2 + ["True"] * 8
    assert [row["method"] for row in rows][:3] == ["strong", "weak", "SynBoost"]
    assert rows[2]["mdm_f1@0.5"] == ""


def test_own_methods_are_marked_without_a_printed_table():
    comparison = joint(published=None)
    assert "| strong | yes |" in comparison.to_text("markdown")
    assert "| weak | no |" in comparison.to_text("markdown")


def test_auxiliary_methods_must_be_there():
    with pytest.raises(InputError, match="auxiliary: expected methods among strong, weak, found x"):
        joint(auxiliary=["x"])
    with pytest.raises(InputError, match="auxiliary: expected names of methods, found 'strong'"):
        joint(auxiliary="strong")


# ------------------------------------------------------------------------------------- long forms


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_long_rows_hold_every_value_once(aggregate):
    methods = {"strong": frames(0.3), "weak": frames(1.0)}
    comparison = compare(methods, metrics="ap,best_f1,siou_gt,mdm_f1@0.5", aggregate=aggregate)
    rows = json.loads(comparison.to_text("json-long"))
    assert [(row["method"], row["metric"], row["value"]) for row in rows] == [
        (result.method, measure.key, result[measure.key])
        for result in comparison.results
        for measure in comparison.measures
    ]
    exact = aggregate == "pooled"
    for row in rows:
        bounds = (row["bracket_low"], row["bracket_high"])
        assert bounds == ((row["value"],) * 2 if exact else (None, None))
    margin = next(row for row in rows if row["metric"] == "mdm_f1@0.5")
    interval = comparison["strong"].numbers["mdm_f1@0.5"].interval or (None, None)
    assert (margin["interval_low"], margin["interval_high"]) == tuple(interval)


def test_long_csv_is_long_json():
    comparison = joint()
    as_csv = list(csv.DictReader(io.StringIO(comparison.to_text("csv-long"))))
    as_json = json.loads(comparison.to_text("json-long"))
    assert len(as_csv) == len(as_json) == 2 * 4 + 8 * 4
    for cells, row in zip(as_csv, as_json, strict=True):
        assert {k: "" if v is None else str(v) for k, v in row.items()} == cells


def test_long_rows_carry_brackets():
    rows = compare({"a": frames(0.3)}, metrics="ap", memory=1).to_text("json-long")
    (row,) = json.loads(rows)
    assert row["bracket_low"] <= row["value"] <= row["bracket_high"]


def test_refusals_are_in_long_rows():
    wild = [([[-3.0, 0.5, 0.75]], [[0, 0, 1]])]
    rows = json.loads(compare({"a": wild}, metrics="ap,mdm_f1@0.5").to_text("json-long"))
    assert [row["value"] for row in rows] == [1.0, None]
    assert "name a normaliser" in rows[1]["refused"]
