"""`maskomaly predict` and `score` on a random network; what every command refuses."""

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

from maskomaly import Preprocessing, load_model, maskomaly, score  # noqa: E402
from maskomaly.registry import registered  # noqa: E402
from mdmkit.io import read_scores  # noqa: E402
from tests.maskomaly.commands import SIZES  # noqa: E402
from tests.maskomaly.small_networks import eomt_dinov3  # noqa: E402

REPOSITORY = Path(__file__).parents[2]


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
    predict = ("predict", "images", "--model", "network", *common)
    assert run(*predict, "-o", "scores", "--save-outputs", "acting")[0] == 0
    assert run("score", "scores-outputs", "-o", "again", *common) == (0, "", "")
    for key in SIZES:
        first, again = (read_scores(f"{folder}/{key}.hdf5") for folder in ("scores", "again"))
        assert np.abs((first - again).astype(float)).max() < 2e-3
    assert run(*predict, "-o", "more", "--save-outputs", "all")[0] == 0
    assert run("score", "more-outputs", "-o", "rba", "--score", "rba", "-q") == (0, "", "")
    code, _, err = run("score", "scores-outputs", "-o", "wrong", "--score", "rba")
    assert code == 2
    assert (
        "which acted when they were saved; save all masks (maskomaly predict --save-outputs all)"
        in err
    )


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


def test_dense_networks_have_dense_scores_only(run):
    assert run("predict", "images", "-o", "scores", "--model", "dense", "--score", "msp")[0] == 0
    code, _, err = run("predict", "images", "-o", "more", "--model", "dense", "--score", "rba")
    assert code == 2
    assert "a dense network (segformer) that proposes no masks, found rba" in err
    assert not Path("more").exists()
    code, _, err = run("predict", "images", "-o", "more", "--model", "dense")
    assert code == 2
    assert "score: expected one of msp, max-logit, entropy, energy" in err
    network = load_model("dense")
    with Image.open("images/b.png") as picture:
        (outputs,) = network.predict([picture])
    expected = score(outputs, "msp").numpy().astype(np.float16)
    assert np.abs(read_scores("scores/b.hdf5") - expected).max() < 1e-3


LIGHT = """
import sys
import maskomaly
from maskomaly import cli
dir(maskomaly)
for command in ([], ["predict"], ["mine"]):
    sys.argv = ["maskomaly", *command, "--help"]
    try:
        cli.main()
    except SystemExit as ended:
        assert not ended.code
heavy = {"numpy", "torch", "transformers", "numba", "matplotlib", "scipy", "sklearn", "PIL"}
heavy = sorted(heavy & set(sys.modules))
assert not heavy, heavy
"""


def test_help_imports_nothing_heavy():
    ran = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("Usage: maskomaly") == 3


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


def test_the_network_in_the_package_predicts_when_it_is_named(run):
    code, _, err = run("predict", "images", "-o", "scores")
    assert code == 2
    assert "--model" in err
    code, _, err = run("predict", "images", "-o", "scores", "--model", "tiny")
    assert code == 0, err
    network = load_model("tiny")
    with Image.open("images/a.png") as picture:
        (outputs,) = network.predict([picture])
    expected = maskomaly(outputs, registered(network.digest)).numpy()
    assert np.abs(read_scores("scores/a.hdf5") - expected).max() < 1e-3


def test_nothing_left_is_said_without_loading_the_network(run, config, monkeypatch):
    from maskomaly import models

    predict = ("predict", "images", "-o", "scores", "--model", "network", "--config", "config.toml")
    assert run(*predict, "--save-outputs", "acting")[0] == 0

    def forbidden(*arguments, **options):
        raise AssertionError("loaded")

    with monkeypatch.context() as patched:
        patched.setattr(models, "load_model", forbidden)
        code, _, err = run(*predict, "--save-outputs", "acting", "--resume")
        assert code == 0, err
        assert "nothing left: all 3 score maps are there" in err
        for changed in (("--amp", "bf16"), ("--input-size", "48"), ("--score", "rba")):
            code, _, err = run(*predict, *changed, "--resume")
            assert (code, "loaded" in err) == (1, True)
    Path("scores-outputs/b.npz").unlink()
    code, _, err = run(*predict, "--save-outputs", "acting", "--resume")
    assert code == 0
    assert "2 of 3 are there and kept" in err
    assert Path("scores-outputs/b.npz").exists()


def test_the_input_size_is_an_option_and_remembered(run, config):
    predict = ("predict", "images", "--model", "network", "--config", "config.toml")
    assert run(*predict, "-o", "own", "--dtype", "float32")[0] == 0
    code, _, err = run(*predict, "-o", "half", "--input-size", "32,64", "--dtype", "float32")
    assert code == 0, err
    settings = json.loads(Path("half/.maskomaly.json").read_text())
    assert "shortest_edge=32, longest_edge=64" in settings["preprocessing"]
    network = load_model("network", preprocessing=Preprocessing(32, 64))
    with Image.open("images/a.png") as picture:
        (outputs,) = network.predict([picture])
    assert np.abs(read_scores("half/a.hdf5") - maskomaly(outputs, config).numpy()).max() < 1e-5
    assert np.abs(read_scores("half/a.hdf5") - read_scores("own/a.hdf5")).max() > 1e-3
    code, _, err = run(*predict, "-o", "half", "--resume", "--dtype", "float32")
    assert code == 2
    assert "made with the same settings" in err
    code, _, err = run(*predict, "-o", "wrong", "--input-size", "64,32")
    assert code == 2
    assert "--input-size: expected the shorter first, as in 32,64, found '64,32'" in err
    assert not Path("wrong").exists()
    code, _, err = run(*predict, "-o", "wrong", "--input-size", "large")
    assert (code, "expected SHORT,LONG such as 1024,2048, or image" in err) == (2, True)


def test_scores_are_averaged_within_instances(run, config, tmp_path):
    for key, size in SIZES.items():
        path = tmp_path / "instances" / f"{key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        instances = np.zeros(size, np.uint8)
        instances[10:40, 20:50] = 1
        Image.fromarray(instances).save(path)
    predict = ("predict", "images", "--model", "network", "--score", "eam", "--dtype", "float32")
    assert run(*predict, "-o", "plain")[0] == 0
    code, _, err = run(*predict, "-o", "averaged", "--instances", "instances")
    assert code == 0, err
    plain, averaged = (read_scores(f"{folder}/b.hdf5") for folder in ("plain", "averaged"))
    assert np.ptp(averaged[10:40, 20:50]) == 0
    assert averaged[20, 30] == pytest.approx(plain[10:40, 20:50].mean(), rel=1e-5)
    assert (averaged[:10] == plain[:10]).all()


def test_half_precision_is_an_option_that_is_remembered(run, config):
    predict = ("predict", "images", "--model", "network", "--config", "config.toml")
    assert run(*predict, "-o", "full")[0] == 0
    code, _, err = run(*predict, "-o", "half", "--amp", "bf16")
    assert code == 0, err
    full, half = (read_scores(f"{folder}/a.hdf5").astype(float) for folder in ("full", "half"))
    assert 0 < np.abs(full - half).mean() < 0.05
    assert json.loads(Path("half/.maskomaly.json").read_text())["amp"] == "bf16"
    code, _, err = run(*predict, "-o", "wrong", "--amp", "int8")
    assert (code, "amp: expected no, bf16 or fp16" in err) == (2, True)


def test_a_folder_that_says_no_input_size_is_told_what_is_taken(run, place, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in ("config.json", "model.safetensors"):
        (bare / file).symlink_to(place / "network" / file)
    Path("some.txt").write_text("a\n")
    predict = ("predict", "images", "--frames", "some.txt", "--model", "bare", "--score", "msp")
    code, _, err = run(*predict, "-o", "assumed")
    assert code == 0, err
    assert "bare has no maskomaly.json that says its input size; taken: " in err
    assert "1024" in err  # the paper's
    assert "--input-size for another" in err
    code, _, err = run(*predict, "-o", "asked", "--input-size", "image")
    assert code == 0, err
    assert "maskomaly.json" not in err
    assert "maskomaly.json" not in run("predict", "images", "--model", "network", "-o", "x")[2]


def test_a_network_of_one_square_is_not_said_to_take_another(run, tmp_path):
    eomt_dinov3().save_pretrained(tmp_path / "square")
    predict = ("predict", "images", "--model", "square", "--score", "msp")
    code, _, err = run(*predict, "-o", "scores")
    assert code == 0, err
    assert "input-size" not in err
    code, _, err = run(*predict, "-o", "wrong", "--input-size", "image")
    assert code == 2
    assert "--input-size: expected none with a eomt_dinov3 network" in err


@pytest.mark.parametrize("network", ["network", "dense"])
@pytest.mark.parametrize("batch", [1, 3])
def test_an_image_without_finite_outputs_is_named(run, monkeypatch, network, batch):
    from maskomaly.networks import Network

    run_batch = Network._outputs_of

    def broken(self, raw, number, geometry):
        if geometry.image == SIZES["b"]:
            for name in ("logits", "masks_queries_logits"):
                if name in raw:
                    raw[name] = raw[name] * float("nan")
        return run_batch(self, raw, number, geometry)

    monkeypatch.setattr(Network, "_outputs_of", broken)
    code, _, err = run(
        "predict", "images", "-o", "o", "--model", network, "--score", "msp", "--batch", batch
    )
    assert code == 2
    assert "images/b.png: expected finite outputs of the network, found" in err
    assert "NaN or infinity" in err
    assert "range" not in err
    code, _, err = run(
        "predict", "images", "-o", "h", "--model", network, "--score", "msp", "--amp", "bf16"
    )
    assert "images/b.png" in err
    assert "float32 has a wider range than torch.bfloat16" in err
