"""The command line: exit codes, one clear message without traceback, nothing half-written."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mdmkit.cli import command_line as cli
from mdmkit.cli import terminal

REPOSITORY = Path(__file__).parents[2]
RANKING = "ap,auroc,fpr95,best_f1"
SMALL = ("--min-prediction", "0", "--min-target", "0")


def frame(seed, shape=(24, 32)):
    """A score map and its mask: one square, seen better or worse."""
    rng = np.random.default_rng(seed)
    target = np.zeros(shape, np.uint8)
    target[6:14, 8 : 18 + seed] = 1
    target[:2] = 255
    scores = np.clip(0.6 * (target == 1) + 0.4 * rng.random(shape), 0, 1)
    return scores.astype(np.float32), target


@pytest.fixture
def folders(tmp_path):
    """Three frames of two methods, `good` and `weak`, with their masks; the working directory."""
    for name in ("masks", "good", "weak", "out"):
        (tmp_path / name).mkdir()
    for seed in range(3):
        scores, target = frame(seed)
        Image.fromarray(target).save(tmp_path / "masks" / f"{seed}.png")
        np.save(tmp_path / "good" / f"{seed}.npy", scores)
        np.save(tmp_path / "weak" / f"{seed}.npy", 0.5 * scores**2)
    return tmp_path


class Ran:
    """How a command ended: exit code, standard output and standard error."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def refused(self, *parts):
        """Wrong usage or input: exit code 2, one message with these parts, no traceback."""
        assert self.code == 2, self.err
        assert self.err.startswith("mdmkit: error: ")
        assert self.err.count("mdmkit: error: ") == 1
        assert self.err.endswith("\n")
        assert "Traceback" not in self.err
        assert self.out == ""
        for part in parts:
            assert part in self.err
        return True


@pytest.fixture
def run(folders, monkeypatch, capsys):
    """`mdmkit ARGUMENTS` in the folder with the frames, in this process."""
    monkeypatch.chdir(folders)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["mdmkit", *map(str, arguments)])
        monkeypatch.setattr(terminal, "_debugging", False)
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
        return Ran(code, *capsys.readouterr())

    return command


@pytest.fixture
def compare(run):
    """`mdmkit compare good=good --target masks ...`, sizes 0, with further options."""
    return lambda *options: run("compare", "good=good", "--target", "masks", *SMALL, *options)


@pytest.fixture
def plot(run):
    """`mdmkit plot margin good=good weak=weak --target masks --t-margin 0.5 ...`."""
    return lambda *options: run(
        "plot", "margin", "good=good", "weak=weak", "--target", "masks", "--t-margin", "0.5",
        *options,
    )  # fmt: skip


def rows(ran):
    assert ran.code == 0, ran.err
    return json.loads(ran.out)["rows"]


def shell(*arguments, **options):
    """`python ARGUMENTS` in a process of its own."""
    options.setdefault("env", os.environ | {"PYTHONPATH": str(REPOSITORY)})
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, **options
    )


# ------------------------------------------------------------------------------------ start-up


LIGHT = """
import sys
{before}
names = {{"numpy", "numba", "torch", "matplotlib", "scipy", "sklearn", "h5py", "PIL"}}
names |= {{"dask", "distributed", "zarr"}}
heavy = sorted(names & set(sys.modules))
assert not heavy, heavy
"""


def test_importing_mdmkit_imports_nothing_heavy():
    ran = shell("-c", LIGHT.format(before="import mdmkit; dir(mdmkit)"))
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *([*name.split(), "--help"] for name in ("compare", "plot margin", "inspect"))],
)
def test_help_imports_nothing_heavy(arguments):
    start = f"""
from mdmkit import cli
sys.argv = ["mdmkit", *{arguments!r}]
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code
"""
    ran = shell("-c", LIGHT.format(before=start))
    assert ran.returncode == 0, ran.stderr
    assert "Usage: mdmkit" in ran.stdout


def test_the_module_runs_as_a_program(folders):
    ran = shell(
        "-m", "mdmkit", "compare", "good=good", "--target", "masks", "--metrics", RANKING,
        "--format", "json", cwd=folders,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["rows"][0]["method"] == "good"


def test_bad_input_ends_the_program_with_two_and_one_message(folders):
    ran = shell("-m", "mdmkit", "compare", "good=gone", "--target", "masks", cwd=folders)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "mdmkit: error: good: expected a folder at gone, found nothing\n"


def test_a_full_device_ends_the_program_with_one(folders):
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "mdmkit", "compare", "good=good", "--target", "masks",
             "--metrics", "ap", "--format", "json"],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=folders,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
    assert ran.returncode == 1
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_output_that_cannot_show_an_arrow_is_no_failure(folders, form):
    # a pipe on Windows, or PYTHONIOENCODING: no arrows in cp1252
    ran = shell(
        "-m", "mdmkit", "compare", "good=good", "--target", "masks", "--metrics", "ap",
        "--format", form, cwd=folders,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "cp1252"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "AP" in ran.stdout


def test_version_names_what_the_numbers_depend_on(run):
    ran = run("--version")
    assert ran.code == 0
    for name in ("mdmkit", "numpy", "numba"):
        assert f"{name} " in ran.out


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["compare"], ["compare", "good=good"], ["plot"]]
)
def test_unusable_command_lines_end_with_two(run, arguments):
    ran = run(*arguments)
    assert ran.code == 2
    assert "Traceback" not in ran.err


# ---------------------------------------------------------------------------- options that are bad


@pytest.mark.parametrize(
    ("methods", "parts"),
    [
        (["good"], ["methods: expected NAME=FOLDER, found 'good'"]),
        (["=good"], ["methods: expected NAME=FOLDER, found '=good'"]),
        (["good="], ["methods: expected NAME=FOLDER, found 'good='"]),
        (["a=good", "a=weak"], ["methods: expected each name once, found 'a' again"]),
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
    (["--metrics", "mdm_f1@1"], "--t-margin: expected a number in [0, 1), found 1.0"),
    (["--metrics", "mdm_f1@-0.1"], "--t-margin: expected a number in [0, 1), found -0.1"),
    (["--metrics", "f1@z=x"], "expected a number after the sign in 'f1@z=x', found 'x'"),
    (["--metrics", "fpr@tpr=0"], "expected a TPR in (0, 1] in 'fpr@tpr=0', found 0.0"),
    (["--metrics", "fpr@tpr=1.5"], "found 1.5"),
    (["--format", "xml"], "latex, csv-long, json-long, found 'xml'"),
    (["--aggregate", "median"], "aggregate: expected one of pooled, per_image, found 'median'"),
    (["--missing", "ignore"], "missing: expected 'error' or 'skip', found 'ignore'"),
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

    monkeypatch.setattr("mdmkit.evaluation.methods.evaluate_methods", work)
    assert plot("-o", "out/margin.jpg").refused("output: expected a name ending in")


# ------------------------------------------------------------------------------ files that are bad


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


def masks(folders, change):
    for path in (folders / "masks").iterdir():
        Image.fromarray(change(np.array(Image.open(path)))).save(path)


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
@pytest.mark.parametrize("normalize", ["none", "minmax", "rank", "sigmoid"])
def test_frames_without_a_valid_pixel_are_refused(compare, folders, aggregate, normalize):
    masks(folders, lambda mask: np.full_like(mask, 255))
    assert compare("--aggregate", aggregate, "--normalize", normalize).refused(
        "good: target: expected at least one valid pixel, found all pixels ignored"
    )


@pytest.mark.parametrize("normalize", ["none", "minmax", "rank", "sigmoid"])
def test_figures_without_a_valid_pixel_are_refused(plot, folders, normalize):
    masks(folders, lambda mask: np.full_like(mask, 255))
    assert plot("-o", "out/a.pdf", "--normalize", normalize).refused(
        "good: target: expected at least one valid pixel, found all pixels ignored"
    )


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_frames_without_an_anomalous_pixel_are_refused(compare, folders, aggregate):
    masks(folders, lambda mask: np.where(mask == 1, 0, mask).astype(np.uint8))
    assert compare("--aggregate", aggregate).refused(
        "good: target: expected at least one anomalous pixel, found none",
        "does --anomaly-label name the right value?",
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


# --------------------------------------------------------------------------- labels that are good


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


# ------------------------------------------------------------------------------------ results


def test_json_on_standard_output_is_pure(compare):
    ran = compare("--format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("}\n")
    assert set(json.loads(ran.out)) == {"settings", "rows"}


def test_csv_on_standard_output_is_pure(compare):
    (row,) = csv.DictReader(io.StringIO(compare("--format", "csv").out))
    assert (row["method"], row["frames"]) == ("good", "3")


def test_json_rows_have_the_documented_keys(compare):
    (row,) = rows(compare("--format", "json"))
    margins = [f"mdm_{m}@{t}" for t in (0.5, 0.7) for m in ("f1", "siou", "mean_f1")]
    assert list(row) == [
        "method", "frames", "pixels", "anomalous_pixels", "components", "normalize",
        "ap", "auroc", "fpr95", "best_f1", "best_f1_threshold", "all_predicted",
        "siou_gt", "ppv", "mean_f1",
        *(f"{m}{part}" for m in margins for part in ("", "_interval", "_threshold", "_bracket")),
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
        ("a", "Quality, %"),
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
        assert (folders / "out" / form).read_text() == compare("--format", form).out


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


# -------------------------------------------------------------------------- whole or not at all


COMMANDS = {
    "compare": ("compare", "good=good", "--target", "masks", *SMALL, "--format", "csv", "-o"),
    "plot": ("plot", "margin", "good=good", "--target", "masks", "--t-margin", "0.5", "-o"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_an_existing_output_is_left_alone(run, folders, command):
    output = folders / "out" / "a.png"
    output.write_text("precious")
    assert run(*command, "out/a.png").refused(
        "output: expected a new file, found that out/a.png exists; "
        "choose another name or pass --overwrite"
    )
    assert output.read_text() == "precious"
    assert run(*command, "out/a.png", "--overwrite").code == 0
    assert output.read_bytes() != b"precious"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out", "output: expected a file name, found the folder out"),
        ("gone/a.png", "output: expected an existing folder, found none at gone"),
    ],
)
def test_output_must_be_a_file_in_a_folder(run, command, name, message):
    assert run(*command, name).refused(message)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_special_files_are_never_replaced(run, folders, command):
    # `-o /dev/null --overwrite` as root must not turn the device into a plain file
    os.mkfifo(folders / "out" / "a.png")
    ran = run(*command, "out/a.png", "--overwrite")
    assert (folders / "out" / "a.png").is_fifo()
    assert ran.refused("output: expected a file name")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_bad_input_leaves_nothing_behind(run, folders, command):
    (folders / "good" / "1.npy").write_bytes(b"")
    assert run(*command, "out/a.png").code == 2
    assert os.listdir(folders / "out") == []


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_nothing_behind_and_keeps_what_was(
    run, folders, command, overwrite, monkeypatch
):
    output = folders / "out" / "a.png"
    if overwrite:
        output.write_text("precious")

    def write_some(*arguments, **options):
        target = next(a for a in arguments if isinstance(a, Path))
        target.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write_some)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", write_some)
    ran = run(*command, "out/a.png", *(["--overwrite"] if overwrite else []))
    assert ran.code == 1
    assert ran.err == (
        "mdmkit: failed: OSError: [Errno 28] out/a.png could not be written: "
        "No space left on device (--debug shows where)\n"
    )
    assert os.listdir(folders / "out") == (["a.png"] if overwrite else [])
    assert not overwrite or output.read_bytes() == b"precious"


def crash(*arguments, **options):
    raise RuntimeError("something broke")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_failure_is_one_line_and_exit_code_one(run, folders, command, monkeypatch):
    monkeypatch.setattr("mdmkit.statistics.components.ComponentCounts.of", crash)
    monkeypatch.setattr("mdmkit.statistics.pixels.PixelCounts.of", crash)
    ran = run(*command, "out/a.png")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "mdmkit: failed: RuntimeError: something broke (--debug shows where)\n"
    assert os.listdir(folders / "out") == []


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_an_interrupt_leaves_nothing_behind(compare, folders, jobs, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("mdmkit.statistics.pixels.PixelCounts.of", interrupt)
    ran = compare("-o", "out/a.md", "--jobs", jobs)
    assert ran.code in (1, 130)
    assert "Traceback" not in ran.err
    assert os.listdir(folders / "out") == []


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_where_it_failed(run, monkeypatch, place):
    monkeypatch.setattr("mdmkit.statistics.pixels.PixelCounts.of", crash)
    command = ["compare", "good=good", "--target", "masks"]
    command = ["--debug", *command] if place == "before" else [*command, "--debug"]
    with pytest.raises(RuntimeError, match="something broke"):
        run(*command)


def test_debug_shows_a_traceback_of_bad_input_too(folders):
    ran = shell("-m", "mdmkit", "--debug", "compare", "a=gone", "--target", "masks", cwd=folders)
    assert ran.returncode != 0
    assert "Traceback (most recent call last)" in ran.stderr
    assert "InputError: a: expected a folder at gone, found nothing" in ran.stderr


# ------------------------------------------------------------------------------------ figures


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".pdf", b"%PDF"), (".svg", b"<?xml"), (".png", b"\x89PNG")]
)
def test_figures_are_the_same_bytes_each_time(plot, folders, suffix, magic):
    for name in ("one", "two"):
        assert plot("-o", f"out/{name}{suffix}", "--metric", "siou", *SMALL).code == 0
    one, two = (folders / "out" / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes().startswith(magic)


def test_a_figure_names_its_methods_and_margins(plot, folders):
    assert plot("-o", "out/a.svg").code == 0
    svg = (folders / "out" / "a.svg").read_text()
    assert svg.count("<!-- good -->") == 2  # legend and bar
    assert "<!-- T = 0.5 -->" in svg
    assert "<!-- MDM " in svg


def draw_as(run, name):
    return run("plot", "margin", f"{name}=good", "--target", "masks", "--t-margin", "0.5",
               "-o", "out/a.svg")  # fmt: skip


@pytest.mark.parametrize("name", ["a$b$c", "$\\q$", "$", "<b>&", "\\", "{}", "\N{SNOWMAN}"])
def test_any_method_name_can_be_drawn(run, name):
    assert draw_as(run, name).code == 0


@pytest.mark.parametrize("name", ["good", "_hidden", "100%", "a_b^c", "a b"])
def test_the_legend_and_the_bar_show_the_name(run, folders, name):
    assert draw_as(run, name).code == 0
    assert (folders / "out" / "a.svg").read_text().count(f"<!-- {name} -->") == 2


def test_a_figure_of_skipped_frames_says_so(plot, folders):
    (folders / "weak" / "1.npy").unlink()
    ran = plot("-o", "out/a.pdf", "--missing", "skip")
    assert ran.err == "1 frames left out that not every method has\nwrote out/a.pdf\n"
    assert plot("-o", "out/b.pdf", "--missing", "skip", "--quiet").err == ""


# --------------------------------------------------------------------------------------- demo


DEMO_FILES = {
    "comparison.json", "comparison.md", "margin.pdf", "margin.png", "thresholds.png",
    "masks", "scores",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder / "demo", shell("-m", "mdmkit", "demo", "-o", "demo", cwd=folder)


@pytest.mark.slow
def test_the_demo_writes_its_table_and_figures(demo):
    folder, ran = demo
    assert (ran.returncode, ran.stderr) == (0, "")
    assert set(os.listdir(folder)) == DEMO_FILES
    table = (folder / "comparison.md").read_text()
    assert all(f"| {name} |" in table for name in ("steady", "timid", "drifting"))


def test_the_demo_shows_margins_far_apart_where_ranking_is_alike(demo):
    found = json.loads((demo[0] / "comparison.json").read_text())["rows"]
    aps, margins = ([row[key] for row in found] for key in ("ap", "mdm_f1@0.7"))
    assert max(aps) - min(aps) < 0.05
    assert max(margins) - min(margins) > 0.2


def test_the_demo_shows_a_command_that_works(demo, run):
    folder, ran = demo
    command = ran.stdout.strip().splitlines()[-1].split()
    assert command[:3] == ["mdmkit", "plot", "margin"]
    command = [part.replace("demo/", f"{folder}/") for part in command]
    assert run(*command[1:]).code == 0


@pytest.mark.parametrize("there", ["file", "folder in use"])
def test_the_demo_refuses_a_place_in_use(run, folders, there):
    place = folders / ("masks/0.png" if there == "file" else "masks")
    before = sorted(folders.rglob("*"))
    assert run("demo", "-o", place).refused(
        f"output: expected a new or empty folder, found that {place} is in use"
    )
    assert sorted(folders.rglob("*")) == before


def test_the_demo_refuses_a_negative_seed(run, folders):
    assert run("demo", "-o", "demo", "--seed", "-1").refused("seed")
    assert not (folders / "demo").exists()


def test_a_demo_that_fails_leaves_its_place_free(run, folders, monkeypatch):
    monkeypatch.setattr("mdmkit.statistics.pixels.PixelCounts.of", crash)
    assert run("demo", "-o", "demo").code == 1
    monkeypatch.undo()
    monkeypatch.chdir(folders)
    assert not (folders / "demo").exists()


# ------------------------------------------------------------- protocols, bands, printed tables


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
    assert compare("--aux", "x").refused("auxiliary: expected methods among good, found x")


def test_printed_tables_are_listed_and_shown(run, folders):
    listed = run("published").out.splitlines()
    assert [line.partition(":")[0] for line in listed] == [
        "ablation-roadanomaly", "ablation-smiyc", "fishyscapes-static", "roadanomaly", "smiyc",
    ]  # fmt: skip
    assert "MDM (a)" in run("published", "roadanomaly").out
    assert run("published", "smiyc", "-o", "out/a.tex").err == "wrote out/a.tex\n"
    assert (folders / "out/a.tex").read_text().count(r"\underline") == 5
    assert run("published", "paper").refused("expected one of", "found 'paper'")
    assert run("published", "smiyc", "--format", "xml").refused("format: expected one of table")


@pytest.mark.parametrize("form", ["csv-long", "json-long"])
def test_long_forms_have_a_row_a_measure(compare, form):
    out = compare("--format", form, "--metrics", "ap,fpr95").out
    found = json.loads(out) if "json" in form else list(csv.DictReader(io.StringIO(out)))
    assert [row["metric"] for row in found] == ["ap", "fpr95"]
