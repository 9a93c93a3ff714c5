"""convert(): score maps of a folder in another file format, keys kept, nothing silently lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mdmkit.core.arguments import as_choice
from mdmkit.core.errors import InputError, listing
from mdmkit.core.files import as_path, check_output_folder
from mdmkit.core.frame import as_unit
from mdmkit.core.progress import Bar, begin
from mdmkit.core.transforms import inverted
from mdmkit.core.types import Array
from mdmkit.datasets import find_scores
from mdmkit.io import read_scores, write_scores

SUFFIXES = {"npy": ".npy", "npz": ".npz", "hdf5": ".hdf5", "png16": ".png", "tif": ".tif"}
DTYPES = ("float16", "float32")


@dataclass(frozen=True)
class Converted:
    """Holds the results of a conversion.

    Attributes
    ----------
    frames : int
        Files written.
    largest_change : float
        The most that rounding moved a score.
    vanished : int
        Pixels whose positive score is 0 now: too small for the new dtype.
    """

    frames: int
    largest_change: float
    vanished: int


def convert(
    source: str | Path,
    output: str | Path,
    form: str,
    *,
    dtype: str | None = None,
    key: str | None = None,
    invert: bool = False,
    overwrite: bool = False,
    progress: Bar | None = None,
) -> Converted:
    """Write the score maps of one folder into another, in another format.

    Parameters
    ----------
    source, output : path
        Folders; a frame has the same path below both, but for the suffix.
    form : {"npy", "npz", "hdf5", "png16", "tif"}
        `hdf5` in float16 is what SegmentMeIfYouCan's benchmark takes.
    dtype : {"float16", "float32"}, optional
        As they are unless given; unsigned integers become value / maximum.
    key : str, optional
        What to read of `.npz` archives and HDF5 files.
    invert : bool
        Write 1 - score, of scores of which higher means normal.
    overwrite : bool
        Replace files that exist.
    progress : callable, optional
        `progress(what, frames)` returns a function that is called after each frame.

    Raises
    ------
    InputError
        Before anything is written, if outputs exist; after all others are written, listing the
        score maps which cannot be read, or which the new format cannot hold.
    """
    as_choice(form, SUFFIXES, "to")
    if dtype is not None and (dtype not in DTYPES or form == "png16"):
        fitting = "none for png16" if form == "png16" else f"one of {', '.join(DTYPES)}"
        raise InputError(f"expected {fitting}, found {dtype!r}", argument="dtype")
    paths = find_scores("source", source)
    root = as_path(output, "output")
    check_output_folder(root)
    outputs = {name: root / f"{name}{SUFFIXES[form]}" for name in paths}
    taken = [str(path) for path in outputs.values() if path.exists()]
    if taken and not overwrite:
        raise InputError(
            f"expected new files in {root}, found that {len(taken)} exist; choose another "
            f"folder or pass `overwrite=True`\n{listing(taken)}",
            argument="output",
        )
    advance = begin(progress, "frames", len(paths))
    bad: list[str] = []
    change, vanished = 0.0, 0
    for name, path in paths.items():
        try:
            scores = inverted(read_scores(path, key)) if invert else read_scores(path, key)
            changed = _in_dtype(scores, form, dtype)
            outputs[name].parent.mkdir(parents=True, exist_ok=True)
            write_scores(outputs[name], changed, overwrite=overwrite)
        except InputError as error:
            named = str(error).startswith(str(path))
            bad.append(str(error) if named else f"{path}: {error}")
        else:
            moved, lost = _moved(scores, changed, form)
            change, vanished = max(change, moved), vanished + lost
        advance()
    if bad:
        raise InputError(
            f"{len(bad)} of {len(paths)} score maps cannot be converted, the others are written:"
            f"\n{listing(bad)}"
        )
    return Converted(len(paths), change, vanished)


def _in_dtype(scores: Array, form: str, dtype: str | None) -> Array:
    """Scores as they will be written; what the dtype cannot hold is an error."""
    if scores.dtype.kind not in "fub":
        return scores  # refused where it is written
    if dtype is None:
        as_they_are = form != "png16" or scores.dtype.kind == "f" or scores.dtype == np.uint16
        return scores if as_they_are else as_unit(scores)
    unit = as_unit(scores)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        narrow = unit.astype(dtype)
    too_large = np.isinf(narrow) & np.isfinite(unit)
    if too_large.any():
        place = tuple(int(index) for index in np.argwhere(too_large)[0])
        raise InputError(
            f"expected scores of at most {np.finfo(dtype).max:g}, which {dtype} holds, found "
            f"{unit[place]:g} at {place} ({int(too_large.sum())} such pixels)"
        )
    return np.asarray(narrow)


def _moved(scores: Array, changed: Array, form: str) -> tuple[float, int]:
    """Compute how far rounding moved a score at most, and how many positive scores became 0."""
    before, after = as_unit(scores), as_unit(changed)
    if form == "png16" and changed.dtype.kind == "f":
        after = np.rint(after * 65_535) / 65_535
    finite = np.isfinite(before)
    before, after = before[finite], after[finite]
    moved = float(np.abs(after - before).max()) if before.size else 0.0
    return moved, int(np.count_nonzero((before > 0) & (after <= 0)))
