"""Networks of each family, random and as small as they get, for tests of loading and running."""

from __future__ import annotations

from typing import Any

import torch

NAMES = ("road", "sky", "car")
STAGES = ["stage1", "stage2", "stage3", "stage4"]


def swin(**changes: Any) -> Any:
    from transformers import SwinConfig

    settings = {
        "embed_dim": 8, "depths": [1, 2, 1, 1], "num_heads": [1, 1, 2, 2], "window_size": 4,
        "out_features": STAGES,
    }  # fmt: skip
    return SwinConfig(**{**settings, **changes})


def resnet(**changes: Any) -> Any:
    from transformers import ResNetConfig

    settings = {
        "embedding_size": 8, "hidden_sizes": [16, 24, 32, 40], "depths": [1, 2, 1, 1],
        "out_features": STAGES,
    }  # fmt: skip
    return ResNetConfig(**{**settings, **changes})


def labels(names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }


def mask2former_config(backbone: Any = None, **changes: Any) -> Any:
    from transformers import Mask2FormerConfig

    settings = {
        "feature_size": 32, "mask_feature_size": 24, "hidden_dim": 32, "num_queries": 6,
        "encoder_feedforward_dim": 40, "dim_feedforward": 48, "num_attention_heads": 2,
        "encoder_layers": 1, "decoder_layers": 3, **labels(),
    }  # fmt: skip
    return Mask2FormerConfig(backbone_config=backbone or swin(), **{**settings, **changes})


def mask2former(backbone: Any = None, **changes: Any) -> Any:
    from transformers import Mask2FormerForUniversalSegmentation

    return Mask2FormerForUniversalSegmentation(mask2former_config(backbone, **changes))


def mask2former_resnet() -> Any:
    return mask2former(resnet())


def maskformer() -> Any:
    from transformers import DetrConfig, MaskFormerConfig, MaskFormerForInstanceSegmentation

    decoder = DetrConfig(
        d_model=16, num_queries=6, decoder_layers=1, decoder_attention_heads=2,
        encoder_attention_heads=2, encoder_layers=1, decoder_ffn_dim=16, encoder_ffn_dim=16,
    )  # fmt: skip
    config = MaskFormerConfig(
        fpn_feature_size=32, mask_feature_size=16, backbone_config=swin(), decoder_config=decoder,
        **labels(),
    )  # fmt: skip
    return MaskFormerForInstanceSegmentation(config)


def oneformer() -> Any:
    from transformers import OneFormerConfig, OneFormerForUniversalSegmentation

    config = OneFormerConfig(
        backbone_config=swin(), conv_dim=32, mask_dim=32, hidden_dim=32, num_queries=6,
        encoder_feedforward_dim=32, dim_feedforward=32, encoder_layers=1, decoder_layers=2,
        num_attention_heads=2, query_dec_layers=1, **labels(),
    )  # fmt: skip
    return OneFormerForUniversalSegmentation(config)


def eomt() -> Any:
    from transformers import EomtConfig, EomtForUniversalSegmentation

    config = EomtConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=64, patch_size=16,
        num_blocks=1, num_queries=6, num_register_tokens=1, num_upscale_blocks=1, **labels(),
    )  # fmt: skip
    return EomtForUniversalSegmentation(config)


def eomt_dinov3() -> Any:
    from transformers import EomtDinov3Config, EomtDinov3ForUniversalSegmentation

    config = EomtDinov3Config(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        image_size=64, patch_size=16, num_blocks=1, num_queries=6, num_register_tokens=1,
        num_upscale_blocks=1, **labels(),
    )  # fmt: skip
    return EomtDinov3ForUniversalSegmentation(config)


def videomt() -> Any:
    from transformers import VideomtConfig, VideomtForUniversalSegmentation

    config = VideomtConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=64, patch_size=16,
        num_blocks=1, num_queries=6, num_register_tokens=1, num_upscale_blocks=1, **labels(),
    )  # fmt: skip
    return VideomtForUniversalSegmentation(config)


def segformer() -> Any:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    config = SegformerConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16, **labels(),
    )  # fmt: skip
    return SegformerForSemanticSegmentation(config)


def upernet() -> Any:
    from transformers import UperNetConfig, UperNetForSemanticSegmentation

    config = UperNetConfig(
        backbone_config=swin(), hidden_size=16, auxiliary_channels=8, auxiliary_in_channels=32,
        **labels(),
    )  # fmt: skip
    return UperNetForSemanticSegmentation(config)


BUILDERS = {
    "mask2former": mask2former,
    "mask2former-resnet": mask2former_resnet,
    "maskformer": maskformer,
    "oneformer": oneformer,
    "eomt": eomt,
    "eomt_dinov3": eomt_dinov3,
    "videomt": videomt,
    "segformer": segformer,
    "upernet": upernet,
}
SQUARE = ("eomt", "eomt_dinov3", "videomt")  # take one square only
WITH_MASKS = [family for family in BUILDERS if family not in ("segformer", "upernet")]


def build(family: str, seed: int = 0) -> Any:
    """A network with weights drawn from a seed, in inference mode.

    Every weight is moved a little from where its initialisation put it: of zeros and ones, two
    that were swapped would not show.
    """
    torch.manual_seed(seed)
    return shaken(BUILDERS[family]())


def shaken(model: Any) -> Any:
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point() and "empty_weight" not in name and "probs" not in name:
                noise = 0.1 * torch.randn(tensor.shape)
                tensor.add_(noise.abs() if "running_var" in name else noise)
    return model.eval()
