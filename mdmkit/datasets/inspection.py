"""inspect_frames(): what a data set and score maps hold, and what `compare` would refuse."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from mdmkit.core.errors import InputError, listing
from mdmkit.core.frame import Frame
from mdmkit.core.labels import ANOMALOUS, IGNORED, NORMAL
from mdmkit.core.progress import Bar, begin
from mdmkit.core.transforms import inverted
from mdmkit.core.types import Array
from mdmkit.datasets import (
    Choice,
    DataSet,
    as_inverted,
    check_inverted,
    check_missing,
    choose,
    find_scores,
)
from mdmkit.datasets.findings import Classes, Inspection, MaskFindings, ScoreFindings
from mdmkit.datasets.pairing import find_scores_of
from mdmkit.datasets.suspicion import SIGMOID_OF_UNIT, LabelSurvey
from mdmkit.io import read_mask, read_scores
from mdmkit.io.images import image_shape
from mdmkit.io.resize import resized


def inspect_frames(
    methods: Mapping[str, str | Path],
    dataset: DataSet | None = None,
    choice: Choice | None = None,
    *,
    missing: str = "error",
    key: str | None = None,
    invert: str | Collection[str] = (),
    normalize: Mapping[str, str] | None = None,
    progress: Bar | None = None,
) -> Inspection:
    """Read every mask and score map once, and say what they hold.

    Parameters
    ----------
    methods : mapping of str to path
        Each method's folder of score maps; may be empty if there is a data set.
    dataset : DataSet, optional
        Without it score maps are looked at by themselves.
    choice : Choice, optional
        What to judge the data set by; what it says itself unless given.
    missing : {"error", "skip"}
        Whether frames that not every method has are a problem or a remark.
    key : str, optional
        Array of `.npz` archives, data set of HDF5 files.
    invert : str or collection of str
        Methods of whose scores higher means normal, beside those that the data set names.
    normalize : mapping of str to str, optional
        The normalisers that methods will be compared with; others "none".
    progress : callable, optional
        `progress(what, frames)` returns a function that is called after each frame.

    Raises
    ------
    InputError
        If there is neither a data set nor a method, or a folder holds nothing of the kind.
    """
    check_missing(missing)
    if dataset is None and not methods:
        raise InputError(
            "expected a data set or folders of score maps, found neither", argument="methods"
        )
    if dataset is not None and choice is None:
        choice = choose(dataset)
    targets = {} if dataset is None else dataset.targets
    found: dict[str, ScoreFindings] = {}
    aside = dataset.aside if dataset else frozenset()  # not asked for, as pairing leaves them
    for name, folder in methods.items():
        place, paths = (
            (Path(folder), find_scores(name, folder))
            if dataset is None
            else find_scores_of(name, folder, targets, dataset.score_ending)
        )
        asked = {key: path for key, path in paths.items() if key not in aside}
        found[name] = ScoreFindings(place, asked)
    seen = Inspection(dataset, choice, MaskFindings(), found)
    inverted = as_inverted(invert) | (dataset.inverted if dataset else frozenset())
    check_inverted(inverted, methods)
    for name in inverted:
        found[name].inverted = True
    for name, kind in (normalize or {}).items():
        found[name].normalize = kind
    if dataset is not None and choice is not None:
        seen.survey = LabelSurvey(choice.codes, dataset)
    keys = sorted(set(targets).union(*(each.paths for each in found.values())))
    advance = begin(progress, "frames", len(keys))
    for name in keys:
        _inspect_frame(seen, name, key)
        advance()
    _judge_labels(seen)
    _judge_frames(seen, set(targets) if dataset else set(keys), missing)
    _judge_all(seen)
    return seen


def _inspect_frame(seen: Inspection, name: str, key: str | None) -> None:
    """Look at one frame: its mask, then every method's scores."""
    classes, bad_mask = None, False
    if seen.dataset is not None and name in seen.dataset.frames:
        classes = _inspect_mask(seen, name)
        bad_mask = classes is None
    for method, found in seen.methods.items():
        if name not in found.paths:
            continue
        path = found.paths[name]
        try:
            scores = read_scores(path, key)
            dtype = scores.dtype.name
            resize = seen.dataset.resize if seen.dataset else None
            if resize and classes is not None and scores.ndim == 2:
                scores = resized(scores, classes.shape, resize)
            if found.inverted:
                scores = inverted(scores)
            plain = np.zeros(scores.shape, np.uint8) if classes is None else classes
            if classes is None and scores.dtype.kind == "f":
                plain = np.where(np.isfinite(scores), plain, np.uint8(IGNORED))
            frame = Frame(scores, plain, ignore_index=IGNORED)
        except InputError as error:
            named = str(error).startswith(str(path))
            seen.problems.append(f"{method}: {error}" if named else f"{method}: {path}: {error}")
            continue
        judged = classes is not None or bad_mask
        found.add(path, dtype, frame.scores, frame.valid if judged else None)


def _inspect_mask(seen: Inspection, name: str) -> Classes | None:
    """Count one mask, and compare it with its image; None if it cannot be used."""
    assert seen.dataset is not None
    assert seen.choice is not None
    target, files = seen.dataset.targets[name], seen.dataset.frames[name]
    try:
        labels = seen.choice.codes.numbers(read_mask(target))
        if _note_unknown(seen, str(target), labels):
            return None
        # the scores are of no matter here: a frame judges shape, dtype and label values
        frame = Frame.coded(np.zeros(labels.shape, bool), labels, codes=seen.choice.codes)
    except InputError as error:
        named = str(error).startswith(str(files.mask or files.image))
        seen.problems.append(str(error) if named else f"{target}: {error}")
        return None
    if seen.survey is not None and files.mask is not None:
        seen.survey.add(name, labels)
    seen.masks.add(labels, frame.classes, seen.choice.sizes.min_target)
    if files.image is not None:
        try:
            shape = image_shape(files.image)
            seen.images += 1
            if shape != frame.shape:
                seen.remarks.append(
                    f"{files.image}: expected the mask's {frame.shape[0]} x {frame.shape[1]} "
                    f"pixels, found {shape[0]} x {shape[1]}: no picture can be drawn"
                )
        except InputError as error:
            seen.remarks.append(str(error))
    return frame.classes


def _note_unknown(seen: Inspection, mask: str, labels: Array) -> bool:
    """Whether a mask holds label values without a meaning, which are told once for all masks."""
    if labels.dtype.kind not in "iu" or seen.choice is None:
        return False
    known = [code for code, _ in seen.choice.codes.meanings()]
    unknown = tuple(int(value) for value in np.setdiff1d(labels, known)[:8])
    if unknown:
        seen.unknown.setdefault(unknown, []).append(mask)
    return bool(unknown)


def _judge_labels(seen: Inspection) -> None:
    """Label values that have no meaning, and masks that look like mistakes."""
    for values, masks in seen.unknown.items():
        assert seen.choice is not None
        hint = "name them by `anomaly_label`, `normal_label` or `ignore_index`"
        if seen.dataset is not None and seen.dataset.recognised:
            hint = f"`dataset='{seen.dataset.recognised}'` knows the labels of this layout"
        seen.problems.append(
            f"target: expected label values {seen.choice.codes}, found "
            f"{', '.join(map(str, values))} in {len(masks)} masks, as {masks[0]}; {hint}"
        )
    if seen.survey is not None and seen.masks.anomalous_frames:
        seen.remarks += seen.survey.remarks()


def _judge_frames(seen: Inspection, expected: set[str], missing: str) -> None:
    """Frames that a method lacks, or has beyond the data set's."""
    told = seen.problems if missing == "error" else seen.remarks
    if not expected.intersection(*(found.paths for found in seen.methods.values())):
        told = seen.problems  # nothing is left if they are skipped
    for method, found in seen.methods.items():
        found.missing = sorted(expected - found.paths.keys())
        found.surplus = sorted(found.paths.keys() - expected)
        of = "other methods have" if seen.dataset is None else "have a mask"
        if found.missing:
            told.append(
                f"{method}: no score map for {len(found.missing)} frames that {of}; "
                "`missing='skip'` leaves them out\n"
                f"{listing(found.missing, most=5)}"
            )
        if found.surplus:
            why = seen.dataset.only_labelled if seen.dataset else ""
            told.append(
                f"{method}: score maps of {len(found.surplus)} frames without ground truth"
                f"{f' ({why})' if why else ''}; `missing='skip'` leaves them out\n"
                f"{listing(found.surplus, most=5)}"
            )


def _judge_all(seen: Inspection) -> None:
    """Add findings that only all frames together show."""
    masks = seen.masks
    if seen.dataset is not None and seen.choice is not None and masks.frames:
        least = seen.choice.sizes.min_target
        if not masks.pixels(NORMAL, ANOMALOUS):
            seen.problems.append("target: all pixels are ignored")
        elif not masks.anomalous_frames:
            why = seen.survey.why_no_anomaly() if seen.survey else ""
            seen.problems.append(f"target: no pixel is anomalous: margins do not exist; {why}")
        elif not masks.components:
            seen.problems.append(
                f"target: no component has {least} pixels: component metrics do not exist (ask "
                "for pixel metrics, or give another `min_target`)"
            )
    for method, found in seen.methods.items():
        if found.not_finite:
            seen.remarks.append(
                f"{method}: {found.not_finite} pixels are NaN or infinite: an error wherever "
                "the ground truth does not ignore them"
            )
        outside = found.lowest < 0 or found.highest > 1
        if not outside and found.normalize == "sigmoid" and found.shapes:
            seen.remarks.append(f"{method}: {SIGMOID_OF_UNIT}")
        if outside and found.normalize == "none":
            seen.remarks.append(
                f"{method}: scores outside [0, 1] have no margins without a normaliser, as "
                "`normalize='minmax'`"
            )
        if found.lowest == found.highest:
            seen.remarks.append(f"{method}: one score everywhere: nothing is told apart")
