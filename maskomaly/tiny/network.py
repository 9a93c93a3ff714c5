"""The small network: transformers' Mask2Former on a tiny Swin, and what goes in and comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

from maskomaly.tiny.labels import CLASSES

CHECKPOINT = Path(__file__).parent / "checkpoint"
"""The folder with the trained weights, in the layout of `save_pretrained`."""

QUERIES = 40

# ImageNet's, as for the large networks, so that one way of preprocessing serves them all.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def network_config() -> Mask2FormerConfig:
    """Return the configuration: 2.6 million parameters, 40 queries, 8 classes and void."""
    backbone = SwinConfig(
        image_size=224,
        patch_size=4,
        embed_dim=32,
        depths=[2, 2, 2, 2],
        num_heads=[1, 2, 4, 8],
        window_size=4,
        drop_path_rate=0.0,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    return Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=64,
        mask_feature_size=64,
        hidden_dim=64,
        encoder_feedforward_dim=128,
        encoder_layers=2,
        decoder_layers=4,
        num_attention_heads=4,
        dim_feedforward=256,
        num_queries=QUERIES,
        train_num_points=1024,
        no_object_weight=0.1,
        dropout=0.0,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: number for number, name in enumerate(CLASSES)},
    )


def build_network() -> Mask2FormerForUniversalSegmentation:
    """Return the network with random weights, from torch's global random state."""
    return Mask2FormerForUniversalSegmentation(network_config())


def load_network(folder: Path = CHECKPOINT) -> Mask2FormerForUniversalSegmentation:
    """Return trained weights in float32, ready for inference.

    Raises
    ------
    OSError
        If the folder holds no checkpoint.
    """
    network = Mask2FormerForUniversalSegmentation.from_pretrained(folder, dtype=torch.float32)
    return network.eval()


def to_input(images: NDArray[np.uint8]) -> torch.Tensor:
    """Turn RGB images, uint8 (n, height, width, 3), into the network's input, channels first."""
    scaled = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255.0
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    return (scaled - mean) / std


def segment(
    network: Mask2FormerForUniversalSegmentation, images: NDArray[np.uint8], batch: int = 16
) -> NDArray[np.uint8]:
    """Return the class of each pixel, uint8 (n, height, width), for uint8 (n, height, width, 3).

    A class's score is the sum over queries of its probability times the mask, void left out
    (Cheng et al. 2022); masks are brought to the images' size first.
    """
    device = next(network.parameters()).device
    classes = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            pixels = to_input(images[start : start + batch]).to(device)
            outputs = network(pixel_values=pixels)
            probabilities = outputs.class_queries_logits.float().softmax(-1)[..., :-1]
            masks = torch.nn.functional.interpolate(
                outputs.masks_queries_logits.float(), size=images.shape[1:3], mode="bilinear"
            ).sigmoid()
            scores = torch.einsum("bqc,bqhw->bchw", probabilities, masks)
            classes.append(scores.argmax(1).to(torch.uint8).cpu().numpy())
    return np.concatenate(classes)
