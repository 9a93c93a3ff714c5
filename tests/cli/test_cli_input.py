"""Options, files and labels, good and bad: one clear message without traceback."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.cli.commands import RANKING, frame, masks, rows


@pytest.mark.parametrize(
    ("methods", "parts"),
    [
        (["gone"], ["methods: expected NAME=FOLDER or a folder, found 'gone'"]),
        (["=good"], ["methods: expected NAME=FOLDER or a folder, found '=good'"]),
        (["good="], ["methods: expected NAME=FOLDER or a folder, found 'good='"]),
        (["a=good", "a=weak"], ["methods: expected each name once, found 'a' again"]),
        (["good", "good/"], ["methods: expected each name once, found 'good' again"]),
        (["a=gone"], ["a: expected a folder at gone, found nothing"]),
        (["a=masks/0.png"], ["a: expected a folder at masks/0.png, found a file"]),
        (
            ["a=out"],
            [
                "a: expected files .npy .npz .hdf5 .h5 .png .tif .tiff .pt .zarr in out, "
                "found no files"
            ],
        ),
    ],
)
def test_bad_methods_are_refused(run, methods, parts):
    assert run("compare", *methods, "--target", "masks").refused(*parts)
    assert run(
        "plot", "margin", *methods, "--target", "masks", "--t-margin", "0.5", "-o", "a.pdf"
    ).refused(*parts)


OPTIONS = [
    (["--target", "gone"], "target: expected a folder at gone, found nothing"),
    (["--target", "out"], ".png .tif .tiff .bmp .webp in out, found no files"),
    (["--metrics", "apple"], "metrics: expected one of ap, auroc"),
    (["--metrics", "ap,apple"], "found 'apple'"),
    (["--metrics", ""], "found none"),
    (["--metrics", "mdm_f1"], "say which T of its margin, as in mdm_f1@0.5"),
    (["--metrics", "mdm_apple@0.5"], "found 'mdm_apple@0.5'"),
    (["--metrics", "mdm_f1@half"], "expected a number after the sign in 'mdm_f1@half', found"),
    (["--metrics", "mdm_f1@nan"], "found 'nan'"),
    (["--metrics", "mdm_f1@1"], "--metrics: mdm_f1@1: t_margin: expected a number in [0, 1)"),
    (["--metrics", "mdm_f1@-0.1"], "t_margin: expected a number in [0, 1), found -0.1"),
    (["--metrics", "f1@z=x"], "expected a number after the sign in 'f1@z=x', found 'x'"),
    (["--metrics", "fpr@tpr=0"], "expected a TPR in (0, 1] in 'fpr@tpr=0', found 0.0"),
    (["--metrics", "fpr@tpr=1.5"], "found 1.5"),
    (["--format", "xml"], "latex, latex-wide, csv-long, json-long, found 'xml'"),
    (["--aggregate", "median"], "aggregate: expected one of pooled, per_image, found 'median'"),
    (["--missing", "ignore"], "missing: expected one of error, skip, found 'ignore'"),
    (["--normalize", "softmax"], "normalize: expected one of none, minmax, sigmoid, rank, found"),
    (["--normalize", "good=softmax"], "found 'softmax'"),
    (["--normalize", "bad=rank"], "normalize: expected a method among good, found 'bad'"),
    (["--normalize", "=rank"], "normalize: expected a method among good, found ''"),
    (["--jobs", "0"], "jobs: expected a number of threads >= 1, found 0"),
    (["--jobs", "-2"], "jobs: expected a number of threads >= 1, found -2"),
    (["--min-prediction", "-1"], "--min-prediction: expected a number of pixels >= 0, found -1"),
    (["--min-target", "-5"], "--min-target: expected a number of pixels >= 0, found -5"),
    (["--anomaly-label", "one"], "anomaly-label: expected integers such as 1 or 2,3 or 2-200"),
    (["--anomaly-label", ""], "found ''"),
    (["--anomaly-label", "1,,2"], "found '1,,2'"),
    (["--anomaly-label", "1.0"], "found '1.0'"),
    (["--anomaly-label", "9-2"], "anomaly-label: expected a rising range, found '9-2'"),
    (["--anomaly-label", "none"], "expected at least one value, found none"),
    (["--anomaly-label", "0"], "the value 0 already means --normal-label"),
    (["--ignore-index", "1"], "the value 1 already means --anomaly-label"),
    (["--normal-label", "zero"], "normal-label: expected integers"),
    (["--ignore-index", "255;254"], "ignore-index: expected integers"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_bad_options_are_refused(compare, options, message):
    assert compare(*options).refused(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--t-margin", "1"], "--t-margin: expected a number in [0, 1), found 1.0"),
        (["--t-margin", "-0.5"], "--t-margin: expected a number in [0, 1), found -0.5"),
        (["--t-margin", "nan"], "--t-margin: expected a number in [0, 1), found nan"),
        (["--metric", "ap"], "metric: expected one of f1, iou, precision, recall, "),
        (["--width", "0"], "width"),
        (["--width", "-3"], "width"),
        (["--width", "nan"], "width"),
        (["--jobs", "0"], "jobs: expected a number of threads >= 1, found 0"),
        (["--normalize", "softmax"], "normalize: expected one of none, minmax"),
        (["--anomaly-label", "0"], "the value 0 already means --normal-label"),
        (["--min-target", "-1"], "--min-target: expected a number of pixels >= 0, found -1"),
    ],
)
def test_bad_options_of_the_figure_are_refused(plot, folders, options, message):
    assert plot("-o", "out/a.pdf", *options).refused(message)
    assert os.listdir(folders / "out") == []


@pytest.mark.parametrize("name", ["margin.jpg", "margin", "margin.pdf.txt"])
def test_figures_are_pdf_svg_or_png(plot, folders, name):
    assert plot("-o", f"out/{name}").refused(
        f"output: expected a name ending in .pdf, .svg, .png, found {name!r}"
    )
    assert os.listdir(folders / "out") == []


def test_a_figure_is_refused_before_the_work_is_done(plot, monkeypatch):
    def work(*arguments, **options):
        raise AssertionError("frames were read for a figure that cannot be written")

    monkeypatch.setattr("mdmkit.evaluation.frame_set.evaluate_methods", work)
    assert plot("-o", "out/margin.jpg").refused("output: expected a name ending in")


def test_a_score_map_with_nan_names_file_row_and_column(compare, folders):
    scores, _ = frame(1)
    scores[5, 7] = np.nan
    np.save(folders / "good" / "1.npy", scores)
    assert compare().refused("good/1.npy", "found nan at row 5, column 7 (1 such pixels)")


def test_a_truncated_score_map_is_named(compare, folders):
    path = folders / "good" / "2.npy"
    path.write_bytes(path.read_bytes()[:-100])
    assert compare().refused("good/2.npy: expected a readable .npy file")


@pytest.mark.parametrize("options", [(), ("--jobs", "3"), ("--aggregate", "per_image")])
def test_every_bad_frame_is_listed(compare, folders, options):
    np.save(folders / "good" / "0.npy", np.full((24, 32), np.inf))
    (folders / "good" / "1.npy").write_bytes(b"nothing of the kind")
    np.save(folders / "good" / "2.npy", np.zeros((24, 32), np.int64))
    assert compare(*options).refused(
        "good: 3 frames cannot be used:", "good/0.npy", "good/1.npy", "good/2.npy"
    )


def test_every_bad_frame_is_listed_where_scores_are_read_twice(compare, folders):
    for seed in (0, 2):
        np.save(folders / "good" / f"{seed}.npy", np.full((24, 32), np.nan))
    assert compare("--normalize", "minmax", "--aggregate", "per_image").refused(
        "2 frames cannot be used", "good/0.npy", "good/2.npy"
    )


def test_signed_integers_are_refused(compare, folders):
    np.save(folders / "good" / "0.npy", np.zeros((24, 32), np.int16))
    assert compare().refused("good/0.npy", "or bool, found int16")


def test_unknown_labels_name_the_mask(compare):
    assert compare("--ignore-index", "none").refused(
        "masks/0.png", "expected label values 0 (normal), 1 (anomaly), found 255 at 64 pixels"
    )


def test_frames_without_a_partner_are_listed(compare, folders):
    (folders / "good" / "1.npy").rename(folders / "good" / "other.npy")
    assert compare().refused(
        "good has no score map for 1 frames\n  1\n",
        "good has score maps without a mask: 1 frames\n  other\n",
        "--missing skip keeps the frames that are complete",
    )


def scale(folders, factor, offset=0.0):
    for path in (folders / "good").iterdir():
        np.save(path, factor * np.load(path) + offset)


def test_scores_outside_the_unit_interval_are_refused_where_only_margins_are_asked(
    compare, folders
):
    scale(folders, 10)
    assert compare("--metrics", "mdm_f1@0.5,mdm_siou@0.5").refused(
        "good: scores: expected values in [0, 1] or a normaliser, found 0",
        "minmax, sigmoid or rank",
    )


def test_scores_barely_outside_the_unit_interval_are_shown_in_full(compare, folders):
    path = folders / "good" / "0.npy"
    scores = np.load(path).astype(np.float64)
    scores[10, 10] = 1 + 1e-9
    np.save(path, scores)
    assert compare("--metrics", "mdm_f1@0.5").refused("1.000000001")


def test_scores_outside_the_unit_interval_keep_their_ranking_metrics(compare, folders):
    before = rows(compare("--format", "json", "--metrics", RANKING))[0]
    scale(folders, 8, -4)
    ran = compare("--format", "json", "--metrics", f"{RANKING},mdm_f1@0.5")
    (row,) = rows(ran)
    assert {name: row[name] for name in RANKING.split(",")} == {
        name: before[name] for name in RANKING.split(",")
    }
    assert row["mdm_f1@0.5"] is row["mdm_f1@0.5_interval"] is None
    assert "expected values in [0, 1] or a normaliser" in row["refused"]["mdm_f1@0.5"]
    assert "mdm_f1@0.5 refused" in ran.err


@pytest.mark.parametrize("kind", ["minmax", "sigmoid", "rank"])
@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_a_normaliser_brings_scores_into_the_unit_interval(compare, folders, kind, aggregate):
    scale(folders, 8, -4)
    (row,) = rows(compare("--format", "json", "--normalize", kind, "--aggregate", aggregate))
    assert 0 < row["mdm_f1@0.5"] <= 1
    assert row["normalize"] == kind


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
@pytest.mark.parametrize("normalize", ["none", "minmax", "rank", "sigmoid"])
def test_frames_without_a_valid_pixel_are_refused(compare, folders, aggregate, normalize):
    masks(folders, lambda mask: np.full_like(mask, 255))
    assert compare("--aggregate", aggregate, "--normalize", normalize).refused(
        "good: --target: expected at least one valid pixel, found all pixels ignored"
    )


@pytest.mark.parametrize("normalize", ["none", "minmax", "rank", "sigmoid"])
def test_figures_without_a_valid_pixel_are_refused(plot, folders, normalize):
    masks(folders, lambda mask: np.full_like(mask, 255))
    assert plot("-o", "out/a.pdf", "--normalize", normalize).refused(
        "--target: expected at least one anomalous pixel, found none",
        "3 masks hold 255 (ignore)",
        "--anomaly-label 255",
    )


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_frames_without_an_anomalous_pixel_are_refused(compare, folders, aggregate):
    masks(folders, lambda mask: np.where(mask == 1, 0, mask).astype(np.uint8))
    assert compare("--aggregate", aggregate).refused(
        "good: --target: expected at least one anomalous pixel, found none (of 3 frames, for ",
        "does --anomaly-label name the right value?",
        "masks hold 0 (normal) at ",
    )


@pytest.mark.parametrize("metric", ["siou_gt", "mdm_siou@0.5", "ppv@z=0.5"])
def test_targets_that_are_all_too_small_are_refused(compare, metric):
    # the third frame's square has 8 x 12 pixels
    assert compare("--min-target", "97", "--metrics", metric).refused(
        "good: --min-target: expected a ground-truth component of at least 97 pixels, "
        "found none (the largest has 96); lower --min-target"
    )
    assert compare("--min-target", "96", "--metrics", metric).code == 0


def test_a_figure_of_targets_that_are_all_too_small_is_refused(plot):
    assert plot("-o", "out/a.pdf", "--metric", "siou", "--min-target", "5000").refused(
        "good: --min-target: expected a ground-truth component of at least 5000 pixels"
    )


@pytest.mark.parametrize(
    ("anomaly", "written"),
    [("1", [1]), ("2", [2]), ("1,2", [1, 2]), ("2-200", [2, 77, 200]), ("3, 5-6", [3, 5, 6])],
)
def test_anomaly_labels_are_values_lists_and_ranges(compare, folders, anomaly, written):
    before = rows(compare("--format", "json"))
    choice = iter(np.resize(written, 10_000).astype(np.uint8))

    def relabelled(mask):
        mask[mask == 1] = [next(choice) for _ in range((mask == 1).sum())]
        return mask

    masks(folders, relabelled)
    assert rows(compare("--format", "json", "--anomaly-label", anomaly)) == before


def test_no_value_need_mean_ignore(compare, folders):
    masks(folders, lambda mask: np.where(mask == 255, 0, mask).astype(np.uint8))
    (row,) = rows(compare("--format", "json", "--ignore-index", "none"))
    assert row["pixels"] == 3 * 24 * 32
