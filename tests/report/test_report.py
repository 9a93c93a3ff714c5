"""The report: what is on the page is what is computed, and nothing leaves or enters it unseen."""

from __future__ import annotations

import html
import json
import re
import sys
from datetime import datetime, timezone
from importlib.metadata import version

import numpy as np
import pytest
from PIL import Image

from mdmkit import InputError, evaluate, recommend_threshold
from mdmkit.cli import command_line as cli
from mdmkit.cli import terminal
from mdmkit.comparison.study import study_methods
from mdmkit.datasets import from_folders
from mdmkit.metrics.pixel_metrics import F1
from mdmkit.report import build_report
from mdmkit.report import slider as levels

SHAPE = (18, 30)
EVIL_METHOD = "<script>window.hacked=1</script>"
#: A frame's key is a path: a folder and a file that together close a script element.
EVIL_FRAME = "<script>window.hacked=2</script>"


def draw(folder, dtype):
    """Four frames of two methods, harder and harder, with ties and ignored pixels, and images."""
    rng = np.random.default_rng(0)
    for number, key in enumerate(("easy", "none", "hard", EVIL_FRAME)):
        target = np.zeros(SHAPE, np.uint8)
        if key != "none":
            target[4:12, 6 : 18 - number] = 1
        target[:2] = 255
        image = rng.integers(0, 256, (*SHAPE, 3), np.uint8)
        signal = (0.7 - 0.15 * number) * (target == 1)
        maps = {
            EVIL_METHOD: np.clip(signal + 0.3 * rng.random(SHAPE), 0, 1),
            "other & one": np.clip(0.3 * (target == 1) + 0.6 * rng.random(SHAPE), 0, 1),
        }  # fmt: skip
        for name, values in {"masks": target, "images": image}.items():
            path = folder / name / f"{key}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(path)
        for row, scores in enumerate(maps.values()):
            path = folder / f"scores{row}" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            if dtype == "uint8":
                scores = np.round(255 * scores).astype(np.uint8)
                scores[5, 5:9] = 128
                Image.fromarray(scores).save(f"{path}.png")
            else:
                scores = scores.astype(np.float32)
                scores[5, 5:9] = 0.25
                np.save(f"{path}.npy", scores)
    return {EVIL_METHOD: str(folder / "scores0"), "other & one": str(folder / "scores1")}


def study_of(folder, methods, **options):
    options = {"images": folder / "images", "normalize": dict.fromkeys(methods, "none")} | options
    dataset = from_folders(folder / "masks", options.pop("images", None))
    return study_methods(
        methods, "ap,fpr95,mdm_f1@0.3,mdm_f1@0.9", dataset=dataset, memory=2**30, jobs=1,
        progress=None, **options,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["uint8", "float32"])
def built(request, tmp_path_factory):
    """A report, the file that holds it, and how its frames were drawn."""
    folder = tmp_path_factory.mktemp(request.param)
    study = study_of(folder, draw(folder, request.param))
    report = build_report(study, most=3)
    path = folder / "report.html"
    path.write_text(report.render(), encoding="utf-8")
    return report, path


def brute_force(frame, z):
    """Counts of the prediction, pixel by pixel in float64."""
    scores = frame.scores.astype(np.float64) / (255 if frame.scores.dtype == np.uint8 else 1)
    predicted = (scores > z) & frame.valid
    truth = frame.classes == 1
    return (
        int((predicted & truth).sum()),
        int((predicted & ~truth).sum()),
        int((~predicted & truth).sum()),
    )


def scripts(text, kind):
    return re.findall(rf'<script type="application/json" id="{kind}">(.*?)</script>', text, re.S)


# ------------------------------------------------------------------------------------ counting


def test_every_offered_threshold_has_the_counts_of_all_pixels(built):
    report, path = built
    text = path.read_text()
    for index, shown in enumerate(report.shown):
        payload = json.loads(scripts(text, f"frame-{index}")[0])
        for row, name in enumerate(report.study.methods):
            frame = report.study.frame(name, shown.key)
            method = payload["methods"][row]
            for z, tp, fp in zip(report.thresholds.values, method["tp"], method["fp"], strict=True):
                assert (tp, fp, method["anomalous"] - tp) == brute_force(frame, z)


def test_eight_bit_scores_are_all_offered_and_others_with_what_is_recommended(built):
    report, _ = built
    values = report.thresholds.values
    assert values.size <= levels.MOST
    frame = report.study.frame(EVIL_METHOD, "easy")
    if report.thresholds.complete:
        assert set(frame.scores[frame.valid] / 255) <= set(values)
    else:
        jumps = {z for found in report.jumps.values() for _, z in found}
        assert {0.0, 0.25, 0.3, 0.5, 0.8, 1.0} | jumps <= set(values)


def test_objects_are_found_up_to_where_half_of_their_pixels_are(built):
    report, _ = built
    from scipy.ndimage import label

    every = build_report(report.study, most=9)
    assert every.objects
    expected = []
    for key in report.study.keys:
        frames = [report.study.frame(name, key) for name in report.study.methods]
        labelled, count = label(frames[0].classes == 1, np.ones((3, 3)))
        for n in range(1, count + 1):
            inside = labelled == n
            scores = [f.scores[inside] / (255 if f.scores.dtype == np.uint8 else 1) for f in frames]
            found = [
                sum((each > z).mean() >= 0.5 for z in every.thresholds.values) for each in scores
            ]
            row = int(np.argwhere(inside)[:, 0].max())
            expected.append((key, int(inside.sum()), row, found))
    drawn = [(o["frame"], o["size"], o["row"], o["found"]) for o in every.objects]
    assert sorted(drawn) == sorted(expected)


def test_counts_of_all_frames_are_the_sum(built):
    report, _ = built
    every = build_report(report.study, most=9)
    for name, pooled in report.pooled.items():
        parts = [shown.counts[name] for shown in every.shown]
        assert pooled.tp.tolist() == sum(part.tp for part in parts).tolist()
        assert pooled.normal == sum(part.normal for part in parts)


def test_each_method_has_its_own_threshold(built, per_image):
    report, _ = built
    curve = report.study.curve(EVIL_METHOD, F1())
    assert report.own[0] == ("pixel F1 above 0.3", curve.margin(0.3).threshold)
    assert [what for what, _ in per_image[0].own] == ["best F1"] * 2


def test_ranges_under_requirements_are_bars(command, tmp_path):
    limits = "recall>=0.5, fpr<=0.4"
    code, err = command("-o", "report.html", "--require", limits)
    assert code == 0, err
    text = html.unescape((tmp_path / "report.html").read_text())
    found = recommend_threshold(
        [
            (np.load(f"scores0/{key}.npy"), np.asarray(Image.open(f"masks/{key}.png")))
            for key in ("easy", "none", "hard", EVIL_FRAME)
        ],
        require=limits,
    )
    for name, runs, _ in found.bars:
        spelled = ", ".join(f"{low:.3f} to {high:.3f}" for low, high in runs)
        assert f"{name}: {spelled}" in text
    assert f'["requirements",{found.threshold!r}]' in text
    assert "certified" not in re.findall(r'<rect class="(\w+)"', text)
    sure = ("--require", limits, "--confidence", "0.5", "--cap")
    assert command("-o", "sure.html", *sure, "0.5")[0] == 0
    code, err = command("-o", "bad.html", *sure, "2")
    assert (code, "--cap: expected" in err) == (2, True), err
    code, err = command("-o", "none.html", "--require", "recall>=1, fpr<=0")
    assert code == 0, err
    assert "mine: no threshold." in (tmp_path / "none.html").read_text()


def test_the_hardest_frames_come_first_and_those_without_anomalies_last(built):
    report, _ = built
    assert report.total == 4
    assert len(report.shown) == 3
    assert report.shown[-1].key == "easy"
    assert [shown.difficulty for shown in report.shown] == sorted(
        shown.difficulty for shown in report.shown
    )
    every = build_report(report.study, most=9)
    assert every.shown[-1].key == "none"
    assert every.shown[-1].difficulty is None


# ------------------------------------------------------------------------------------ per image


@pytest.fixture(scope="module")
def per_image(tmp_path_factory):
    """A report of means over images, and its text."""
    folder = tmp_path_factory.mktemp("per-image")
    report = build_report(study_of(folder, draw(folder, "float32"), aggregate="per_image"))
    return report, report.render()


def test_means_over_images_are_those_of_each_image_judged_alone(per_image):
    report, text = per_image
    for name in report.study.methods:
        alone = [
            evaluate([(frame.scores, frame.classes)], "ap,mdm_f1@0.3", ignore_index=2)
            for frame in (report.study.frame(name, key) for key in report.study.keys)
            if frame.anomalous_pixels
        ]
        assert len(alone) == 3  # the fourth image has no anomaly: there both are undefined
        for key in ("ap", "mdm_f1@0.3"):
            values = [one[key] for one in alone]
            assert report.study.comparison[name][key] == pytest.approx(np.mean(values))
            median, low, high = (f"{100 * q:.1f}" for q in np.quantile(values, (0.5, 0.25, 0.75)))
            assert f"<td>{median} [{low}, {high}]</td>" in text
    assert "mdm_f1@0.3 undefined in 1 of 4 images" in text
    assert "aggregate: per_image" in text


def test_a_report_of_means_over_images_has_no_curve_of_the_whole_data_set(per_image, built):
    report, text = per_image
    assert "Margins above are means over images" in text
    assert "Margins above are means over images" not in built[1].read_text()
    assert 'class="charts"' not in text
    assert 'class="charts"' in built[1].read_text()
    assert "Recommended threshold" not in text
    assert {what for found in report.jumps.values() for what, _ in found} == {"best F1"}


def test_frames_and_counts_are_the_same_however_numbers_are_summed_up(per_image, built):
    report, text = per_image
    pooled = build_report(study_of(report.study.images["easy"].parents[1], report.study.methods))
    assert [s.key for s in report.shown] == [s.key for s in pooled.shown]
    assert [s.difficulty for s in report.shown] == [s.difficulty for s in pooled.shown]
    assert report.best == pooled.best
    payload = json.loads(scripts(text, "frame-0")[0])
    frame = report.study.frame(EVIL_METHOD, report.shown[0].key)
    stop = report.thresholds.at_or_below(0.3)
    method = payload["methods"][0]
    assert (method["tp"][stop], method["fp"][stop]) == brute_force(
        frame, report.thresholds.values[stop]
    )[:2]


# ------------------------------------------------------------------------------------ the file


def test_names_are_escaped(built):
    _, path = built
    text = path.read_text()
    assert "window.hacked=1</script>" not in text
    assert "window.hacked=2</script>" not in text
    assert "&lt;script&gt;window.hacked=1&lt;/script&gt;" in text
    assert json.loads(scripts(text, "page")[0])["methods"][0] == EVIL_METHOD
    names = [json.loads(scripts(text, f"frame-{i}")[0])["name"] for i in range(3)]
    assert EVIL_FRAME in names
    assert not any(set("<>&") & set(held) for held in scripts(text, "page|frame-[0-9]+"))


def test_each_lane_shows_its_methods_line_even_without_a_margin(built):
    report, path = built
    lanes = re.findall(r'<g class="(m\d)">(.*?)</g>', path.read_text(), re.S)
    assert len(lanes) == 2 * len(report.study.methods)  # two margins
    assert [method for method, _ in lanes] == ["m0", "m1"] * 2
    assert all('<path class="curve key"' in drawn for _, drawn in lanes)
    assert any("MDM 0" in drawn and "<rect" not in drawn for _, drawn in lanes)


def test_nothing_may_be_fetched(built):
    _, path = built
    text = path.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; img-src data: blob:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href)=\"(?!#)", text)


def test_the_page_is_the_same_each_time(built):
    report, path = built
    again = build_report(report.study, most=3, origin=report.origin).render()
    assert again == path.read_text()


def test_the_page_says_how_it_was_made(built, command, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert command("-o", "a name.html", "--normalize", "minmax")[0] == 0
    text = html.unescape((tmp_path / "a name.html").read_text())
    assert f"mdmkit {version('mdmkit')}, 1970-01-02" in text
    options = "--target masks --metrics ap -o 'a name.html' --normalize minmax"
    assert f"<code>mdmkit report mine=scores0 {options}</code>" in text
    assert "<dt>normalize</dt><dd>mine: minmax</dd>" in text
    assert built[0].origin.date == datetime.now(timezone.utc).date().isoformat()


def test_large_maps_are_drawn_smaller_and_counted_whole(built):
    report, path = built
    small = build_report(report.study, most=1, map_width=16)
    payload = json.loads(small.payloads()[0])
    assert payload["drawn"] == [10, 16]
    whole = json.loads(scripts(path.read_text(), "frame-0")[0])
    assert payload["methods"][0]["tp"] == whole["methods"][0]["tp"]


def test_an_image_of_another_size_is_refused(built, tmp_path):
    report, _ = built
    Image.new("RGB", (7, 5)).save(tmp_path / "easy.png")
    study = study_of(report.study.images["easy"].parents[1], report.study.methods, images=tmp_path)
    with pytest.raises(InputError, match=r"easy\.png: expected an image .* 18 x 30 .* 5 x 7"):
        study.image("easy", SHAPE)


# ------------------------------------------------------------------------------------ the command


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """`mdmkit report scores0 --target masks ...` in a folder with frames."""
    draw(tmp_path, "float32")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "_debugging", False)

    def run(*options, data=("--target", "masks")):
        arguments = ["report", "mine=scores0", *data, "--metrics", "ap", *options]
        monkeypatch.setattr(sys, "argv", ["mdmkit", *arguments])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code
        return code, capsys.readouterr().err

    return run


def test_the_command_says_the_size_before_it_writes(command, tmp_path):
    code, err = command("-o", "report.html", "--images", "images", "--most", "2")
    assert code == 0, err
    *_, first, last = err.splitlines()
    assert re.fullmatch(
        r"report\.html: \d+\.\d MB for 2 of 4 frames \(--most, --map-width .*\)", first
    )
    assert last == "wrote report.html"
    text = (tmp_path / "report.html").read_text()
    assert text.count('data-frame="') == 2
    assert command("-o", "report.html")[0] == 2
    assert command("-o", "report.html", "--overwrite", "--quiet") == (0, "")


def test_the_command_sums_up_as_asked_or_as_the_data_set_does(command, tmp_path):
    table = tmp_path / "dataset.toml"
    table.write_text('masks = "masks"\nimages = "images"\naggregate = "per_image"\n')
    given = ("--dataset", "folder:.")
    for data, options, aggregate in (
        (("--target", "masks"), (), "pooled"),
        (("--target", "masks"), ("--aggregate", "per_image"), "per_image"),
        (given, (), "per_image"),
        (given, ("--aggregate", "pooled"), "pooled"),
    ):
        code, err = command("-o", "report.html", "--overwrite", *options, data=data)
        assert code == 0, err
        text = (tmp_path / "report.html").read_text()
        assert f"aggregate: {aggregate}" in text
        assert ("Over images, %" in text) == (aggregate == "per_image")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "a.html", "--aggregate", "mean"], "aggregate: expected one of pooled, per_image"),
        (["-o", "report.pdf"], "output: expected a name ending in .html, .htm, found 'report.pdf'"),
        (["-o", "a.html", "--most", "0"], "most: expected a number >= 1, found 0"),
        (["-o", "a.html", "--map-width", "3"], "map-width: expected at least 16 pixels, found 3"),
        (["-o", "a.html", "--confidence", "0.9"], "confidence: expected --require with it"),
        (["-o", "a.html", "--images", "none"], "images: expected a folder at none, found nothing"),
        (["-o", "a.html", "--images", "scores0"], "images: expected files .jpg .jpeg .png"),
        (["-o", "no/a.html"], "output: expected an existing folder, found none at no"),
    ],
)
def test_bad_options_are_refused(command, tmp_path, options, message):
    code, err = command(*options)
    assert code == 2
    assert message in err
    assert not list(tmp_path.glob("*.html"))
