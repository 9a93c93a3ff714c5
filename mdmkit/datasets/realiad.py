"""Real-IAD (Wang et al. 2024): thirty products in five views, listed in one JSON file each."""

from __future__ import annotations

from pathlib import Path

from mdmkit.core.errors import InputError
from mdmkit.core.files import read_json
from mdmkit.core.records import Json
from mdmkit.datasets.categories import Frames, grouped, industrial
from mdmkit.datasets.dataset import DataSet, FrameFiles
from mdmkit.io.regions import RegionMasks

_LISTS = ("realiad_jsons/realiad_jsons", "realiad_jsons")
_IMAGES = ("realiad_1024", "realiad_512", "realiad_256", ".")


def find(blank: DataSet) -> DataSet:
    """The test images of the categories whose images are there."""
    lists = next((blank.root / name for name in _LISTS if (blank.root / name).is_dir()), None)
    if lists is None:
        return blank
    return grouped(
        blank, {table.stem: _frames(table, blank.root) for table in lists.glob("*.json")}
    )


def _frames(table: Path, root: Path) -> Frames:
    places = [root / name / table.stem for name in _IMAGES]
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        return {}
    try:
        return dict(_frame(row, folder) for row in read_json(table)["test"])
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


LAYOUT = industrial(
    "realiad",
    "Real-IAD",
    """\
realiad_jsons/realiad_jsons/CATEGORY.json    (which images are for tests)
realiad_1024/CATEGORY/OK/S0001/NAME.jpg
realiad_1024/CATEGORY/NG/DEFECT/S0001/NAME.jpg, NAME.png      (or realiad_512, realiad_256)""",
    find,
)
