"""Merging sorted runs of step functions.

NO VALIDATION HERE. On entry must hold: scores ascend strictly within each run and hold no NaN;
`changes` has a row a score; `scores` and `changes` have room for both runs.
"""

from __future__ import annotations

from mdmkit.statistics.kernels import kernel


@kernel
def merge_steps(first_scores, first_changes, second_scores, second_changes, scores, changes):
    """Merge two runs, adding the changes of equal scores; returns the number of scores."""
    columns = changes.shape[1]
    n = 0
    i = 0
    j = 0
    while i < first_scores.size or j < second_scores.size:
        from_first = j == second_scores.size or (
            i < first_scores.size and first_scores[i] <= second_scores[j]
        )
        from_second = i == first_scores.size or (
            j < second_scores.size and second_scores[j] <= first_scores[i]
        )
        scores[n] = first_scores[i] if from_first else second_scores[j]
        for c in range(columns):
            changes[n, c] = first_changes[i, c] if from_first else second_changes[j, c]
            if from_first and from_second:
                changes[n, c] += second_changes[j, c]
        i += from_first
        j += from_second
        n += 1
    return n
