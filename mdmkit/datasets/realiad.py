"""Real-IAD (Wang et al. 2024): thirty products in five views, listed in one JSON file each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mdmkit.core.errors import InputError
from mdmkit.core.files import read_json
from mdmkit.core.records import Json
from mdmkit.datasets.categories import industrial
from mdmkit.datasets.dataset import DataSet, FrameFiles, Layout
from mdmkit.io.regions import RegionMasks

_LISTS = ("realiad_jsons/realiad_jsons", "realiad_jsons")
_IMAGES = ("realiad_1024", "realiad_512", "realiad_256", ".")


def find(blank: DataSet) -> DataSet:
    """The test images of the categories whose images are there."""
    lists = next((blank.root / name for name in _LISTS if (blank.root / name).is_dir()), None)
    if lists is None:
        return blank
    frames: dict[str, FrameFiles] = {}
    groups: dict[str, str] = {}
    for table in sorted(lists.glob("*.json")):
        places = [blank.root / name / table.stem for name in _IMAGES]
        folder = next((place for place in places if place.is_dir()), None)
        for key, files in _frames(table, folder) if folder else ():
            frames[f"{table.stem}/{key}"] = files
            groups[f"{table.stem}/{key}"] = table.stem
    return replace(blank, frames=dict(sorted(frames.items())), groups=groups)


def _frames(table: Path, folder: Path) -> list[tuple[str, FrameFiles]]:
    try:
        return [_frame(row, folder) for row in read_json(table)["test"]]
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"{table}: expected a list named test of objects with image_path and mask_path, found "
            f"{type(error).__name__}: {error}"
        ) from None


def _frame(row: Json, folder: Path) -> tuple[str, FrameFiles]:
    image = Path(row["image_path"])
    mask = row.get("mask_path")
    files = FrameFiles(RegionMasks((folder / mask,)) if mask else None, folder / image)
    return image.with_suffix("").as_posix(), files


LAYOUT: Layout = replace(
    industrial(
        "realiad",
        "Real-IAD",
        """\
realiad_jsons/realiad_jsons/CATEGORY.json    (which images are for tests)
realiad_1024/CATEGORY/OK/S0001/NAME.jpg
realiad_1024/CATEGORY/NG/DEFECT/S0001/NAME.jpg, NAME.png      (or realiad_512, realiad_256)""",
        lambda root: {},
    ),
    find=find,
)
