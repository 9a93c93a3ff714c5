"""What commands of maskomaly refuse: before the network runs, before anything is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import MaskomalyConfig  # noqa: E402
from tests.maskomaly.commands import forward_passes  # noqa: E402


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
        assert "expected anomalies in some of 3 masks, found none; 3 masks hold 0 (normal)" in err
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


LEARNING = ("images", "--target", "masks", "--model", "network", "--normal-label", "0,7")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("mine", "-o", "q.toml", "--inlier-label", "9"),
         "--inlier-label: expected label values that masks hold (0-1,7,255), found 9"),
        (("mine", "-o", "q.toml", "--inlier-label", "1"),
         "--inlier-label: expected label values of known classes, found 1, which is anomalous"),
        (("mine", "-o", "q.toml", "--inlier-label", "seven"), "--inlier-label: expected integers"),
        (("mine", "-o", "q.toml", "--top", "0"), "--top: expected a number >= 1, found 0"),
        (("mine", "-o", "q.toml", "--threshold", "1"), "--threshold: expected a number in [0, 1)"),
        (("mine", "-o", "q.toml", "--batch", "0"), "--batch: expected a number >= 1, found 0"),
        (("tune", "-o", "t.toml", "--metric", "best"), "--metric: expected"),
        (("tune", "-o", "t.toml", "--metric", "ap,fpr95"), "--metric: expected one, found"),
        (("tune", "-o", "t.toml", "--amp", "int8"), "--amp: expected no, bf16 or fp16"),
        (("tune", "-o", "t.toml", "--input-size", "big"), "--input-size: expected SHORT,LONG"),
        (("tune", "-o", "t.toml", "--preset", "paper", "--config", "config.toml"),
         "--config: expected --preset or --config, found both"),
        (("ablate", "--t-margin", "1"), "--t-margin: expected"),
        (("ablate", "--format", "jpg"), "--format: expected"),
        (("ablate", "-o", "table.jpg"), "--output: expected a name ending in"),
        (("ablate", "--frames", "config.toml"), "--frames: expected keys of labelled frames"),
        (("ablate", "--dataset", "smiyc-anomaly:images"),
         "images: expected IMAGES or --dataset LAYOUT:ROOT, found both"),
    ],
)  # fmt: skip
def test_mistakes_of_learning_are_told_before_the_network_is_loaded(
    run, config, monkeypatch, command, message
):
    from maskomaly import models

    monkeypatch.setattr(models, "load_model", None)
    before = sorted(Path().iterdir())
    code, out, err = run(command[0], *LEARNING, *command[1:])
    assert (code, out) == (2, ""), err
    assert message in err
    assert sorted(Path().iterdir()) == before


def test_a_page_of_queries_is_refused_before_the_network_is_loaded(run, config, monkeypatch):
    from maskomaly import models

    monkeypatch.setattr(models, "load_model", None)
    Image.fromarray(np.zeros((50, 70), np.uint8)).save("normal.png")
    page = ("queries", "images/b.png", "-o", "page.png", "--model", "network")
    for more, message in (
        (
            ("--target", "masks/a.png", "--normal-label", "0,7"),
            "the image's size (50, 70)",
        ),
        (("--target", "normal.png"), "normal.png: expected an anomaly, found none"),
        (("--most", "0"), "--most: expected a number >= 1, found 0"),
        (("--width", "wide"), "--width: expected"),
    ):
        code, _, err = run(*page, *more)
        assert (code, message in err) == (2, True), err


def test_a_folder_in_use_is_refused_in_the_words_of_the_command(run, config, monkeypatch):
    ablate = ("ablate", *LEARNING, "--config", "config.toml", "--keep", "kept")
    assert run(*ablate)[0] == 0
    ran = forward_passes(monkeypatch)
    code, _, err = run(*ablate)
    assert code == 2
    assert "--keep: expected no score maps in kept/A yet, found 3" in err
    assert "for one; --overwrite replaces them" in err  # there is no --resume
    assert not ran


def test_a_broken_image_of_learning_has_no_option_to_go_on(run, config, tmp_path):
    """Its header is whole, so that only decoding it fails."""
    (tmp_path / "some").mkdir()
    whole = Path("images/a.png").read_bytes()
    (tmp_path / "some" / "a.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "some-masks").mkdir()
    (tmp_path / "some-masks" / "a.png").write_bytes(Path("masks/a.png").read_bytes())
    code, _, err = run("mine", "some", "--target", "some-masks", "--normal-label", "0,7",
                       "--model", "network", "-o", "q.toml")  # fmt: skip
    assert code == 2
    assert "some/a.png: expected a readable image" in err
    assert "keep" not in err


def test_saved_outputs_that_lack_masks_are_refused_before_anything_is_written(run, config):
    predict = ("predict", "images", "--model", "network", "--config", "config.toml", "-q")
    assert run(*predict, "-o", "scores", "--save-outputs", "acting")[0] == 0
    replace(config, anomaly_queries=(5,)).write(Path("other.toml"))
    for more in (("--score", "rba"), ("--score", "maskomaly,eam", "--config", "config.toml"),
                 ("--config", "other.toml")):  # fmt: skip
        code, _, err = run("score", "scores-outputs", "-o", "wrong", *more)
        assert code == 2, more
        assert "save all masks (maskomaly predict --save-outputs all)" in err
        assert not Path("wrong").exists()
    code, _, err = run("score", "scores-outputs", "-o", "wrong", "--score", "uno")
    assert "expected a network with a class for what is unknown" in err
    Path("scores-outputs/b.npz").write_bytes(b"PK")
    code, _, err = run("score", "scores-outputs", "-o", "wrong", "--config", "config.toml")
    assert code == 2
    assert "b.npz: expected outputs of a network" in err
    assert "--keep-going leaves such files out" in err
    assert not Path("wrong").exists()
    code, _, err = run("score", "scores-outputs", "-o", "rest", "--config", "config.toml",
                       "--keep-going")  # fmt: skip
    assert (code, "1 files were left out" in err) == (2, True)
    assert len(list(Path("rest").rglob("*.hdf5"))) == 2


def test_a_compiler_that_lacks_is_told_before_anything_is_written(run, config, monkeypatch):
    def without_compiler(*arguments):
        raise RuntimeError("\nInvalidCxxCompiler: no working one\nand more")

    monkeypatch.setattr(torch, "compile", lambda function: without_compiler)
    code, _, err = run("predict", "images", "-o", "scores", "--model", "network", "--score", "eam",
                       "--device", "cpu", "--compile")  # fmt: skip
    assert code == 2
    assert "--compile: expected a C++ compiler (g++ or clang++)" in err
    assert "found: InvalidCxxCompiler: no working one; install it, or do without" in err
    assert not Path("scores").exists()
