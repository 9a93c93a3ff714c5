"""BTAD, beanTech (Mishra et al. 2021): three products, images of .bmp and .png."""

from __future__ import annotations

from functools import partial

from mdmkit.datasets.categories import defects, industrial

LAYOUT = industrial(
    "btad",
    "BTAD, beanTech",
    """\
test/ok/NAME.bmp (.png)
test/ko/NAME.bmp (.png)
ground_truth/ko/NAME.png (.bmp)""",
    partial(defects, images="test", masks="ground_truth", normal=("ok",)),
)
