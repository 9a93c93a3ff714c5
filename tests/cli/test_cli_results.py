"""What `mdmkit compare` prints and writes."""

from __future__ import annotations

import csv
import io
import json
import os
import re

import numpy as np
import pytest

from tests.cli.commands import SMALL, masks, rows


def test_json_on_standard_output_is_pure(compare):
    ran = compare("--format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("}\n")
    assert set(json.loads(ran.out)) == {"settings", "rows"}


def test_csv_on_standard_output_is_pure(compare):
    (row,) = csv.DictReader(io.StringIO(compare("--format", "csv").out))
    assert (row["method"], row["frames"]) == ("good", "3")


#: What JSON says of a margin.
PARTS = ("", "_interval", "_threshold", "_bracket", "_trivial", "_is_trivial")


def test_json_rows_have_the_documented_keys(compare):
    (row,) = rows(compare("--format", "json"))
    margins = [f"mdm_{m}@{t}" for t in (0.5, 0.7) for m in ("f1", "siou", "mean_f1")]
    assert list(row) == [
        "method", "frames", "pixels", "anomalous_pixels", "components", "normalize",
        "ap", "auroc", "fpr95", "fpr95_threshold", "best_f1", "best_f1_threshold", "all_predicted",
        "siou_gt", "ppv", "mean_f1",
        *(f"{m}{part}" for m in margins for part in PARTS),
    ]  # fmt: skip
    low, high = row["mdm_f1@0.5_interval"]
    assert row["mdm_f1@0.5"] == high - low
    assert row["mdm_f1@0.5_threshold"] == (low + high) / 2
    assert row["mdm_f1@0.5_bracket"] == [row["mdm_f1@0.5"]] * 2


def test_json_counts_what_was_judged(compare):
    (row,) = rows(compare("--format", "json"))
    assert row["frames"] == 3
    assert row["pixels"] == 3 * 22 * 32
    assert row["anomalous_pixels"] == 8 * (10 + 11 + 12)
    assert row["components"] == 3


def test_json_settings_say_how_it_was_done(compare):
    settings = json.loads(compare("--format", "json", "--metrics", "ap,mdm_f1@.70").out)["settings"]
    assert settings["methods"] == {"good": "good"}
    assert settings["metrics"] == ["ap", "mdm_f1@0.7"]
    assert settings["normalize"] == {"good": "none"}
    assert settings["positive_class"] == "anomaly"
    assert settings["comparison"] == "score > z"
    assert (settings["aggregate"], settings["min_prediction"], settings["min_target"]) == (
        "pooled", 0, 0,
    )  # fmt: skip
    assert (settings["normal_label"], settings["ignore_index"]) == ([0], [255])
    assert set(settings["versions"]) >= {"mdmkit", "numpy", "numba"}


def test_undefined_is_null(compare, folders):
    masks(folders, lambda mask: np.where(mask == 0, 1, mask).astype(np.uint8))
    (row,) = rows(compare("--format", "json", "--metrics", "ap,fpr95,precision@z=1,f1@z=0"))
    assert (row["ap"], row["fpr95"], row["precision@z=1.0"]) == (None, None, None)
    assert row["f1@z=0.0"] is not None


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_numbers_do_not_depend_on_the_number_of_threads(run, aggregate):
    command = ("compare", "good=good", "weak=weak", "--target", "masks", *SMALL,
               "--format", "json", "--aggregate", aggregate, "--jobs")  # fmt: skip
    assert rows(run(*command, 3)) == rows(run(*command, 1))


def test_skipped_frames_are_recorded(run, folders):
    (folders / "weak" / "1.npy").unlink()
    ran = run("compare", "good=good", "weak=weak", "--target", "masks", *SMALL,
              "--missing", "skip", "--format", "json")  # fmt: skip
    assert [row["frames"] for row in rows(ran)] == [2, 2]
    assert json.loads(ran.out)["settings"]["left_out_frames"] == ["1"]
    assert ran.err == "note: 1 frames left out that not every method has\n"


def test_a_folder_alone_names_its_method(run, folders):
    (folders / "good").rename(folders / "lr=0.1")
    options = ("--target", "masks", *SMALL, "--metrics", "ap", "--format", "json")
    found = rows(run("compare", "lr=0.1", "weak/", "other=weak", *options))
    assert [row["method"] for row in found] == ["lr=0.1", "weak", "other"]
    assert found[1]["ap"] == found[2]["ap"]


def test_a_report_of_a_split_says_so(run, folders):
    (folders / "split.txt").write_text("2\n0\n")
    options = ("--target", "masks", *SMALL, "--frames", "split.txt", "-o", "split.html")
    assert run("report", "good", *options).code == 0
    page = (folders / "split.html").read_text()
    assert "1 other frames of the data set were not asked for" in page


def test_frames_beside_a_split_are_no_problem_of_an_inspection(run, folders):
    (folders / "split.txt").write_text("2\n0\n")
    whole = ("inspect", "good", "--target", "masks", *SMALL)
    assert run(*whole).code == 0
    ran = run(*whole, "--frames", "split.txt")
    assert ran.code == 0, ran.out + ran.err
    assert "without ground truth" not in ran.out
    assert "frames     2 with ground truth" in ran.out


def test_frames_of_a_split_are_named_in_a_file(run, folders):
    (folders / "split.txt").write_text("# held out\n2\n\n0\n")
    options = ("--target", "masks", *SMALL, "--metrics", "ap,siou_gt", "--format", "json")
    chosen = run("compare", "good", "--frames", "split.txt", *options)
    for folder in ("masks", "good"):
        (folders / folder / ("1.png" if folder == "masks" else "1.npy")).unlink()
    whole = run("compare", "good", *options)
    assert rows(chosen) == rows(whole)
    assert chosen.err == "note: 1 other frames of the data set were not asked for\n"
    (folders / "split.txt").write_text("0\n1\n")
    ran = run("compare", "good", "--frames", "split.txt", *options)
    assert ran.refused("frames: expected keys of labelled frames such as '0', found 1 others\n  1")
    (folders / "split.txt").write_text("# none\n")
    ran = run("compare", "good", "--frames", "split.txt", *options)
    assert ran.refused("frames: expected a key on each line of split.txt, found none")


def test_quiet_writes_no_notes(run, folders):
    (folders / "weak" / "1.npy").unlink()
    ran = run("compare", "good=good", "weak=weak", "--target", "masks", *SMALL,
              "--missing", "skip", "--format", "csv", "--quiet", "-o", "out/a.csv")  # fmt: skip
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.md", "**Quality, %**"),
        ("a.csv", "method,frames,pixels,"),
        ("a.json", '{\n  "settings": {'),
        ("a.tex", "% \\usepackage{booktabs}"),
        ("a.JSON", '{\n  "settings": {'),
        ("a.txt", "Quality, %"),
    ],
)
def test_the_suffix_of_the_output_chooses_the_form(compare, folders, name, start):
    ran = compare("-o", f"out/{name}")
    assert (ran.code, ran.out) == (0, "")
    assert f"wrote out/{name}\n" in ran.err
    assert (folders / "out" / name).read_text().startswith(start)
    assert os.listdir(folders / "out") == [name]


def test_a_named_form_wins_over_the_suffix(compare, folders):
    assert compare("-o", "out/a.md", "--format", "csv").code == 0
    assert (folders / "out" / "a.md").read_text().startswith("method,frames")


def test_a_file_holds_what_standard_output_shows(compare, folders):
    for form in ("table", "markdown", "csv", "latex"):
        assert compare("--format", form, "-o", f"out/{form}").code == 0
        shown = compare("--format", form).out.replace("{tab:mdmkit}", "{tab:latex}")  # by its file
        assert (folders / "out" / form).read_text() == shown


def test_output_is_as_private_as_any_new_file(compare, folders):
    (folders / "out" / "other").touch()
    assert compare("-o", "out/a.md").code == 0
    modes = {path.stat().st_mode for path in (folders / "out").iterdir()}
    assert len(modes) == 1


def test_an_npz_key_is_chosen(compare, folders):
    for path in (folders / "good").iterdir():
        np.savez(path.with_suffix(".npz"), mine=np.load(path), other=np.zeros((2, 2)))
        path.unlink()
    assert compare().refused("good/0.npz: expected one array, found the keys mine, other")
    assert compare("--key", "mine").code == 0
    assert compare("--key", "value").refused("expected the key 'value', found the keys mine")


def test_a_protocol_is_chosen_and_recorded(compare):
    ran = compare("--protocol", "maskomaly-release", "--metrics", "fpr95,mdm_f1@0.7",
                  "--format", "json")  # fmt: skip
    assert json.loads(ran.out)["settings"]["protocol"] == "maskomaly-release"
    (row,) = rows(ran)
    assert row["mdm_f1@0.7"] == round(row["mdm_f1@0.7"], 3)
    assert "fpr@tpr>0.9" in row
    assert "note: protocol maskomaly-release: MDM is the longest run" in ran.err
    assert compare("--protocol", "smyic").refused("protocol: expected one of exact, smiyc")


def test_bands_are_named_by_their_measures(compare):
    (row,) = rows(compare("--metrics", "ap@band=2,ap@band=4.5", "--format", "json"))
    assert {"ap@band=2", "ap@band=4.5"} <= set(row)
    wide = compare("--metrics", "ap@band=0.5")
    assert wide.refused("band: expected a width in pixels >= 1, found 0.5")


def test_printed_rows_join_the_table(compare):
    ran = compare("--published", "roadanomaly", "--aux", "good", "--metrics", "ap")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"^ good +yes ", ran.out, re.MULTILINE)
    assert re.search(r"^ ?PEBAL \(published\) +yes +45\.1\b", ran.out, re.MULTILINE)
    assert compare("--published", "x").refused("published: expected one of ablation-roadanomaly")
    assert compare("--aux", "x").refused("--aux: expected methods among good, found x")


def test_printed_tables_are_listed_and_shown(run, folders):
    listed = run("published").out.splitlines()
    names = [line.partition(":")[0] for line in listed]
    assert names == sorted(names)
    assert {"ablation-roadanomaly", "ablation-smiyc", "roadanomaly", "smiyc"} <= set(names)
    assert "MDM (a)" in run("published", "roadanomaly").out
    assert run("published", "smiyc", "-o", "out/a.tex").err == "wrote out/a.tex\n"
    assert r"\label{tab:a}" in (folders / "out/a.tex").read_text()
    assert (folders / "out/a.tex").read_text().count(r"\underline") == 5
    assert run("published", "paper").refused("expected one of", "found 'paper'")
    assert run("published", "smiyc", "--format", "xml").refused("format: expected one of table")


@pytest.mark.parametrize("form", ["csv-long", "json-long"])
def test_long_forms_have_a_row_a_measure(compare, form):
    out = compare("--format", form, "--metrics", "ap,fpr95").out
    found = json.loads(out) if "json" in form else list(csv.DictReader(io.StringIO(out)))
    assert [row["metric"] for row in found] == ["ap", "fpr95"]
