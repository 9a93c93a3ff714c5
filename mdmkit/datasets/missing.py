"""Messages for score maps and masks that do not pair: what is missing, and what may be meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from mdmkit.core.errors import listing
from mdmkit.datasets.dataset import DataSet
from mdmkit.io import Target

Targets = Mapping[str, Target]
#: Ending of confidences in submissions to the BRAVO challenge, beside `_pred` of classes.
CONFIDENCES = "_conf"


def ending_of(found: Iterable[str], wanted: Collection[str]) -> str:
    """Find the text that most score maps have behind the keys wanted; "" where there is none.

    Other files may lie beside them, as classes beside confidences: of two endings that are as
    frequent, the first by name.
    """
    endings = Counter(
        key[len(name) :] for key in found for name in wanted if name and key.startswith(name)
    )
    return min(endings, key=lambda ending: (-endings[ending], ending), default="")


def what_is_missing(
    targets: Targets, scores: Mapping[str, Mapping[str, Path]], dataset: DataSet | None
) -> list[str]:
    """List frames that lack a score map or a mask, with the next step."""
    parts = ["frames: expected a score map of every method for every mask, found"]
    surplus = False
    for name, paths in scores.items():
        for what, frames in (
            ("has no score map for", sorted(set(targets) - set(paths))),
            ("has score maps without a mask:", sorted(set(paths) - set(targets))),
        ):
            if frames:
                parts.append(f"{name} {what} {len(frames)} frames\n{listing(frames, most=5)}")
        surplus = surplus or bool(set(paths) - set(targets))
    if surplus and dataset and dataset.only_labelled:
        parts.append(f"{dataset.name}: {dataset.only_labelled}")
    for name, paths in scores.items():
        ending = "" if set(paths) & set(targets) else ending_of(paths, targets)
        if ending:
            parts.append(f"score maps of {name} are named so with `score_ending='{ending}'`")
        if ending == CONFIDENCES:
            parts.append(f"if they are confidences, higher means normal: `invert='{name}'`")
    parts.append("`missing='skip'` keeps the frames that are complete")
    return parts
