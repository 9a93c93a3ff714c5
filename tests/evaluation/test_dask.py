"""Clusters of Dask: the bits of one process, whoever does the work."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mdmkit import Evaluation, InputError, InputTypeError, compare
from mdmkit.cli.command_line import app
from mdmkit.core.labels import LabelCodes
from mdmkit.evaluation.frame_set import FrameSet, evaluate_methods
from mdmkit.evaluation.methods import load_frame
from mdmkit.evaluation.threads import Threads

dask = pytest.importorskip("dask", reason="dask is not installed")
distributed = pytest.importorskip("distributed", reason="distributed is not installed")

from mdmkit.evaluation import dask as integration  # noqa: E402
from mdmkit.evaluation.dask import on_cluster  # noqa: E402
from tests.evaluation.clusters import METRICS, WARNINGS, drawn  # noqa: E402

pytestmark = WARNINGS
SLOW = pytest.mark.slow
CODES = LabelCodes()


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
    frames = FrameSet.of(methods(root), root / "gt", **CODES.arguments)
    return evaluate_methods(frames, progress=progress, scheduler=scheduler, **options)


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
        pytest.param({}, id="two passes"),
        pytest.param({"memory": 3_000_000}, id="a small budget", marks=SLOW),
        pytest.param({"aggregate": "per_image", "normalize": "minmax"}, id="constants first"),
        pytest.param(
            {"normalize": "rank", "protocol": "smiyc"}, id="ranks", marks=pytest.mark.slow
        ),
    ],
)
def test_a_cluster_gives_the_bits_of_one_process(client, files, tmp_path, options):
    found = evaluated(files, client, **options)
    expected = evaluated(files, None, **options)
    assert_same_bits(found, expected, tmp_path)
    looked_again = {name: e._accumulator.looked_at is not None for name, e in expected.items()}
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


# ------------------------------------------------------------------------------- real frames


@pytest.mark.slow
def test_real_frames_on_a_cluster_give_the_bits_of_one_process(processes, real_frames, tmp_path):
    names = ("espnetv2-msp", "espnetv2-maxlogit")
    given = {name: real_frames / "scores" / name for name in names}
    frames = FrameSet.of(
        given, real_frames, anomaly_label=2, missing="skip", min_prediction=500, min_target=100
    )
    options = {"normalize": {"espnetv2-maxlogit": "minmax"}}
    expected = evaluate_methods(frames, **options)
    found = evaluate_methods(frames, **options, scheduler=processes)
    assert found["espnetv2-msp"].counts.frames == 10
    assert_same_bits(found, expected, tmp_path)
