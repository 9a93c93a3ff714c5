"""Requirements and their ranges, by looking at every distinct score with plain counting."""

from __future__ import annotations

from functools import partial
from math import fsum, isnan, nan

import numpy as np
import pytest
from scipy.ndimage import label

from mdmkit import Frame
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import NoTargetError
from mdmkit.thresholds.kept_frames import LoadedFrames
from mdmkit.thresholds.ranges import find_ranges
from mdmkit.thresholds.requirements import OPERATORS, parse_requirements
from tests.conftest import DTYPES, KINDS, random_scores
from tests.reference import brute
from tests.statistics.test_detections import covered_shares

MEASURES = (
    "f1",
    "iou",
    "precision",
    "recall",
    "fbeta@beta=2",
    "fpr",
    "siou",
    "ppv",
    "mean_f1",
    "alarms",
    "alarm_frames",
    "alarms@ppv=0.5",
    "recall@size=2:5",
    "f1@size=0:4@rows=0:5",
    "siou@size=3:inf",
    "alarm_frames@size=3:inf",
    "found",
    "found@covered=0.75",
    "found@siou=0.5",
    "found@size=3:inf",
)
COMPONENTS = ("siou", "ppv", "mean_f1", "alarms", "alarm_frames", "alarms@ppv=0.5")


def drawn(rng, normal=False):
    """Up to four small frames with ties, ignored pixels, some without anomaly."""
    frames = []
    for _ in range(int(rng.integers(1, 5))):
        shape = tuple(rng.integers(1, 8, 2))
        scores = random_scores(rng, shape, rng.choice(KINDS), rng.choice(DTYPES))
        target = (rng.random(shape) < rng.choice([0, 0.2, 0.5])).astype(np.uint8) * (not normal)
        target[rng.random(shape) < rng.choice([0, 0.2])] = 255
        frames.append((scores, target))
    return frames


def false_components(frame, z, ppv, sizes):
    _, ppvs = brute.components([frame], z, *sizes)
    return sum(value < ppv for value in ppvs)


def only(frame, most, least=0, rows=np.inf):
    """A frame (scores, anomalous, valid) whose other components are ignored."""
    scores, anomalous, valid = frame
    numbers, count = label(anomalous & valid, np.ones((3, 3)))
    valid = valid.copy()
    for i in range(1, count + 1):
        mask = numbers == i
        if not (least <= mask.sum() < most and np.nonzero(mask)[0].max() < rows):
            valid &= ~mask
    return scores, anomalous & valid, valid


def found_share(name, frames, z, sizes):
    """Share of the objects of which enough is predicted."""
    if "siou" in name:
        shares, _ = brute.components(frames, z, sizes.min_prediction, sizes.min_target)
    else:
        shares = [s for frame in frames for s in covered_shares(frame, z, sizes)]
    enough = 0.75 if "0.75" in name else 0.5
    return float(np.mean(np.array(shares) >= enough)) if shares else nan


def value(name, frames, z, sizes):
    """A measure of one set of frames, NaN where undefined."""
    name, _, selected = name.partition("@size=")
    if selected == "2:5":
        frames = [only(frame, 5, 2) for frame in frames]
    elif selected == "0:4@rows=0:5":
        frames = [only(frame, 4, rows=5) for frame in frames]
    elif selected == "3:inf":  # as if the others were too small
        sizes = (sizes[0], max(3, sizes[1]))
    tp, fp, fn, tn = brute.counts(frames, z)
    if name == "fpr":
        return fp / (fp + tn) if fp + tn else nan
    if name.startswith("alarm"):
        quality = 0.5 if "ppv" in name else 0.25
        counted = [false_components(f, z, quality, sizes) for f in frames if f[2].any()]
        if not counted:
            return nan
        if name == "alarm_frames":
            counted = [float(count > 0) for count in counted]
        return fsum(counted) / len(counted)
    if tp + fn == 0:
        return nan
    if name == "fbeta@beta=2":
        return 5 * tp / (5 * tp + 4 * fn + fp)
    if name.startswith("found"):
        return found_share(name, frames, z, ComponentSizes(*sizes))
    if name in COMPONENTS:
        sious, _ = brute.components(frames, z, *sizes)
        if not sious:
            return nan
        names = dict(zip(("min_prediction", "min_target"), sizes, strict=True))
        return getattr(brute, name)(frames, z, **names)
    return getattr(brute, name)(frames, z)


def per_image(name, frames, z, sizes):
    if name.startswith("alarm"):
        return value(name, frames, z, sizes)
    values = [value(name, [frame], z, sizes) for frame in frames]
    defined = [v for v in values if not isnan(v)]
    return fsum(defined) / len(defined) if defined else nan


def slow_ranges(frames, requirements, sizes):
    """Steps, whether each requirement holds on each, whether a measure is defined nowhere."""
    edges = np.append(brute.steps(frames), 1.0)
    table, undefined = [], False
    for r in requirements:
        of = per_image if r.aggregate == "per_image" else value
        values = [of(r.name, frames, z, sizes) for z in edges[:-1]]
        undefined |= all(isnan(v) for v in values)
        if r.counts_alarms:
            values = [np.nanmax([*values[i:], -1]) for i in range(len(values))]
        table.append([not isnan(v) and bool(OPERATORS[r.operator](v, r.limit)) for v in values])
    return edges, np.array(table), undefined


def slow_run(edges, holds, to_the_end):
    """The longest run of [edges[i], edges[i + 1]) that hold, the lowest of several."""
    best = None
    for i in range(len(holds)):
        for j in range(i + 1, len(holds) + 1):
            if not all(holds[i:j]) or (to_the_end and j < len(holds)):
                continue
            length = edges[j] - edges[i]
            if length > 0 and (best is None or length > best[1] - best[0]):
                best = (edges[i], edges[j])
    return best


def random_requirements(rng, frames, sizes):
    """One to three, their limits often values that the measures take."""
    names = rng.choice(MEASURES, int(rng.integers(1, 4)), replace=False)
    aggregate = str(rng.choice(["pooled", "per_image"]))
    found = []
    for name in names:
        z = rng.choice([0.0, 0.25, 0.5, 0.75, float(rng.random())])
        limit = value(str(name), frames, z, sizes) if rng.random() < 0.7 else nan
        limit = float(rng.random()) if isnan(limit) else limit
        sign = str(rng.choice(list(OPERATORS)))
        found += parse_requirements(f"{name}{sign}{limit!r}", ComponentSizes(*sizes), aggregate)
    return found


def check_against_brute_force(seed):
    rng = np.random.default_rng(seed)
    frames = drawn(rng, normal=rng.random() < 0.2)
    sizes = tuple(int(size) for size in rng.choice([0, 0, 2, 3], 2))
    plain = [brute.world(*frame) for frame in frames]
    if not any(valid.any() for _, _, valid in plain):
        return None
    requirements = random_requirements(rng, plain, sizes)
    loads = [partial(Frame, *frame) for frame in frames]
    edges, holds, undefined = slow_ranges(plain, requirements, sizes)
    try:
        found = find_ranges(LoadedFrames(loads, 2**31), requirements, "none")
    except NoTargetError:
        assert undefined
        return None
    for place in range(len(requirements)):
        for i, z in enumerate(edges[:-1]):
            step = np.searchsorted(found.edges[:-1], z, side="right") - 1
            assert found.holds[place][step] == holds[place][i], (seed, str(requirements[place]), z)
    to_the_end = all(r.safe_end == np.inf for r in requirements)
    assert found.run == slow_run(edges, holds.all(axis=0), to_the_end), seed
    return found.run is not None


def test_ranges_are_those_of_every_score():
    met = [check_against_brute_force(seed) for seed in range(60)]
    assert sum(m is True for m in met) > 10


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 4000, 500))
def test_ranges_of_thousands_of_sets_are_those_of_every_score(start):
    for seed in range(start + 1000, start + 1500):
        check_against_brute_force(seed)
