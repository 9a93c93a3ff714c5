"""Every page is followed to the letter: its commands run one after the other, on its own data."""

from __future__ import annotations

import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mdmkit.cli.command_line import app
from mdmkit.cli.terminal import run
from mdmkit.datasets import from_folders, open_dataset
from mdmkit.io import read_mask

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted([*DOCS.glob("*.md"), DOCS.parent / "README.md"])
SHAPE = (96, 128)
KEYS = ("a1", "a2", "a3")


def commands(page):
    """The commands that a page shows, of mdmkit and those that make folders, as words."""
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for block in (text for language, text in blocks if not language):
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(r"(\.venv/bin/)?mdmkit |mkdir ", line):
                yield shlex.split(line.removeprefix(".venv/bin/"), comments=True)


FOLLOWED = [page for page in PAGES if any(commands(page))]


def mask(seed, normal=0, anomaly=1):
    """Two objects, of 40 x 40 and of 12 x 12 pixels, where the seed says."""
    labels = np.full(SHAPE, normal, np.uint8)
    labels[10 + seed : 50 + seed, 10:50] = anomaly
    labels[70:82, 80 + seed : 92 + seed] = anomaly
    return labels


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_dataset(layout, root):
    """Three frames as a layout stores them."""
    for seed, key in enumerate(KEYS):
        picture = np.full((*SHAPE, 3), 99, np.uint8)
        if layout == "lostandfound":
            path = root / f"gtCoarse/test/town/{key}_gtCoarse_labelIds.png"
            save(path, mask(seed, normal=1, anomaly=2))
        elif layout == "roadanomaly":
            save(root / f"frames/{key}.jpg", picture)
            save(root / f"frames/{key}.labels/labels_semantic.png", mask(seed, anomaly=2))
        elif layout.startswith("fishyscapes"):
            save(root / f"images/{seed}.png", picture)
            save(root / f"labels_masks/{seed}.png", mask(seed))
        elif layout == "mvtec":
            save(root / f"bottle/test/good/{key}.png", picture)
            save(root / f"bottle/test/crack/{key}.png", picture)
            save(root / f"bottle/ground_truth/crack/{key}_mask.png", mask(seed, anomaly=255))
        else:  # SegmentMeIfYouCan
            name = f"validation{seed:04}"
            save(root / f"images/{name}.jpg", picture)
            save(root / f"labels_masks/{name}_labels_semantic.png", mask(seed))


def write_scores(folder, truth):
    """Score maps of a method for all frames of a data set, nearly right."""
    shutil.rmtree(folder, ignore_errors=True)
    for seed, (key, target) in enumerate(truth.targets.items()):
        labels = read_mask(target)
        anomalous = (labels == labels.max()) & (labels.min() < labels.max())
        rng = np.random.default_rng(seed + len(folder.name))
        path = folder / f"{key}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, (0.1 + 0.7 * anomalous + 0.15 * rng.random(labels.shape)).astype("f4"))


def provide(words):
    """What a command reads and no command before it wrote."""
    folders = [
        Path(word.partition("=")[2])
        for before, word in pairwise(words)
        if re.fullmatch(r"[\w-]+=[\w/-]+", word)
        and before not in ("--target", "--on-target", "--normalize")
    ]
    truths = []
    for option, value in pairwise(words):
        if option in ("--target", "--on-target"):
            name, _, folder = value.rpartition("=")
            root = Path(folder)
            if not root.exists():
                labels = (1, 2) if "--anomaly-label" in words else (0, 1)
                for seed, key in enumerate(KEYS):
                    save(root / f"{key}.png", mask(seed, *labels))
            truths.append((name, from_folders(root)))
        if option == "--dataset":
            name, _, spec = value.rpartition("=")
            layout, _, root = spec.partition(":")
            if not Path(root).exists():
                write_dataset(layout, Path(root))
            truths.append((name, open_dataset(spec)))
        if option == "--images" and not Path(value).exists():
            for key in KEYS:
                save(Path(value) / f"{key}.png", np.full((*SHAPE, 3), 99, np.uint8))
        if option == "--by" and ".csv:" in value:
            rows = "".join(f"{key},{'rain' if key == 'a1' else 'sun'}\n" for key in KEYS)
            Path(value.partition(":")[0]).write_text(f"frame,weather\n{rows}")
        if option == "-o":
            Path(value).parent.mkdir(parents=True, exist_ok=True)
    for name, truth in truths:
        for folder in folders:
            if not folder.parts[0].endswith(("demo", "second")):
                on_second = folder.parts[0] == truth.root.parts[0] or len(truths) == 1 or name
                if on_second:
                    write_scores(folder / name, truth)


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_a_page_leads_where_it_says(page, tmp_path, monkeypatch, capsys):
    """No command fails where its page shows no error, and no table is of zeros alone."""
    monkeypatch.chdir(tmp_path)
    expected_errors = page.read_text().count("mdmkit: error:")
    failed = []
    for program, *words in commands(page):
        if program == "mkdir":
            Path(words[-1]).mkdir(parents=True, exist_ok=True)
            continue
        if "--scheduler" in words:
            continue  # wants a cluster
        for folder in ("masks", "images"):
            shutil.rmtree(folder, ignore_errors=True)  # written as each command has it
        if "-o" in words and Path(words[words.index("-o") + 1]).is_file():
            words = [*words, "--overwrite"]
        provide(words)
        with pytest.raises(SystemExit) as ended:
            run(app, "mdmkit", words)
        said = capsys.readouterr()
        if ended.value.code:
            failed.append(f"{' '.join(words)}\n{said.err}")
        assert "every margin is 0" not in said.out + said.err, words
    assert len(failed) <= expected_errors, "\n".join(failed)
