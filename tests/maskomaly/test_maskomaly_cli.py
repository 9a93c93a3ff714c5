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
from maskomaly.cli.network import resolve_config  # noqa: E402
from maskomaly.queries import QueryMining  # noqa: E402
from maskomaly.registry import registered  # noqa: E402
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
    assert "which acted when they were saved; save all masks (--save-outputs all)" in err


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
    assert "mine them anew, or force them" in err
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
    assert resolve_config(None, None, None, tmp_path) == config
    paper = resolve_config("paper", None, None, tmp_path)
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
        assert page.size[0] == pytest.approx(1400, abs=2)


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


def forward_passes(monkeypatch):
    """Counts images that any network is asked for."""
    from maskomaly.models import Network

    ran = []
    run_batch = Network._run

    def counted(network, items, autocast):
        ran.extend(items)
        return run_batch(network, items, autocast)

    monkeypatch.setattr(Network, "_run", counted)
    return ran


def test_labels_and_sizes_are_refused_before_the_network_runs(run, config, monkeypatch, tmp_path):
    ran = forward_passes(monkeypatch)
    common = ("images", "--target", "masks", "--model", "network", "--config", "config.toml")
    for command in (("mine", "-o", "q.toml"), ("tune", "-o", "t.toml"), ("ablate",)):
        code, _, err = run(command[0], *common, *command[1:])
        assert code == 2
        assert "label" in err
        assert "7" in err
        code, _, err = run(command[0], *common, *command[1:], "--anomaly-label", 3,
                           "--normal-label", "0,1,7")  # fmt: skip
        assert code == 2
        assert "expected anomalies (label (3,)) in some of 3 masks, found none" in err
    (tmp_path / "small").mkdir()
    for path in Path("masks").rglob("*.png"):
        target = tmp_path / "small" / path.relative_to("masks")
        target.parent.mkdir(exist_ok=True)
        Image.open(path).resize((20, 20), Image.Resampling.NEAREST).save(target)
    code, _, err = run("ablate", "images", "--target", "small", "--model", "network", "--config",
                       "config.toml", "--normal-label", "0,7")  # fmt: skip
    assert code == 2
    assert "expected the image's size (64, 96), found (20, 20)" in err
    assert not ran


def test_queries_are_refused_before_the_network_runs(run, config, monkeypatch):
    ran = forward_passes(monkeypatch)
    labelled = ("images", "--target", "masks", "--normal-label", "0,7")
    MaskomalyConfig(anomaly_queries=(9,)).write(Path("wrong.toml"))
    for command in (
        ("predict", "images", "-o", "scores"), ("queries", "images/a.png", "-o", "page.png"),
        ("ablate", *labelled, "--keep", "kept"), ("tune", *labelled, "-o", "t.toml"),
    ):  # fmt: skip
        code, _, err = run(*command, "--model", "network", "--queries", "wrong.toml")
        assert code == 2
        assert "expected indices below the network's 6 queries, found 9" in err
        code, _, err = run(*command, "--model", "network", "--queries", "auto")
        assert code == 2
        assert "queries: expected queries for the checkpoint" in err
    assert not ran
    assert not any(Path(name).exists() for name in ("scores", "page.png", "kept", "t.toml"))


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
    code, _, err = run(*predict, "-o", "wrong", "--input-size", "large")
    assert (code, "expected SHORT,LONG such as 1024,2048, or image" in err) == (2, True)


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
