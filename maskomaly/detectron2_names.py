r"""Names of a Mask2Former's tensors in detectron2, and the same in files of transformers.

Files keep the names that they had before transformers 5 renamed the modules; `from_pretrained`
translates them. `\1`, `\2`, ... of a new name are the groups of the old one's pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: (pattern of a name in detectron2, its name in transformers), both without their prefixes.
Rules = tuple[tuple[str, str], ...]

_WB = r"(weight|bias)"
_BATCH_NORM = r"(weight|bias|running_mean|running_var|num_batches_tracked)"

PIXEL = r"sem_seg_head\.(?:pixel_decoder\.)?"  # old checkpoints leave the second part out
QUERY = r"sem_seg_head\.predictor\."
_BLOCK = r"backbone\.layers\.(\d+)\.blocks\.(\d+)\."

_TO_BACKBONE = "model.pixel_level_module.encoder."
_TO_BLOCK = _TO_BACKBONE + r"encoder.layers.\1.blocks.\2."
_TO_PIXEL = "model.pixel_level_module.decoder."
_TO_QUERY = "model.transformer_module."
_TO_LAYER = _TO_QUERY + r"decoder.layers.\1."

_SWIN: Rules = (
    (rf"patch_embed\.proj\.{_WB}", r"embeddings.patch_embeddings.projection.\1"),
    (rf"patch_embed\.norm\.{_WB}", r"embeddings.norm.\1"),
    (rf"layers\.(\d+)\.downsample\.norm\.{_WB}", r"encoder.layers.\1.downsample.norm.\2"),
    (r"layers\.(\d+)\.(downsample\.reduction\.weight)", r"encoder.layers.\1.\2"),
    *((rf"norm{n}\.{_WB}", rf"hidden_states_norms.stage{n + 1}.\1") for n in range(4)),
)
_SWIN_BLOCK: Rules = (
    (rf"norm1\.{_WB}", r"layernorm_before.\3"),
    (r"attn\.(relative_position_bias_table)", r"attention.self.\3"),
    (rf"attn\.proj\.{_WB}", r"attention.output.dense.\3"),
    (rf"norm2\.{_WB}", r"layernorm_after.\3"),
    (rf"mlp\.fc1\.{_WB}", r"intermediate.dense.\3"),
    (rf"mlp\.fc2\.{_WB}", r"output.dense.\3"),
)
_RESNET_STEM: Rules = (
    (r"(weight)", r"convolution.\1"),
    (rf"norm\.{_BATCH_NORM}", r"normalization.\1"),
)
_RESNET_LAYER: Rules = (
    (r"shortcut\.(weight)", r"shortcut.convolution.\2"),
    (rf"shortcut\.norm\.{_BATCH_NORM}", r"shortcut.normalization.\2"),
    *((rf"conv{n + 1}\.(weight)", rf"layer.{n}.convolution.\2") for n in range(3)),
    *((rf"conv{n + 1}\.norm\.{_BATCH_NORM}", rf"layer.{n}.normalization.\2") for n in range(3)),
)
_PIXEL_DECODER: Rules = (
    (rf"input_proj\.(\d)\.([01])\.{_WB}", r"input_projections.\1.\2.\3"),
    (r"transformer\.(level_embed)", r"\1"),
    (rf"mask_features\.{_WB}", r"mask_projection.\1"),
    (r"((?:adapter|layer)_\d)\.(weight)", r"\1.0.\2"),
    (rf"((?:adapter|layer)_\d)\.norm\.{_WB}", r"\1.1.\2"),
)
_PIXEL_ENCODER: Rules = (
    (rf"(self_attn\.\w+)\.{_WB}", r"\2.\3"),
    (rf"norm1\.{_WB}", r"self_attn_layer_norm.\2"),
    (rf"linear([12])\.{_WB}", r"fc\2.\3"),
    (rf"norm2\.{_WB}", r"final_layer_norm.\2"),
)
_IN_AND_OUT = r"(in_proj_weight|in_proj_bias|out_proj\.weight|out_proj\.bias)"
_QUERY_LAYER: Rules = (
    (rf"self_attention_layers\.(\d+)\.self_attn\.out_proj\.{_WB}", r"self_attn.out_proj.\2"),
    (rf"self_attention_layers\.(\d+)\.norm\.{_WB}", r"self_attn_layer_norm.\2"),
    (rf"cross_attention_layers\.(\d+)\.multihead_attn\.{_IN_AND_OUT}", r"cross_attn.\2"),
    (rf"cross_attention_layers\.(\d+)\.norm\.{_WB}", r"cross_attn_layer_norm.\2"),
    (rf"ffn_layers\.(\d+)\.linear([12])\.{_WB}", r"fc\2.\3"),
    (rf"ffn_layers\.(\d+)\.norm\.{_WB}", r"final_layer_norm.\2"),
)
_QUERY_DECODER: Rules = (
    (rf"decoder_norm\.{_WB}", r"decoder.layernorm.\1"),
    (r"(?:query_feat|static_query)\.(weight)", r"queries_features.\1"),
    (r"query_embed\.(weight)", r"queries_embedder.\1"),
    (r"level_embed\.(weight)", r"level_embed.\1"),
    (rf"input_proj\.(\d)\.{_WB}", r"input_projections.\1.\2"),
    (rf"mask_embed\.layers\.(\d)\.{_WB}", r"decoder.mask_predictor.mask_embedder.\1.0.\2"),
)
_HEADS: Rules = (
    (rf"{QUERY}class_embed\.{_WB}", r"class_predictor.\1"),
    (r"(criterion\.empty_weight)", r"\1"),
)

_PREFIXES = (
    (r"backbone\.", _TO_BACKBONE, _SWIN),
    (_BLOCK, _TO_BLOCK, _SWIN_BLOCK),
    (r"backbone\.stem\.conv1\.", _TO_BACKBONE + "embedder.embedder.", _RESNET_STEM),
    *(
        (
            rf"backbone\.res{stage + 2}\.(\d+)\.",
            _TO_BACKBONE + rf"encoder.stages.{stage}.layers.\1.",
            _RESNET_LAYER,
        )
        for stage in range(4)
    ),
    (PIXEL, _TO_PIXEL, _PIXEL_DECODER),
    (
        rf"{PIXEL}transformer\.encoder\.layers\.(\d+)\.",
        _TO_PIXEL + r"encoder.layers.\1.",
        _PIXEL_ENCODER,
    ),
    (rf"{QUERY}transformer_", _TO_LAYER, _QUERY_LAYER),
    (QUERY, _TO_QUERY, _QUERY_DECODER),
    ("", "", _HEADS),
)
_RULES = [
    (re.compile(prefix + old), to + new) for prefix, to, rules in _PREFIXES for old, new in rules
]

# Query, key and value stacked along the first axis in one tensor; apart in transformers.
_SPLIT = (
    (
        re.compile(rf"{_BLOCK}attn\.qkv\.{_WB}"),
        tuple(_TO_BLOCK + rf"attention.self.{part}.\3" for part in ("query", "key", "value")),
    ),
    (
        re.compile(rf"{QUERY}transformer_self_attention_layers\.(\d+)\.self_attn\.in_proj_{_WB}"),
        tuple(_TO_LAYER + rf"self_attn.{part}_proj.\2" for part in "qkv"),
    ),
)

#: Computed anew from the config, or (the colours) checked and then left to the preprocessing.
DROPPED = re.compile(rf"{_BLOCK}attn\.relative_position_index|pixel_mean|pixel_std")


def new_names(name: str) -> Iterator[str]:
    """Name of a tensor in transformers, or those of its equal parts; none if no rule covers it."""
    for pattern, target in _RULES:
        match = pattern.fullmatch(name)
        if match:
            yield match.expand(target)
            return
    for pattern, targets in _SPLIT:
        match = pattern.fullmatch(name)
        if match:
            yield from (match.expand(target) for target in targets)
            return
