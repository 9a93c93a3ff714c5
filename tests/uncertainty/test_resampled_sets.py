"""bootstrap(): sets of frames are summed up exactly, and judged as if they were evaluated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import bootstrap, count_metric, evaluate
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.measures import AtThreshold, MarginAt, Measure
from mdmkit.metrics.selections import measures_by
from mdmkit.statistics.kernels.sets import add_sets
from mdmkit.uncertainty.resampling import draws_of
from tests.conftest import cases, examples
from tests.uncertainty.test_resampling import frames


@examples(400)
@given(st.integers(0, 2**32 - 1), st.integers(1, 11), st.integers(1, 4))
def test_sums_of_sets_are_those_of_integers(seed, count, sets):
    rng = np.random.default_rng(seed)
    columns = int(rng.choice([1, 7, 1023, 1024, 1025, 2500]))
    counts = rng.integers(0, 2**32, (count, columns), np.uint32)
    times = rng.integers(0, 3, (sets, count), np.uint32)
    sums = rng.integers(0, 9, (sets + 1, columns))  # a row more than there are sets
    before = sums.copy()
    expected = times.astype(object) @ counts.astype(object)
    add_sets(counts, times, sums, False)
    assert (sums[:sets] == before[:sets] + expected).all()
    assert (sums[sets] == before[sets]).all()
    add_sets(counts, times, sums, True)
    assert (sums[:sets] == expected).all()


@count_metric
def jaccard_like(tp, fp, fn, tn):
    """A formula of one's own, which is undefined here and there."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return tp / (tp + 2 * fp)


@dataclass(frozen=True)
class Found(ComponentMetric):
    """Share of targets with sIoU >= 0.5, less a tenth of a point for each false alarm."""

    name = "found_half"

    def part(self, counts):
        return counts.hits

    def values(self, totals, targets):
        return totals[..., 5] / targets - 0.001 * totals[..., 16]


class Balance(Measure):
    """A number of one's own that looks at counts of pixels at every score."""

    key = "balance"

    def compute(self, totals):
        pixels = totals.pixels.rows()
        rates = pixels.totals / np.maximum(pixels.totals[0], 1)
        return float((rates[:, 0] - rates[:, 1]).max())


OWN = [
    MarginAt(jaccard_like, 0.25), MarginAt(Found(), 0.3), Balance(),
    AtThreshold("jaccard@z=0.5", jaccard_like, 0.5),
]  # fmt: skip
MARGINS = ",".join(
    f"mdm_{d}@{t}" for d in ("f1", "siou", "ppv", "mean_f1") for t in (0.1, 0.3, 0.6)
)
MORE = "siou@z=0.5,ppv@z=0.4,mean_f1@z=0.5,siou_gt,ppv,mean_f1,ap,auroc,fpr95,best_f1,autc"


#: The sigmoid of the largest scores is 1: they become equal.
SCALES = {
    "none": lambda s: s, "minmax": lambda s: 8 * s - 5, "sigmoid": lambda s: 90 * s - 40,
    "rank": lambda s: s - 0.5,
}  # fmt: skip


def asked(what):
    if what == "own":
        return OWN
    if what == "sizes":
        return measures_by("ap,siou_gt,mdm_f1@0.3,mdm_mean_f1@0.2", "size=0,5,inf")
    return MARGINS if what == "margins" else MORE


def drawn(seed, scale):
    """Five frames, two of them without a target, on a scale."""
    several = frames(seed, shape=(7, 9))
    masks = [np.where(t == 1, 0, t) if i in (1, 3) else t for i, (_, t) in enumerate(several)]
    return [(scale(s), t) for (s, _), t in zip(several, masks, strict=True)]


@pytest.mark.parametrize("what", ["own", "sizes", "margins", "more"])
@pytest.mark.parametrize("normalize", ["none", "minmax", "sigmoid", "rank"])
def test_each_set_is_judged_as_if_it_were_evaluated(what, normalize):
    for seed in range(cases(40) // 5):
        several = drawn(seed, SCALES[normalize])
        fixed = _fixed(normalize, several)
        found = bootstrap(
            {"m": several}, metrics=asked(what), normalize=normalize, replicates=9,
            seed=seed,
        )  # fmt: skip
        for place, times in enumerate(draws_of(5, 9, seed)):
            raw = [several[frame] for frame in np.repeat(np.arange(5), times)]
            on_raw = _evaluated(raw, asked(what), found.keys, normalize="sigmoid")
            on_scale = _evaluated([(fixed(s), t) for s, t in raw], asked(what), found.keys)
            for key in found.keys:
                own = (on_scale if key in found.on_scale else on_raw)[key]
                value = found.replicates["m"][key][place]
                assert value == pytest.approx(own, nan_ok=True, abs=1e-10), (seed, place, key)


def _fixed(normalize, several):
    """The normaliser with the constants of all frames, by hand."""
    valid = np.concatenate([s[t != 255] for s, t in several])
    if normalize == "minmax":
        return lambda s: ((s - valid.min()) / (valid.max() - valid.min())).clip(0, 1)
    if normalize == "sigmoid":
        return lambda s: 1 / (1 + np.exp(-s))
    if normalize == "rank":
        ordered = np.sort(valid)
        return lambda s: np.searchsorted(ordered, s, side="left") / ordered.size
    return lambda s: s


def _evaluated(resampled, metrics, keys, **options):
    """The numbers of some frames; NaN where they hold nothing to detect."""
    if not any((t == 1).any() for _, t in resampled):
        return dict.fromkeys(keys, np.nan)
    found = evaluate(resampled, metrics, **options)
    return {key: np.nan if found[key] is None else found[key] for key in keys}
