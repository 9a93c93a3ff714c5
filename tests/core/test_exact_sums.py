"""Sums of ratios are exact: any order, to the last bit of math.fsum."""

from __future__ import annotations

from math import fsum

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mdmkit.core import exact_sums

counts = st.integers(1, 2**31 - 1)
ratios = st.lists(st.tuples(st.integers(0, 2**31 - 1), counts), min_size=1, max_size=50).map(
    lambda pairs: [min(a, b) / b for a, b in pairs]
)


@given(ratios)
def test_sum_equals_fsum_to_the_last_bit(values):
    limbs = exact_sums.split(np.array(values))
    assert exact_sums.total(limbs.sum(axis=0)) == fsum(values)
    assert exact_sums.mean(limbs.sum(axis=0), len(values)) == fsum(values) / len(values)


@given(ratios)
def test_taking_out_what_was_added_leaves_nothing(values):
    limbs = exact_sums.split(np.array(values))
    assert not (limbs.sum(axis=0) - limbs[::-1].sum(axis=0)).any()


def test_smallest_ratios_lose_no_bit():
    tiny = 1 / (2**31 - 1)
    assert exact_sums.total(exact_sums.split(np.array([tiny]))[0]) == tiny


def test_mean_of_nothing_is_undefined():
    assert np.isnan(exact_sums.mean(np.zeros((1, 3), np.int64), np.array([0]))[0])
