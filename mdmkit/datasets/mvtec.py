"""MVTec AD (Bergmann et al. 2019), and MPDD (Jezek et al. 2021), which is stored alike."""

from __future__ import annotations

from mdmkit.datasets.categories import defects, each_category, industrial

_TREE = """\
test/good/NAME.png
test/DEFECT/NAME.png
ground_truth/DEFECT/NAME_mask.png"""
LAYOUT = industrial("mvtec", "MVTec AD", _TREE, each_category(defects))
MPDD = industrial("mpdd", "MPDD, metal parts", _TREE, each_category(defects))
