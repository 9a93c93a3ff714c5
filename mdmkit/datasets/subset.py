"""Subset: some frames of a data set, as a split names them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

from mdmkit.core.errors import InputError, listing
from mdmkit.core.files import read_text
from mdmkit.datasets.dataset import DataSet


def read_keys(path: str | Path) -> list[str]:
    r"""Keys of a text file, one a line; empty lines, and those that begin with #, do not count.

    Raises
    ------
    InputError
        No such file, or no key in it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "val.txt"
    ...     _ = file.write_text("# the held out ones\nnight/a\n\nnight/b\n")
    ...     read_keys(file)
    ['night/a', 'night/b']
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"expected a text file of keys at {path}, found {error}", argument="frames"
        ) from None
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise InputError(f"expected a key on each line of {path}, found none", argument="frames")
    return keys


def subset(dataset: DataSet, keys: Iterable[str]) -> DataSet:
    """Keep the named frames of a data set alone, in its own order.

    Score maps of its other frames are not missed, and not counted.

    Raises
    ------
    InputError
        Keys that no labelled frame has, listed.

    Examples
    --------
    >>> from mdmkit.datasets import FrameFiles
    >>> frames = {key: FrameFiles(Path(f"{key}.png")) for key in "abc"}
    >>> list(subset(DataSet("", Path("."), "mine", frames), ["c", "a"]).frames)
    ['a', 'c']
    """
    wanted = {normalize("NFC", key) for key in keys}  # as all keys are
    unknown = sorted(wanted - dataset.frames.keys())
    if unknown:
        raise InputError(
            f"expected keys of labelled frames such as {next(iter(dataset.frames))!r}, "
            f"found {len(unknown)} others\n{listing(unknown, most=5)}",
            argument="frames",
        )
    aside = dataset.frames.keys() - wanted
    return replace(
        dataset,
        frames={key: files for key, files in dataset.frames.items() if key in wanted},
        unlabelled=frozenset(),
        aside=dataset.aside | aside | dataset.unlabelled,
    )
