"""The weights in the package."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors import safe_open

from maskomaly.models import load_model
from maskomaly.outputs import Geometry
from maskomaly.queries import VOID_THRESHOLD
from maskomaly.registry import own_config, registered
from maskomaly.tiny.labels import CLASSES
from maskomaly.tiny.network import CHECKPOINT, load_network, to_input
from maskomaly.tiny.scenes import draw_scene
from maskomaly.tiny.train import class_ious


@pytest.fixture(scope="module")
def network():
    return load_network()


def test_file_is_small_and_holds_float16():
    weights = CHECKPOINT / "model.safetensors"
    assert weights.stat().st_size < 8e6
    with safe_open(weights, framework="pt") as file:
        dtypes = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert dtypes - {torch.int64} == {torch.float16}


def test_network_loads_in_float32_with_its_class_names(network):
    assert next(network.parameters()).dtype == torch.float32
    assert tuple(network.config.id2label[number] for number in range(len(CLASSES))) == CLASSES


def test_network_segments_streets(network):
    assert class_ious(network, 12).mean() > 0.7


def test_package_loads_it_with_images_as_they_are():
    model = load_model(CHECKPOINT, device="cpu")
    scene = draw_scene(0, "validation")
    (outputs,) = model.predict([scene.image])
    assert outputs.geometry == Geometry.plain((128, 256))
    assert outputs.class_names == CLASSES
    config = registered(model.digest)
    with torch.inference_mode():
        raw = model.model(pixel_values=to_input(scene.image[None]))
    np.testing.assert_allclose(outputs.mask_logits, raw.masks_queries_logits[0], atol=1e-2)
    assert (outputs.void[list(config.anomaly_queries)] > VOID_THRESHOLD).any()


def test_the_network_in_the_package_has_a_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    named, placed = load_model("tiny", device="cpu"), load_model(CHECKPOINT, device="cpu")
    assert named.digest == placed.digest
    assert own_config(named.source, named.digest) == registered(placed.digest)
