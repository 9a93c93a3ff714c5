"""Work ahead and like batches: order, bounds, errors in their turn."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")

from maskomaly.streaming import in_like_batches, work_ahead
from tests.conftest import examples


def test_results_come_in_order_whatever_takes_long():
    def work(number):
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number**2

    assert list(work_ahead(range(30), work, ahead=4)) == [n**2 for n in range(30)]


def test_no_more_is_begun_than_may_wait():
    begun = []
    results = work_ahead(range(100), begun.append, ahead=3)
    for taken in range(1, 20):
        next(results)
        assert len(begun) <= taken + 3
    results.close()
    time.sleep(0.05)
    assert len(begun) < 25


def test_work_runs_beside_its_consumer():
    together = threading.Barrier(2, timeout=5)
    for _ in work_ahead(range(2), lambda _: together.wait(), ahead=2):
        pass


@pytest.mark.parametrize("broken", ["work", "items"])
def test_errors_are_raised_in_their_turn(broken):
    def items():
        yield from range(5)
        if broken == "items":
            raise ValueError("five")
        yield 5

    def work(number):
        if number == 5:
            raise ValueError("five")
        return number

    results = work_ahead(items(), work, ahead=4)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(results)


@examples(600)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 5), st.integers(0, 6))
def test_like_items_run_together_and_come_in_order(kinds, batch, more):
    window = batch + more
    batches, held = [], 0
    asked = 0

    def items():
        nonlocal asked
        for place, kind in enumerate(kinds):
            asked += 1
            yield place, kind

    def run(items):
        batches.append(items)
        return [place for place, _ in items]

    found = []
    for place in in_like_batches(items(), lambda item: item[1], run, batch, window):
        found.append(place)
        held = max(held, asked - len(found) + 1)
    assert found == list(range(len(kinds)))
    assert held <= window + 1
    assert all(len({kind for _, kind in each}) == 1 and len(each) <= batch for each in batches)
    if len(set(kinds)) == 1:  # nothing hinders full batches
        assert [len(each) for each in batches][:-1] == [batch] * (len(batches) - 1)
