"""Files that are no checkpoint of ours: what they are, and what to do with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from maskomaly.detectron2_names import PIXEL
from mdmkit.core.files import check_regular

Shapes = Mapping[str, tuple[int, ...]]

_LONGEST_TEXT = 4096

# How tensors of other programs are named, told in the words of a message.
_NAMED = (
    (
        r"model\.(pixel_level_module|transformer_module)\.",
        "the bare weights of a Mask2Former of transformers; write the network with save_pretrained "
        "and pass that folder, which has its config.json too",
    ),
    (r"(roi_heads|proposal_generator)\.", "a detector of detectron2 (R-CNN), which proposes boxes"),
    (
        r"(decode_head|auxiliary_head)\.",
        "a network of mmsegmentation; take its conversion for transformers, or compare the score "
        "maps that its own code writes",
    ),
    (
        r"(task_mlp|text_encoder|text_projector)\.",
        "a OneFormer of its authors' code; take its conversion for transformers",
    ),
    (
        r"sem_seg_head\.predictor\.transformer\.",
        "a MaskFormer of its authors' code; take its conversion for transformers",
    ),
)


def what_text_is(path: Path) -> str | None:
    """Tell what kind of text a file holds that should hold weights; None if it is no text."""
    check_regular(path)
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_TEXT).decode("utf-8", "strict" if _ends(path) else "ignore")
    except (OSError, UnicodeDecodeError):
        return None
    if not text.strip() or not all(c.isprintable() or c.isspace() for c in text):
        return None
    if text.startswith("version https://git-lfs"):
        return "a pointer of Git LFS, not the file itself; fetch it with git lfs pull"
    if text.lstrip().startswith("<"):
        return "a web page, which the download gave in place of the file; fetch the file itself"
    return f"a text that begins {text.strip()[:40]!r}"


def _ends(path: Path) -> bool:
    return path.stat().st_size <= _LONGEST_TEXT


def what_tensors_are(shapes: Shapes) -> str | None:
    """Tell what a checkpoint is that is no Mask2Former of detectron2; None if unknown."""
    for pattern, told in _NAMED:
        if any(re.match(pattern, name) for name in shapes):
            return told
    if not any(name.startswith("sem_seg_head.") for name in shapes):
        if not any(len(shape) == 4 for shape in shapes.values()):
            return None
        return (
            "a backbone alone, without queries or masks; pass the segmentation network that was "
            "trained on it"
        )
    levels = _levels(shapes)
    if levels not in (None, 3):
        return (
            f"a pixel decoder of {levels} level(s), as RbA's checkpoints have it, where the "
            "Mask2Former of transformers has 3: run such a network with its own code, and compare "
            "the score maps"
        )
    return None


def _levels(shapes: Shapes) -> int | None:
    for name, shape in shapes.items():
        if re.fullmatch(PIXEL + r"transformer\.level_embed", name):
            return shape[0]
    return None
