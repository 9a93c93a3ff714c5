"""Checkpoints of detectron2: read safely, renamed completely, and the same network afterwards."""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from torch.nn import functional  # noqa: E402

from maskomaly import Preprocessing, convert_detectron2, convert_to_folder, load_model  # noqa: E402
from maskomaly.convert import CITYSCAPES, network_of  # noqa: E402
from maskomaly.pickles import read_tensors  # noqa: E402
from mdmkit import InputError  # noqa: E402
from tests.maskomaly.small_networks import (  # noqa: E402
    build,
    mask2former,
    resnet,
    shaken,
    swin,
)

FIXTURES = Path(__file__).parent / "fixtures"

# Part of a name in a file of transformers -> the same in detectron2; each applies to all names.
BACK = (
    ("model.pixel_level_module.encoder.", "backbone."),
    ("model.pixel_level_module.decoder.", "sem_seg_head.pixel_decoder."),
    ("model.transformer_module.decoder.layers.", "sem_seg_head.predictor.LAYER."),
    ("model.transformer_module.decoder.layernorm", "sem_seg_head.predictor.decoder_norm"),
    ("model.transformer_module.", "sem_seg_head.predictor."),
    ("class_predictor", "sem_seg_head.predictor.class_embed"),
    # Swin
    ("embeddings.patch_embeddings.projection", "patch_embed.proj"),
    ("embeddings.norm", "patch_embed.norm"),
    ("backbone.encoder.layers", "backbone.layers"),
    ("layernorm_before", "norm1"),
    ("layernorm_after", "norm2"),
    ("attention.self.relative", "attn.relative"),
    ("attention.output.dense", "attn.proj"),
    ("intermediate.dense", "mlp.fc1"),
    ("output.dense", "mlp.fc2"),
    ("hidden_states_norms.stage1", "norm0"),
    ("hidden_states_norms.stage2", "norm1"),
    ("hidden_states_norms.stage3", "norm2"),
    ("hidden_states_norms.stage4", "norm3"),
    # ResNet
    ("embedder.embedder", "stem.conv1"),
    ("encoder.stages.0.layers", "res2"),
    ("encoder.stages.1.layers", "res3"),
    ("encoder.stages.2.layers", "res4"),
    ("encoder.stages.3.layers", "res5"),
    (".layer.0.", ".conv1."),
    (".layer.1.", ".conv2."),
    (".layer.2.", ".conv3."),
    (".convolution.", "."),
    (".normalization.", ".norm."),
    # pixel decoder
    ("pixel_decoder.encoder.layers", "pixel_decoder.transformer.encoder.layers"),
    ("pixel_decoder.level_embed", "pixel_decoder.transformer.level_embed"),
    ("input_projections", "input_proj"),
    ("mask_projection", "mask_features"),
    ("adapter_1.0.", "adapter_1."),
    ("adapter_1.1.", "adapter_1.norm."),
    ("layer_1.0.", "layer_1."),
    ("layer_1.1.", "layer_1.norm."),
    # query decoder
    ("queries_features", "query_feat"),
    ("queries_embedder", "query_embed"),
    ("decoder.mask_predictor.mask_embedder.0.0", "mask_embed.layers.0"),
    ("decoder.mask_predictor.mask_embedder.1.0", "mask_embed.layers.1"),
    ("decoder.mask_predictor.mask_embedder.2.0", "mask_embed.layers.2"),
)
IN_LAYERS = (  # of the pixel decoder's encoder and of the query decoder, by their own names
    (r"(pixel_decoder.*layers\.\d+)\.self_attn_layer_norm", r"\1.norm1"),
    (r"(pixel_decoder.*layers\.\d+)\.final_layer_norm", r"\1.norm2"),
    (r"(pixel_decoder.*layers\.\d+)\.fc", r"\1.linear"),
    (r"LAYER\.(\d+)\.fc", r"transformer_ffn_layers.\1.linear"),
    (r"LAYER\.(\d+)\.final_layer_norm", r"transformer_ffn_layers.\1.norm"),
    (r"LAYER\.(\d+)\.cross_attn_layer_norm", r"transformer_cross_attention_layers.\1.norm"),
    (r"LAYER\.(\d+)\.cross_attn", r"transformer_cross_attention_layers.\1.multihead_attn"),
    (r"LAYER\.(\d+)\.self_attn_layer_norm", r"transformer_self_attention_layers.\1.norm"),
    (r"LAYER\.(\d+)\.self_attn", r"transformer_self_attention_layers.\1.self_attn"),
)
STACKED = {  # the first of three that are one tensor in detectron2, and its name there
    r"(.*)attention\.self\.query\.(weight|bias)": (r"\1attn.qkv.\2", "query", "key", "value"),
    r"(.*LAYER.*self_attn)\.q_proj\.(weight|bias)": (
        r"\1.in_proj_\2", "q_proj", "k_proj", "v_proj",
    ),
}  # fmt: skip


def as_detectron2(model, folder):
    """Tensors of a network under detectron2's names, as numpy arrays."""
    from safetensors.torch import load_file

    model.save_pretrained(folder)
    found = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        if "swin.layernorm" in name:  # detectron2 has none
            continue
        for old, new in BACK[:6]:
            name = name.replace(old, new)
        found[name] = tensor
    for pattern, (stacked, *parts) in STACKED.items():
        for first in [name for name in found if re.fullmatch(pattern, name)]:
            pieces = [found.pop(first.replace(parts[0], part)) for part in parts]
            found[re.sub(pattern, stacked, first)] = torch.cat(pieces)
    renamed = {}
    for name, tensor in found.items():
        for old, new in BACK[6:]:
            name = name.replace(old, new)
        for pattern, new in IN_LAYERS:
            name = re.sub(pattern, new, name)
        renamed[name] = tensor.numpy()
    return renamed


def write(tensors, path, protocol=4, **beside):
    path.write_bytes(pickle.dumps({"model": tensors, **beside}, protocol=protocol))
    return path


NETWORKS = {
    "swin": lambda: build("mask2former"),
    "swin of other shapes": lambda: shaken(
        mask2former(
            swin(embed_dim=16, depths=[1, 1, 2, 1], num_heads=[2, 2, 4, 4], window_size=3,
                 mlp_ratio=2.0, qkv_bias=False),
            enforce_input_projection=True, num_attention_heads=4, feature_size=64,
            encoder_layers=2, decoder_layers=2, num_queries=9,
        )
    ),
    "resnet": lambda: build("mask2former-resnet"),
    "resnet of basic blocks": lambda: shaken(
        mask2former(resnet(layer_type="basic", hidden_sizes=[8, 16, 24, 32]))
    ),
}  # fmt: skip


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


@pytest.fixture(scope="module")
def tensors(tmp_path_factory):
    return as_detectron2(build("mask2former"), tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def digest(tensors):
    network = network_of({name: torch.from_numpy(each) for name, each in tensors.items()}, "own")
    from maskomaly.checkpoints import digest_of

    return digest_of(network.state_dict())


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


@pytest.mark.parametrize("protocol", range(2, 6))
def test_every_protocol_of_pickles_is_read(protocol, tensors, tmp_path):
    path = write(tensors, tmp_path / "a.pkl", protocol)
    found = read_tensors(path)
    assert found.keys() == tensors.keys()
    assert all(np.array_equal(found[name], tensors[name]) for name in tensors)


def test_pickles_of_old_numpy_are_read(tmp_path):
    content = pickle.dumps({"model": {"a": np.arange(3, dtype="<f4")}}, protocol=2)
    assert b"numpy._core.multiarray\n" in content
    assert b"\x89\x88\x87" in content  # (dtype's code, False, True)
    old = content.replace(b"numpy._core.", b"numpy.core.").replace(
        b"\x89\x88\x87", b"K\x00K\x01\x87"
    )
    (tmp_path / "old.pkl").write_bytes(old)
    assert read_tensors(tmp_path / "old.pkl")["a"].tolist() == [0, 1, 2]


def test_files_of_torch_are_read_without_their_code(tensors, digest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = {name: torch.from_numpy(each) for name, each in tensors.items()}
    path = tmp_path / "model_final.pth"
    torch.save({"model": model, "iteration": 9, "optimizer": {"state": {}}}, path)
    assert load_model(path).digest == digest
    torch.save({"model": model, "code": Payload()}, path)
    with pytest.raises(InputError, match="expected a checkpoint of detectron2"):
        load_model(path)
    assert not Path("ran").exists()


class Payload:
    def __reduce__(self):
        import os

        return os.mkdir, ("ran",)


def through(module, name):
    """A pickle which calls module.name("ran")."""
    return f"c{module}\n{name}\n(S'ran'\ntR.".encode()


@pytest.mark.parametrize(
    ("module", "name"),
    [("posix", "system"), ("os", "mkdir"), ("builtins", "eval"), ("builtins", "getattr"),
     ("torch", "load"), ("numpy", "load"), ("numpy", "ndarray.tofile"),
     ("numpy.core.multiarray", "fromfile"), ("collections", "namedtuple")],
)  # fmt: skip
def test_nothing_but_arrays_is_unpickled(module, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.pkl").write_bytes(through(module, name))
    with pytest.raises(InputError, match=re.escape(f"a.pkl: expected a checkpoint of detectron2: "
                       f"expected arrays, text and numbers only, found a reference to "
                       f"{module}.{name}")):  # fmt: skip
        load_model("a.pkl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


def test_a_payload_among_arrays_does_not_run(tensors, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tensors, tmp_path / "a.pkl", more=Payload())
    with pytest.raises(InputError, match=r"a reference to (posix|nt)\.mkdir"):
        load_model(path)
    assert not Path("ran").exists()
    pickle.load(io.BytesIO(path.read_bytes()))  # unpickled freely, it does
    assert Path("ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1, 2]), "named tensors.*found list"),
        (pickle.dumps({}), "named tensors"),
        (pickle.dumps({"model": {"a": "text"}}), "a: expected an array of numbers, found str"),
        (pickle.dumps({"a": np.array([{}])}), "a: expected an array of numbers"),
        (pickle.dumps({"a": np.zeros(9)})[:-20], "expected a checkpoint"),
        (b"", "expected a checkpoint"),
        (b"PK\x03\x04 no archive", "expected a checkpoint"),
        (pickle.dumps({"a": np.zeros(3)}), r"1 unknown tensors:\n  a \(3,\)"),
    ],
)
def test_foreign_and_damaged_files_are_named(content, message, tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def without(name):
    return lambda tensors: {key: each for key, each in tensors.items() if key != name}


def changed(name, value):
    return lambda tensors: {**tensors, name: value}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("sem_seg_head.predictor.decoder_norm.bias"),
         r"1 missing:\n  model.transformer_module.decoder.layernorm.bias"),
        (without("sem_seg_head.predictor.class_embed.weight"),
         "expected a tensor sem_seg_head.predictor.class_embed.weight"),
        (changed("sem_seg_head.predictor.decoder_norm.bias", np.zeros(9, np.float32)),
         r"unexpected shapes:\n  .*layernorm.bias: expected \(32,\), found \(9,\)"),
        (changed("backbone.layers.0.blocks.0.attn.qkv.bias", np.zeros(25, np.float32)),
         r"1 unknown tensors:\n  backbone.layers.0.blocks.0.attn.qkv.bias \(25,\)"),
        (changed("backbone.absolute_pos_embed", np.zeros((1, 8), np.float32)),
         r"1 unknown tensors:\n  backbone.absolute_pos_embed \(1, 8\)"),
        (changed("pixel_mean", np.array([103.5, 116.3, 123.7])), "pixel_mean: expected ImageNet"),
    ],
)  # fmt: skip
def test_incomplete_and_foreign_tensors_are_listed(change, message, tensors, tmp_path):
    path = write(change(tensors), tmp_path / "a.pkl")
    with pytest.raises(InputError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


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


def fails(tensors, tmp_path, wrapper=None):
    content = tensors if wrapper is None else {wrapper: tensors}
    with pytest.raises(InputError) as caught:
        load_model(write(content, tmp_path / "a.pkl"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["patch_embed.proj.weight", "layers.0.norm.bias"], "a backbone alone"),
        (["conv1.weight", "layer1.0.conv1.weight"], "a backbone alone"),
        (["backbone.patch_embed.proj.weight"], "a backbone alone"),
        (["roi_heads.box.weight", "backbone.x.weight"], "a detector of detectron2"),
        (["decode_head.conv.weight"], "a network of mmsegmentation; take its conversion"),
        (["task_mlp.layers.0.weight", "sem_seg_head.x"], "a OneFormer of its authors' code"),
        (["model.transformer_module.queries.weight"], "write the network with save_pretrained"),
        (["sem_seg_head.predictor.transformer.decoder.x"], "a MaskFormer of its authors' code"),
    ],
)
def test_other_checkpoints_are_told_for_what_they_are(names, told, tmp_path):
    tensors = {name: np.zeros((2, 2, 1, 1), np.float32) for name in names}
    assert told in fails(tensors, tmp_path)


def test_the_pixel_decoder_of_rba_is_refused_in_one_sentence(tensors, tmp_path):
    name = next(name for name in tensors if name.endswith("transformer.level_embed"))
    one = {**tensors, name: tensors[name][:1]}
    message = fails(one, tmp_path)
    assert "found a pixel decoder of 1 level(s), as RbA's checkpoints have it" in message
    assert "\n" not in message


@pytest.mark.parametrize("wrap", [
    lambda tensors: {"state_dict": tensors},
    lambda tensors: {"model": {f"module.{name}": value for name, value in tensors.items()}},
    lambda tensors: {f"module.{name}": value for name, value in tensors.items()},
])  # fmt: skip
def test_what_training_wraps_around_tensors_is_taken_off(wrap, tensors, digest, tmp_path):
    assert load_model(write(wrap(tensors), tmp_path / "a.pkl")).digest == digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "fetch it with git lfs"),
        ("<html><body>Not found</body></html>", "a web page"),
        ("conv1.weight 3 3", "a text that begins 'conv1.weight 3 3'"),
    ],
)
def test_texts_are_told_for_what_they_are(text, told, tmp_path):
    (tmp_path / "a.pkl").write_text(text)
    with pytest.raises(
        InputError, match=r"a\.pkl: expected a checkpoint of detectron2: found"
    ) as e:
        load_model(tmp_path / "a.pkl")
    assert told in str(e.value)
