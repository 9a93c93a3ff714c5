"""Format: what one file format can do; and the table of formats by suffix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from mdmkit.core.errors import InputError
from mdmkit.core.plugins import load_added
from mdmkit.core.types import Array

#: Reads an array; the key names one of several in a file.
Reader = Callable[[Path, str | None], Array]
#: Writes a score map (H, W) to a path whose suffix is one of the format's.
Writer = Callable[[Path, Array, str | None], None]

#: Entry points of this group add formats: the name is a suffix, the object a `Format`.
GROUP = "mdmkit.readers"


@dataclass(frozen=True)
class Format:
    """Reads and writes one file format.

    Parameters
    ----------
    suffixes : tuple of str
        With the dot, in small letters.
    read : callable, optional
        `read(path, key)` returns the array in the file's own dtype. Whatever it raises on a
        damaged file becomes an `InputError` which names the file. None for formats that hold no
        score maps.
    read_mask : callable, optional
        The same for ground truth, for formats that may hold it.
    write : callable, optional
        `write(path, scores, key)`, for formats that score maps can be written to.

    Examples
    --------
    A format of your own; an entry point of the group `mdmkit.readers` named `txt` adds it:

    >>> import numpy as np
    >>> form = Format((".txt",), read=lambda path, key: np.loadtxt(path))
    >>> form.suffixes, form.write is None
    (('.txt',), True)
    """

    suffixes: tuple[str, ...]
    read: Reader | None
    read_mask: Reader | None = None
    write: Writer | None = None


#: Module of each suffix, imported when it is first met.
_BUILT_IN = {
    ".npy": "npy",
    ".npz": "npz",
    ".hdf5": "hdf5",
    ".h5": "hdf5",
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".pt": "torch_file",
    ".zarr": "zarr_store",
    ".bmp": "bmp",
    ".webp": "webp",
}
_MASKS_ALONE = (".bmp", ".webp")
_BUILT_IN_MASKS = (".npy", ".npz", ".png", ".tif", ".tiff", *_MASKS_ALONE)
#: Formats whose files are folders: one is found as a whole, and never walked into.
FOLDER_SUFFIXES = (".zarr",)


@cache
def _added() -> dict[str, EntryPoint]:
    """Suffixes that installed packages add; a built-in format is never replaced."""
    found = {f".{point.name.lstrip('.').lower()}": point for point in entry_points(group=GROUP)}
    return {suffix: point for suffix, point in found.items() if suffix not in _BUILT_IN}


@cache
def format_of(suffix: str) -> Format | None:
    """The format of a suffix in small letters, or None.

    Raises
    ------
    InputError
        If an installed package adds it, and its format cannot be loaded.
    """
    if suffix in _BUILT_IN:
        built_in: Format = import_module(f"mdmkit.io.{_BUILT_IN[suffix]}").FORMAT
        return built_in
    if suffix not in _added():
        return None
    return load_added(_added()[suffix], Format, "mdmkit.io.Format", f"the format {suffix}")


def chosen_key(path: Path, names: Sequence[str], key: str | None, what: str) -> str:
    """The key of what is to be read of a file: as asked for, else the only one.

    Raises
    ------
    InputError
        If there is none of that key, or none is asked for and there are several.
    """
    if key is None and len(names) == 1:
        return names[0]
    if key is None or key not in names:
        wanted = f"one {what}" if key is None else f"the key {key!r}"
        raise InputError(
            f"{path}: expected {wanted}, found the keys {', '.join(names) or 'none'}"
            + (f"; choose one, as `key='{names[0]}'`" if key is None and names else "")
        )
    return key


def score_suffixes() -> tuple[str, ...]:
    """List the suffixes that score maps may have, with those that installed packages add.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from mdmkit.io import score_suffixes
    >>> score_suffixes()[:4]
    ('.npy', '.npz', '.hdf5', '.h5')
    """
    return (*(suffix for suffix in _BUILT_IN if suffix not in _MASKS_ALONE), *_added())


def mask_suffixes() -> tuple[str, ...]:
    """List the suffixes that ground truth may have, with those that installed packages add.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from mdmkit.io import mask_suffixes
    >>> mask_suffixes()[:3]
    ('.npy', '.npz', '.png')
    """
    return (*_BUILT_IN_MASKS, *filter(_reads_masks, _added()))


def _reads_masks(suffix: str) -> bool:
    try:
        added = format_of(suffix)
    except InputError:  # said when a file of it is to be read, not on every other run
        return False
    return added is not None and added.read_mask is not None
