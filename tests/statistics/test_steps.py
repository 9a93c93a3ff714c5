"""Steps: merging is adding, in any order."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mdmkit.statistics.steps import Steps

scores = st.sampled_from([-3.5, -1.0, 0.0, 0.25, 0.5, np.nextafter(0.5, 1), 1.0, 7.0])
runs = st.lists(
    st.dictionaries(scores, st.tuples(st.integers(-9, 9), st.integers(0, 9)), max_size=6)
)


def steps(run):
    ordered = sorted(run)
    return Steps(np.array(ordered), np.array([run[s] for s in ordered], np.int64).reshape(-1, 2))


@given(runs.filter(bool), st.randoms())
def test_merging_adds_the_changes_of_each_score(several, random):
    expected = defaultdict(lambda: np.zeros(2, np.int64))
    for run in several:
        for score, change in run.items():
            expected[score] = expected[score] + change
    random.shuffle(several)
    merged = Steps.merged(steps(run) for run in several)
    assert merged.scores.tolist() == sorted(expected)
    assert merged.changes.tolist() == [expected[score].tolist() for score in sorted(expected)]


@given(runs.filter(bool))
def test_scores_in_any_order_are_sorted_and_joined(several):
    parts = [steps(run) for run in several]
    together = Steps.from_unsorted(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.changes for part in parts]),
    )
    merged = Steps.merged(parts)
    assert together.scores.tolist() == merged.scores.tolist()
    assert together.changes.tolist() == merged.changes.tolist()


def test_totals_count_from_above():
    three = Steps(np.array([0.1, 0.5, 0.9]), np.array([[1], [2], [4]]))
    assert three.above(0.5).tolist() == [4]
    assert three.from_score(0.5).tolist() == [6]
    assert three.totals[:, 0].tolist() == [7, 6, 4, 0]


@given(st.lists(st.tuples(scores, st.integers(1, 9)), min_size=1, max_size=9), st.sets(scores))
def test_totals_at_edges_make_steps_that_move_up_to_the_next_edge(pixels, edges):
    edges = np.array(sorted(edges), np.float64)
    values, counts = np.array([s for s, _ in pixels]), np.array([n for _, n in pixels])

    def above(z):
        return int(counts[values > z].sum())

    totals = np.array([[above(z), 2 * above(z)] for z in [-np.inf, *edges]], np.int64)
    made = Steps.at_edges(edges, totals, values.min(), values.max())
    assert made.scores[-1] == values.max()
    assert (np.diff(made.scores) > 0).all()
    assert set(made.scores) <= {*edges, values.min(), values.max()}
    for z in edges:
        assert made.above(z).tolist() == [above(z), 2 * above(z)]
    assert made.above(values.max()).tolist() == [0, 0]
    assert made.totals[0].tolist() == [counts.sum(), 2 * counts.sum()]
    assert np.array_equal(made.changes, Steps(made.scores, made.changes).changes)
    assert np.array_equal(Steps(made.scores, made.changes).totals, made.totals)
