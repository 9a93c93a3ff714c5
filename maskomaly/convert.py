"""Mask2Former checkpoints of detectron2, as its authors publish them, for transformers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maskomaly.checkpoints import check_complete, quiet
from maskomaly.foreign import what_tensors_are
from maskomaly.pickles import read_tensors
from maskomaly.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from mdmkit.core.errors import InputError, listing
from mdmkit.core.extras import needed_by
from mdmkit.core.files import as_path

SUFFIXES = (".pkl", ".pth")

Tensors = dict[str, Tensor]

# The 19 classes on which Cityscapes is evaluated, in the order of their training ids.
CITYSCAPES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign",
    "vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train",
    "motorcycle", "bicycle",
)  # fmt: skip

_WB = r"(weight|bias)"
_BATCH_NORM = r"(weight|bias|running_mean|running_var|num_batches_tracked)"
_BLOCK = r"backbone\.layers\.(\d+)\.blocks\.(\d+)\."
_PIXEL = r"sem_seg_head\.(?:pixel_decoder\.)?"  # old checkpoints leave the second part out
_ENCODER = _PIXEL + r"transformer\.encoder\.layers\.(\d+)\."
_QUERY = r"sem_seg_head\.predictor\."

_TO_BACKBONE = "model.pixel_level_module.encoder."
_TO_BLOCK = _TO_BACKBONE + r"encoder.layers.\1.blocks.\2."
_TO_PIXEL = "model.pixel_level_module.decoder."
_TO_QUERY = "model.transformer_module."
_TO_LAYER = _TO_QUERY + r"decoder.layers.\1."

# (pattern of a detectron2 name, its name in a file of transformers). Files keep the names they
# had before transformers 5 renamed the modules; `from_pretrained` translates them.
_RENAMED: tuple[tuple[str, str], ...] = (
    # Swin
    (rf"backbone\.patch_embed\.proj\.{_WB}",
     _TO_BACKBONE + r"embeddings.patch_embeddings.projection.\1"),
    (rf"backbone\.patch_embed\.norm\.{_WB}", _TO_BACKBONE + r"embeddings.norm.\1"),
    (rf"{_BLOCK}norm1\.{_WB}", _TO_BLOCK + r"layernorm_before.\3"),
    (rf"{_BLOCK}attn\.(relative_position_bias_table)", _TO_BLOCK + r"attention.self.\3"),
    (rf"{_BLOCK}attn\.proj\.{_WB}", _TO_BLOCK + r"attention.output.dense.\3"),
    (rf"{_BLOCK}norm2\.{_WB}", _TO_BLOCK + r"layernorm_after.\3"),
    (rf"{_BLOCK}mlp\.fc1\.{_WB}", _TO_BLOCK + r"intermediate.dense.\3"),
    (rf"{_BLOCK}mlp\.fc2\.{_WB}", _TO_BLOCK + r"output.dense.\3"),
    (r"backbone\.layers\.(\d+)\.downsample\.(norm\.weight|norm\.bias|reduction\.weight)",
     _TO_BACKBONE + r"encoder.layers.\1.downsample.\2"),
    *((rf"backbone\.norm{stage}\.{_WB}",
       _TO_BACKBONE + rf"hidden_states_norms.stage{stage + 1}.\1") for stage in range(4)),
    # ResNet
    (r"backbone\.stem\.conv1\.(weight)", _TO_BACKBONE + r"embedder.embedder.convolution.\1"),
    (rf"backbone\.stem\.conv1\.norm\.{_BATCH_NORM}",
     _TO_BACKBONE + r"embedder.embedder.normalization.\1"),
    *(rule for stage in range(4) for rule in (
        (rf"backbone\.res{stage + 2}\.(\d+)\.shortcut\.(weight)",
         _TO_BACKBONE + rf"encoder.stages.{stage}.layers.\1.shortcut.convolution.\2"),
        (rf"backbone\.res{stage + 2}\.(\d+)\.shortcut\.norm\.{_BATCH_NORM}",
         _TO_BACKBONE + rf"encoder.stages.{stage}.layers.\1.shortcut.normalization.\2"),
        *((rf"backbone\.res{stage + 2}\.(\d+)\.conv{conv + 1}\.(weight)",
           _TO_BACKBONE + rf"encoder.stages.{stage}.layers.\1.layer.{conv}.convolution.\2")
          for conv in range(3)),
        *((rf"backbone\.res{stage + 2}\.(\d+)\.conv{conv + 1}\.norm\.{_BATCH_NORM}",
           _TO_BACKBONE + rf"encoder.stages.{stage}.layers.\1.layer.{conv}.normalization.\2")
          for conv in range(3)),
    )),
    # pixel decoder
    (rf"{_PIXEL}input_proj\.(\d)\.([01])\.{_WB}", _TO_PIXEL + r"input_projections.\1.\2.\3"),
    (rf"{_PIXEL}transformer\.(level_embed)", _TO_PIXEL + r"\1"),
    (rf"{_ENCODER}(self_attn\.\w+)\.{_WB}", _TO_PIXEL + r"encoder.layers.\1.\2.\3"),
    (rf"{_ENCODER}norm1\.{_WB}", _TO_PIXEL + r"encoder.layers.\1.self_attn_layer_norm.\2"),
    (rf"{_ENCODER}linear([12])\.{_WB}", _TO_PIXEL + r"encoder.layers.\1.fc\2.\3"),
    (rf"{_ENCODER}norm2\.{_WB}", _TO_PIXEL + r"encoder.layers.\1.final_layer_norm.\2"),
    (rf"{_PIXEL}mask_features\.{_WB}", _TO_PIXEL + r"mask_projection.\1"),
    (rf"{_PIXEL}((?:adapter|layer)_\d)\.(weight)", _TO_PIXEL + r"\1.0.\2"),
    (rf"{_PIXEL}((?:adapter|layer)_\d)\.norm\.{_WB}", _TO_PIXEL + r"\1.1.\2"),
    # query decoder
    (rf"{_QUERY}transformer_self_attention_layers\.(\d+)\.self_attn\.out_proj\.{_WB}",
     _TO_LAYER + r"self_attn.out_proj.\2"),
    (rf"{_QUERY}transformer_self_attention_layers\.(\d+)\.norm\.{_WB}",
     _TO_LAYER + r"self_attn_layer_norm.\2"),
    (rf"{_QUERY}transformer_cross_attention_layers\.(\d+)\.multihead_attn\."
     r"(in_proj_weight|in_proj_bias|out_proj\.weight|out_proj\.bias)",
     _TO_LAYER + r"cross_attn.\2"),
    (rf"{_QUERY}transformer_cross_attention_layers\.(\d+)\.norm\.{_WB}",
     _TO_LAYER + r"cross_attn_layer_norm.\2"),
    (rf"{_QUERY}transformer_ffn_layers\.(\d+)\.linear([12])\.{_WB}", _TO_LAYER + r"fc\2.\3"),
    (rf"{_QUERY}transformer_ffn_layers\.(\d+)\.norm\.{_WB}", _TO_LAYER + r"final_layer_norm.\2"),
    (rf"{_QUERY}decoder_norm\.{_WB}", _TO_QUERY + r"decoder.layernorm.\1"),
    (rf"{_QUERY}(?:query_feat|static_query)\.(weight)", _TO_QUERY + r"queries_features.\1"),
    (rf"{_QUERY}query_embed\.(weight)", _TO_QUERY + r"queries_embedder.\1"),
    (rf"{_QUERY}level_embed\.(weight)", _TO_QUERY + r"level_embed.\1"),
    (rf"{_QUERY}input_proj\.(\d)\.{_WB}", _TO_QUERY + r"input_projections.\1.\2"),
    (rf"{_QUERY}mask_embed\.layers\.(\d)\.{_WB}",
     _TO_QUERY + r"decoder.mask_predictor.mask_embedder.\1.0.\2"),
    (rf"{_QUERY}class_embed\.{_WB}", r"class_predictor.\1"),
    (r"(criterion\.empty_weight)", r"\1"),
)  # fmt: skip

# Query, key and value stacked along the first axis in one tensor; apart in transformers.
_SPLIT: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"{_BLOCK}attn\.qkv\.{_WB}",
     tuple(_TO_BLOCK + rf"attention.self.{part}.\3" for part in ("query", "key", "value"))),
    (rf"{_QUERY}transformer_self_attention_layers\.(\d+)\.self_attn\.in_proj_{_WB}",
     tuple(_TO_LAYER + rf"self_attn.{part}_proj.\2" for part in "qkv")),
)  # fmt: skip

# Computed anew from the config, or (the colours) checked and then left to the preprocessing.
_DROPPED = re.compile(rf"{_BLOCK}attn\.relative_position_index|pixel_mean|pixel_std")
_COLOURS = {"pixel_mean": IMAGENET_MEAN, "pixel_std": IMAGENET_STD}


def convert_detectron2(path: str | Path) -> tuple[Any, Tensors]:
    """Read a Mask2Former checkpoint of detectron2.

    Parameters
    ----------
    path : str or Path
        A `.pkl` of the model zoo or a `.pth` of a training run; Swin or ResNet backbone.

    Returns
    -------
    Mask2FormerConfig
        Inferred from the shapes of the tensors; class names are those of Cityscapes if there are
        19, else their numbers.
    dict of str to Tensor, float32
        What `Mask2FormerForUniversalSegmentation(config).load_state_dict` takes.

    Raises
    ------
    InputError
        A damaged or foreign file, tensors that are unknown, missing or of another shape than the
        others imply; the message lists them.

    Notes
    -----
    Not in the tensors, and taken as all configurations that the authors publish have them: layer
    norm after each part (PRE_NORM False), ResNet's stride in the 3 x 3 convolution
    (STRIDE_IN_1X1 False), four sampling points in the pixel decoder.

    Examples
    --------
    >>> try:
    ...     convert_detectron2("gone.pkl")
    ... except InputError as error:
    ...     print(str(error).partition(":")[0])
    gone.pkl
    """
    model: Any = read_detectron2(as_path(path, "path"))
    return model.config, model.state_dict()


def convert_to_folder(path: str | Path, folder: str | Path) -> None:
    """Write a checkpoint of detectron2 as a folder that `load_model` and transformers read.

    Beside config.json and model.safetensors it gets a maskomaly.json with the preprocessing of
    the paper's network.

    Parameters
    ----------
    path : str or Path
        A `.pkl` of the model zoo or a `.pth` of a training run.
    folder : str or Path
        Where to write.

    Raises
    ------
    InputError
        As `convert_detectron2`.

    Examples
    --------
    >>> try:
    ...     convert_to_folder("gone.pkl", "my-mask2former")
    ... except InputError as error:
    ...     print(str(error).partition(":")[0])
    gone.pkl
    """
    model: Any = read_detectron2(as_path(path, "path"))
    with quiet():
        model.save_pretrained(folder)
    Preprocessing().save(folder)


def read_detectron2(path: Path) -> nn.Module:
    """The network of a detectron2 checkpoint, in float32 on the CPU, ready for inference."""
    return network_of(read_tensors(path), str(path))


def network_of(tensors: Tensors, source: str) -> nn.Module:
    """The network of tensors under detectron2's names; `source` is what errors call them."""
    with needed_by(source):
        from transformers import Mask2FormerForUniversalSegmentation

    _check_colours(tensors, source)
    foreign = what_tensors_are({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    if foreign is not None:
        raise InputError(f"{source}: expected a Mask2Former of detectron2, found {foreign}")
    renamed, unknown = _rename(tensors)
    if unknown:
        raise InputError(
            f"{source}: expected a Mask2Former of detectron2 with a Swin or ResNet backbone, found "
            f"{len(unknown)} unknown tensors:\n{listing(unknown)}"
        )
    try:
        with quiet():
            config = config_of(tensors)
            model, report = Mask2FormerForUniversalSegmentation.from_pretrained(
                None,
                config=config,
                state_dict=renamed,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # listed below, by name
                output_loading_info=True,
            )
    except KeyError as error:
        raise InputError(f"{source}: expected a tensor {error.args[0]}, found none") from error
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        raise InputError(f"{source}: tensors that make no Mask2Former: {error}") from error
    wrong = sorted(
        f"{name}: expected {tuple(expected)}, found {tuple(found)}"
        for name, found, expected in report["mismatched_keys"]
    )
    if wrong:
        raise InputError(f"{source}: tensors of unexpected shapes:\n{listing(wrong)}")
    check_complete(source, report)
    network: nn.Module = model.eval()
    return network


def _check_colours(tensors: Tensors, source: str) -> None:
    for name, usual in _COLOURS.items():
        stored = tensors.get(name)
        if stored is not None and not torch.allclose(
            stored.flatten().float(), torch.tensor(usual), atol=1e-3
        ):
            raise InputError(
                f"{source}: {name}: expected ImageNet's {usual} in RGB, found "
                f"{stored.flatten().tolist()}"
            )


def _rename(tensors: Tensors) -> tuple[Tensors, list[str]]:
    """Tensors under their new names, and the names that no rule covers."""
    renamed: Tensors = {}
    unknown = []
    for name, tensor in tensors.items():
        if _DROPPED.fullmatch(name):
            continue
        targets = list(_targets(name))
        if not targets or (len(targets) > 1 and len(tensor) % len(targets)):
            unknown.append(f"{name} {tuple(tensor.shape)}")
            continue
        # Copies, as transformers refuses tensors that share memory.
        pieces = tensor.chunk(len(targets)) if len(targets) > 1 else (tensor,)
        renamed.update(zip(targets, (piece.clone() for piece in pieces), strict=True))
    return renamed, unknown


def _targets(name: str) -> Iterator[str]:
    for pattern, target in _RENAMED:
        match = re.fullmatch(pattern, name)
        if match:
            yield match.expand(target)
            return
    for pattern, targets in _SPLIT:
        match = re.fullmatch(pattern, name)
        if match:
            yield from (match.expand(target) for target in targets)
            return


def config_of(tensors: Tensors) -> Any:
    """Mask2FormerConfig from names and shapes of a detectron2 checkpoint; KeyError: one lacks."""
    from transformers import Mask2FormerConfig

    shapes = {
        re.sub(_PIXEL + r"(?!predictor)", "pixel.", name): tuple(tensor.shape)
        for name, tensor in tensors.items()
    }
    decoder = "sem_seg_head.predictor."
    classes = shapes[f"{decoder}class_embed.weight"][0] - 1
    queries, hidden = shapes[f"{decoder}query_embed.weight"]
    names = CITYSCAPES if classes == len(CITYSCAPES) else tuple(map(str, range(classes)))
    # Each head samples 4 points on 3 levels, 2 coordinates each.
    heads = shapes["pixel.transformer.encoder.layers.0.self_attn.sampling_offsets.weight"][0] // 24
    mask_features, features = shapes["pixel.mask_features.weight"][:2]
    adapters = _count(shapes, r"pixel\.adapter_(\d+)\.weight")
    return Mask2FormerConfig(
        backbone_config=_backbone_config(shapes),
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
        num_queries=queries,
        hidden_dim=hidden,
        feature_size=features,
        mask_feature_size=mask_features,
        num_attention_heads=heads,
        encoder_layers=_count(shapes, r"pixel\.transformer\.encoder\.layers\.(\d+)\..*"),
        encoder_feedforward_dim=shapes["pixel.transformer.encoder.layers.0.linear1.weight"][0],
        # One more than there are layers: transformers counts the prediction before the first.
        decoder_layers=1 + _count(shapes, rf"{_QUERY}transformer_ffn_layers\.(\d+)\..*"),
        dim_feedforward=shapes[f"{decoder}transformer_ffn_layers.0.linear1.weight"][0],
        enforce_input_projection=f"{decoder}input_proj.0.weight" in shapes,
        common_stride=8 >> adapters,  # each adapter doubles the resolution, from a stride of 8
    )


def _count(shapes: dict[str, tuple[int, ...]], pattern: str) -> int:
    """How many different numbers stand where the pattern has its group."""
    return len({match[1] for name in shapes if (match := re.fullmatch(pattern, name))})


def _backbone_config(shapes: dict[str, tuple[int, ...]]) -> Any:
    from transformers import ResNetConfig, SwinConfig

    stages = ["stage1", "stage2", "stage3", "stage4"]
    if "backbone.stem.conv1.weight" in shapes:
        last = 3 if "backbone.res2.0.conv3.weight" in shapes else 2
        return ResNetConfig(
            embedding_size=shapes["backbone.stem.conv1.weight"][0],
            hidden_sizes=[shapes[f"backbone.res{n}.0.conv{last}.weight"][0] for n in range(2, 6)],
            depths=[_count(shapes, rf"backbone\.res{n}\.(\d+)\..*") for n in range(2, 6)],
            layer_type="bottleneck" if last == 3 else "basic",
            out_features=stages,
        )
    width, _, patch, _ = shapes["backbone.patch_embed.proj.weight"]
    tables = [
        shapes[f"backbone.layers.{stage}.blocks.0.attn.relative_position_bias_table"]
        for stage in range(4)
    ]
    return SwinConfig(
        embed_dim=width,
        patch_size=patch,
        depths=[_count(shapes, rf"backbone\.layers\.{n}\.blocks\.(\d+)\..*") for n in range(4)],
        num_heads=[heads for _, heads in tables],
        window_size=(round(tables[0][0] ** 0.5) + 1) // 2,  # (2w - 1)^2 relative positions
        mlp_ratio=shapes["backbone.layers.0.blocks.0.mlp.fc1.weight"][0] / width,
        qkv_bias="backbone.layers.0.blocks.0.attn.qkv.bias" in shapes,
        out_features=stages,
    )
