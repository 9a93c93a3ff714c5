"""Reading a network of transformers from a folder or the model hub, strictly and quietly."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mdmkit.core.errors import InputError, listing
from mdmkit.core.extras import needed_by

# Families of transformers: those with object queries, whose class logits end with void, and those
# that classify pixels. Other families of the same auto classes have other outputs.
MASK_FAMILIES = ("mask2former", "maskformer", "oneformer", "eomt", "eomt_dinov3", "videomt")
#: Of these, the ones whose positions are learnt, one a patch: they take one square only.
SQUARE_FAMILIES = ("eomt", "eomt_dinov3", "videomt")
DENSE_FAMILIES = ("segformer", "upernet")

# Families that make features and no segmentation.
_BACKBONES = (
    "swin",
    "swinv2",
    "resnet",
    "convnext",
    "convnextv2",
    "vit",
    "dinov2",
    "dinov3_vit",
    "dinat",
    "focalnet",
    "beit",
    "bit",
)

# What checkpoints of other tasks are told by: how many classes they have.
_TASKS = {
    8: "Cityscapes instance",
    65: "Mapillary Vistas",
    80: "COCO instance",
    133: "COCO panoptic",
    150: "ADE20K",
}

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
    hub = logging.getLogger("huggingface_hub")  # which tells of each retry
    level = hub.level
    hub.setLevel(logging.CRITICAL)
    reports.set_verbosity(logging.CRITICAL)
    reports.disable_progress_bar()
    try:
        yield
    finally:
        hub.setLevel(level)
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
                f"{', '.join(MASK_FAMILIES + DENSE_FAMILIES)}, found {_told(family)}"
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
            ignore_mismatched_sizes=True,  # refused below, by name
            output_loading_info=True,
        )
    check_shapes(source, report, len(config.id2label))
    check_complete(source, report)
    network: nn.Module = model.eval()
    return network


def _told(family: str) -> str:
    """A family that is not supported, and what to do with it."""
    if family in _BACKBONES:
        return f"{family}, a backbone alone; pass the segmentation network that was trained on it"
    return (
        f"{family}; score maps that its own code writes can be compared all the same, with "
        "mdmkit compare"
    )


def task_of(names: Sequence[str]) -> str | None:
    """The task whose number of classes these are, where it is not the segmentation of streets."""
    return None if "road" in names else _TASKS.get(len(names))


def check_finite(source: str, weights: Mapping[str, Tensor]) -> None:
    """Refuse weights with NaN or infinity: every score would be of no value."""
    bad = [name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())]
    if bad:
        raise InputError(
            f"{source}: expected finite weights, found NaN or infinity in {len(bad)} tensors; the "
            f"training diverged or the file is damaged:\n{listing(bad)}"
        )


def check_shapes(source: str, report: Mapping[str, Iterable[Any]], labels: int) -> None:
    """Refuse tensors of other shapes than config.json says; of a class head, say how many."""
    wrong = [
        _mismatch(name, tuple(found), tuple(expected), labels)
        for name, found, expected in report["mismatched_keys"]
        if not _UNUSED.search(name)
    ]
    if wrong:
        raise InputError(
            f"{source}: expected weights that fit config.json, found others; where the number of "
            f"classes differs, mend id2label there:\n{listing(sorted(wrong))}"
        )


def _mismatch(name: str, found: tuple[int, ...], expected: tuple[int, ...], labels: int) -> str:
    if found[1:] == expected[1:] and expected[0] in (labels, labels + 1):
        void = " + void" if expected[0] == labels + 1 else ""
        return (
            f"{name}: expected {expected[0]} classes ({labels} labels{void}) from config.json, "
            f"found {found[0]}"
        )
    return f"{name}: expected the shape {expected} from config.json, found {found}"


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
