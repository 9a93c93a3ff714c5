"""The drawn streets: the same ones everywhere, with pools that share nothing."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from maskomaly.tiny.anomalies import MINING, TEST
from maskomaly.tiny.canvas import Canvas, grey, inside_polygon
from maskomaly.tiny.clutter import CLUTTER
from maskomaly.tiny.labels import ANOMALY, CLASSES, VOID, anomaly_mask
from maskomaly.tiny.scenes import ANOMALY_POOLS, FEWEST_ANOMALOUS_PIXELS, KINDS, draw_scene
from mdmkit.core.errors import InputError

# A change of these is a change of SCENES_VERSION, and the weights have to be trained anew.
DIGESTS = {
    "train": "eca23353884eef52f82e036e2cc73f1a12e4c68f889c84df2b14434c7fbe04e3",
    "validation": "0eaced8f843b8dee7a22f96c6beed9a31b4ad79ca8c51b4309a002d9d9c2dee6",
    "mining": "12adad3b50e4e497c2fa6dedec54083bb56d700b8e5d9a7e726dd4381619e507",
    "validation-anomaly": "8fa87cb6cfed7d1e19469de25afee743a2a01d350dc54e17a4d3878b1a7b596d",
    "test": "ceb07b0b02cb0045d6174f2c0c743ce8d6e045196291a460ce01b2a27137aa65",
}


@pytest.mark.parametrize("kind", KINDS)
def test_seed_gives_the_stored_scene(kind):
    scene = draw_scene(1, kind)
    digest = hashlib.sha256(scene.image.tobytes() + scene.labels.tobytes()).hexdigest()
    assert digest == DIGESTS[kind]


def test_scene_does_not_depend_on_those_drawn_before():
    first = draw_scene(5, "test")
    draw_scene(6, "test")
    again = draw_scene(5, "test")
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)


def test_kinds_share_no_scene():
    images = [draw_scene(seed, kind).image.tobytes() for kind in KINDS for seed in range(3)]
    assert len(set(images)) == len(images)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_dtypes_and_labels_are_valid(kind):
    for seed in range(8):
        scene = draw_scene(seed, kind)
        assert scene.image.shape == (128, 256, 3)
        assert scene.labels.shape == (128, 256)
        assert scene.image.dtype == scene.labels.dtype == np.uint8
        allowed = {*range(len(CLASSES)), VOID} | ({ANOMALY} if kind in ANOMALY_POOLS else set())
        assert set(np.unique(scene.labels)) <= allowed
        anomalous = np.count_nonzero(scene.labels == ANOMALY)
        assert anomalous >= (FEWEST_ANOMALOUS_PIXELS if kind in ANOMALY_POOLS else 0)


def test_every_class_and_clutter_occur_in_training():
    seen = np.unique(np.stack([draw_scene(seed).labels for seed in range(12)]))
    assert set(seen) == {*range(len(CLASSES)), VOID}


def test_size_is_free():
    scene = draw_scene(3, "mining", size=(64, 160))
    assert scene.image.shape == (64, 160, 3)
    assert (scene.labels == ANOMALY).any()


def test_pools_share_no_shape_and_no_fill():
    pools = (CLUTTER, MINING, TEST)
    shapes = [shape for pool in pools for shape in pool.shapes]
    fills = [fill for pool in pools for fill in pool.fills]
    assert len(set(shapes)) == len(shapes)
    assert len(set(fills)) == len(fills)


def test_shapes_and_fills_look_different_too():
    v, u = np.mgrid[0.99:0.0:-0.02, 0.01:1.0:0.02]
    shapes, fills = [], []
    for pool in (CLUTTER, MINING, TEST):
        for shape in pool.shapes:
            parts = shape(u[:1], v[:, :1], np.random.default_rng(0))
            assert parts.shape == u.shape
            assert parts.any()
            shapes.append(parts.tobytes())
        for fill in pool.fills:
            share = fill(u, v, np.random.default_rng(0))
            assert share.shape == u.shape
            assert share.min() >= 0
            assert share.max() <= 1
            fills.append(share.tobytes())
    assert len(set(shapes)) == len(shapes)
    assert len(set(fills)) == len(fills)


def test_kinds_with_anomalies_draw_from_the_right_pool():
    assert ANOMALY_POOLS == {"mining": MINING, "validation-anomaly": MINING, "test": TEST}


def test_anomaly_mask_ignores_clutter():
    labels = np.array([[0, 7, ANOMALY, VOID]], dtype=np.uint8)
    np.testing.assert_array_equal(anomaly_mask(labels), [[0, 0, 1, 255]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, "training"), "kind: expected one of train, .*found 'training'"),
        ((-1, "train"), "seed: expected .* at least 0, found -1"),
        ((0, "train", (16, 64)), "size: expected .*found \\(16, 64\\)"),
    ],
)
def test_bad_requests_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        draw_scene(*arguments)


def test_unknown_labels_are_refused():
    with pytest.raises(InputError, match=r"labels: expected .* found \[8, 100\]"):
        anomaly_mask(np.array([0, 8, 100, 255], dtype=np.uint8))


def test_polygon_holds_the_pixels_whose_centres_it_holds():
    x, y = np.arange(4)[None] + 0.5, np.arange(3)[:, None] + 0.5
    # A right triangle with its corner at the upper left: one pixel less in each row.
    inside = inside_polygon([(0, 0), (3.2, 0), (0, 3.2)], x, y)
    np.testing.assert_array_equal(inside, [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]])


def test_painting_labels_what_it_colours_and_cuts_off_the_rest():
    canvas = Canvas(np.random.default_rng(0), 4, 6, label=4)
    canvas.rectangle(-3.0, 1.0, 2.0, 3.0, grey(200.0), 5)
    canvas.rectangle(10.0, 0.0, 12.0, 2.0, grey(99.0), 6)
    expected = np.full((4, 6), 4)
    expected[1:3, :2] = 5
    np.testing.assert_array_equal(canvas.labels, expected)
    np.testing.assert_array_equal(canvas.image[..., 0] == 200.0, expected == 5)
