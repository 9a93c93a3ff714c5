"""Messages for score maps and masks that do not pair: what is missing, and what may be meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    lacking = {name: sorted(set(targets) - set(paths)) for name, paths in scores.items()}
    surplus = {name: sorted(set(paths) - set(targets)) for name, paths in scores.items()}
    parts += _by_frames(lacking, "no score map for")
    parts += _by_frames(surplus, "score maps without a mask:")
    if any(surplus.values()) and dataset and dataset.only_labelled:
        parts.append(f"{dataset.name}: {dataset.only_labelled}")
    endings: dict[str, list[str]] = {}
    for name, paths in scores.items():
        ending = "" if set(paths) & set(targets) else ending_of(paths, targets)
        endings.setdefault(ending, []).append(name)
    for ending, names in endings.items():
        if ending:
            alike = ", ".join(names)
            parts.append(f"score maps of {alike} are named so with `score_ending='{ending}'`")
        if ending == CONFIDENCES:
            inverted = ", ".join(f"`invert='{name}'`" for name in names)
            parts.append(f"if they are confidences, higher means normal: {inverted}")
    parts.append("`missing='skip'` keeps the frames that are complete")
    return parts


def _by_frames(frames_of: Mapping[str, Sequence[str]], what: str) -> list[str]:
    """List frames once for all methods that share them."""
    names_of: dict[tuple[str, ...], list[str]] = {}
    for name, frames in frames_of.items():
        names_of.setdefault(tuple(frames), []).append(name)
    return [
        f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} {what} {len(frames)} frames\n"
        f"{listing(frames, most=5)}"
        for frames, names in names_of.items()
        if frames
    ]
