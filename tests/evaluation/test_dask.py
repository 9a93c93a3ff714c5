"""Clusters, bags and arrays of Dask, Zarr: the bits of one process, whoever does the work."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mdmkit import Evaluation, Frame, InputError, InputTypeError, compare, evaluate
from mdmkit.cli.command_line import app
from mdmkit.core.labels import LabelCodes
from mdmkit.evaluation.methods import evaluate_methods, load_frame
from mdmkit.evaluation.threads import Threads
from mdmkit.io import read_scores

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

import dask.array as da  # noqa: E402
import dask.bag as db  # noqa: E402

from mdmkit.evaluation import dask as integration  # noqa: E402
from mdmkit.evaluation.dask import on_cluster  # noqa: E402

pytestmark = [
    # a port that is taken is no failure: tests run side by side
    pytest.mark.filterwarnings("ignore:Port .* is already in use:UserWarning"),
    # sockets of workers that were killed are left to the garbage collector by distributed
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
METRICS = "ap,fpr95,best_f1,mdm_f1@0.3,mdm_siou@0.2"
CODES = LabelCodes()


@contextmanager
def connected(**options):
    """A client of two workers of one thread each."""
    options |= {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, silence_logs=logging.CRITICAL) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def client():
    """Of workers in this process, which everything is sent to as if they were far away."""
    with connected(processes=False, protocol="tcp://") as client:
        yield client


@pytest.fixture(scope="module")
def processes():
    """Of workers that are processes."""
    with connected(processes=True) as client:
        yield client


def drawn(seed, shape=(270, 260), dtype="float32", factor=1.0):
    """A score map of patches, with more distinct scores than a grid has cells; and its target."""
    rng = np.random.default_rng(seed)
    target = np.zeros(shape, np.uint8)
    row, column = rng.integers(0, np.array(shape) - 40)
    target[row : row + 40, column : column + 30] = 1
    target[:4] = 255
    patches = np.kron(rng.random((shape[0] // 10, shape[1] // 10)), np.ones((10, 10)))
    scores = patches**2 * 0.7 + rng.random(shape) * 0.003 + (target == 1) * 0.2
    if dtype == "uint8":
        return (scores * 255).astype(np.uint8), target
    return (scores * factor).astype(dtype), target


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two methods, one of scores beyond [0, 1]; eight frames."""
    root = tmp_path_factory.mktemp("frames")
    for name in ("gt", "fine", "coarse"):
        (root / name).mkdir()
    for seed in range(8):
        scores, target = drawn(seed, factor=7.0)
        np.save(root / "gt" / f"{seed:02}.npy", target)
        np.save(root / "fine" / f"{seed:02}.npy", scores)
        np.save(root / "coarse" / f"{seed:02}.npy", drawn(seed, dtype="uint8")[0])
    return root


def methods(root):
    return {name: root / name for name in ("fine", "coarse")}


def evaluated(root, scheduler, progress=None, **options):
    options = {"metrics": METRICS, "normalize": {"fine": "minmax"}, **options}
    evaluations, _ = evaluate_methods(
        methods(root), root / "gt", codes=CODES, missing="error", jobs=1, key=None,
        progress=progress, scheduler=scheduler, **options,
    )  # fmt: skip
    return evaluations


def state(evaluation, folder):
    path = Path(folder) / "state.npz"
    evaluation.save(path, overwrite=True)
    return path.read_bytes()


def assert_same_bits(found, expected, folder):
    assert list(found) == list(expected)
    for name in expected:
        assert found[name].result() == expected[name].result()
        assert state(found[name], folder) == state(expected[name], folder), name


# ------------------------------------------------------------------------------- a cluster


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"memory": 3_000_000},
        {"aggregate": "per_image", "normalize": "minmax"},
        {"normalize": "rank", "protocol": "smiyc"},
    ],
    ids=["two passes", "a small budget", "constants first", "ranks"],
)
def test_a_cluster_gives_the_bits_of_one_process(client, files, tmp_path, options):
    found = evaluated(files, client, **options)
    expected = evaluated(files, None, **options)
    assert_same_bits(found, expected, tmp_path)
    looked_again = {name: e._accumulator.looking_again for name, e in expected.items()}
    assert looked_again["fine"] == ("aggregate" not in options)


@pytest.mark.parametrize("chunk", [1, 3, 8, 100])
def test_the_cut_into_tasks_changes_no_bit(client, files, tmp_path, chunk):
    paths = sorted((files / "coarse").iterdir())
    loads = [partial(load_frame, p, files / "gt" / p.name, CODES, p.stem, None) for p in paths]
    found, expected = Evaluation(METRICS), Evaluation(METRICS)
    found.run(on_cluster(loads, client, chunk), again=True)
    expected.run(Threads(loads), again=True)
    assert state(found, tmp_path) == state(expected, tmp_path)


@pytest.mark.slow
def test_a_worker_that_is_killed_half_way_changes_no_bit(processes, files, tmp_path):
    before = processes.run(os.getpid)
    killed = []

    def progress(name, frames):
        done = []

        def one():
            done.append(name)
            if not killed and len(done) == frames // 2:
                busy = [worker for worker, tasks in processes.processing().items() if tasks]
                killed.append(before[busy[0]])
                os.kill(killed[0], signal.SIGKILL)

        return one

    loaded = tmp_path / "loaded"
    loaded.mkdir()
    paths = sorted((files / "fine").iterdir())
    loads = [partial(logged, p, files / "gt" / p.name, loaded) for p in paths]
    found, expected = (Evaluation("ap,mdm_f1@0.3", normalize="minmax") for _ in range(2))
    expected.run(Threads(loads), again=True)
    alone = len(list(loaded.iterdir()))
    found.run(on_cluster(loads, processes, 1), again=True, progress=progress("fine", len(loads)))
    assert killed
    assert killed[0] not in processes.run(os.getpid).values()
    assert len(list(loaded.iterdir())) > 2 * alone  # what was lost with it was done again
    assert state(found, tmp_path) == state(expected, tmp_path)
    assert found.result() == expected.result()
    processes.wait_for_workers(2)


def logged(scores, target, folder):
    """Load a frame slowly, and leave a file for it."""
    time.sleep(0.05)
    (folder / f"{Path(scores).stem}-{os.getpid()}-{time.monotonic_ns()}").touch()
    return load_frame(scores, target, CODES, Path(scores).stem, None)


def test_progress_tells_of_each_frame_once(client, files):
    told = []
    progress = lambda name, frames: lambda: told.append((name, frames))  # noqa: E731
    evaluated(files, client, progress=progress, metrics="ap")
    assert told == [("fine", 8)] * 8 + [("coarse", 8)] * 8


def test_frames_in_memory_travel_with_their_tasks(client, tmp_path):
    frames = [drawn(seed) for seed in range(3)]
    found = compare({"mine": frames}, metrics=METRICS, scheduler=client)
    assert found.results == compare({"mine": frames}, metrics=METRICS).results


def test_frames_that_are_read_twice_are_neither_counted_nor_sent_twice(client):
    frames = on_cluster([partial(Frame, *drawn(0))], client)
    first = frames.first()
    assert first.anomalous_pixels == 1200
    (part,) = frames.parts(Evaluation("ap").empty)
    assert part.counts.frames == 1


# ------------------------------------------------------------------------------- bad frames


def spoil(root, *names):
    for name in names:
        scores = np.load(root / "fine" / name)
        scores[100, 7] = np.nan
        np.save(root / "fine" / name, scores)


@pytest.fixture
def spoilt(tmp_path):
    """Eight small frames, whose files may be spoilt."""
    for name in ("gt", "fine"):
        (tmp_path / name).mkdir()
    for seed in range(8):
        scores, target = drawn(seed, (120, 110))
        np.save(tmp_path / "gt" / f"{seed}.npy", target)
        np.save(tmp_path / "fine" / f"{seed}.npy", scores)
    return tmp_path


def refusal(root, **options):
    with pytest.raises(InputError) as caught:
        compare({"fine": root / "fine"}, root / "gt", "ap,mdm_f1@0.5", **options)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("bad", [["0.npy"], ["5.npy"], ["0.npy", "3.npy", "7.npy"]])
def test_bad_frames_are_listed_as_by_one_process(client, spoilt, bad):
    spoil(spoilt, *bad)
    (spoilt / "fine" / "4.npy").write_bytes(b"torn")
    kind, message = refusal(spoilt, scheduler=client)
    assert (kind, message) == refusal(spoilt)
    assert all(str(spoilt / "fine" / name) in message for name in [*bad, "4.npy"])
    assert message.startswith(f"fine: {len(bad) + 1} frames cannot be used:\n")
    assert "Traceback" not in message


def test_a_single_bad_frame_keeps_its_own_error(client, spoilt):
    np.save(spoilt / "fine" / "2.npy", np.zeros((120, 110), np.int64))
    kind, message = refusal(spoilt, scheduler=client)
    assert kind is InputTypeError
    assert (kind, message) == refusal(spoilt)


def test_a_bad_frame_is_not_tried_again(client, spoilt, tmp_path):
    spoil(spoilt, "3.npy")
    loaded = tmp_path / "loaded"
    loaded.mkdir()
    path = spoilt / "fine" / "3.npy"
    frames = on_cluster([partial(logged, path, spoilt / "gt" / "3.npy", loaded)], client)
    with pytest.raises(InputError, match=r"3\.npy: .*row 100, column 7"):
        list(frames.parts(Evaluation("ap").empty))
    assert len(list(loaded.iterdir())) == 1


@pytest.mark.parametrize("suffix", [".npy", ".png", ".hdf5", ".zarr"])
def test_a_worker_that_does_not_see_a_file_says_so(client, tmp_path, suffix):
    path = tmp_path / f"elsewhere{suffix}"
    frames = on_cluster([partial(load_frame, path, path, CODES, "", None)], client)
    with pytest.raises(InputError) as caught:
        list(frames.parts(Evaluation("ap").empty))
    assert f"{path}: expected a readable {suffix} file" in str(caught.value)
    assert "(not seen by the worker tcp://" in str(caught.value)
    assert ": workers need the same paths, from the root where they run" in str(caught.value)


def broken():
    raise ZeroDivisionError("a bug, not an input")


def test_what_is_no_input_error_comes_through(client):
    with pytest.raises(ZeroDivisionError, match="a bug, not an input"):
        list(on_cluster([broken] * 3, client, 1).parts(Evaluation("ap").empty))


# ------------------------------------------------------------------------------- schedulers


def test_the_command_line_takes_an_address(client, files, capsys):
    arguments = ["compare", f"coarse={files / 'coarse'}", "--target", str(files / "gt")]
    arguments += ["--metrics", "ap,mdm_f1@0.3", "--format", "csv"]
    app(arguments, standalone_mode=False)
    alone = capsys.readouterr().out
    app([*arguments, "--scheduler", client.scheduler.address], standalone_mode=False)
    assert capsys.readouterr().out == alone
    with pytest.raises(InputError, match="jobs: expected none beside a scheduler"):
        app([*arguments, "--scheduler", "tcp://localhost:1", "--jobs", "2"], standalone_mode=False)


def test_nobody_at_the_address_is_an_input_error(files, monkeypatch):
    monkeypatch.setattr(integration, "PATIENCE", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://127.0.0.1:9"):
        with pytest.raises(InputError, match=f"scheduler: expected a Dask scheduler at {address}"):
            evaluated(files, address)
    with pytest.raises(
        InputTypeError, match=r"expected an address or a distributed\.Client, found"
    ):
        evaluated(files, 8786)


def test_a_scheduler_without_workers_is_an_input_error(files, monkeypatch):
    monkeypatch.setattr(integration, "PATIENCE", 0.5)
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:
        monkeypatch.setattr(integration, "PATIENCE", 2)
        with pytest.raises(InputError, match=r"expected workers at .*, found none in 2 seconds"):
            evaluated(files, cluster.scheduler_address)


@pytest.mark.slow
def test_workers_of_another_version_are_refused(processes, files, monkeypatch):
    monkeypatch.setattr(integration, "version", lambda name: "0.0.7")
    with pytest.raises(InputError) as caught:
        evaluated(files, processes)
    assert str(caught.value).startswith(
        "scheduler: expected workers with mdmkit 0.0.7, as here, found\n  tcp://"
    )


# ------------------------------------------------------------------------------- pickles


def test_an_evaluation_travels_without_what_it_has_cached(tmp_path):
    evaluation = Evaluation(METRICS)
    evaluation.update(*drawn(0))
    evaluation.result()  # fills caches
    sent = pickle.dumps(evaluation)
    assert len(sent) < 1.1 * len(state(evaluation, tmp_path))
    again = pickle.loads(sent)
    assert again.result() == evaluation.result()
    assert state(again, tmp_path) == state(evaluation, tmp_path)


# ------------------------------------------------------------------------------- collections


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
        assert found["mine"].values == expected.values


def test_an_array_of_a_zarr_group_is_chosen_by_key(zarr, tmp_path):
    path = tmp_path / "a.zarr"
    group = zarr.open_group(str(path), mode="w")
    group["msp"] = np.full((2, 3), 0.25, np.float16)
    assert read_scores(path).dtype == np.float16
    group["entropy"] = np.full((2, 3), 0.5)
    assert read_scores(path, "entropy").tolist() == [[0.5] * 3] * 2
    with pytest.raises(InputError, match=r"expected one array, found .* entropy, msp; .*--key"):
        read_scores(path)
    with pytest.raises(InputError, match=r"a\.zarr: expected the array 'x', found .* entropy, msp"):
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


# ------------------------------------------------------------------------------- real frames


@pytest.mark.slow
def test_real_frames_on_a_cluster_give_the_bits_of_one_process(processes, real_frames, tmp_path):
    names = ("espnetv2-msp", "espnetv2-maxlogit")
    given = {name: real_frames / "scores" / name for name in names}
    options = {
        "codes": LabelCodes(0, 2, 255), "missing": "skip", "jobs": 1, "key": None, "progress": None,
        "normalize": {"espnetv2-maxlogit": "minmax"}, "min_prediction": 500, "min_target": 100,
    }  # fmt: skip
    expected, _ = evaluate_methods(given, real_frames, **options)
    found, _ = evaluate_methods(given, real_frames, **options, scheduler=processes)
    assert found["espnetv2-msp"].counts.frames == 10
    assert_same_bits(found, expected, tmp_path)
