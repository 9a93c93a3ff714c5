"""MVTec LOCO AD (Bergmann et al. 2022): logical and structural anomalies, several masks an image.

Each mask file is one region. `defects_config.json` of a category gives, by the pixel value of the
masks, the area from which on a region counts as found.
"""

from __future__ import annotations

from pathlib import Path

from mdmkit.core.errors import InputError
from mdmkit.core.files import read_json
from mdmkit.core.records import Json
from mdmkit.datasets.categories import Frames, each_category, industrial, matched
from mdmkit.datasets.trees import images_below, masks_below
from mdmkit.io.regions import RegionMasks, Saturation

_CONFIG = "defects_config.json"


def frames_of(root: Path) -> Frames:
    """Frames of one category."""
    files = masks_below(root / "ground_truth", "", (".png",))
    if not files:
        return {}
    saturations = _saturations(root)
    several: dict[str, list[Path]] = {}
    for key, path in files.items():
        several.setdefault(key.rpartition("/")[0], []).append(path)
    masks = {key: RegionMasks(tuple(paths), saturations) for key, paths in several.items()}
    return matched(root, images_below(root / "test"), masks, ("good",))


def _saturations(root: Path) -> tuple[Saturation, ...]:
    """The areas of a category's `defects_config.json`; none without the file."""
    places = [folder / _CONFIG for folder in (root, root / "ground_truth")]
    path = next((place for place in places if place.exists()), None)
    if path is None:
        return ()
    entries = read_json(path)
    try:
        return tuple(_saturation(entry) for entry in entries)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected a list of objects with pixel_value, saturation_threshold and "
            f"relative_saturation, found {type(error).__name__}: {error}"
        ) from None


def _saturation(entry: Json) -> Saturation:
    area, relative = float(entry["saturation_threshold"]), bool(entry["relative_saturation"])
    if not area > 0 or (relative and area > 1):
        raise ValueError(f"saturation_threshold {area:g}")
    return Saturation(int(entry["pixel_value"]), area, relative)


LAYOUT = industrial(
    "mvtec-loco",
    "MVTec LOCO AD",
    """\
test/good/NAME.png
test/logical_anomalies/NAME.png, test/structural_anomalies/NAME.png
ground_truth/logical_anomalies/NAME/000.png, 001.png, ...
defects_config.json       (areas of saturation, by pixel value)""",
    each_category(frames_of),
    "all masks of an image together are its ground truth; each is a region with a saturation area",
)
