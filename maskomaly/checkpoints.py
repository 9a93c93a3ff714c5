"""Reading a network of transformers from a folder or the model hub, strictly and quietly."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mdmkit.core.errors import InputError, listing
from mdmkit.core.extras import needed_by

# Families of transformers: those with object queries, whose class logits end with void, and those
# that classify pixels. Other families of the same auto classes have other outputs.
MASK_FAMILIES = ("mask2former", "maskformer", "oneformer", "eomt")
DENSE_FAMILIES = ("segformer", "upernet")

# Tensors that no forward pass in inference uses: what training needs, what is computed from the
# config, and the last norm of a Swin backbone, which has one of its own per stage.
_UNUSED = re.compile(
    r"(^|\.)(criterion|text_mapper|auxiliary_head|prompt_ctx)(\.|$)"
    r"|\.relative_position_index$|\.num_batches_tracked$"
    r"|encoder\.(swin\.)?layernorm\.(weight|bias)$|backbone\.(swin\.)?layernorm\.(weight|bias)$"
)


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back transformers' progress bars and its load report; what matters is raised."""
    from transformers.utils import logging as reports

    verbosity, bars = reports.get_verbosity(), reports.is_progress_bar_enabled()
    reports.set_verbosity(logging.CRITICAL)
    reports.disable_progress_bar()
    try:
        yield
    finally:
        reports.set_verbosity(verbosity)
        if bars:
            reports.enable_progress_bar()


def read_checkpoint(source: str, revision: str | None = None) -> nn.Module:
    """A network as `save_pretrained` wrote it, in float32 on the CPU, ready for inference.

    Parameters
    ----------
    source : str
        A folder, or a model's name on the hub.
    revision : str, optional
        Branch, tag or commit on the hub.

    Raises
    ------
    InputError
        A family that is not supported, code in the checkpoint, missing or surplus tensors, wrong
        shapes.
    OSError, ValueError, ...
        Whatever transformers raises of a damaged, foreign or absent checkpoint.
    """
    with needed_by(source):
        from transformers import (
            AutoConfig,
            AutoModelForSemanticSegmentation,
            AutoModelForUniversalSegmentation,
        )

    with quiet():
        config = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
        family = config.model_type
        if family not in MASK_FAMILIES + DENSE_FAMILIES:
            raise InputError(
                f"{source}: expected a network of the families "
                f"{', '.join(MASK_FAMILIES + DENSE_FAMILIES)}, found {family}"
            )
        masks = family in MASK_FAMILIES
        auto = AutoModelForUniversalSegmentation if masks else AutoModelForSemanticSegmentation
        model, report = auto.from_pretrained(
            source,
            config=config,
            revision=revision,
            trust_remote_code=False,
            weights_only=True,  # safetensors, or pickled tensors and nothing else
            dtype=torch.float32,
            output_loading_info=True,
        )
    check_complete(source, report)
    network: nn.Module = model.eval()
    return network


def check_complete(source: str, report: Mapping[str, Iterable[Any]]) -> None:
    """Refuse a checkpoint that lacks tensors or has surplus ones: it would run, and be wrong."""
    for kind in ("missing", "unexpected"):
        names = sorted(name for name in report[f"{kind}_keys"] if not _UNUSED.search(name))
        if names:
            raise InputError(
                f"{source}: expected the tensors of its config, found {len(names)} {kind}:\n"
                f"{listing(names)}"
            )


def digest_of(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over the weights that inference uses, as 64 hexadecimal digits.

    Each tensor's values are taken as little-endian float32, which float16 and bfloat16 become
    exactly, so that the dtype of the file does not matter. Names are left out, as they differ
    between versions of transformers and between memory and file: the digest is that of the sorted
    digests of the tensors, each with its shape. Hence it is the same whether a checkpoint came
    from the hub, from a folder, or was converted.
    """
    digests = []
    for name, tensor in weights.items():
        if _UNUSED.search(name) or not tensor.is_floating_point():
            continue
        values = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
        one = hashlib.sha256(repr(tuple(tensor.shape)).encode())
        one.update(values.astype("<f4", copy=False).data)
        digests.append(one.digest())
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()
