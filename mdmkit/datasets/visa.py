"""VisA (Zou et al. 2022): as published, with its table of splits; or repackaged as MVTec AD is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mdmkit.core.errors import InputError
from mdmkit.core.files import read_text
from mdmkit.datasets.categories import defects, grouped, in_categories, industrial
from mdmkit.datasets.dataset import DataSet, FrameFiles
from mdmkit.io.regions import RegionMasks

_SPLIT = "split_csv/1cls.csv"
_FIELDS = ("object", "split", "image", "mask")


def find(blank: DataSet) -> DataSet:
    """The test images of all categories, or of one; training images are not judged."""
    for root, category in ((blank.root, ""), (blank.root.parent, blank.root.name)):
        table = root / _SPLIT
        if table.exists():
            return _by_table(blank, root, table, category)
    return in_categories(blank, defects)


def _by_table(blank: DataSet, root: Path, table: Path, category: str) -> DataSet:
    found: dict[str, dict[str, FrameFiles]] = {}
    for row in _test_rows(table):
        name, image = row["object"], Path(row["image"])
        if (root / name).is_dir():
            key = f"{image.parent.name}/{image.stem}"  # below Data/Images
            mask = RegionMasks((root / row["mask"],)) if row["mask"] else None
            found.setdefault(name, {})[key] = FrameFiles(mask, root / image)
    if not category:
        return grouped(blank, found)
    return replace(blank, frames=dict(sorted(found.get(category, {}).items())))


def _test_rows(table: Path) -> Iterator[dict[str, str]]:
    rows = csv.DictReader(read_text(table).splitlines())
    lacking = [name for name in _FIELDS if name not in (rows.fieldnames or ())]
    if lacking:
        wanted = ", ".join(_FIELDS)
        raise InputError(f"{table}: expected the columns {wanted}, found no {lacking[0]}")
    return (row for row in rows if row["split"] == "test")


LAYOUT = industrial(
    "visa",
    "VisA",
    """\
CATEGORY/Data/Images/Normal/NAME.JPG, Anomaly/NAME.JPG
CATEGORY/Data/Masks/Anomaly/NAME.png
split_csv/1cls.csv        (which images are for tests)
or, repackaged: CATEGORY/test/good/NAME.JPG, test/bad/NAME.JPG, ground_truth/bad/NAME.png""",
    find,
    "every pixel of a mask that is not 0 is anomalous, whatever kind of defect its value names",
)
