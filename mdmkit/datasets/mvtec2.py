"""MVTec AD 2 (Heckler-Kram et al. 2025): its public test images, under several lights."""

from __future__ import annotations

from pathlib import Path

from mdmkit.datasets.categories import Frames, each_category, industrial, matched
from mdmkit.datasets.trees import images_below, masks_below

_MASKS = "ground_truth/"


def frames_of(root: Path) -> Frames:
    """Frames of one category: masks lie in a folder among those of images."""
    folder = root / "test_public"
    found = images_below(folder)
    images = {key: path for key, path in found.items() if not key.startswith(_MASKS)}
    return matched(root, images, masks_below(folder / _MASKS, "_mask", (".png",)), ("good",))


LAYOUT = industrial(
    "mvtec2",
    "MVTec AD 2, public test images",
    """\
test_public/good/000_LIGHT.png
test_public/bad/000_LIGHT.png
test_public/ground_truth/bad/000_LIGHT_mask.png""",
    each_category(frames_of),
    "test_private and test_private_mixed have no public ground truth: a server judges them",
)
