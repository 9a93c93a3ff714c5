"""Plain folders of masks and images, described in a TOML file."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, replace
from pathlib import Path

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, listing
from mdmkit.core.files import as_path, read_toml
from mdmkit.core.label_values import parse_labels
from mdmkit.core.labels import LabelCodes
from mdmkit.core.records import Json
from mdmkit.datasets.dataset import DataSet, FrameFiles, Layout
from mdmkit.datasets.keys import existing_folder, files_by_key
from mdmkit.datasets.trees import images_below, labelled
from mdmkit.io.formats import mask_suffixes

DESCRIPTION = "dataset.toml"
_FIELDS = {
    "name": str,
    "masks": str,
    "images": str,
    "mask_ending": str,
    "image_ending": str,
    "without_mask": str,
    "anomaly_label": (int, list, str),
    "normal_label": (int, list, str),
    "ignore_index": (int, list, str),
    "min_prediction": int,
    "min_target": int,
    "aggregate": str,
}
_REFUSE, _NORMAL = "unlabelled", "normal"


@dataclass(frozen=True)
class PlainLayout(Layout):
    """A layout whose root may also be the file that describes it."""

    def open(self, root: str | Path) -> DataSet:
        """The data set that a TOML file describes, or `dataset.toml` in a folder."""
        file = as_path(root, "dataset")
        return find(self.at(file)) if file.is_file() else super().open(root)


def find(blank: DataSet) -> DataSet:
    """Find frames as `dataset.toml` describes them."""
    file = blank.root if blank.root.is_file() else blank.root / DESCRIPTION
    return _described(blank, file, _read(file)) if file.is_file() else blank


def _read(file: Path) -> Json:
    described = read_toml(file)
    unknown = [name for name in described if name not in _FIELDS]
    if unknown:
        raise InputError(
            f"{file}: expected fields among {', '.join(_FIELDS)}, found {', '.join(unknown)}"
        )
    for name, value in described.items():
        kinds = _FIELDS[name]
        if isinstance(value, bool) or not isinstance(value, kinds):  # type: ignore[arg-type]
            found = f"{type(value).__name__} {reprlib.repr(value)}"
            raise InputError(f"{file}: {name}: expected {_kind(kinds)}, found {found}")
    if "masks" not in described:
        raise InputError(f"{file}: expected the field masks, a folder beside the file, found none")
    return described


def _kind(kinds: object) -> str:
    if isinstance(kinds, tuple):
        return "an integer, a list of integers or text such as '2-200'"
    return "an integer" if kinds is int else "text"


def _codes(file: Path, described: Json) -> LabelCodes:
    given = {
        name: parse_labels(value, f"{file}: {name}") if isinstance(value, str) else value
        for name, value in described.items()
        if name in ("anomaly_label", "normal_label", "ignore_index")
    }
    return LabelCodes(**given)


def _described(blank: DataSet, file: Path, described: Json) -> DataSet:
    """The data set of a description; errors name its file."""
    text = {"mask_ending": "", "image_ending": "", "without_mask": _REFUSE} | described
    try:
        sizes = ComponentSizes(
            described.get("min_prediction", blank.sizes.min_prediction),
            described.get("min_target", blank.sizes.min_target),
        )
        codes = _codes(file, described)
    except InputError as error:
        start = "" if str(error).startswith(str(file)) else f"{file}: "
        raise type(error)(f"{start}{error}") from None
    aggregate = described.get("aggregate", blank.aggregate)
    for name, value, allowed in (
        ("aggregate", aggregate, ("pooled", "per_image")),
        ("without_mask", text["without_mask"], (_REFUSE, _NORMAL)),
    ):
        if value not in allowed:
            raise InputError(f"{file}: {name}: expected {' or '.join(allowed)}, found {value!r}")
    folder = existing_folder(file.parent / described["masks"], f"{file}: masks")
    masks = files_by_key(folder, mask_suffixes(), f"{file}: masks", text["mask_ending"])
    images: dict[str, Path] = {}
    if "images" in described:
        pictures = existing_folder(file.parent / described["images"], f"{file}: images")
        images = images_below(pictures, text["image_ending"])
        without = sorted(masks.keys() - images.keys())
        if without:
            raise InputError(
                f"{file}: images: expected one for every mask in {pictures}, found none for "
                f"{len(without)}\n{listing(without)}"
            )
    found = replace(
        labelled(blank, masks, images),
        title=described.get("name", folder.name),
        codes=codes,
        sizes=sizes,
        aggregate=aggregate,
    )
    if text["without_mask"] == _NORMAL:
        if not codes.normal_label:
            raise InputError(f"{file}: without_mask: expected a `normal_label`, found none")
        bare = {key: FrameFiles(None, images[key]) for key in found.unlabelled}
        frames = dict(sorted({**found.frames, **bare}.items()))
        return replace(found, frames=frames, unlabelled=frozenset())
    return found


LAYOUT = PlainLayout(
    name="folder",
    title=f"folders that a {DESCRIPTION} describes",
    find=find,
    tree=f"""\
{DESCRIPTION}    (ROOT may be such a file of any name)
  masks = "labels"             a folder beside the file; the only field it must have
  mask_ending = "_labels"      between key and suffix; "" unless given
  images = "pictures"          none unless given; image_ending as above
  anomaly_label = 1            an integer, [2, 3] or "2-200"; normal_label 0, ignore_index 255
  min_prediction = 500         min_target = 100; 0 unless given
  aggregate = "per_image"      "pooled" unless given
  without_mask = "unlabelled"  or "normal": images without a mask are all normal
  name = "mine\"""",
)
