"""The references agree with one another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import examples, small_frames
from tests.reference import brute


@examples(300)
@given(small_frames(), st.sampled_from([0.0, 0.25, 0.5]), st.integers(0, 4), st.integers(0, 3))
def test_counting_overlaps_equals_walking_over_components(frames, z, prediction, target):
    world = [brute.world(*frame) for frame in frames]
    sizes = {"min_prediction": prediction, "min_target": target}
    assert brute.fast_components(world, z, **sizes) == brute.components(world, z, **sizes)
