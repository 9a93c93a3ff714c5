"""Commands of maskomaly in this process, on a random network and images of three sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from maskomaly import MaskomalyConfig, Preprocessing, cli, load_model
from tests.cli.commands import in_process
from tests.maskomaly.small_networks import mask2former, segformer

SIZES = {"a": (64, 96), "b": (50, 70), "sub/c": (64, 96)}


@pytest.fixture(scope="session")
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
        return in_process(cli.main, "maskomaly", arguments, monkeypatch, capsys)

    return command


@pytest.fixture(scope="session")
def chosen(place):
    return MaskomalyConfig(
        t_mask=0.3,
        anomaly_queries=(1, 4),
        init_queries=(0,),
        checkpoint=load_model(place / "network").digest,
    )


@pytest.fixture
def config(chosen, tmp_path):
    """A config of the network, and `config.toml` in the folder where commands run."""
    chosen.write(tmp_path / "config.toml")
    return chosen


def forward_passes(monkeypatch):
    """Counts images that any network is asked for."""
    from maskomaly.networks import Network

    ran = []
    run_batch = Network._run

    def counted(network, items, autocast):
        ran.extend(items)
        return run_batch(network, items, autocast)

    monkeypatch.setattr(Network, "_run", counted)
    return ran
