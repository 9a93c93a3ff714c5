"""Layouts of data sets, and the pairing of their frames with score maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mdmkit.datasets import folder, roadanomaly
from mdmkit.errors import InputError, listing
from mdmkit.io import MASK_READERS, SCORE_READERS


@dataclass(frozen=True)
class Pairing:
    """Frames that every method has, by key.

    Attributes
    ----------
    targets : dict of Path
        Mask of each frame, in order of key.
    scores : dict of dict of Path
        For each method, the score map of each frame.
    left_out : tuple of str
        Keys that were skipped on request.
    """

    targets: dict[str, Path]
    scores: dict[str, dict[str, Path]]
    left_out: tuple[str, ...]


def check_missing(missing: object) -> None:
    """Refuse all but "error" and "skip"."""
    if missing not in ("error", "skip"):
        raise InputError(f"missing: expected 'error' or 'skip', found {missing!r}")


def find_targets(target: str | Path) -> dict[str, Path]:
    """Masks of a folder by key; the RoadAnomaly layout is understood."""
    root = folder.existing_folder(target, "target")
    return roadanomaly.targets(root) or folder.files_by_key(root, MASK_READERS, "target")


def find_scores(method: str, scores: str | Path) -> dict[str, Path]:
    """Score maps of a folder by key."""
    root = folder.existing_folder(scores, method)
    return folder.files_by_key(root, SCORE_READERS, method)


def pair(methods: Mapping[str, str | Path], target: str | Path, missing: str = "error") -> Pairing:
    """Pair the score maps of several methods with the masks of a data set.

    Parameters
    ----------
    methods : mapping of str to path
        Folder of each method.
    target : path
        Folder of masks.
    missing : {"error", "skip"}
        What to do with frames that not every method has, or that have no mask: refuse, or keep
        the frames that are complete.

    Raises
    ------
    InputError
        Frames that are not complete, listed; or none that is.
    """
    check_missing(missing)
    targets = find_targets(target)
    scores = {name: find_scores(name, path) for name, path in methods.items()}
    common = set(targets).intersection(*scores.values())
    left_out = set(targets).union(*scores.values()) - common
    if left_out and missing == "error":
        raise InputError(_what_is_missing(targets, scores))
    if not common:
        raise InputError(
            f"target: expected frames of {', '.join(scores)} in {target}, found none in common "
            f"(masks are named like {next(iter(targets))!r}, "
            f"score maps like {next(iter(next(iter(scores.values()))))!r})"
        )
    keys = sorted(common)
    return Pairing(
        {key: targets[key] for key in keys},
        {name: {key: paths[key] for key in keys} for name, paths in scores.items()},
        tuple(sorted(left_out)),
    )


def _what_is_missing(targets: dict[str, Path], scores: dict[str, dict[str, Path]]) -> str:
    parts = ["frames: expected a score map of every method for every mask, found"]
    for name, paths in scores.items():
        for what, keys in (
            ("has no score map for", sorted(set(targets) - set(paths))),
            ("has score maps without a mask:", sorted(set(paths) - set(targets))),
        ):
            if keys:
                parts.append(f"{name} {what} {len(keys)} frames\n{listing(keys, most=5)}")
    parts.append("--missing skip keeps the frames that are complete")
    return "\n".join(parts)
