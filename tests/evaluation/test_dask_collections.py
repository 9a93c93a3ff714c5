"""Bags, arrays and delayed frames of Dask, and Zarr: the numbers that lists have."""

from __future__ import annotations

import os

import numpy as np
import pytest

from mdmkit import Frame, InputError, InputTypeError, compare, evaluate
from mdmkit.io import read_scores

dask = pytest.importorskip("dask", reason="dask is not installed")
distributed = pytest.importorskip("distributed", reason="distributed is not installed")

import dask.array as da  # noqa: E402
import dask.bag as db  # noqa: E402

from tests.evaluation.clusters import METRICS, WARNINGS, drawn  # noqa: E402

pytestmark = WARNINGS


@pytest.fixture(scope="module")
def stack():
    """Seven frames, (N, H, W)."""
    frames = [drawn(seed, (90, 80)) for seed in range(7)]
    return np.stack([s for s, _ in frames]), np.stack([t for _, t in frames])


def lazily(name, scores, target):
    """The same frames as a collection of Dask."""
    if name == "bag":
        return db.from_sequence(list(zip(scores, target, strict=True)), npartitions=3)
    if name == "bag of frames":
        pairs = db.from_sequence(list(zip(scores, target, strict=True)), npartitions=2)
        return pairs.starmap(Frame)
    if name == "stack":
        return da.from_array(scores, chunks=(2, 50, 40)), da.from_array(target, chunks=(3, 90, 80))
    if name == "list of stacks":
        whole = lazily("stack", scores, target)
        return [tuple(a[:3] for a in whole), tuple(a[3:] for a in whole)]
    if name == "list of maps":
        pairs = zip(scores, target, strict=True)
        return [(da.from_array(s, chunks=45), t) for s, t in pairs]
    return [dask.delayed(tuple)([s, t]) for s, t in zip(scores, target, strict=True)]


KINDS = ("bag", "bag of frames", "stack", "list of stacks", "list of maps", "delayed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_collections_give_what_lists_give(stack, kind, scheduler):
    expected = evaluate(list(zip(*stack, strict=True)), METRICS)
    with dask.config.set(scheduler=scheduler):
        assert evaluate(lazily(kind, *stack), METRICS) == expected


@pytest.mark.parametrize("kind", ["bag", "stack", "delayed"])
def test_collections_are_evaluated_on_the_cluster(client, stack, kind):
    options = {"normalize": "minmax", "aggregate": "per_image", "metrics": "ap,mdm_f1@0.1"}
    expected = evaluate(list(zip(*stack, strict=True)), **options)
    with client.as_current():
        assert evaluate(lazily(kind, *stack), **options) == expected


@pytest.mark.slow
def test_collections_are_evaluated_by_processes(stack):
    expected = evaluate(list(zip(*stack, strict=True)), "ap,mdm_f1@0.1")
    with dask.config.set(scheduler="processes", num_workers=1):
        assert evaluate(lazily("bag", *stack), "ap,mdm_f1@0.1") == expected


def where(seed, folder):
    (folder / f"{os.getpid()}-{seed}").touch()
    return drawn(seed)


@pytest.mark.slow
def test_frames_of_a_bag_are_made_where_they_are_swept(processes, tmp_path):
    bag = db.range(6, npartitions=3).map(where, tmp_path)
    with processes.as_current():
        found = evaluate(bag, "mdm_f1@0.3,mdm_siou@0.2")
    assert found == evaluate([drawn(seed) for seed in range(6)], "mdm_f1@0.3,mdm_siou@0.2")
    made = {int(path.name.split("-")[0]) for path in tmp_path.iterdir()}
    assert made <= set(processes.run(os.getpid).values())


def test_ignored_pixels_of_a_stack_are_ignored(stack):
    scores, target = stack
    ignore = np.zeros(scores.shape, bool)
    ignore[:, 20:40] = True
    expected = evaluate(list(zip(scores, target, ignore, strict=True)), METRICS)
    lazy = (*lazily("stack", scores, target), da.from_array(ignore, chunks=(4, 9, 80)))
    assert evaluate(lazy, METRICS) == expected != evaluate(list(zip(*stack, strict=True)), METRICS)


def test_empty_partitions_hold_no_frames(stack):
    items = list(zip(range(7), *stack, strict=True))
    bag = db.from_sequence(items, npartitions=7).filter(lambda item: item[0] in (3, 4))
    pairs = [(s, t) for _, s, t in items[3:5]]
    assert evaluate(bag.map(lambda item: item[1:]), METRICS) == evaluate(pairs, METRICS)
    with pytest.raises(InputError, match="expected at least one frame, found none"):
        evaluate(bag.filter(lambda item: False), METRICS)


def test_bad_frames_of_collections_are_listed(stack):
    scores, target = stack[0].copy(), stack[1]
    scores[1, 50, 3] = scores[6, 50, 3] = np.nan
    with pytest.raises(InputError) as caught:
        evaluate(lazily("stack", scores, target), "ap")
    assert str(caught.value).startswith("2 frames cannot be used:\n  scores of frame 1: expected")
    assert "\n  scores of frame 6: expected finite scores" in str(caught.value)
    with pytest.raises(InputError, match="scores of frame 0 of partition 1: expected finite"):
        evaluate(lazily("bag", scores[:3], target[:3]), "ap")
    with pytest.raises(InputTypeError, match=r"frame 0 of partition 0: expected a Frame, .* int"):
        evaluate(db.from_sequence([1]), "ap")


def test_collections_of_other_shapes_are_refused(stack):
    scores, target = lazily("stack", *stack)
    with pytest.raises(InputError, match=r"target of frames\[0\]: expected the shape of the score"):
        evaluate([(scores, target[:5])], "ap")
    with pytest.raises(InputError, match=r"scores of frames\[0\]: expected a Dask array of known"):
        evaluate([(scores[scores > 2], target)], "ap")
    with pytest.raises(InputTypeError, match="expected a bag, or a list of pairs of Dask arrays"):
        evaluate(scores, "ap")
    with pytest.raises(InputTypeError, match=r"frames\[1\]: expected a delayed frame or a pair"):
        evaluate([(scores, target), 3], "ap")


# ------------------------------------------------------------------------------- zarr


@pytest.fixture
def zarr():
    return pytest.importorskip("zarr")


def test_folders_of_zarr_arrays_are_score_maps(zarr, client, tmp_path, stack):
    (tmp_path / "gt").mkdir()
    for index, (scores, target) in enumerate(zip(*stack, strict=True)):
        zarr.save(str(tmp_path / "mine" / "town" / f"{index}.zarr"), scores)
        (tmp_path / "gt" / "town").mkdir(exist_ok=True)
        np.save(tmp_path / "gt" / "town" / f"{index}.npy", target)
    expected = evaluate(list(zip(*stack, strict=True)), METRICS, method="mine")
    for scheduler in (None, client):
        given = {"mine": tmp_path / "mine"}
        found = compare(given, tmp_path / "gt", METRICS, scheduler=scheduler)
        assert found["mine"].numbers == expected.numbers


def test_an_array_of_a_zarr_group_is_chosen_by_key(zarr, tmp_path):
    path = tmp_path / "a.zarr"
    group = zarr.open_group(str(path), mode="w")
    group["msp"] = np.full((2, 3), 0.25, np.float16)
    assert read_scores(path).dtype == np.float16
    group["entropy"] = np.full((2, 3), 0.5)
    assert read_scores(path, "entropy").tolist() == [[0.5] * 3] * 2
    with pytest.raises(InputError, match=r"one array, found .* entropy, msp; .*key='entropy'"):
        read_scores(path)
    with pytest.raises(InputError, match=r"a\.zarr: expected the key 'x', found .* entropy, msp"):
        read_scores(path, "x")


def test_what_is_no_zarr_array_is_refused_by_name(zarr, tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "b.zarr").write_bytes(b"no folder")
    for name in "ab":
        with pytest.raises(InputError, match=rf"{name}\.zarr: expected a readable \.zarr file"):
            read_scores(tmp_path / f"{name}.zarr")


def test_one_large_zarr_array_is_evaluated_chunk_by_chunk(zarr, tmp_path, stack):
    for name, array in zip(("scores", "target"), stack, strict=True):
        stored = zarr.open_array(
            str(tmp_path / f"{name}.zarr"), mode="w", shape=array.shape, chunks=(2, 90, 80),
            dtype=array.dtype,
        )  # fmt: skip
        stored[...] = array
    lazy = tuple(da.from_zarr(str(tmp_path / f"{name}.zarr")) for name in ("scores", "target"))
    assert evaluate(lazy, METRICS) == evaluate(list(zip(*stack, strict=True)), METRICS)
