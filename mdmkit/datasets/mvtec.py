"""MVTec AD (Bergmann et al. 2019), and MPDD (Jezek et al. 2021), which is stored alike."""

from __future__ import annotations

from functools import partial

from mdmkit.datasets.categories import defects, industrial

_TREE = """\
test/good/NAME.png
test/DEFECT/NAME.png
ground_truth/DEFECT/NAME_mask.png"""
_frames = partial(defects, images="test", masks="ground_truth")

LAYOUT = industrial("mvtec", "MVTec AD", _TREE, _frames)
MPDD = industrial("mpdd", "MPDD, metal parts", _TREE, _frames)
