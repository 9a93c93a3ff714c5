"""Score maps of another size than their masks: only where it is asked for, and as torch does it."""

import numpy as np
import pytest

from mdmkit import InputError
from mdmkit.io.resize import METHODS, check_resize, resized

RNG = np.random.default_rng(0)
SHAPES = [
    ((4, 6), (8, 12)),
    ((4, 6), (9, 13)),
    ((7, 5), (3, 4)),
    ((1, 1), (3, 2)),
    ((5, 8), (5, 8)),
]


@pytest.mark.parametrize(("old", "new"), SHAPES)
@pytest.mark.parametrize("resize", METHODS)
def test_maps_are_resized_as_torch_does_it(old, new, resize):
    torch = pytest.importorskip("torch")
    scores = RNG.random(old).astype(np.float32)
    options = (
        {"mode": "bilinear", "align_corners": False}
        if resize == "bilinear"
        else {"mode": "nearest-exact"}
    )
    wanted = torch.nn.functional.interpolate(torch.from_numpy(scores)[None, None], new, **options)
    found = resized(scores, new, resize)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted[0, 0].numpy(), atol=1e-6)


@pytest.mark.parametrize("resize", METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, bool])
def test_the_same_size_changes_nothing_but_the_dtype(resize, dtype):
    scores = (RNG.random((5, 4)) * (255 if np.dtype(dtype).kind == "u" else 1)).astype(dtype)
    unit = scores / np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else scores
    assert np.array_equal(resized(scores, (5, 4), resize), np.asarray(unit).astype(np.float32))


@pytest.mark.parametrize("resize", ["bicubic", 3, True, ["nearest"]])
def test_other_ways_are_refused(resize):
    with pytest.raises(InputError, match="resize: expected one of bilinear, nearest, found"):
        check_resize(resize)
