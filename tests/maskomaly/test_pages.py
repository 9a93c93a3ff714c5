"""The page of queries: what is drawn is what the outputs say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import Geometry, MaskOutputs  # noqa: E402
from maskomaly.pages import caption, order_of_queries, queries_page  # noqa: E402
from maskomaly.queries import mask_at_image, query_overlaps  # noqa: E402
from mdmkit import InputError  # noqa: E402
from mdmkit.plots import COLOURS  # noqa: E402

PROBABILITIES = [[0.7, 0.1, 0.2], [0.1, 0.1, 0.8], [0.2, 0.5, 0.3], [0.05, 0.05, 0.9]]
TARGET = np.zeros((4, 6), bool)
TARGET[1:3, 1:4] = True
VALID = np.ones((4, 6), bool)
VALID[0, 0] = False


@pytest.fixture
def outputs():
    logits = np.full((4, 4, 6), -8.0, np.float32)
    logits[0, 2:] = 8  # half of the image
    logits[1][TARGET] = 8
    logits[2] = 8  # all of it
    return MaskOutputs(PROBABILITIES, logits, Geometry.plain((4, 6)), ("road", "$ky"))


def page(outputs, **options):
    return queries_page(np.zeros((4, 6, 3), np.uint8), outputs, **options)


def test_fixed_queries_come_first_then_those_that_claim_most(outputs):
    # claims: 0.5 x 0.7, 0.25 x 0.8, 1 x 0.5, almost nothing
    assert order_of_queries(outputs, [], 9) == [2, 0, 1, 3]
    assert order_of_queries(outputs, [3, 1], 3) == [3, 1, 2]
    assert order_of_queries(outputs, [3, 1], 1) == [3, 1]


def test_captions_say_class_void_and_overlap(outputs):
    assert caption(outputs, 0, None) == "0: road 0.70, void 0.20"
    assert caption(outputs, 1, 0.5) == "1: void 0.80\nIoU 0.50 (m > 0.9)"
    assert caption(outputs, 2, None) == r"2: \$ky 0.50, void 0.30"


def test_masks_are_drawn_with_their_overlap(outputs):
    figure = page(outputs, target=TARGET, valid=VALID, most=3)
    shown = [ax for ax in figure.axes if ax.images]
    overlaps = query_overlaps(outputs, TARGET, VALID)
    assert [ax.get_title() for ax in shown[:2]] == ["image", "ground truth"]
    for ax, query in zip(shown[2:], (2, 0, 1), strict=True):
        assert ax.get_title() == caption(outputs, query, overlaps[query])
        drawn = np.asarray(ax.images[0].get_array())
        assert (drawn == mask_at_image(outputs, query).numpy()).all()


def test_fixed_queries_are_framed(outputs):
    figure = page(outputs, anomaly_queries=(1,), init_queries=(0,))
    by_title = {ax.get_title().split(":")[0]: ax for ax in figure.axes if ax.images}
    for query, colour in (("1", COLOURS[1]), ("0", COLOURS[0])):
        spine = by_title[query].spines["left"]
        assert spine.get_visible()
        assert spine.get_edgecolor()[:3] == pytest.approx(to_rgb(colour))
        assert spine.get_linewidth() == 2
    assert by_title["2"].spines["left"].get_linewidth() < 2
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["anomaly query (A)", "always an inlier (I0)"]


def test_an_image_without_anomalies_has_no_overlaps(outputs):
    figure = page(outputs, target=np.zeros((4, 6), bool))
    assert not any("IoU" in ax.get_title() for ax in figure.axes)


def test_bad_arguments_are_named(outputs):
    with pytest.raises(InputError, match="most: "):
        page(outputs, most=0)
    with pytest.raises(InputError, match="width: "):
        page(outputs, width=0.1)
    with pytest.raises(InputError, match="image: expected the size"):
        queries_page(np.zeros((6, 4, 3), np.uint8), outputs)
