"""Checkpoints of detectron2: read safely, renamed completely, and the same network afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from torch.nn import functional  # noqa: E402

from maskomaly import Preprocessing, convert_detectron2, convert_to_folder, load_model  # noqa: E402
from maskomaly.convert import CITYSCAPES, network_of  # noqa: E402
from tests.maskomaly.detectron2_networks import NETWORKS, as_detectron2, write  # noqa: E402
from tests.maskomaly.small_networks import (  # noqa: E402
    build,
)

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_converted_network_gives_the_same_outputs(kind, tmp_path):
    torch.manual_seed(1)
    model = NETWORKS[kind]()
    path = write(as_detectron2(model, tmp_path / "own"), tmp_path / "model.pkl")
    network = load_model(path, device="cpu")
    assert network.class_names == tuple("012")  # names are not in the file
    assert network.digest == load_model(tmp_path / "own", device="cpu").digest
    pixels = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected, found = model(pixels), network.model(pixels)
    assert torch.equal(found.masks_queries_logits, expected.masks_queries_logits)
    assert torch.equal(found.class_queries_logits, expected.class_queries_logits)


def test_a_converted_folder_is_the_same_network(tmp_path):
    tensors = as_detectron2(build("mask2former"), tmp_path / "own")
    path = write(tensors, tmp_path / "model.pkl")
    convert_to_folder(path, tmp_path / "converted")
    network = load_model(tmp_path / "converted")
    assert network.digest == load_model(path).digest
    assert Preprocessing.load(tmp_path / "converted") == Preprocessing()
    config, state = convert_detectron2(path)
    from transformers import Mask2FormerForUniversalSegmentation

    model = Mask2FormerForUniversalSegmentation(config)
    model.load_state_dict(state)
    name = "class_predictor.bias"
    own = tensors["sem_seg_head.predictor.class_embed.bias"]
    assert model.state_dict()[name].tolist() == own.tolist()


def renamed_as_of_old(tensors):
    return {
        name.replace("query_feat", "static_query").replace("pixel_decoder.", ""): each
        for name, each in tensors.items()
    }


def with_colours(tensors):
    return {
        **tensors,
        "pixel_mean": np.array([123.675, 116.28, 103.53], np.float32).reshape(3, 1, 1),
        "pixel_std": np.array([58.395, 57.12, 57.375], np.float32).reshape(3, 1, 1),
        "backbone.layers.0.blocks.0.attn.relative_position_index": np.zeros((16, 16), np.int64),
    }


@pytest.mark.parametrize("change", [renamed_as_of_old, with_colours])
def test_older_checkpoints_are_read_too(change, tensors, digest, tmp_path):
    path = write(change(tensors), tmp_path / "a.pkl", __author__="someone")
    assert load_model(path).digest == digest


def shapes_of(name):
    lines = (FIXTURES / f"detectron2-{name}.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {name: tuple(map(int, sides)) for name, *sides in rows}


@pytest.mark.parametrize("name", ["swin-tiny-cityscapes", "r50-cityscapes"])
def test_published_configurations_are_covered_completely(name):
    # One zero, spread over each shape: the shapes are what counts here.
    tensors = {key: torch.zeros(()).expand(shape) for key, shape in shapes_of(name).items()}
    config = network_of(tensors, name).config
    assert tuple(config.id2label.values()) == CITYSCAPES
    assert (config.num_queries, config.num_labels, config.decoder_layers) == (100, 19, 10)
    assert (config.encoder_layers, config.num_attention_heads) == (6, 8)
    assert (config.encoder_feedforward_dim, config.dim_feedforward) == (1024, 2048)
    assert (config.hidden_dim, config.feature_size, config.mask_feature_size) == (256,) * 3
    assert (config.common_stride, config.enforce_input_projection) == (4, False)
    backbone = config.backbone_config
    if name.startswith("swin"):
        assert (backbone.embed_dim, backbone.window_size, backbone.mlp_ratio) == (96, 7, 4)
        assert list(backbone.depths) == [2, 2, 6, 2]
        assert list(backbone.num_heads) == [3, 6, 12, 24]
    else:
        assert (backbone.layer_type, backbone.embedding_size) == ("bottleneck", 64)
        assert list(backbone.depths) == [3, 4, 6, 3]
        assert list(backbone.hidden_sizes) == [256, 512, 1024, 2048]
        assert not backbone.downsample_in_bottleneck


# The three parts whose tensors are not merely renamed, or whose meaning the shapes do not tell,
# against what detectron2 computes of the same tensors.


def test_self_attention_of_queries_is_torch_s(tensors):
    layer = "sem_seg_head.predictor.transformer_self_attention_layers.1."
    own = torch.nn.MultiheadAttention(32, 2)
    own.load_state_dict({
        key.removeprefix(f"{layer}self_attn."): torch.from_numpy(each)
        for key, each in tensors.items() if key.startswith(f"{layer}self_attn")
    })  # fmt: skip
    network = network_of({key: torch.from_numpy(each) for key, each in tensors.items()}, "own")
    converted = network.model.transformer_module.decoder.layers[1].self_attn
    queries, positions = torch.randn(6, 2, 32), torch.randn(6, 2, 32)
    with torch.no_grad():
        expected, _ = own(queries + positions, queries + positions, queries)
        found, _ = converted(hidden_states=queries, position_embeddings=positions)
    torch.testing.assert_close(found, expected)


def test_window_attention_is_swin_s(tensors):
    """As Swin's authors write it: one projection to (3, heads, channels of a head)."""
    block = "backbone.layers.2.blocks.0.attn."
    weights = {
        key.removeprefix(block): torch.from_numpy(each)
        for key, each in tensors.items() if key.startswith(block)
    }  # fmt: skip
    heads, side, channels = 2, 4, 32
    windows = torch.randn(3, side**2, channels)
    fused = functional.linear(windows, weights["qkv.weight"], weights["qkv.bias"])
    query, key, value = fused.reshape(3, side**2, 3, heads, -1).permute(2, 0, 3, 1, 4)
    rows, columns = torch.arange(side**2) // side, torch.arange(side**2) % side
    offsets = (rows[:, None] - rows + side - 1) * (2 * side - 1)
    offsets = offsets + columns[:, None] - columns + side - 1
    bias = weights["relative_position_bias_table"][offsets].permute(2, 0, 1)
    attention = query @ key.transpose(-2, -1) / (channels / heads) ** 0.5 + bias
    mixed = (attention.softmax(-1) @ value).transpose(1, 2).reshape(windows.shape)
    expected = functional.linear(mixed, weights["proj.weight"], weights["proj.bias"])
    network = network_of({key: torch.from_numpy(each) for key, each in tensors.items()}, "own")
    modules = [each for name, each in network.named_modules()
               if name.endswith("encoder.layers.2.blocks.0.attention")]  # fmt: skip
    with torch.no_grad():
        found = modules[0](windows)[0]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_bottleneck_strides_in_its_3_by_3_convolution(tmp_path):
    tensors = as_detectron2(build("mask2former-resnet"), tmp_path)
    weights = {key: torch.from_numpy(each) for key, each in tensors.items()}
    network = network_of(weights, "own")

    def convolved(image, name, stride, padding):
        name = f"backbone.res3.0.{name}"
        image = functional.conv2d(image, weights[f"{name}.weight"], None, stride, padding)
        mean, var, scale, shift = (
            weights[f"{name}.norm.{each}"]
            for each in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(image, mean, var, scale, shift, eps=1e-5)

    image = torch.randn(1, 16, 12, 12)
    inner = convolved(image, "conv1", 1, 0).relu()
    inner = convolved(inner, "conv2", 2, 1).relu()
    expected = (convolved(inner, "conv3", 1, 0) + convolved(image, "shortcut", 2, 0)).relu()
    with torch.no_grad():
        found = network.model.pixel_level_module.encoder.encoder.stages[1].layers[0](image)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
