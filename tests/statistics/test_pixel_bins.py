"""BinnedFrame: the bin of each pixel, against a search among the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import Frame
from mdmkit.statistics.edges import fixed_edges, unit_edges
from mdmkit.statistics.pixel_bins import BinnedFrame

AT_TURNS = [0.0, -0.0, 5e-324, 1e-45, 0.5, 1.0, 2.0, -1.0, -3.0, 1e-300, 1e300, 3.4e38]


def searched(scores, edges):
    """Keys as `BinnedFrame.keys` has them: 2 c within bin c, 2 c + 1 at its upper edge."""
    bins = np.searchsorted(edges, scores, side="left")
    return 2 * bins + (np.append(edges, np.nan)[bins] == scores)


def beside(scores):
    """The scores with those just above and below them, in their own dtype."""
    kind = scores.dtype.type
    return np.concatenate([scores, *(np.nextafter(scores, kind(s * np.inf)) for s in (-1, 1))])


@given(st.data())
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_keys_are_those_of_a_search(dtype, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    drawn = [
        rng.random(20),
        rng.normal(0, 10.0 ** rng.uniform(-6, 6), 20),
        rng.normal(0, 3, 20).astype(np.float16),
        rng.choice(fixed_edges(), 20),
        AT_TURNS,
    ]
    edges = np.asarray(drawn[rng.integers(5)], np.float64)
    if rng.random() < 0.5:
        with np.errstate(over="ignore"):
            edges = np.append(edges, edges.astype(np.float32))
    edges = np.unique(edges[np.isfinite(edges)])
    with np.errstate(over="ignore", under="ignore"):
        near = beside(np.concatenate([edges, *drawn]))
        scores = near.astype(dtype)
        scores = beside(scores[np.isfinite(scores)])
        scores = scores[np.isfinite(scores)][None]
    anomalous = (rng.random(scores.shape) < 0.3).astype(np.uint8)
    binned = BinnedFrame.of(Frame(scores, anomalous), edges)
    expected = searched(scores[0].astype(np.float64), edges)
    assert np.array_equal(binned.keys, expected)
    assert np.array_equal(binned.pixels, np.bincount(expected, minlength=2 * edges.size + 2))
    assert np.array_equal(
        binned.counts[:, 0], np.bincount(expected, anomalous[0], 2 * edges.size + 2)
    )
    assert binned.extremes == (scores.min(), scores.max())


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.uint16])
def test_regular_edges_are_met_exactly(dtype):
    edges = unit_edges(256)
    if np.dtype(dtype).kind == "u":
        scores = np.arange(256).astype(dtype) * (np.iinfo(dtype).max // 255)
        values = scores / np.iinfo(dtype).max
    else:
        scores = beside(np.concatenate([edges, AT_TURNS[:-2]]).astype(dtype))
        values = scores.astype(np.float64)
    binned = BinnedFrame.of(Frame(scores[None], np.ones((1, scores.size), int)), edges)
    assert np.array_equal(binned.keys, searched(values, edges))


def test_ignored_pixels_are_in_no_bin():
    target = np.array([[0, 1, 255, 255]])
    binned = BinnedFrame.of(Frame(np.array([[0.1, 0.6, np.nan, 0.9]]), target), np.array([0.5]))
    assert binned.counts.tolist() == [[0, 1], [0, 0], [1, 0], [0, 0]]
    assert binned.extremes == (0.1, 0.6)
