"""Random networks as checkpoints of detectron2."""

from __future__ import annotations

import pickle
import re

import pytest
import torch

from maskomaly.checkpoints import digest_of
from maskomaly.convert import network_of
from tests.maskomaly.small_networks import build, mask2former, resnet, shaken, swin

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


@pytest.fixture(scope="module")
def tensors(tmp_path_factory):
    return as_detectron2(build("mask2former"), tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def digest(tensors):
    network = network_of({name: torch.from_numpy(each) for name, each in tensors.items()}, "own")
    return digest_of(network.state_dict())
