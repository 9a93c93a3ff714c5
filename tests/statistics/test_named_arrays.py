"""What was counted comes apart into named arrays, and is the same when put together again."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from mdmkit import Frame
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputTypeError
from mdmkit.core.named_arrays import arrays_of, fingerprint, value_of
from mdmkit.statistics.accumulator import Accumulator
from mdmkit.statistics.boundaries import BandOverlap
from mdmkit.statistics.detections import DetectionRule, DetectionStatistic
from mdmkit.statistics.image_rates import ImageCoverage
from mdmkit.statistics.kinds import (
    ComponentStatistic,
    ImageRatesStatistic,
    PixelStatistic,
)
from mdmkit.statistics.normalizers import MinMax, Rank, Unchanged
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.stepped_counts import IntervalCounts
from mdmkit.statistics.target_bins import TargetBin

EDGES = np.array([0.25, 0.5])
SIZES = ComponentSizes(1, 2, TargetBin("size", 1, np.inf))


def drawn(dtype=np.float32):
    rng = np.random.default_rng(1)
    return Frame(rng.random((12, 12)).astype(dtype), rng.integers(0, 2, (12, 12)))


def known():
    frame, bins = drawn(), BinnedFrame.of(drawn(), EDGES)
    kinds = PixelStatistic(), ComponentStatistic(SIZES), BandOverlap(0.1)
    yield from (kind.in_bins(bins, EDGES) for kind in kinds)
    rule = DetectionRule(by="siou")
    others = DetectionStatistic(ComponentSizes(), rule), ImageCoverage(), ImageRatesStatistic()
    yield from (kind.of(frame) for kind in (*kinds, *others))
    yield PixelStatistic().of(drawn(np.float16))
    yield from (MinMax(-1.5, 2.0), Unchanged(), Rank.fitted(PixelStatistic().of(frame)))


def test_counts_are_the_same_when_put_together_again():
    for value in known():
        arrays = value.arrays()
        assert all(isinstance(array, np.ndarray) for array in arrays.values())
        for again in (type(value).from_arrays(arrays), pickle.loads(pickle.dumps(value))):
            assert type(again) is type(value)
            assert same(again.arrays(), arrays)
            assert fingerprint(again) == fingerprint(value)


def same(found, expected):
    return found.keys() == expected.keys() and all(
        (found[name].dtype, found[name].tobytes()) == (array.dtype, array.tobytes())
        for name, array in expected.items()
    )


def test_a_pickle_holds_no_cache():
    steps = PixelStatistic().of(drawn(np.float16))
    before = len(pickle.dumps(steps))
    steps.totals  # noqa: B018  # kept on the object
    assert len(pickle.dumps(steps)) == before


def test_numbers_texts_and_nothing_keep_their_types():
    value = (1, 0.1, True, "a/b \N{GREEK SMALL LETTER TAU}", None, (), (np.arange(3, dtype="u4"),))
    found = value_of(arrays_of(value))
    assert found[:6] == value[:6]
    assert [type(item) for item in found[:4]] == [int, float, bool, str]
    assert found[6][0].dtype == np.uint32


def test_equal_bytes_of_other_types_have_other_fingerprints():
    ones = [np.zeros(2, np.int64), np.zeros(2), np.zeros((2, 1)), (0, 0), None]
    assert len({fingerprint(one) for one in ones}) == len(ones)


def test_objects_that_are_no_counts_are_refused():
    @dataclass
    class Other:
        x: int = 0

    with pytest.raises(InputTypeError, match="found a Other"):
        arrays_of((Other(),))
    with pytest.raises(InputTypeError, match="found a Accumulator"):
        arrays_of(Accumulator())


def test_memory_is_that_of_all_arrays():
    for value in known():
        held = sum(array.nbytes for array in value.arrays().values() if array.ndim)
        rows = isinstance(value, IntervalCounts)  # which are made of it, too
        assert value.nbytes >= held if rows else value.nbytes == held
