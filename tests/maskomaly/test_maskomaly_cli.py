"""`maskomaly predict | score | mine | queries | ablate` on a random network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import MaskomalyConfig, Preprocessing, cli, load_model, maskomaly, score  # noqa: E402
from maskomaly.config import own_config  # noqa: E402
from maskomaly.queries import QueryMining  # noqa: E402
from mdmkit import evaluate  # noqa: E402
from mdmkit.cli import terminal  # noqa: E402
from mdmkit.io import read_mask, read_scores  # noqa: E402
from tests.maskomaly.small_networks import mask2former, segformer  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
SIZES = {"a": (64, 96), "b": (50, 70), "sub/c": (64, 96)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Images with masks, and two networks: one whose queries say void, and a dense one."""
    place = tmp_path_factory.mktemp("place")
    rng = np.random.default_rng(0)
    for name, size in SIZES.items():
        picture = rng.integers(0, 256, (*size, 3), np.uint8)
        target = np.zeros(size, np.uint8)
        target[10:40, 20:50] = 1
        target[:4] = 255
        target[50:60] = 7
        for folder, pixels in (("images", picture), ("masks", target)):
            path = place / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    torch.manual_seed(3)
    network = mask2former()
    with torch.no_grad():  # queries that take sides, and masks that are not all alike
        network.class_predictor.weight.mul_(40)
        network.model.transformer_module.queries_features.weight.mul_(3)
    network.save_pretrained(place / "network")
    segformer().save_pretrained(place / "dense")
    for folder in ("network", "dense"):
        Preprocessing.as_it_is().save(place / folder)
    return place


@pytest.fixture
def run(place, tmp_path, monkeypatch, capsys):
    """`maskomaly ARGUMENTS` in this process: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    for folder in ("images", "masks", "network", "dense"):
        (tmp_path / folder).symlink_to(place / folder)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["maskomaly", *map(str, arguments)])
        monkeypatch.setattr(terminal, "_debugging", False)
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def config(tmp_path):
    network = load_model(tmp_path / "network")
    chosen = MaskomalyConfig(
        t_mask=0.3, anomaly_queries=(1, 4), init_queries=(0,), checkpoint=network.digest
    )
    chosen.write(tmp_path / "config.toml")
    return chosen


def mask_at(key):
    return read_mask(Path("masks") / f"{key}.png")


def test_predict_writes_what_the_python_call_gives(run, config):
    code, out, err = run(
        "predict", "images", "-o", "scores", "--model", "network", "--config", "config.toml",
        "--dtype", "float32", "--batch", 2,
    )  # fmt: skip
    assert (code, out) == (0, "")
    assert "wrote 3 score maps to scores" in err
    network = load_model("network")
    for key, size in SIZES.items():
        with Image.open(f"images/{key}.png") as picture:
            (outputs,) = network.predict([picture])
        expected = maskomaly(outputs, config).numpy()
        scores = read_scores(f"scores/{key}.hdf5")
        assert scores.shape == size
        assert np.abs(scores - expected).max() < 1e-5


def test_several_scores_get_a_folder_each(run, config):
    code, _, err = run(
        "predict", "images", "-o", "scores", "--model", "network", "--score", "rba,msp",
        "--format", "npy",
    )  # fmt: skip
    assert code == 0, err
    assert sorted(str(p) for p in Path("scores").rglob("*.npy")) == sorted(
        f"scores/{name}/{key}.npy" for name in ("rba", "msp") for key in SIZES
    )


def test_saved_outputs_are_scored_without_the_network(run, config):
    common = ("--config", "config.toml", "--quiet")
    assert run("predict", "images", "-o", "scores", "--model", "network", "--save-outputs",
               *common)[0] == 0  # fmt: skip
    assert run("score", "scores-outputs", "-o", "again", *common) == (0, "", "")
    for key in SIZES:
        first, again = (read_scores(f"{folder}/{key}.hdf5") for folder in ("scores", "again"))
        assert (first == again).all()


def test_a_run_is_resumed(run, config):
    predict = ("predict", "images", "-o", "scores", "--model", "network", "--score", "eam")
    assert run(*predict)[0] == 0
    code, _, err = run(*predict)
    assert code == 2
    assert "--resume keeps them" in err
    Path("scores/b.hdf5").unlink()
    code, _, err = run(*predict, "--resume")
    assert (code, "wrote 1 score maps" in err) == (0, True)
    code, _, err = run(*predict[:-1], "rba", "--resume")
    assert code == 2
    assert "made with the same settings" in err


def test_broken_images_are_listed_at_the_end(run, tmp_path):
    Path("some").mkdir()
    for name in ("a", "b"):
        (tmp_path / "some" / f"{name}.png").write_bytes(Path(f"images/{name}.png").read_bytes())
    Path("some/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    predict = ("predict", "some", "--model", "network", "--score", "eam")
    code, _, err = run(*predict, "-o", "stopped")
    assert code == 2
    assert "some/broken.png: expected a readable image" in err
    assert "--keep-going" in err
    code, _, err = run(*predict, "-o", "scores", "--keep-going")
    assert code == 2
    assert "1 files were left out" in err
    assert sorted(path.name for path in Path("scores").glob("*.hdf5")) == ["a.hdf5", "b.hdf5"]


def test_queries_of_other_weights_are_refused_unless_forced(run, config):
    predict = ("predict", "images", "--model", "network", "--preset", "paper")
    code, _, err = run(*predict, "-o", "scores")
    assert code == 2
    assert "anomaly_queries: expected indices below the network's 6 queries" in err
    foreign = MaskomalyConfig(anomaly_queries=(1,), checkpoint="0" * 64)
    foreign.write(Path("foreign.toml"))
    predict = ("predict", "images", "--model", "network", "--config", "foreign.toml")
    code, _, err = run(*predict, "-o", "scores")
    assert code == 2
    assert "mine them anew, or force them" in err
    assert run(*predict, "-o", "scores", "--force-queries", "--overwrite")[0] == 0


def test_a_preset_takes_queries_from_a_file(run, config):
    code, _, err = run(
        "predict", "images", "-o", "scores", "--model", "network", "--preset", "release",
        "--queries", "config.toml",
    )  # fmt: skip
    assert code == 0, err
    settings = json.loads(Path("scores/.maskomaly.json").read_text())
    assert 'border_queries = "non-void"' in settings["config"]
    assert "anomaly_queries = [1, 4]" in settings["config"]


def test_a_network_may_carry_its_own_config(run, config, place):
    assert cli.resolve_config(None, None, None, config) == config
    paper = cli.resolve_config("paper", None, None, config)
    assert (paper.t_mask, paper.anomaly_queries) == (0.7, (1, 4))


def test_mining_finds_the_queries_that_overlap_most(run):
    code, out, err = run(
        "mine", "images", "--target", "masks", "--model", "network", "--top", 2,
        "--threshold", 0.3, "--inlier-label", 7, "-o", "queries.toml",
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
        assert f"{query:>5}  {expected.iou[query]:8.3f}" in out
    head = [line for line in Path("queries.toml").read_text().splitlines() if line[0] == "#"]
    assert any(f"{expected.iou[expected.indices[0]]:8.3f}" in line for line in head)


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
    assert [row["method"] for row in rows] == ["A", "R", "RB", "ARB", "ARBI"]
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
        assert page.size[0] == pytest.approx(1400, abs=2)


def test_dense_networks_have_dense_scores_only(run):
    assert run("predict", "images", "-o", "scores", "--model", "dense", "--score", "msp")[0] == 0
    code, _, err = run("predict", "images", "-o", "more", "--model", "dense", "--score", "rba")
    assert code == 2
    assert "expected MaskOutputs for the score 'rba'" in err
    network = load_model("dense")
    with Image.open("images/b.png") as picture:
        (outputs,) = network.predict([picture])
    expected = score(outputs, "msp").numpy().astype(np.float16)
    assert np.abs(read_scores("scores/b.hdf5") - expected).max() < 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict", "nowhere", "-o", "s"), "images: expected a folder at nowhere"),
        (("predict", "images", "-o", "s", "--score", "best"), "score: expected one of maskomaly"),
        (("predict", "images", "-o", "s", "--score", "eam,eam"), "expected each score once"),
        (("predict", "images", "-o", "s", "--format", "jpg"), "format: expected hdf5 or npy"),
        (("predict", "images", "-o", "s", "--dtype", "int8"), "dtype: expected float16 or"),
        (("predict", "images", "-o", "s", "--batch", "0"), "batch: expected a number >= 1"),
        (("predict", "images", "-o", "s", "--preset", "mine"), "preset: expected paper or"),
        (("score", "images", "-o", "s"), "outputs: expected files .npz"),
    ],
)
def test_bad_usage_is_one_message_and_exit_code_two(run, arguments, message):
    model = ("--model", "network") if arguments[0] == "predict" else ()
    score_name = () if "--score" in arguments or "--preset" in arguments else ("--score", "eam")
    code, out, err = run(*arguments, *model, *score_name)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


LIGHT = """
import sys
import maskomaly
from maskomaly import cli
dir(maskomaly)
sys.argv = ["maskomaly", *{arguments!r}]
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code
heavy = {{"numpy", "torch", "transformers", "numba", "matplotlib", "scipy", "sklearn", "PIL"}}
heavy = sorted(heavy & set(sys.modules))
assert not heavy, heavy
"""


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"], ["mine", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    ran = subprocess.run(
        [sys.executable, "-c", LIGHT.format(arguments=arguments)], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Usage: maskomaly" in ran.stdout


def test_versions_name_what_decides_a_score(run):
    code, out, _ = run("--version")
    assert code == 0
    for name in ("mdmkit", "torch", "transformers"):
        assert name in out


def test_training_is_told_what_was_asked_for(run, monkeypatch):
    from maskomaly.tiny import train as trainer

    asked = []

    def train(config, folder, *, quiet):
        asked.append((config, folder, quiet))
        return trainer.TrainingResult(3, 0.5, ((3, 0.5),), "steps")

    monkeypatch.setattr(trainer, "train", train)
    code, _, err = run("train-tiny", "new", "--steps", 3, "--minutes", 2, "--device", "cpu")
    assert (code, err) == (
        0, "3 steps, ended by steps; mean IoU 0.500 of the weights in new/best\n",
    )  # fmt: skip
    config, folder, quiet = asked[0]
    assert (config.steps, config.minutes, config.device) == (3, 2.0, "cpu")
    assert (str(folder), quiet) == ("new", False)
    code, _, err = run("train-tiny", "new", "--steps", 0)
    assert code == 2
    assert "steps: expected at least 1" in err


def test_without_a_model_the_network_in_the_package_predicts(run):
    code, _, err = run("predict", "images", "-o", "scores")
    assert code == 0, err
    network = load_model("tiny")
    with Image.open("images/a.png") as picture:
        (outputs,) = network.predict([picture])
    expected = maskomaly(outputs, own_config(network.source)).numpy()
    assert np.abs(read_scores("scores/a.hdf5") - expected).max() < 1e-3
