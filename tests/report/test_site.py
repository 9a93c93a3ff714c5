"""The leaderboard: numbers of its files, ranks that intervals allow, names as text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import InputError, bootstrap, compare, count_metric, published_table
from mdmkit.report.site import build_site, find_results, write_site
from mdmkit.report.site.saved import Cell
from mdmkit.report.site.standings import rank_methods
from tests.conftest import examples

EVIL = "<script>window.hacked=1</script>"
METRICS = "ap,fpr95,mdm_f1@0.5"


def frames(shift, seed=0, number=6):
    rng = np.random.default_rng(seed)
    target = np.zeros((12, 16), int)
    target[3:8, 4:10] = 1
    return [
        ((0.5 * target + shift * rng.random(target.shape)) / (0.5 + shift), target)
        for _ in range(number)
    ]


def saved(path, methods, *, intervals=True, metrics=METRICS, published=None, **options):
    """A comparison written to a file, and itself."""
    found = compare(methods, metrics=metrics, published=published, **options)
    if intervals:
        found = found.with_bootstrap(bootstrap(methods, metrics=metrics, replicates=50))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found.to_text("json"), encoding="utf-8")
    return found


THREE = {"strong": frames(0.3), "weak": frames(1.0), EVIL: frames(0.5)}


@pytest.fixture
def results(tmp_path):
    """Two data sets: one of three methods with intervals, one of two without."""
    folder = tmp_path / "results"
    saved(folder / "streets.json", THREE, published="roadanomaly")
    two = {"strong": frames(0.3, 5), "weak": frames(1.0, 5)}
    saved(folder / "night" / "fields.json", two, intervals=False)
    return folder


def pages(results, **options):
    return build_site(find_results([str(results)]), **options).pages()


class Tables(HTMLParser):
    """The tables of a page as text: a list of rows of cells each."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.open = [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.open = True

    def handle_endtag(self, tag):
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data):
        if self.open:
            self.tables[-1][-1][-1] += f" {data.strip()}"


def tables(text):
    return [[[" ".join(c.split()) for c in row] for row in t] for t in Tables(text).tables]


# ------------------------------------------------------------------------------------- contents


def test_a_page_has_the_numbers_of_its_file(tmp_path):
    found = saved(tmp_path / "streets.json", THREE)
    text = pages(tmp_path)["streets.html"]
    (heading, *rows), *_ = tables(text)
    assert heading == ["method", "AP ↑", "FPR95 ↓", "MDM F1 T=0.5 ↑"]
    for row, result in zip(rows, found.results, strict=True):
        assert row[0] == result.method
        shown = [float(cell.split()[0]) for cell in row[1:]]
        assert shown == [round(100 * result[key], 1) for key in METRICS.split(",")]


def test_intervals_stand_beside_their_numbers(tmp_path):
    found = saved(tmp_path / "streets.json", THREE)
    low, high = found.to_dict()["rows"][0]["ap_confidence"]
    assert f"[{100 * low:.1f}, {100 * high:.1f}]" in pages(tmp_path)["index.html"]


def test_the_index_has_a_table_per_measure_and_a_column_per_data_set(results):
    first, *_ = shown = tables(pages(results)["index.html"])
    assert len(shown) == 3
    assert first[0] == ["method", "fields", "streets", "mean rank"]
    by_name = {row[0]: row[1:] for row in first[1:]}
    assert by_name["strong"][2] == "1.0"
    assert by_name[EVIL][0] == "-"  # not in that file
    assert by_name[EVIL][2] == "-"  # so it has no mean rank
    assert by_name["strong"][0].endswith("(1)")  # by value alone


def test_printed_rows_stand_apart_with_their_source(results):
    site = build_site(
        find_results([str(results)]), published={"fields": [published_table("roadanomaly-rba")]}
    ).pages()
    assert "source: Ackermann" in site["streets.html"]
    address = published_table("roadanomaly-rba").source.split()[-1]
    assert f'<a href="{address}"' in site["fields.html"]
    assert "RbA Swin-B (Cityscapes)" in site["fields.html"]
    assert "SynBoost" not in site["index.html"]  # they are not ranked


def test_undefined_and_refused_numbers_are_dashes_with_a_reason(tmp_path):
    wild = [([[-3.0, 0.5, 0.75]], [[0, 0, 1]])]
    saved(tmp_path / "raw.json", {"raw": wild}, intervals=False, metrics="ap,mdm_f1@0.5")
    text = pages(tmp_path)["raw.html"]
    assert tables(text)[0][1] == ["raw", "100.0 (1)", "-"]
    assert "mdm_f1@0.5 refused" in text


def test_brackets_that_show_are_told(tmp_path):
    found = saved(tmp_path / "few.json", {"a": frames(0.3)}, intervals=False, memory=1)
    record = found.to_dict()
    record["rows"][0]["ap_bracket"] = [0.2, 0.9]
    (tmp_path / "few.json").write_text(json.dumps(record))
    assert "ap is known within [20.00, 90.00] only" in pages(tmp_path)["few.html"]


def test_metrics_of_ones_own_are_ranked_as_more_is_better(tmp_path):
    @count_metric(monotone=True)
    def tversky(tp, fp, fn, tn):
        return tp / (tp + 0.3 * fp + 0.7 * fn)

    methods = {"strong": frames(0.3), "weak": frames(1.0)}
    found = compare(methods, metrics=["ap"])
    record = found.to_dict()
    record["settings"]["metrics"] = ["mdm_tversky@0.5"]
    for row, value in zip(record["rows"], (0.6, 0.2), strict=True):
        row["mdm_tversky@0.5"] = value
    (tmp_path / "own.json").write_text(json.dumps(record))
    assert tables(pages(tmp_path)["own.html"])[0][1][:2] == ["strong", "60.0 (1)"]


# ---------------------------------------------------------------------------------------- ranks


def cells_of(values, widths):
    return {
        name: Cell(v, (v - w, v + w)) for name, v, w in zip("abcdef", values, widths, strict=False)
    }


numbers = st.lists(st.integers(0, 20).map(lambda k: k / 20), min_size=1, max_size=5)


@examples(100)
@given(values=numbers, widths=st.lists(st.integers(0, 6).map(lambda k: k / 20), min_size=5,
                                       max_size=5), higher=st.booleans())  # fmt: skip
def test_ranks_are_the_places_in_some_order_that_intervals_allow(values, widths, higher):
    """Brute force: every order that contradicts no pair of intervals which do not touch."""
    cells = cells_of(values, widths)
    sign = 1 if higher else -1

    def surely(a, b):
        ends = [sorted(sign * end for end in cells[name].interval) for name in (a, b)]
        return ends[0][0] > ends[1][1]

    places = {name: set() for name in cells}
    for order in permutations(cells):
        if not any(surely(b, a) for i, a in enumerate(order) for b in order[i + 1 :]):
            for place, name in enumerate(order, 1):
                places[name].add(place)
    ranks = rank_methods(cells, higher, {})
    for name, rank in ranks.items():
        assert (rank.best, rank.worst) == (min(places[name]), max(places[name]))
        assert rank.best <= rank.place <= rank.worst


def test_a_paired_difference_goes_before_intervals():
    cells = cells_of([0.9, 0.8, 0.2], [0.2, 0.2, 0.01])
    assert [str(r) for r in rank_methods(cells, True, {}).values()] == ["1-2", "1-2", "3"]
    real = {("a", "b"): True, ("a", "c"): False}
    assert [str(r) for r in rank_methods(cells, True, real).values()] == ["1-2", "2", "2-3"]


def test_without_an_interval_nothing_is_sure():
    cells = cells_of([0.9, 0.1], [0.01, 0.01]) | {"c": Cell(0.5)}
    assert [str(r) for r in rank_methods(cells, True, {}).values()] == ["(1)", "(3)", "(2)"]
    assert rank_methods({"a": Cell(None)}, True, {}) == {}


# --------------------------------------------------------------------------------- joined files


def test_files_of_one_data_set_are_joined(tmp_path):
    for name, methods in {
        "ours": {"strong": THREE["strong"]},
        "theirs": {"weak": THREE["weak"]},
    }.items():
        saved(tmp_path / f"{name}.json", methods)
    both = [f"streets={tmp_path / name}.json" for name in ("ours", "theirs")]
    site = build_site(find_results(both)).pages()
    assert set(site) == {"index.html", "streets.html"}
    assert [row[0] for row in tables(site["streets.html"])[0]] == ["method", "strong", "weak"]


def test_files_that_do_not_agree_are_not_joined(tmp_path):
    saved(tmp_path / "a.json", {"a": frames(0.3)}, intervals=False)
    saved(tmp_path / "b.json", {"b": frames(0.3, number=4)}, intervals=False)
    saved(tmp_path / "c.json", {"a": frames(0.3)}, intervals=False)
    saved(tmp_path / "d.json", {"d": frames(0.3)}, intervals=False, min_target=2)

    def joined(*names):
        return build_site(find_results([f"x={tmp_path / name}.json" for name in names]))

    with pytest.raises(InputError, match=r"frames 6 in .*a\.json and 4 in .*b\.json"):
        joined("a", "b")
    with pytest.raises(InputError, match=r"each method of 'x' once, found 'a' in .*a\.json and"):
        joined("a", "c")
    with pytest.raises(InputError, match=r"min_target 0 in .* and 2 in"):
        joined("a", "d")
    with pytest.raises(InputError, match="published: expected data sets among x, found y"):
        build_site(
            find_results([f"x={tmp_path / 'a.json'}"]),
            published={"y": [published_table("roadanomaly")]},
        )


# -------------------------------------------------------------------------------- names as text


def test_names_are_text_and_nothing_else(tmp_path):
    saved(tmp_path / "one.json", THREE)
    record = json.loads((tmp_path / "one.json").read_text())
    record["settings"] |= {"dataset": f"{EVIL}&amp;\x1b[31m", "remarks": [f"see {EVIL}"]}
    record["published"] = {
        "name": EVIL, "title": EVIL, "source": f"{EVIL} javascript:alert(1)", "notes": [EVIL],
        "rows": [{"method": EVIL, "auxiliary": EVIL, EVIL: 0.5}],
    }  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(record))
    for text in pages(tmp_path, title=EVIL).values():
        assert EVIL not in text
        assert "&lt;script&gt;window.hacked=1&lt;/script&gt;" in text
        assert "\x1b" not in text
        assert text.count("<script>") == 1
        assert 'href="javascript' not in text


def test_pages_ask_for_nothing(results):
    for text in pages(results, published={"fields": [published_table("roadanomaly-rba")]}).values():
        assert "default-src 'none'" in text
        assert not re.search(r"\b(src|srcset|action|data)=|@import|url\(", text)
        for address in re.findall(r'href="([^"]+)"', text):
            assert re.match(r"#|[a-z-]+\.html$|reports/|https://github\.com/", address), address


def test_addresses_are_plain_and_differ(tmp_path):
    for number, name in enumerate(("Straße/1", "Stra-e 1", "index", "…")):
        saved(tmp_path / f"{number}.json", {"a": frames(0.3)}, intervals=False)
        record = json.loads((tmp_path / f"{number}.json").read_text())
        record["settings"]["dataset"] = name
        (tmp_path / f"{number}.json").write_text(json.dumps(record))
    assert set(pages(tmp_path)) == {
        "index.html", "stra-e-1.html", "stra-e-1-2.html", "index-2.html", "data-set.html",
    }  # fmt: skip


# ------------------------------------------------------------------------------ foreign, damaged


def spoilt(change):
    def apply(record):
        change(record)
        return record

    return apply


SPOILT = {
    "a list": lambda r: [r],
    "a row a measure": lambda r: r["rows"],
    "no settings": spoilt(lambda r: r.pop("settings")),
    "no rows": spoilt(lambda r: r.pop("rows")),
    "empty rows": spoilt(lambda r: r.update(rows=[])),
    "no method": spoilt(lambda r: r["rows"][0].pop("method")),
    "no measure": spoilt(lambda r: r["rows"][0].pop("ap")),
    "text for a number": spoilt(lambda r: r["rows"][0].update(ap="0.5")),
    "true for a number": spoilt(lambda r: r["rows"][0].update(ap=True)),
    "infinity": spoilt(lambda r: r["rows"][0].update(ap=float("inf"))),
    "not a number": spoilt(lambda r: r["rows"][0].update(fpr95=float("nan"))),
    "an interval upside down": spoilt(lambda r: r["rows"][0].update(ap_confidence=[0.9, 0.1])),
    "three ends": spoilt(lambda r: r["rows"][0].update(ap_confidence=[0.1, 0.2, 0.3])),
    "half an interval": spoilt(lambda r: r["rows"][0].update(ap_confidence=[0.1, None])),
    "frames as text": spoilt(lambda r: r["rows"][0].update(frames="6")),
    "fewer frames": spoilt(lambda r: r["rows"][0].update(frames=5)),
    "negative frames": spoilt(lambda r: r["rows"][0].update(frames=-1)),
    "a difference without names": spoilt(
        lambda r: r["bootstrap"].update(differences=[{"excludes_zero": True}])
    ),
    "a printed row of text": spoilt(
        lambda r: r.update(published={"name": "", "title": "", "source": "", "notes": [],
                                      "rows": [{"method": "a", "ap": "much"}]})
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What a comparison writes."""
    path = tmp_path_factory.mktemp("written") / "one.json"
    saved(path, THREE)
    return path.read_text()


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_what_no_comparison_wrote_is_refused_by_its_name(tmp_path, written, change):
    record = change(json.loads(written))
    (tmp_path / "one.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"one\.json: expected the JSON that `mdmkit compare"):
        find_results([str(tmp_path)])


@pytest.mark.parametrize("cut", [0, 1, 40, 400])
def test_files_that_were_cut_off_are_refused(tmp_path, written, cut):
    (tmp_path / "one.json").write_text(written[:cut])
    with pytest.raises(InputError, match=r"one\.json: expected a readable JSON file"):
        find_results([str(tmp_path)])


def test_nothing_to_show_is_refused(tmp_path):
    with pytest.raises(InputError, match="found none in"):
        find_results([str(tmp_path)])
    with pytest.raises(InputError, match=r"found no .*nowhere"):
        find_results([str(tmp_path / "nowhere.json")])
    with pytest.raises(InputError, match="expected NAME=FILE"):
        find_results([f"={tmp_path / 'a.json'}"])
    with pytest.raises(InputError, match="found none"):
        find_results([])


# -------------------------------------------------------------------------------------- writing


def page_of_report(path):
    path.write_text(
        "<!DOCTYPE html>\n<html><head>\n<meta http-equiv='Content-Security-Policy'></head></html>"
    )


def test_reports_beside_the_files_come_along(results, tmp_path):
    page_of_report(results / "streets.html")
    site = build_site(find_results([str(results)]))
    first = write_site(site, tmp_path / "site")
    assert first == tmp_path / "site" / "index.html"
    copied = tmp_path / "site" / "reports" / "streets-1.html"
    assert copied.read_bytes() == (results / "streets.html").read_bytes()
    for page in ("index.html", "streets.html"):
        assert 'href="reports/streets-1.html"' in (first.parent / page).read_text(encoding="utf-8")
    assert "reports/" not in (first.parent / "fields.html").read_text(encoding="utf-8")


def test_other_pages_beside_the_files_are_refused(results, tmp_path):
    (results / "streets.html").write_text("<p>my notes</p>")
    with pytest.raises(InputError, match=r"streets\.html: expected the page that `mdmkit report`"):
        write_site(build_site(find_results([str(results)])), tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_only_an_earlier_site_is_replaced(results, tmp_path):
    site = build_site(find_results([str(results)]))
    write_site(site, tmp_path / "site")
    with pytest.raises(InputError, match="is in use"):
        write_site(site, tmp_path / "site")
    other = build_site(find_results([str(results / "streets.json")]))
    write_site(other, tmp_path / "site", overwrite=True)
    assert {p.name for p in (tmp_path / "site").iterdir()} == {
        "index.html", "streets.html", "site.json",
    }  # fmt: skip
    (tmp_path / "site" / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"found .*thesis\.tex; choose another folder"):
        write_site(site, tmp_path / "site", overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").touch()
    with pytest.raises(InputError, match=r"found .*index\.html; choose another folder"):
        write_site(site, tmp_path / "mine", overwrite=True)


def test_a_failure_leaves_what_was_there(results, tmp_path, monkeypatch):
    site = build_site(find_results([str(results)]))
    write_site(site, tmp_path / "site")
    before = {p.name: p.read_bytes() for p in (tmp_path / "site").iterdir()}

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mdmkit.report.site.writing._put", full)
    with pytest.raises(OSError, match="No space"):
        write_site(site, tmp_path / "site", overwrite=True)
    assert {p.name: p.read_bytes() for p in (tmp_path / "site").iterdir()} == before
    assert {p.name for p in tmp_path.iterdir()} == {"results", "site"}  # no leftovers
