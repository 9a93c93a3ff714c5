"""Mask2Former checkpoints of detectron2, as its authors publish them, for transformers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maskomaly.checkpoints import check_complete, quiet
from maskomaly.detectron2_names import DROPPED, PIXEL, QUERY, new_names
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
    "road",
    "sidewalk",
    "building",
    "wall",
    "fence",
    "pole",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
)

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
        if DROPPED.fullmatch(name):
            continue
        targets = list(new_names(name))
        if not targets or (len(targets) > 1 and len(tensor) % len(targets)):
            unknown.append(f"{name} {tuple(tensor.shape)}")
            continue
        # Copies, as transformers refuses tensors that share memory.
        pieces = tensor.chunk(len(targets)) if len(targets) > 1 else (tensor,)
        renamed.update(zip(targets, (piece.clone() for piece in pieces), strict=True))
    return renamed, unknown


def config_of(tensors: Tensors) -> Any:
    """Mask2FormerConfig from names and shapes of a detectron2 checkpoint; KeyError: one lacks."""
    from transformers import Mask2FormerConfig

    shapes = {
        re.sub(PIXEL + r"(?!predictor)", "pixel.", name): tuple(tensor.shape)
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
        decoder_layers=1 + _count(shapes, rf"{QUERY}transformer_ffn_layers\.(\d+)\..*"),
        dim_feedforward=shapes[f"{decoder}transformer_ffn_layers.0.linear1.weight"][0],
        enforce_input_projection=f"{decoder}input_proj.0.weight" in shapes,
        common_stride=8 >> adapters,  # each adapter doubles the resolution, from a stride of 8
    )


def _count(shapes: dict[str, tuple[int, ...]], pattern: str) -> int:
    """Count the different numbers at the group of the pattern."""
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
