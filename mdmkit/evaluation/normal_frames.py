"""Normal frames: score maps of frames without any anomaly, which need no ground truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mdmkit.core.errors import InputError, InputTypeError, listing
from mdmkit.core.frame import Frame, as_array, one_map
from mdmkit.core.frame_streams import is_array
from mdmkit.core.given import kept
from mdmkit.core.labels import LabelCodes
from mdmkit.core.transforms import inverted
from mdmkit.datasets import Pairing, check_inverted, find_scores
from mdmkit.evaluation.methods import check_methods, is_folder
from mdmkit.evaluation.threads import Load
from mdmkit.io import read_scores


def check_normal(truth: object, argument: str) -> None:
    """Refuse ground truth beside frames in which nothing is to be found."""
    if truth is not None:
        raise InputError(
            "expected none beside normal frames, in which nothing is to be found; frames with "
            "anomalies are a second set",
            argument=argument,
        )


def place_of(methods: Mapping[str, object]) -> str:
    """Folder of the score maps, or "arrays"."""
    return ", ".join(str(given) for given in methods.values() if is_folder(given)) or "arrays"


def normal_loads(
    methods: Mapping[str, Any],
    missing: str,
    key: str | None,
    ending: str = "",
    invert: Collection[str] = (),
) -> tuple[dict[str, list[Load]], Pairing | None]:
    """How to load each method's score maps, every pixel being normal, and their files, if any.

    Raises
    ------
    InputError
        Folders that hold nothing, or different frames (unless those are to be skipped).
    """
    check_methods(methods)
    check_inverted(invert, methods)
    folders = {
        name: find_scores(name, given, ending)
        for name, given in methods.items()
        if is_folder(given)
    }
    if not folders:
        arrays = {name: _of_arrays(given, name in invert) for name, given in methods.items()}
        return arrays, None
    if len(folders) < len(methods):
        raise InputTypeError(
            "expected folders of score maps of all methods or of none", argument="methods"
        )
    shared = _shared(folders, missing)
    files = {name: {frame: paths[frame] for frame in shared} for name, paths in folders.items()}
    loads: dict[str, list[Load]] = {
        name: [partial(_read, path, frame, key, name in invert) for frame, path in paths.items()]
        for name, paths in files.items()
    }
    return loads, Pairing({}, files, (), score_ending=ending, inverted=frozenset(invert))


def _shared(folders: Mapping[str, Mapping[str, Path]], missing: str) -> Sequence[str]:
    """Keys of the frames that every method has."""
    first = next(iter(folders.values()))
    common = set(first).intersection(*folders.values())
    every = set(first).union(*folders.values())
    if common != every and (missing == "error" or not common):
        raise InputError(
            f"expected score maps of the same frames of {', '.join(folders)}, found frames that "
            f"not every method has; missing='skip' leaves them out\n"
            f"{listing(sorted(every - common))}",
            argument="methods",
        )
    return [frame for frame in first if frame in common]


def _of_arrays(given: Any, invert: bool) -> list[Load]:
    several = [given] if is_array(given) and np.ndim(given) == 2 else list(kept(given))
    return [partial(_normal, scores, f"frame {i}", invert) for i, scores in enumerate(several)]


def _read(path: Path, name: str, key: str | None, invert: bool) -> Frame:
    scores = read_scores(path, key)
    try:
        return _normal(scores, name, invert)
    except InputError as error:
        raise error.inside(path) from None


def _normal(scores: object, name: str, invert: bool) -> Frame:
    if isinstance(scores, tuple) or hasattr(scores, "classes"):
        raise InputTypeError("expected score maps alone, found labels", argument="frames")
    found = one_map(as_array(scores, f"scores of {name}"))
    found = inverted(found) if invert else found
    return Frame.coded(found, np.zeros(found.shape, np.uint8), codes=LabelCodes(), name=name)
