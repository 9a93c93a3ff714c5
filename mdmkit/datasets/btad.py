"""BTAD, beanTech (Mishra et al. 2021): three products, images of .bmp and .png."""

from __future__ import annotations

from functools import partial

from mdmkit.datasets.categories import defects, each_category, industrial

LAYOUT = industrial(
    "btad",
    "BTAD, beanTech",
    """\
test/ok/NAME.bmp (.png)
test/ko/NAME.bmp (.png)
ground_truth/ko/NAME.png (.bmp)""",
    each_category(partial(defects, normal=("ok",))),
)
