"""Where tests find real frames, and how random small frames are drawn."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

# Test processes share the cores; more threads in each would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

for profile, share in (("fast", 5), ("large", 100)):  # in percent of what a test asks for
    settings.register_profile(
        profile,
        max_examples=share,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )
settings.load_profile("fast")

with suppress(ImportError):
    import typer.main

    # A process has one command line, tests run hundreds: to build it took half of their time.
    typer.main.get_command = cache(typer.main.get_command)

#: What has no doctests, and needs more than the tests do.
collect_ignore_glob = ["benchmarks/*", "conftest.py", "*/conftest.py"]
REAL_FRAMES = os.environ.get("MDMKIT_REAL_FRAMES")


def cases(number: int) -> int:
    """How many random cases this run draws of those that the large profile draws, 5 or more."""
    return min(number, max(5, number * settings.default.max_examples // 100))


def examples(number: int) -> settings:
    """Draw so many examples of a property in the large profile, a twentieth in the fast one."""
    return settings(max_examples=cases(number))


@pytest.fixture(scope="session")
def real_frames() -> Path:
    """The folder of real RoadAnomaly frames and score maps."""
    if not REAL_FRAMES:
        pytest.skip("MDMKIT_REAL_FRAMES names no folder of real frames")
    folder = Path(REAL_FRAMES)
    if not folder.is_dir():
        pytest.fail(f"MDMKIT_REAL_FRAMES: {folder} is not a folder")
    return folder


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package `theirs`, whose `ADDED` is an entry point, for this test."""
    from mdmkit.datasets import registry
    from mdmkit.io import formats

    def forget():
        for known in (registry._added, formats._added, formats.format_of):
            known.cache_clear()

    def install(group, name, source):
        site = tmp_path / "site"
        (site / "theirs-1.0.dist-info").mkdir(parents=True)
        (site / "theirs-1.0.dist-info" / "METADATA").write_text("Name: theirs\nVersion: 1.0\n")
        (site / "theirs-1.0.dist-info" / "entry_points.txt").write_text(
            f"[{group}]\n{name} = theirs:ADDED\n"
        )
        (site / "theirs.py").write_text(source)
        monkeypatch.syspath_prepend(site)
        forget()

    yield install
    sys.modules.pop("theirs", None)
    forget()


def random_scores(rng, shape, kind, dtype):
    """Small score maps of many characters: ties, plateaus, ramps, 0 and 1, one ulp apart."""
    if kind == "ties":
        scores = rng.integers(0, 5, shape) / 4
    elif kind == "noise":
        scores = rng.random(shape)
    elif kind == "constant":
        scores = np.full(shape, rng.choice([0.0, 0.25, 1.0]))
    elif kind == "ramp":
        scores = np.linspace(0, 1, shape[0] * shape[1]).reshape(shape)
    elif kind == "checkerboard":
        scores = np.indices(shape).sum(axis=0) % 2 * 0.5 + rng.integers(0, 2, shape) * 0.25
    elif kind == "ulps":
        base = np.array([0.25, 0.5, 1.0]).astype(np.float32)
        near = [np.nextafter(base, np.float32(0)), np.nextafter(base[:2], np.float32(1))]
        scores = rng.choice(np.concatenate([base, *near, [0.0]]), shape)
    else:
        scores = rng.integers(0, 2, shape) * rng.random(shape)
    if dtype == "uint8":
        return np.round(scores * 255).astype(np.uint8)
    return scores.astype(dtype)


KINDS = ("ties", "noise", "constant", "ramp", "checkerboard", "ulps", "sparse")
DTYPES = ("float16", "float32", "float64", "uint8")


@st.composite
def small_frames(draw, most=3):
    """A list of (scores, target) with at least one anomalous pixel; ignored pixels may be NaN."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(DTYPES))
    frames = []
    for _ in range(draw(st.integers(1, most))):
        shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
        scores = random_scores(rng, shape, draw(st.sampled_from(KINDS)), dtype)
        share = draw(st.sampled_from([0.1, 0.3, 0.6]))
        target = (rng.random(shape) < share).astype(np.uint8)
        target[rng.random(shape) < draw(st.sampled_from([0.0, 0.0, 0.2]))] = 255
        if dtype != "uint8":
            scores[(target == 255) & (rng.random(shape) < 0.5)] = np.nan
        frames.append((scores, target))
    first = frames[0][1]
    first[rng.integers(first.shape[0]), rng.integers(first.shape[1])] = 1
    frames[0][0][np.isnan(frames[0][0])] = 0
    return frames
