"""Tables: what is marked, how numbers and names are written, and what every table must say."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from markdown_it import MarkdownIt

from mdmkit import InputError, compare
from mdmkit.comparison.result import Comparison
from mdmkit.comparison.table import blocks, notes, view_of
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.evaluation.result import Result
from mdmkit.metrics.names import parse_measures
from mdmkit.tables.forms import FORMATS, to_renderables
from mdmkit.tables.table import percent

SIZES = ComponentSizes(50, 30)


def table(metrics, normalize="none", aggregate="pooled", left_out=0, **methods):
    """A comparison with given values: one list a method, in the order of `metrics`."""
    measures = parse_measures(metrics, SIZES)
    kinds = normalize if isinstance(normalize, dict) else dict.fromkeys(methods, normalize)
    results = []
    for name, values in methods.items():
        found = {}
        for measure, value in zip(measures, values, strict=True):
            found[measure.key] = replace(measure.empty(), value=value)
        results.append(Result(name, 8, 5000, 700, 12, kinds[name], found))
    settings = {
        "aggregate": aggregate, "min_prediction": 50, "min_target": 30, "left_out": left_out,
        "normalize": kinds, "positive_class": "anomaly", "comparison": "score > z",
    }  # fmt: skip
    return Comparison(tuple(results), measures, settings)


def named(*names, metrics="ap,mdm_f1@0.5"):
    """A comparison of methods with these names; the first is best."""
    return table(metrics, **{name: [0.9 - 0.1 * i] * 2 for i, name in enumerate(names)})


@pytest.fixture(scope="module")
def measured():
    """A real comparison of two methods on two frames, the first frame without an anomaly."""
    rng = np.random.default_rng(0)
    targets = [np.zeros((9, 12), int), np.zeros((9, 12), int)]
    targets[1][2:6, 3:9] = 1
    frames = {
        name: [(np.clip(0.5 * t + share * rng.random(t.shape), 0, 1), t) for t in targets]
        for name, share in (("good", 0.5), ("weak", 0.9))
    }

    def run(**options):
        return compare(frames, **options)

    return run


def best(comparison, column=0):
    """Methods whose cell in that column is marked."""
    columns = [column for block in blocks(comparison) for column in block.columns]
    return [comparison.results[row].method for row in sorted(columns[column].best)]


# ------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0"), (1.0, "100.0"), (0.12345, "12.3"), (0.99951, "100.0"), (0.0004, "0.0"),
        (2 / 3, "66.7"), (None, "-"),
    ],
)  # fmt: skip
def test_fractions_are_shown_as_percent_with_one_decimal(value, shown):
    assert percent(value) == shown


def test_the_best_value_is_marked():
    assert best(table("ap", a=[0.5], b=[0.7], c=[0.6])) == ["b"]


def test_lower_is_better_for_false_positive_rates():
    for metric in ("fpr95", "fpr@z=0.5", "fpr@tpr=0.9"):
        assert best(table(metric, a=[0.5], b=[0.7], c=[0.6])) == ["a"]


def test_values_that_read_alike_are_marked_alike():
    assert best(table("ap", a=[0.70001], b=[0.7], c=[0.6])) == ["a", "b"]


def test_nobody_is_best_where_all_read_alike():
    assert best(table("ap", a=[0.70001], b=[0.7])) == []
    assert best(table("ap", a=[0.7])) == []
    assert best(table("ap", a=[None], b=[None])) == []


def test_undefined_is_neither_best_nor_worst():
    assert best(table("ap", a=[None], b=[0.7], c=[0.6])) == ["b"]
    assert best(table("fpr95", a=[None], b=[0.7], c=[0.6])) == ["c"]
    assert best(table("ap", a=[None], b=[0.7])) == []


def second(comparison):
    """Methods whose cell in the first column is marked as second best."""
    column = blocks(comparison)[0].columns[0]
    return [comparison.results[row].method for row in sorted(column.second)]


def test_the_second_best_value_is_underlined_in_latex():
    three = table("ap", a=[0.5], b=[0.7], c=[0.6])
    assert second(three) == ["c"]
    text = three.to_text("latex")
    assert r"\underline{60.0}" in text
    assert text.count("underline{") == 1
    assert second(table("fpr95", a=[0.5], b=[0.7], c=[0.6])) == ["c"]


def test_second_best_is_what_reads_next_to_the_best():
    assert second(table("ap", a=[0.7], b=[0.70001], c=[0.6], d=[0.60001], e=[0.5])) == ["c", "d"]
    assert second(table("ap", a=[None], b=[0.7], c=[0.6], d=[0.5])) == ["c"]


def test_of_two_values_none_is_second():
    assert second(table("ap", a=[0.7], b=[0.6])) == []
    assert second(table("ap", a=[0.7], b=[0.6], c=[0.6])) == []


@pytest.mark.parametrize(
    ("form", "marked", "plain"),
    [
        ("table", "70.0*", "60.0"),
        ("markdown", "**70.0**", "60.0 |"),
        ("latex", r"\textbf{70.0}", "& 60.0"),
    ],
)
def test_marks_are_written_in_each_form(form, marked, plain):
    text = table("ap", a=[0.7], b=[0.6]).to_text(form)
    assert marked in text
    assert plain in text


@pytest.mark.parametrize(
    ("form", "shown"), [("table", " - "), ("markdown", "| - |"), ("latex", "& --")]
)
def test_undefined_is_a_dash(form, shown):
    assert shown in table("ap,auroc", a=[None, 0.5], b=[0.6, 0.4]).to_text(form)


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_columns_say_which_way_is_better(form):
    text = table("ap,fpr95,mdm_f1@0.5", a=[0.5, 0.5, 0.5]).to_text(form)
    up, down = (r"$\uparrow$", r"$\downarrow$") if form == "latex" else ("↑", "↓")
    below = r" & {\scriptsize $\uparrow$} & {\scriptsize $\downarrow$} & {\scriptsize $\uparrow$}"
    for head in [below] if form == "latex" else [f"AP {up}", f"FPR95 {down}"]:
        assert head in text
    assert text.count(up) == 2


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_a_margin_shows_its_t(form):
    text = table("mdm_f1@0.5,mdm_siou@0.25", a=[0.5, 0.5]).to_text(form)
    for margin in ("0.5", "0.25"):
        assert (f"^{{{margin}}}$" if form == "latex" else f"T={margin}") in text


def test_the_recommended_threshold_is_shown_with_its_interval(measured):
    comparison = measured(metrics="mdm_f1@0.5")
    margin = comparison["good"].numbers["mdm_f1@0.5"]
    (low, high), z = margin.interval, margin.threshold
    for form in ("table", "markdown"):
        assert f"{z:.3f} [{low:.3f}, {high:.3f})" in comparison.to_text(form)


# ---------------------------------------------------------------------- what every table must say


def said(comparison, form):
    """All text of a rendered comparison, on one line."""
    text = re.sub(r"\s+", " ", comparison.to_text(form))
    return re.sub(r"\\([][])", r"\1", text) if form == "markdown" else text


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_tables_say_that_anomaly_is_the_positive_class(form):
    assert "anomaly is the positive class" in said(named("a"), form)


def test_json_says_that_anomaly_is_the_positive_class():
    assert json.loads(named("a").to_text("json"))["settings"]["positive_class"] == "anomaly"


def test_csv_says_that_anomaly_is_the_positive_class():
    (row,) = csv.DictReader(io.StringIO(named("a").to_text("csv")))
    assert row["positive_class"] == "anomaly"


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_tables_state_sizes_and_counts(form):
    text = said(named("a"), form).replace("\\_", "_")
    assert "component sizes: min_prediction=50, min_target=30; aggregate: pooled" in text
    assert "8 frames, 5000 valid pixels, 700 anomalous" in text
    assert "12 components of at least 30 pixels" in text


def test_csv_states_sizes_and_counts():
    (row,) = csv.DictReader(io.StringIO(named("a").to_text("csv")))
    assert (row["min_prediction"], row["min_target"], row["aggregate"]) == ("50", "30", "pooled")
    assert (row["frames"], row["pixels"], row["anomalous_pixels"]) == ("8", "5000", "700")


MIXED = "margins of methods that were normalised in different ways do not compare"


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_mixed_normalisers_are_footnoted(form):
    mixed = table("mdm_f1@0.5", {"a": "none", "b": "rank"}, a=[0.5], b=[0.6])
    assert MIXED in said(mixed, form).replace("Margins", "margins")
    assert "normalised: b by rank" in said(mixed, form).casefold()


def test_equal_normalisers_need_no_footnote():
    assert MIXED not in notes(table("mdm_f1@0.5", "rank", a=[0.5], b=[0.6]))
    assert MIXED not in notes(table("mdm_f1@0.5", a=[0.5], b=[0.6]))


def test_ranking_metrics_do_not_mind_mixed_normalisers():
    mixed = table("ap,best_f1", {"a": "none", "b": "rank"}, a=[0.5, 0.5], b=[0.6, 0.6])
    assert MIXED not in notes(mixed)


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_frames_left_out_are_counted(form):
    text = said(table("ap", a=[0.5], left_out=3), form)
    assert "3 frames left out that not every method has" in text


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_undefined_images_are_counted(measured, form):
    text = said(measured(metrics="ap,mdm_f1@0.5", aggregate="per_image"), form)
    for line in ("good: ap undefined in 1 of 2 images", "weak: mdm_f1@0.5 undefined in 1 of 2"):
        assert line in text.replace("\\_", "_")


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_what_was_refused_is_said_with_its_reason(form):
    frames = [([[-3.0, 0.5, 0.75]], [[0, 0, 1]])]
    text = said(compare({"a": frames}, metrics="ap,mdm_f1@0.5"), form).replace("\\_", "_")
    assert "a: mdm_f1@0.5 refused: scores: expected values in [0, 1] or a normaliser" in text


# -------------------------------------------------------------------------------------- CSV, JSON


def read_csv(comparison):
    return list(csv.DictReader(io.StringIO(comparison.to_text("csv"))))


def same(cell, value):
    if value is None:
        return cell == ""
    return cell == str(value) if isinstance(value, (str, bool)) else float(cell) == value


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_csv_holds_the_values_of_json_to_the_last_bit(measured, aggregate):
    comparison = measured(aggregate=aggregate)
    found = read_csv(comparison)
    for cells, row in zip(found, json.loads(comparison.to_text("json"))["rows"], strict=True):
        for key, value in row.items():
            if isinstance(value, dict):
                pairs = {f"{key}_{name}": item for name, item in value.items()}
            elif key.endswith(("_interval", "_bracket")):
                low, high = value or (None, None)
                pairs = {f"{key}_low": low, f"{key}_high": high}
            else:
                pairs = {key: value}
            for column, item in pairs.items():
                assert same(cells[column], item), column


def test_json_holds_python_s_own_values(measured):
    comparison = measured()
    assert json.loads(comparison.to_text("json")) == json.loads(json.dumps(comparison.to_dict()))


def test_json_writes_undefined_as_null():
    text = table("ap,auroc", a=[None, 0.5]).to_text("json")
    assert json.loads(text)["rows"][0]["ap"] is None
    assert "NaN" not in text


def test_csv_has_one_line_a_method_and_one_header(measured):
    lines = measured().to_text("csv").splitlines()
    assert [line.partition(",")[0] for line in lines] == ["method", "good", "weak"]


# -------------------------------------------------------------------------------------- names


NAMES = (
    "a_b", "_a_", "a|b", "a&b", "a%b", "*a*", "**a**", "a\\b", "`a`", "<b>a</b>", "[a](b)", "a#b",
    "$a$", "a~b^c", "{a}", "größe", "a,b", 'a"b', "&amp;", "~~a~~", "[bold]a[/bold]", ":smile:",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_names_come_back_from_files_unchanged(form, name):
    text = named(name).to_text(form)
    rows = json.loads(text)["rows"] if form == "json" else read_csv(named(name))
    assert rows[0]["method"] == name


def markdown_cells(text):
    """The first cell of each table row as a reader sees it, by a GitHub-flavoured parser."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    shown = []
    for opening, content in pairwise(tokens):
        if opening.type == "td_open":
            texts = [t.content for t in content.children if t.type in ("text", "text_special")]
            kinds = {t.type for t in content.children} - {"text", "text_special"}
            shown.append(("".join(texts), kinds))
    return shown


@pytest.mark.parametrize("name", NAMES)
def test_names_read_the_same_in_rendered_markdown(name):
    cells = markdown_cells(named(name, "other", metrics="ap,auroc").to_text("markdown"))
    assert cells[0] == (name, set())
    assert cells[3] == ("other", set())


@pytest.mark.parametrize("name", ["a_b", "[bold]a[/bold]", ":smile:", "[/]", "a|b"])
def test_names_are_shown_as_they_are_on_a_terminal(name):
    assert f"\n {name} " in named(name).to_text("table")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a_b", r"a\_b"), ("a&b", r"a\&b"), ("a%b", r"a\%b"), ("a#b", r"a\#b"), ("$a$", r"\$a\$"),
        ("{a}", r"\{a\}"), ("a\\b", r"a\textbackslash{}b"), ("a~b", r"a\textasciitilde{}b"),
        ("a^b", r"a\textasciicircum{}b"), ("a|b", "a|b"), ("größe", "größe"),
    ],
)  # fmt: skip
def test_names_are_escaped_in_latex(name, written):
    assert f"\n{written} & " in named(name).to_text("latex")


def test_latex_knows_quotes_and_abbreviations():
    text = named('Max. "E"').to_text("latex")
    assert "\nMax.\\ ``E'' & " in text


@pytest.mark.parametrize("name", ["*a", "[a]"])
def test_no_latex_row_starts_with_what_the_line_break_before_would_swallow(name):
    # \\ takes a star and a bracket as its own arguments, even on the next line
    text = named("first", name).to_text("latex")
    assert not re.search(r"\\\\\s*[*\[]", text)


def test_every_latex_row_has_as_many_cells():
    values = {"a&b": [0.5, 0.6, None], "c": [0.1] * 3}
    text = table("ap,fpr95,mdm_f1@0.5", **values).to_text("latex")
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [3, 3, 3, 3]
    assert r"\begin{tabular}{@{}lrrr@{}}" in text


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_a_line_break_in_a_name_breaks_no_table(form):
    broken, plain = (named(name, "other").to_text(form) for name in ("a\nb", "a b"))
    assert len(broken.splitlines()) == len(plain.splitlines())


# ------------------------------------------------------------------------------------ the terminal


def test_long_names_hide_no_numbers_on_a_terminal():
    text = named("n" * 150, "short").to_text("table")
    assert "90.0*" in text
    assert "80.0" in text


def test_many_columns_are_all_readable_on_a_terminal():
    names = [
        f"mdm_{m}@{t}" for m in ("f1", "iou", "siou", "mean_f1") for t in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    values = [0.123 + 0.01 * i for i in range(len(names))]
    text = table(names, method=values).to_text("table")
    for value in values:
        assert re.search(rf"(?<![\d.]){percent(value)}(?!\d)", text), percent(value)


def test_rendering_does_not_depend_on_the_terminal(monkeypatch):
    comparison = named("a", "b")
    before = comparison.to_text("table")
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert comparison.to_text("table") == before


def test_every_form_ends_its_last_line():
    for form in FORMATS:
        assert named("a", "b").to_text(form).endswith("\n")


def test_unknown_forms_are_refused():
    with pytest.raises(
        InputError, match=r"form: expected one of table, markdown, csv, .*, found 'xml'"
    ):
        named("a").to_text("xml")


def test_methods_on_different_frames_make_no_table():
    frame = ([[0.1, 0.9]], [[0, 1]])
    with pytest.raises(InputError, match="frames"):
        compare({"a": [frame], "b": [frame, frame]}, metrics="ap")
    with pytest.raises(InputError, match="frames"):
        compare({"a": [frame], "b": [([[0.1, 0.9]], [[1, 1]])]}, metrics="ap")


@pytest.mark.parametrize("width", [40, 60, 90, 200])
def test_narrow_terminals_cut_no_number(width):
    from rich.console import Console

    metrics = "ap,auroc,fpr95,best_f1,siou_gt,ppv,mean_f1,mdm_f1@0.5,mdm_siou@0.5"
    values = {"a method": np.linspace(0.1, 0.9, 9), "another": np.linspace(0.15, 0.95, 9)}
    comparison = table(metrics, **{name: list(map(float, v)) for name, v in values.items()})
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for part in to_renderables(view_of(comparison), width)[:-1]:
        console.print(part)
    text = console.file.getvalue()
    assert "…" not in text
    for name, numbers in values.items():
        rows = " ".join(line for line in text.splitlines() if name in line)
        assert all(percent(number) in rows for number in numbers)
    assert ("(continued)" in text) == (width < 200)
