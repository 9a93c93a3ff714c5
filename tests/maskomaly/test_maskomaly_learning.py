"""`maskomaly mine | tune | ablate | queries` on a random network: what is learnt of labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import MaskomalyConfig, load_model, maskomaly  # noqa: E402
from maskomaly.cli.groups import Chosen  # noqa: E402
from maskomaly.queries import QueryMining  # noqa: E402
from mdmkit import evaluate  # noqa: E402
from mdmkit.io import read_mask, read_scores  # noqa: E402
from mdmkit.plots import FULL  # noqa: E402
from tests.maskomaly.commands import SIZES  # noqa: E402


def mask_at(key):
    return read_mask(Path("masks") / f"{key}.png")


def test_queries_of_other_weights_are_refused_unless_forced(run, config):
    predict = ("predict", "images", "--model", "network", "--preset", "paper")
    code, _, err = run(*predict, "-o", "scores")
    assert code == 2
    assert "anomaly_queries: no queries for this network: mine them" in err
    assert not Path("scores").exists()
    code, _, err = run(*predict, "-o", "scores", "--force-queries")
    assert code == 2
    assert "anomaly_queries: expected indices below the network's 6 queries, found 83" in err
    assert not Path("scores").exists()
    foreign = MaskomalyConfig(anomaly_queries=(1,), checkpoint="0" * 64)
    foreign.write(Path("foreign.toml"))
    predict = ("predict", "images", "--model", "network", "--config", "foreign.toml")
    code, _, err = run(*predict, "-o", "scores")
    assert code == 2
    assert "mine them anew, or use them all the same by --force-queries" in err
    assert not Path("scores").exists()
    assert run(*predict, "-o", "scores", "--force-queries")[0] == 0


def test_a_preset_takes_queries_from_a_file(run, config):
    code, _, err = run(
        "predict", "images", "-o", "scores", "--model", "network", "--preset", "release",
        "--queries", "config.toml",
    )  # fmt: skip
    assert code == 0, err
    settings = json.loads(Path("scores/.maskomaly.json").read_text())
    assert 'border_queries = "non-void"' in settings["config"]
    assert "anomaly_queries = [1, 4]" in settings["config"]


def test_a_network_may_carry_its_own_config(run, config, tmp_path):
    config.write(tmp_path / "queries.toml")
    assert Chosen().resolve(tmp_path) == config
    paper = Chosen("paper").resolve(tmp_path)
    assert (paper.t_mask, paper.anomaly_queries) == (0.7, (1, 4))


def test_mining_finds_the_queries_that_overlap_most(run):
    code, out, err = run(
        "mine", "images", "--target", "masks", "--model", "network", "--top", 2,
        "--threshold", 0.3, "--inlier-label", 7, "-o", "queries.toml", "--input-size", "image",
    )  # fmt: skip
    assert code == 0, err
    mining, inliers = QueryMining(0.3), QueryMining(0.3)
    network = load_model("network")
    for key in SIZES:
        with Image.open(f"images/{key}.png") as picture:
            (outputs,) = network.predict([picture])
        mining.add(outputs, mask_at(key) == 1, mask_at(key) != 255)
        inliers.add(outputs, mask_at(key) == 7, mask_at(key) != 255)
    expected = mining.best(2)
    written = MaskomalyConfig.read("queries.toml")
    assert written.anomaly_queries == expected.indices
    assert written.init_queries == inliers.best(1, void=False).indices
    assert written.checkpoint == network.digest
    for query in expected.indices:
        columns = (expected.iou, expected.others[0.9], expected.others[0.5])
        assert f"{query:>5}  " + "  ".join(f"{iou[query]:7.3f}" for iou in columns) in out
    head = [line for line in Path("queries.toml").read_text().splitlines() if line[0] == "#"]
    assert any(f"{expected.iou[expected.indices[0]]:7.3f}" in line for line in head)


def test_mining_needs_an_image_for_each_mask(run, tmp_path):
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "a.png").write_bytes(Path("images/a.png").read_bytes())
    code, _, err = run(
        "mine", "few", "--target", "masks", "--model", "network", "-o", "queries.toml"
    )
    assert code == 2
    assert "images: expected an image for every mask, found none for 2" in err
    assert "sub/c" in err


def test_a_data_set_brings_its_images_masks_and_labels(run, tmp_path):
    layout = {"images": ("images", ""), "masks": ("labels_masks", "_labels_semantic")}
    for source, (folder, ending) in layout.items():
        (tmp_path / "set" / folder).mkdir(parents=True)
        for number, key in enumerate(("a", "b")):
            with Image.open(f"{source}/{key}.png") as picture:
                pixels = np.array(picture)
            if source == "masks":
                pixels[pixels == 7] = 0
            name = f"validation000{number}{ending}.png"
            Image.fromarray(pixels).save(tmp_path / "set" / folder / name)
    MaskomalyConfig(anomaly_queries=(1,)).write("any.toml")
    predict = ("predict", "-o", "scores", "--model", "network", "--config", "any.toml")
    code, _, err = run(*predict, "--dataset", "smiyc-anomaly:set")
    assert code == 0, err
    assert sorted(path.stem for path in Path("scores").glob("*.hdf5")) == [
        "validation0000", "validation0001",
    ]  # fmt: skip
    for arguments in ((), ("images", "--dataset", "smiyc-anomaly:set")):
        code, _, err = run(*predict, *arguments)
        assert (code, "expected IMAGES or --dataset LAYOUT:ROOT, found" in err) == (2, True)
    code, out, err = run(
        "ablate", "--dataset", "smiyc-anomaly:set", "--model", "network", "--config", "any.toml",
        "--format", "json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["rows"][0]["frames"] == 2


def test_the_ablation_compares_five_configs(run, config):
    code, out, err = run(
        "ablate", "images", "--target", "masks", "--model", "network", "--config", "config.toml",
        "--normal-label", "0,7", "--format", "json", "--keep", "kept",
    )  # fmt: skip
    assert code == 0, err
    rows = json.loads(out)["rows"]
    assert [row["method"] for row in rows] == ["A", "R", "RB", "AR", "ARB", "ARBI"]
    for row in rows:
        frames = [(read_scores(f"kept/{row['method']}/{key}.hdf5"), mask_at(key)) for key in SIZES]
        expected = evaluate(frames, "ap,fpr95,auroc,mdm_f1@0.5", normal_label=(0, 7))
        for key in ("ap", "fpr95", "auroc", "mdm_f1@0.5"):
            assert row[key] == expected[key]


def test_the_page_of_queries_is_drawn(run, config):
    code, _, err = run(
        "queries", "images/a.png", "-o", "page.png", "--target", "masks/a.png", "--model",
        "network", "--config", "config.toml", "--normal-label", "0,7",
    )  # fmt: skip
    assert code == 0, err
    with Image.open("page.png") as page:
        assert page.size[0] == pytest.approx(200 * FULL, abs=2)  # saved at 200 dpi


def test_registered_queries_are_found(run, config, monkeypatch, tmp_path):
    monkeypatch.setenv("MASKOMALY_QUERIES", str(tmp_path / "registered"))
    (tmp_path / "registered").mkdir()
    config.write(tmp_path / "registered" / f"{config.checkpoint}.toml")
    code, _, err = run("predict", "images", "-o", "scores", "--model", "network", "--queries",
                       "auto", "--preset", "release")  # fmt: skip
    assert code == 0, err
    settings = json.loads(Path("scores/.maskomaly.json").read_text())
    assert "anomaly_queries = [1, 4]" in settings["config"]
    assert 'padding = "kept"' in settings["config"]


def test_some_frames_are_mined_and_the_rest_predicted(run, config):
    Path("mining.txt").write_text("a\nb\n")
    Path("test.txt").write_text("sub/c\n")
    code, out, err = run("mine", "images", "--target", "masks", "--frames", "mining.txt", "--model",
                         "network", "--threshold", 0.2, "--top", 1, "--normal-label", "0,7",
                         "-o", "queries.toml")  # fmt: skip
    assert code == 0, err
    assert out.splitlines()[1].endswith(" 2")
    assert "mined on 2 images with anomalies: a mean over fewer than 10 is partly luck" in err
    assert "--queries auto finds a copy at" in err
    code, _, err = run("predict", "images", "-o", "scores", "--frames", "test.txt", "--model",
                       "network", "--queries", "queries.toml")  # fmt: skip
    assert code == 0, err
    assert [path.name for path in Path("scores").rglob("*.hdf5")] == ["c.hdf5"]


def test_tuning_writes_the_best_of_what_it_tried(run, config):
    command = ("images", "--target", "masks", "--model", "network", "--normal-label", "0,7")
    code, out, err = run("tune", *command, "--config", "config.toml", "-o", "tuned.toml")
    assert code == 0, err
    assert "tuned on 3 images with anomalies" in err
    assert "is flattered" in err
    rows = [line.split() for line in out.splitlines()[1:]]
    assert {"A", "R", "AR", "RBI", "ARBI"} & {row[0] for row in rows} >= {"A", "R", "AR", "ARBI"}
    (best,) = (row for row in rows if row[-1] == "<-")
    values = [float(row[4]) for row in rows]
    assert float(best[4]) == max(values)
    tuned = MaskomalyConfig.read("tuned.toml")
    assert tuned.checkpoint == config.checkpoint
    assert tuned.accept == ("A" in best[0])
    network = load_model("network")
    frames = []
    for key in SIZES:
        with Image.open(f"images/{key}.png") as picture:
            (outputs,) = network.predict([picture])
        frames.append((maskomaly(outputs, tuned).half(), mask_at(key)))
    found = evaluate(frames, "ap", normal_label=(0, 7))["ap"]
    assert 100 * found == pytest.approx(float(best[4]), abs=0.3)  # kept masks are float16


def test_an_ablation_says_why_two_rows_are_equal(run, config):
    from dataclasses import replace

    replace(config, init_queries=()).write(Path("bare.toml"))
    labelled = ("images", "--target", "masks", "--normal-label", "0,7")
    command = ("ablate", *labelled, "--model", "network")
    code, _, err = run(*command, "--config", "bare.toml")
    assert code == 0, err
    assert "ARBI is ARB, as the config has no init_queries (I_0)" in err
    code, _, err = run(*command, "--config", "config.toml")
    assert code == 0, err
    assert "the init_queries (I_0) 0 are confident by themselves on these images" in err
    replace(config, t_mask=1.0).write(Path("unsure.toml"))  # none is
    code, _, err = run(*command, "--config", "unsure.toml")
    assert code == 0, err
    assert "ARBI is ARB" not in err


@pytest.mark.parametrize("metric", ["autc", "fpr@tpr=0.9"])
def test_tuning_minimises_what_is_better_lower(run, config, metric):
    command = ("images", "--target", "masks", "--model", "network", "--normal-label", "0,7")
    code, out, err = run("tune", *command, "--config", "config.toml", "-o", "tuned.toml",
                         "--metric", metric)  # fmt: skip
    assert code == 0, err
    values = [float(line.removesuffix("  <-").split()[-1]) for line in out.splitlines()[1:]]
    (best,) = (line for line in out.splitlines() if line.endswith("<-"))
    assert float(best.split()[-2]) == min(values) < max(values)


def test_tuning_takes_sizes_and_aggregation_of_the_data_set(tmp_path):
    from maskomaly.mining import labelled_images
    from maskomaly.tuning import measure_of
    from mdmkit.core.labels import LabelCodes
    from mdmkit.datasets import open_dataset

    for folder, ending, pixels in (
        ("images", ".png", np.zeros((8, 8, 3), np.uint8)),
        ("labels_masks", "_labels_semantic.png", np.eye(8, dtype=np.uint8)),
    ):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels).save(tmp_path / folder / f"validation0000{ending}")
    frames = labelled_images(open_dataset(f"smiyc-anomaly:{tmp_path}"), LabelCodes())
    assert (frames.sizes.min_prediction, frames.sizes.min_target) == (500, 100)
    assert measure_of("mdm_siou@0.3", frames.sizes).sizes_used == "sizes 500/100"
