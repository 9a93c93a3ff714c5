"""`mdmkit site` on the command line: what is written, what is refused, what is said."""

from __future__ import annotations

import pytest


@pytest.fixture
def results(run, folders):
    """`ra.json` with intervals and a report beside it, and `laf.json`."""
    (folders / "results").mkdir()
    for name, more in (("ra", ("--bootstrap", "20")), ("laf", ())):
        ran = run("compare", "good=good", "weak=weak", "--target", "masks", "--metrics",
                  "ap,mdm_f1@0.5", "-q", *more, "-o", f"results/{name}.json")  # fmt: skip
        assert ran.code == 0, ran.err
    ran = run("report", "good=good", "--target", "masks", "--metrics", "mdm_f1@0.5", "-q",
              "-o", "results/ra.html")  # fmt: skip
    assert ran.code == 0, ran.err
    return folders / "results"


def test_a_folder_of_results_becomes_a_site(run, results, folders):
    ran = run("site", "results", "-o", "site", "--title", "Ours", "--published", "ra=roadanomaly")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "wrote site/index.html: 2 files, 2 data sets\n"
    index = (folders / "site" / "index.html").read_text(encoding="utf-8")
    assert "<h1>Ours</h1>" in index
    assert 'href="reports/ra-1.html"' in index
    assert "SynBoost" in (folders / "site" / "ra.html").read_text(encoding="utf-8")


def test_a_site_is_quiet_and_replaces_itself_when_told(run, results):
    assert run("site", "results", "-o", "site", "-q").err == ""
    assert run("site", "results", "-o", "site").refused("--output: expected a new or empty folder")
    assert run("site", "results", "-o", "site", "--overwrite").code == 0


def test_a_table_without_a_name_wants_one_data_set(run, results):
    one = ("site", "results/laf.json", "-o", "one")
    assert run(*one, "--published", "roadanomaly").code == 0
    two = ("site", "results", "-o", "two")
    assert run(*two, "--published", "roadanomaly").refused(
        "--published: expected NAME=roadanomaly with one of laf, ra, found no NAME"
    )
    assert run(*two, "--published", "x=roadanomaly").refused("--published: ", "found x")
    assert run(*two, "--published", "ra=paper").refused("--published: expected one of", "'paper'")


def test_foreign_files_are_refused_by_name(run, results, folders):
    (results / "notes.json").write_text('{"mine": 1}')
    assert run("site", "results", "-o", "site").refused("notes.json: expected the JSON that")
    assert not (folders / "site").exists()
    assert run("site", "nothing", "-o", "site").refused("found no nothing")
