"""The table of layouts by name; installed packages may add theirs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from mdmkit.core.arguments import check_kind, check_that
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.plugins import load_added

if TYPE_CHECKING:
    from mdmkit.datasets.dataset import DataSet, Layout

#: Entry points of this group add layouts: the name is the layout's, the object a `Layout`.
GROUP = "mdmkit.datasets"

#: Module and object of each layout, imported when it is first asked for.
_BUILT_IN = {
    "smiyc-anomaly": ("smiyc", "ANOMALY"),
    "smiyc-obstacle": ("smiyc", "OBSTACLE"),
    "roadanomaly": ("roadanomaly", "LAYOUT"),
    "fishyscapes-static": ("fishyscapes", "STATIC"),
    "fishyscapes-lostfound": ("fishyscapes", "LOST_AND_FOUND"),
    "streethazards": ("streethazards", "LAYOUT"),
    "lostandfound": ("lostandfound", "TEST"),
    "lostandfound-train": ("lostandfound", "TRAIN"),
    "mvtec": ("mvtec", "LAYOUT"),
    "mvtec2": ("mvtec2", "LAYOUT"),
    "mvtec-loco": ("loco", "LAYOUT"),
    "visa": ("visa", "LAYOUT"),
    "btad": ("btad", "LAYOUT"),
    "mpdd": ("mvtec", "MPDD"),
    "realiad": ("realiad", "LAYOUT"),
    "ksdd2": ("ksdd2", "LAYOUT"),
    "folder": ("plain", "LAYOUT"),
}


@cache
def _added() -> dict[str, EntryPoint]:
    """Layouts that installed packages add; a built-in one is never replaced."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    return {name: point for name, point in found.items() if name not in _BUILT_IN}


def layout_names() -> tuple[str, ...]:
    """List the names of layouts, with those that installed packages add.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> layout_names()[:3]
    ('smiyc-anomaly', 'smiyc-obstacle', 'roadanomaly')
    """
    return (*_BUILT_IN, *sorted(_added()))


def layout(name: str) -> Layout:
    """Look up the layout of a name.

    Parameters
    ----------
    name : str
        One of `layout_names()`.

    Returns
    -------
    Layout

    Raises
    ------
    InputError
        If there is none, or an installed package's cannot be loaded.

    Examples
    --------
    >>> print(layout("mvtec").tree.splitlines()[0])
    CATEGORY/...              (or ROOT is one category)
    """
    from mdmkit.datasets.dataset import Layout

    check_kind(name, (str,), "dataset")
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name]
        built_in: Layout = getattr(import_module(f"mdmkit.datasets.{module}"), attribute)
        return built_in
    if name not in _added():
        raise InputError(
            f"expected a layout among {', '.join(layout_names())}, found {name!r}; "
            "mdmkit datasets describes them",
            argument="dataset",
        )
    kind = "mdmkit.datasets.Layout"
    return load_added(_added()[name], Layout, kind, f"the layout {name}", "dataset")


def open_dataset(
    dataset: str | DataSet,
    *,
    score_ending: str = "",
    resize: str | None = None,
    invert: str | Collection[str] = (),
) -> DataSet:
    """Open a data set, by the name of its layout and its root.

    Parameters
    ----------
    dataset : str
        `"LAYOUT:ROOT"`, as `"smiyc-anomaly:/data/dataset_AnomalyTrack"`; a `DataSet` is returned
        as it is.
    score_ending, resize
        As in `DataSet`; of a name and root.
    invert : str or collection of str
        Methods of whose scores higher means normal.

    Returns
    -------
    DataSet

    Raises
    ------
    InputError
        Unknown layout, or a root that looks otherwise; the message draws what was expected.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("images/0.jpg", "labels_masks/0.png"):
    ...         (Path(root) / name).parent.mkdir()
    ...         Image.new("L", (4, 3)).save(Path(root) / name)
    ...     dataset = open_dataset(f"smiyc-anomaly:{root}")
    >>> list(dataset.frames), dataset.aggregate
    (['0'], 'pooled')
    """
    from mdmkit.datasets.dataset import DataSet
    from mdmkit.datasets.inverted import as_inverted
    from mdmkit.io.resize import check_resize

    if isinstance(dataset, DataSet):
        return dataset
    if not isinstance(dataset, str):
        raise InputTypeError(
            f"expected 'LAYOUT:ROOT' or a DataSet, found {dataset!r}", argument="dataset"
        )
    name, _, root = dataset.partition(":")
    check_that(name and root, "LAYOUT:ROOT, as smiyc-anomaly:FOLDER", dataset, "dataset")
    found = layout(name).open(Path(root).expanduser())  # a shell leaves the ~ of NAME:~/... alone
    return replace(
        found,
        score_ending=score_ending,
        resize=check_resize(resize),
        inverted=as_inverted(invert),
    )
