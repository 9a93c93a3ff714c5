"""The manual's pages on Maskomaly, followed to the letter on data that they or this file make."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import MaskomalyConfig, Preprocessing  # noqa: E402
from maskomaly.demo import draw_scenes  # noqa: E402

MANUAL = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.slow  # a network runs over some hundred drawn streets


def blocks(page):
    """(language, text) of each code block of a page."""
    text = (MANUAL / page).read_text()
    return re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text):
    for line in text.replace("\\\n", " ").splitlines():
        if re.match(r"(mdmkit|maskomaly) ", line):
            yield shlex.split(line)


@pytest.fixture
def follow(tmp_path, monkeypatch, capsys):
    """Run a page's commands in this process, in order; returns what each printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MASKOMALY_QUERIES", str(tmp_path / "none"))

    def run(page, replaced=None):
        printed = {}
        for language, text in blocks(page):
            if language == "python" and "draw_scenes" in text:
                exec(compile(text, page, "exec"), {})
            for words in commands(text) if not language else ():
                words = [(replaced or {}).get(word, word) for word in words]
                monkeypatch.setattr(sys, "argv", words)
                capsys.readouterr()
                try:
                    import_module(f"{words[0]}.cli").main()
                    code = 0
                except SystemExit as ended:
                    code = ended.code or 0
                out, err = capsys.readouterr()
                assert code == 0, (words, err)
                printed[" ".join(words)] = out
        return printed

    return run


def of(printed, beginning):
    (found,) = (out for command, out in printed.items() if command.startswith(beginning))
    return found


def numbers(line):
    return [float(word) for word in re.findall(r"(?<![\w.])-?\d+\.\d+(?![\w.])", line)]


def rows(text, names):
    """All numbers in rows that begin with a name, by name."""
    found = {name: [] for name in names}
    for line in text.splitlines():
        name = line.split()[0] if line.split() else ""
        if name in found:
            found[name] += numbers(line)
    return found


def test_own_network_ends_in_numbers_that_make_sense(follow):
    printed = follow("own-network.md")
    compared = rows(of(printed, "mdmkit compare"), ["maskomaly", "msp", "entropy"])
    assert all(compared.values())
    ap = {name: values[0] for name, values in compared.items()}
    assert ap["maskomaly"] > max(ap["msp"], ap["entropy"]) > 20  # AP is the first column
    assert all(np.mean([value == 0 for value in values]) < 0.7 for values in compared.values())
    assert np.mean([value == 0 for value in compared["maskomaly"]]) < 0.4
    ablated = rows(of(printed, "maskomaly ablate"), ["A", "R", "RB", "AR", "ARB", "ARBI"])
    assert max(values[0] for values in ablated.values()) > 30
    assert "<-" in of(printed, "maskomaly tune")


def test_mining_finds_more_where_masks_are_pale(follow, tmp_path):
    draw_scenes(tmp_path, 24, "mining")
    shutil.copy(tmp_path / "images" / "scene000.png", tmp_path / "street.png")
    shutil.copy(tmp_path / "masks" / "scene000.png", tmp_path / "street-mask.png")
    printed = follow("mining.md")
    shown = {text.strip() for language, text in blocks("mining.md") if not language}
    strict, pale = (out for command, out in printed.items() if " mine " in command)
    assert strict.strip() in shown
    assert pale.strip() in shown
    assert numbers(pale.splitlines()[1])[0] > 2 * numbers(strict.splitlines()[1])[0]
    tuned = of(printed, "maskomaly tune").splitlines()
    values = [float(line.removesuffix("  <-").split()[-1]) for line in tuned[1:]]
    assert max(values) > values[0] + 10  # the terms together are worth more than acceptance
    assert Path("page.png").stat().st_size > 10_000
    assert MaskomalyConfig.read("config.toml").checkpoint


def test_the_paper_s_commands_run_on_a_network_of_that_shape(follow, tmp_path):
    from tests.maskomaly.small_networks import labels, mask2former

    torch.manual_seed(0)
    names = tuple(f"class {number}" for number in range(19))
    network = mask2former(num_queries=100, **labels(names))
    with torch.no_grad():
        network.class_predictor.weight.mul_(40)
    network.save_pretrained(tmp_path / "swin-l")
    Preprocessing(64, 128).save(tmp_path / "swin-l")
    draw_scenes(tmp_path / "drawn", 4)
    for path in (tmp_path / "drawn" / "images").iterdir():
        folder = tmp_path / "RoadAnomaly" / "frames" / f"{path.stem}.labels"
        folder.mkdir(parents=True)
        Image.open(path).save(folder.parent / f"{path.stem}.jpg")
        mask = np.array(Image.open(tmp_path / "drawn" / "masks" / path.name))
        Image.fromarray(np.where(mask == 1, 2, 0).astype(np.uint8)).save(
            folder / "labels_semantic.png"
        )
    printed = follow("reproduce.md", {"MODEL": "swin-l"})
    assert len(printed) == 6
    ablated = rows(of(printed, "maskomaly ablate"), ["A", "R", "RB", "AR", "ARB", "ARBI"])
    assert all(values and 0 < values[0] < 100 for values in ablated.values())


@pytest.mark.parametrize(
    ("options", "most"), [({"batch_size": 4}, 1e-4), ({"autocast": torch.bfloat16}, 0.02)]
)
def test_batches_and_half_precision_change_ap_by_little(options, most):
    from maskomaly import load_model, maskomaly
    from maskomaly.registry import registered
    from maskomaly.tiny.labels import anomaly_mask
    from maskomaly.tiny.scenes import draw_scene
    from mdmkit import evaluate

    network = load_model("tiny", device="cpu")
    config = registered(network.digest)
    scenes = [draw_scene(seed, "test") for seed in range(12)]
    targets = [anomaly_mask(scene.labels) for scene in scenes]
    found = []
    for changed in ({"batch_size": 1}, options):
        stream = network.stream((scene.image for scene in scenes), **changed)
        maps = [maskomaly(outputs, config) for outputs in stream]
        found.append(evaluate(list(zip(maps, targets, strict=True)), "ap")["ap"])
    assert abs(found[0] - found[1]) < most
