"""Lengths of certified ranges beside those of MAPIE on a grid, and beside the true ones.

    python -m tests.benchmarks.certified [--sets 1000]

Populations and cells are those of the coverage tests (tests/uncertainty/test_coverage.py), 32
scores. MAPIE (pip install mapie; no dependency of ours) gives the p-values of Hoeffding and
Bentkus at every score of this grid, and its two corrections: Bonferroni, its default, of which
the longest run is taken, and a fixed sequence from a start, as ours. Without MAPIE its columns
stay empty.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np

from mdmkit.uncertainty.p_values import mean_test
from tests.reference.hoeffding_bentkus import HoeffdingBentkus
from tests.uncertainty.test_coverage import (
    CELLS,
    ERROR,
    SAFE_ENDS,
    Population,
    question,
    walks,
)

FRAMES = (20, 60, 300)
#: At which score the population's quality is the bound: what rises with the threshold is bounded
#: at a low one, what falls at a high one, so that there is something to certify.
LOW, HIGH = 6, 24


def mapie_p(means, frames, bound):
    """MAPIE's p-values of loss means (sets, scores)."""
    from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value

    risks = np.clip(1 - means, 0, 1).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):  # a risk of 1: not more than p = 1
        p = compute_hoeffding_bentkus_p_value(risks, frames, 1 - bound)
    return np.nan_to_num(p, nan=1.0).reshape(means.shape)


def bonferroni_runs(p):
    """First and last score of the longest run that MAPIE's correction certifies."""
    from mapie.risk_control.fwer_control import FWERBonferroniCorrection

    ends = []
    for row in p:
        certified = np.zeros(row.size + 2, int)
        certified[1 + FWERBonferroniCorrection().run(row, ERROR)] = 1
        turns = np.flatnonzero(np.diff(certified)).reshape(-1, 2)
        best = turns[np.argmax(turns[:, 1] - turns[:, 0])] if turns.size else (1, 1)
        ends.append((best[0], best[1] - 1))
    return np.array(ends)


def summary(ends, good):
    """Mean length in scores, and the share of the sets with a wrong range, as text."""
    length = np.maximum(ends[:, 1] - ends[:, 0] + 1, 0)
    wrong = np.mean([a <= b and not good[a : b + 1].all() for a, b in ends])
    return f"{length.mean():.1f} ({100 * wrong:.1f} %)"


def row(name, cap, frames, population, sets):
    """One cell: the true length, ours, Hoeffding-Bentkus, and the two of MAPIE."""
    at = HIGH if name in ("1 - fnr", "pooled recall") else LOW
    x, bound, good, losses = question(name, population, cap, at)
    draws = np.random.default_rng(0).multinomial(frames, population.share, sets).astype(float)
    start = SAFE_ENDS.get(name, int(np.argmax(population.mean(x))))

    def p_of(test):
        return test.p(np.tensordot(draws, test.parts(x), axes=1), frames)

    tests = mean_test(bound, losses), HoeffdingBentkus(bound)
    own = [summary(walks(p_of(test), start, ERROR), good) for test in tests]
    cells = [str(int(good.sum())), *own]
    try:
        p = mapie_p(draws @ x / frames, frames, bound)
    except ModuleNotFoundError:
        return [*cells, "-", "-"]
    cells.append(summary(walks(p, start, ERROR), good))
    return [*cells, summary(bonferroni_runs(p), good)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000)
    sets = parser.parse_args().sets
    head = ("measure", "cap", "frames", "rare losses", "true", "mdmkit", "Hoeffding-Bentkus",
            "MAPIE, fixed sequence", "MAPIE, Bonferroni")  # fmt: skip
    print("Mean length in scores (share of wrong ranges)")
    print(f"| {' | '.join(head)} |\n|{':--|' * len(head)}")
    for (name, cap), frames, rare in product(CELLS, FRAMES, (False, True)):
        shown = f"{cap:g}" if name.startswith("pooled") else "-"
        cells = row(name, cap, frames, Population(rare), sets)
        print(f"| {' | '.join([name, shown, str(frames), 'yes' if rare else 'no', *cells])} |")


if __name__ == "__main__":
    main()
