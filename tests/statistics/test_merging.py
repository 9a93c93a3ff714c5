"""Evaluations that are cut, merged, saved and read: not a bit depends on it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import Evaluation, Frame, InputError, MaskMetric, count_metric, evaluate
from mdmkit.core.files import seal
from mdmkit.core.frame_streams import as_frames
from mdmkit.core.labels import LabelCodes
from mdmkit.core.named_arrays import narrowed, widened
from mdmkit.evaluation.threads import OneByOne
from mdmkit.metrics.measures import MarginAt
from mdmkit.statistics import accumulator
from mdmkit.statistics.edges import unit_edges, with_edges
from mdmkit.statistics.state_files import read_state
from tests.conftest import examples, small_frames

METRICS = (
    "ap,auroc,fpr95,best_f1,siou_gt,ppv,mean_f1,f1@z=0.3,siou@z=0.45,mdm_f1@0.3,mdm_ppv@0.3,"
    "mdm_siou@0.2,mdm_mean_f1@0.1,auroc@band=1.5"
)
SETTINGS = st.fixed_dictionaries(
    {
        "memory": st.sampled_from([0, 700, 3000, 2**31]),
        "normalize": st.sampled_from(["none", "minmax", "sigmoid", "rank"]),
        "aggregate": st.sampled_from(["pooled", "per_image"]),
        "protocol": st.sampled_from(["exact", "smiyc"]),
        "min_prediction": st.integers(0, 3),
    }
)


@pytest.fixture(autouse=True)
def coarse_grid(monkeypatch):
    """Eight steps, so that small maps have something to lose."""
    coarse(monkeypatch, 8)


def coarse(monkeypatch, steps):
    def edges(thresholds, parts=1):
        return with_edges(unit_edges(steps * parts), thresholds)

    monkeypatch.setattr(accumulator, "_edges", edges)
    monkeypatch.setattr(accumulator, "_component_edges", edges)


def state(evaluation, folder):
    """Everything that it holds, as the bytes of its file."""
    path = Path(folder) / "state.npz"
    evaluation.save(path, overwrite=True)
    return path.read_bytes()


def counted(frames, options, whole):
    """An evaluation of some frames by update; constants come from the `whole` set."""
    evaluation = Evaluation(METRICS, **options)
    if evaluation.needs_fit:
        evaluation.fit(OneByOne(lambda: as_frames(whole, LabelCodes())))
    for frame in frames:
        evaluation.update(*frame)
    return evaluation


def outcome(evaluation):
    try:
        return evaluation.result()
    except InputError as error:
        return str(error)


def usable(frames, options):
    """Whether the normaliser has constants."""
    scores = np.concatenate([np.asarray(s, float)[np.asarray(t) != 255] for s, t in frames])
    return options["normalize"] != "minmax" or (scores.size and scores.min() < scores.max())


@examples(300)
@given(
    small_frames(), SETTINGS, st.lists(st.integers(0, 3), min_size=8, max_size=8), st.randoms(),
    st.sampled_from([1.0, 40.0]),
)  # fmt: skip
def test_any_cut_in_any_order_merges_to_the_same_state(
    tmp_path_factory, frames, options, shares, random, factor
):
    folder = tmp_path_factory.mktemp("states")
    frames = [(np.asarray(s, float) * factor, t) for s, t in frames]
    if not usable(frames, options):
        return
    whole = counted(frames, options, frames)
    cut = [[f for f, share in zip(frames, shares, strict=False) if share == n] for n in range(4)]
    parts = [counted(part, options, frames) for part in cut]
    random.shuffle(parts)
    merged = parts[0]
    for part in parts[1:]:
        merged.merge(part)
    assert state(merged, folder) == state(whole, folder)
    assert outcome(merged) == outcome(whole)


@examples(150)
@given(small_frames(), SETTINGS)
def test_a_state_is_read_as_it_was_written(tmp_path_factory, frames, options):
    folder = tmp_path_factory.mktemp("states")
    if not usable(frames, options):
        return
    first = counted(frames, options, frames)
    written = state(first, folder)
    again = Evaluation.load(folder / "state.npz")
    assert state(again, folder) == written
    assert outcome(again) == outcome(first)
    again.update(*frames[0])  # counting goes on
    first.update(*frames[0])
    assert state(again, folder) == state(first, folder)


@examples(100)
@given(small_frames(), st.sampled_from([0, 2**31]))
def test_a_second_pass_is_part_of_the_state(tmp_path_factory, frames, memory):
    folder = tmp_path_factory.mktemp("states")
    evaluation = Evaluation(METRICS, memory=memory)
    evaluation.run(OneByOne(lambda: as_frames(frames, LabelCodes())), again=True)
    written = state(evaluation, folder)
    again = Evaluation.load(folder / "state.npz")
    assert outcome(again) == outcome(evaluation)
    assert state(again, folder) == written
    assert outcome(pickle.loads(pickle.dumps(evaluation))) == outcome(evaluation)


def test_merging_forgets_what_a_second_pass_found_over_other_frames(monkeypatch):
    coarse(monkeypatch, 128)
    rng = np.random.default_rng(0)
    frames = [(rng.random((16, 16)) ** p, rng.integers(0, 2, (16, 16))) for p in (1, 1, 4, 4)]

    def looked_at(part):
        evaluation = Evaluation("mdm_f1@0.55", memory=0)
        evaluation.run(OneByOne(lambda: as_frames(part, LabelCodes())), again=True)
        return evaluation

    half, other = looked_at(frames[:2]), looked_at(frames[2:])
    half.merge(other)
    low, high = half.result().numbers["mdm_f1@0.55"].bracket
    exact = evaluate(frames, "mdm_f1@0.55")["mdm_f1@0.55"]
    assert low < high
    assert low <= exact <= high


def test_evaluations_of_other_settings_do_not_merge():
    mine, other = Evaluation("ap"), Evaluation("ap,auroc", min_target=3)
    with pytest.raises(InputError, match=r"same settings, found\n.*metrics: \['ap'\] and"):
        mine.merge(other)


def test_constants_must_be_the_same():
    frames = [([[0.0, 4.0]], [[0, 1]]), ([[0.0, 8.0]], [[0, 1]])]
    options = {"normalize": "minmax", "aggregate": "per_image"}
    one, other = (counted([f], options, [f]) for f in frames)
    with pytest.raises(InputError, match="constants"):
        one.merge(other)


def test_a_frame_is_not_judged_before_its_constants_are_known():
    evaluation = Evaluation("mdm_f1@0.5", normalize="minmax", aggregate="per_image")
    with pytest.raises(InputError, match="expected the constants of 'minmax' before"):
        evaluation.update([[0.0, 4.0]], [[0, 1]])
    assert evaluation.counts.frames == 0


def test_labels_of_update_are_those_of_the_evaluation():
    evaluation = Evaluation("ap", anomaly_label=[2, 3], ignore_index=None)
    evaluation.update([[0.1, 0.9, 0.8]], [[0, 2, 3]])
    evaluation.update(Frame([[0.1, 0.9]], [[0, 1]]))
    assert evaluation.result().anomalous_pixels == 3
    with pytest.raises(InputError, match="255"):
        evaluation.update([[0.1, 0.9]], [[255, 2]])


def test_metrics_without_a_name_cannot_be_saved(tmp_path):
    for metric in (
        count_metric(lambda tp, fp, fn, tn: tp, name="own"),
        MaskMetric(lambda a, b: 1.0),
    ):
        evaluation = Evaluation([MarginAt(metric, 0.5)])
        with pytest.raises(InputError, match="metrics: expected those that have a name"):
            evaluation.save(tmp_path / "state.npz")
    assert not list(tmp_path.iterdir())


def test_a_state_is_never_overwritten_by_accident(tmp_path):
    Evaluation("ap").save(tmp_path / "state.npz")
    with pytest.raises(InputError, match="expected a new file"):
        Evaluation("ap").save(tmp_path / "state.npz")


def test_foreign_and_spoilt_files_are_refused(tmp_path):
    evaluation = Evaluation("ap,mdm_siou@0.5")
    evaluation.update([[0.1, 0.9]], [[0, 1]])
    path = tmp_path / "state.npz"
    evaluation.save(path)
    whole = path.read_bytes()
    for spoilt in (b"", b"text", whole[: len(whole) // 2], whole[:-10]):
        path.write_bytes(spoilt)
        with pytest.raises(InputError, match=r"state\.npz: expected a state of mdmkit as it was"):
            Evaluation.load(path)
    np.savez(path, scores=np.zeros(3))
    with pytest.raises(InputError, match="expected a state of mdmkit"):
        Evaluation.load(path)
    with pytest.raises(InputError, match="found no such file"):
        Evaluation.load(tmp_path / "other.npz")


def test_another_version_is_refused_with_the_next_step(tmp_path):
    path = tmp_path / "state.npz"
    Evaluation("ap").save(path)
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes()) | {"version": 99}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **arrays)
    seal(path)
    with pytest.raises(InputError, match="expected a state of version 3, found version 99"):
        Evaluation.load(path)


def test_a_state_is_small(tmp_path):
    scores = (np.arange(10_000).reshape(100, 100) / 10_000).astype(np.float32)
    evaluation = Evaluation("ap")
    evaluation.update(scores, scores > 0.9)
    evaluation.save(tmp_path / "state.npz")
    _, arrays = read_state(tmp_path / "state.npz")
    assert sum(array.nbytes for array in arrays.values()) < 8 * 10_000


@pytest.mark.parametrize(
    "numbers",
    [
        [0],
        [-1, 2**40],
        [2**63 - 1, -(2**63)],
        [255, 0],
        [-129],
        [0.1, -0.0],
        [1e300],
        [np.inf, 1.0],
    ],
)
def test_narrow_arrays_hold_the_same_numbers(numbers):
    array = np.array(numbers)
    again = widened(narrowed({"some": array}))["some"]
    assert again.dtype == array.dtype
    assert again.tobytes() == array.tobytes()


def test_memory_is_that_of_all_pixels_whatever_their_scores():
    rng = np.random.default_rng(0)
    frame = rng.random((6, 6)), rng.integers(0, 2, (6, 6))
    thrice = Evaluation("ap", memory=3 * 36 * 8 * 5 // 4)
    for _ in range(3):
        thrice.update(*frame)
    thrice.result()
    assert not thrice.over_budget
    thrice.update(*frame)
    thrice.result()
    assert thrice.over_budget
