"""Comparisons that are stopped, resumed, cut into shares and joined: the numbers stay the same."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import mdmkit.comparison.checkpoints.chunks
from mdmkit import InputError, compare
from mdmkit.cli.command_line import app
from mdmkit.comparison.checkpoints.folder import Manifest, Shard, open_state
from mdmkit.comparison.checkpoints.sharding import count_shard, merge_states

SLOW = pytest.mark.slow
METRICS = "ap,fpr95,best_f1,siou_gt,ppv,mdm_f1@0.3,mdm_siou@0.2"


def draw(folder, count=20, size=(24, 40), names=("mine", "other"), seed=0):
    """Frames on disk: (methods, target)."""
    rng = np.random.default_rng(seed)
    target = folder / "masks"
    target.mkdir()
    methods = {name: folder / name for name in names}
    for scores in methods.values():
        scores.mkdir()
    for index in range(count):
        labels = np.zeros(size, np.uint8)
        labels[4:12, 5 + index % 20 : 15 + index % 20] = 1
        labels[-2:] = 255
        Image.fromarray(labels).save(target / f"f{index:04d}.png")
        for scores in methods.values():
            noise = rng.random(size, np.float32)
            np.save(scores / f"f{index:04d}.npy", (noise + (labels == 1)) / 2)
    return methods, target


def numbers(comparison):
    return {result.method: result.numbers for result in comparison.results}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    methods, target = draw(folder)
    return methods, target, numbers(compare(methods, target, METRICS))


class Stopped(Exception):
    pass


def stop_after(frames):
    """A progress which raises after so many frames."""
    left = [frames]

    def progress(method, count):
        def each():
            left[0] -= 1
            if left[0] < 0:
                raise Stopped

        return each

    return progress


def counting(seen):
    def progress(method, count):
        return lambda: seen.append(method)

    return progress


@pytest.mark.parametrize("memory", [*(pytest.param(m, marks=SLOW) for m in (0, 60_000)), 2**31])
@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_a_run_that_is_stopped_again_and_again_gives_the_same_numbers(
    drawn, tmp_path, memory, aggregate
):
    methods, target, _ = drawn
    options = {"memory": memory, "aggregate": aggregate}
    whole = compare(methods, target, METRICS, **options)
    for frames in (0, 5, 13, 21, 30):
        with pytest.raises(Stopped):
            compare(
                methods, target, METRICS, counts=tmp_path, progress=stop_after(frames), **options
            )
    found = compare(methods, target, METRICS, counts=tmp_path, **options)
    assert numbers(found) == numbers(whole)


@pytest.mark.parametrize(
    ("normalize", "aggregate"),
    [
        ("minmax", "pooled"),
        ("rank", "per_image"),
        pytest.param("minmax", "per_image", marks=SLOW),
        pytest.param("rank", "pooled", marks=SLOW),
    ],
)
def test_constants_of_a_normaliser_are_kept_too(drawn, tmp_path, normalize, aggregate):
    methods, target, _ = drawn
    options = {"normalize": normalize, "aggregate": aggregate}
    whole = compare(methods, target, METRICS, **options)
    with pytest.raises(Stopped):
        compare(methods, target, METRICS, counts=tmp_path, progress=stop_after(11), **options)
    again = compare(methods, target, METRICS, counts=tmp_path, **options)
    assert numbers(again) == numbers(whole)


def test_nothing_that_was_counted_is_read_again(drawn, tmp_path, monkeypatch):
    methods, target, whole = drawn
    compare(methods, target, METRICS, counts=tmp_path)
    read = []

    def attempt(self, index, load, then):
        read.append(index)
        return index, then(load())

    monkeypatch.setattr("mdmkit.evaluation.threads.FrameErrors.attempt", attempt)
    assert numbers(compare(methods, target, METRICS, counts=tmp_path)) == whole
    assert read == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_frames_whose_files_changed_are_counted_anew_and_others_are_not(tmp_path, jobs):
    methods, target = draw(tmp_path, count=20)
    state = tmp_path / "state"
    compare(methods, target, METRICS, counts=state)
    changed = methods["mine"] / "f0011.npy"
    np.save(changed, np.load(changed) ** 2)
    os.utime(changed, ns=(1, 1))  # as old as can be: any change counts, not only a later one
    seen = []
    found = compare(methods, target, METRICS, counts=state, jobs=jobs, progress=counting(seen))
    assert numbers(found) == numbers(compare(methods, target, METRICS))
    assert seen.count("mine") == seen.count("other") == 20


def test_frames_that_came_and_went(tmp_path):
    methods, target = draw(tmp_path, count=18)
    state = tmp_path / "state"
    compare(methods, target, METRICS, counts=state)
    for folder, suffix in ((target, "png"), *((path, "npy") for path in methods.values())):
        (folder / f"f0003.{suffix}").unlink()
        (folder / f"f0017.{suffix}").rename(folder / f"g.{suffix}")
    found = compare(methods, target, METRICS, counts=state)
    assert found["mine"].frames == 17
    assert numbers(found) == numbers(compare(methods, target, METRICS))


@SLOW
def test_the_first_frame_lays_the_grid_anew_when_it_changes(tmp_path):
    rng = np.random.default_rng(0)
    methods, target = draw(tmp_path, count=9, size=(300, 300), names=("mine",))
    state = tmp_path / "state"
    compare(methods, target, METRICS, counts=state)
    np.save(methods["mine"] / "f0000.npy", rng.normal(size=(300, 300)).astype(np.float32))
    options = {"normalize": "minmax"}
    found = compare(methods, target, METRICS, counts=tmp_path / "other", **options)
    np.save(methods["mine"] / "f0000.npy", rng.normal(size=(300, 300)).astype(np.float32) * 9)
    found = compare(methods, target, METRICS, counts=tmp_path / "other", **options)
    assert numbers(found) == numbers(compare(methods, target, METRICS, **options))


def test_frames_known_on_the_grid_alone_are_counted_anew_where_all_fit_again(tmp_path):
    methods, target = draw(tmp_path, count=32, names=("mine",))
    metrics = "ap,fpr95"
    state, memory = tmp_path / "state", 100_000
    rough = compare(methods, target, metrics, counts=state, memory=memory)
    assert rough["mine"].numbers["ap"].bracket
    for index in range(24):
        path = target / f"f{index:04d}.png"
        labels = np.array(Image.open(path))
        labels[12:] = 255
        Image.fromarray(labels).save(path)
    found = compare(methods, target, metrics, counts=state, memory=memory)
    assert not found["mine"].numbers["ap"].binned
    assert numbers(found) == numbers(compare(methods, target, metrics, memory=memory))


def test_files_that_change_between_the_passes_are_refused(tmp_path):
    methods, target = draw(tmp_path, count=4, size=(300, 300), names=("mine",))
    path = methods["mine"] / "f0000.npy"
    left = [4]

    def progress(method, count):
        def each():
            left[0] -= 1
            if left[0] == 0:  # as late as can be, and nothing shows from outside
                times = path.stat()
                np.save(path, np.load(path)[::-1])
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

        return each

    with pytest.raises(InputError, match="mine: f0000: expected the scores and labels of the f"):
        compare(methods, target, METRICS, counts=tmp_path / "state", progress=progress)


@pytest.mark.parametrize("of", [1, 2, 3, 8])
def test_shares_join_to_the_whole(drawn, tmp_path, of):
    methods, target, whole = drawn
    states = [tmp_path / str(number) for number in range(of)]
    frames = [
        count_shard(methods, target, METRICS, counts=state, shard=f"{number + 1}/{of}")[0]
        for number, state in enumerate(states)
    ]
    assert sum(frames) == 20
    random.Random(of).shuffle(states)
    assert numbers(merge_states(states)) == whole
    assert numbers(merge_states(states)) == whole  # they are left as they were


@pytest.mark.slow
@pytest.mark.parametrize("memory", [0, 60_000])
def test_shares_join_beyond_the_memory(drawn, tmp_path, memory):
    methods, target, _ = drawn
    states = [tmp_path / str(number) for number in range(3)]
    for number, state in enumerate(states):
        shard = f"{number + 1}/3"
        count_shard(methods, target, METRICS, counts=state, shard=shard, memory=memory)
    whole = compare(methods, target, METRICS, memory=memory)
    assert numbers(merge_states(states, jobs=2)) == numbers(whole)


@SLOW
def test_without_the_files_numbers_keep_their_brackets_and_say_so(tmp_path):
    methods, target = draw(tmp_path, count=10, size=(300, 300))
    states = [tmp_path / "one", tmp_path / "two"]
    for number, state in enumerate(states):
        count_shard(methods, target, METRICS, counts=state, shard=f"{number + 1}/2")
    exact = numbers(compare(methods, target, METRICS))
    (methods["mine"] / "f0004.npy").unlink()
    joined = merge_states(states)
    assert "mine" in joined.settings["second_pass"]
    assert "second pass" in joined.to_text("markdown")
    assert numbers(joined)["other"] == exact["other"]
    low, high = joined["mine"].numbers["mdm_siou@0.2"].bracket
    assert low < high
    assert low <= exact["mine"]["mdm_siou@0.2"].value <= high


def test_joining_refuses_files_that_changed(tmp_path):
    methods, target = draw(tmp_path, count=10, size=(300, 300), names=("mine",))
    compare(methods, target, METRICS, counts=tmp_path / "state")
    path = methods["mine"] / "f0004.npy"
    np.save(path, np.load(path)[::-1])
    with pytest.raises(InputError, match="mine: f0004: expected the scores and labels of the fi"):
        merge_states([tmp_path / "state"])


def test_joining_refuses_what_is_not_whole_or_not_alike(drawn, tmp_path):
    methods, target, _ = drawn
    one, two, other = (tmp_path / name for name in ("one", "two", "other"))
    count_shard(methods, target, METRICS, counts=one, shard="1/2")
    with pytest.raises(InputError, match=r"expected all 20 frames, found none .* of 10"):
        merge_states([one])
    count_shard(methods, target, METRICS, counts=two, shard="1/2")
    with pytest.raises(InputError, match="expected each frame in one of them, found f0000 in"):
        merge_states([one, two])
    count_shard(methods, target, "ap", counts=other, shard="2/2")
    with pytest.raises(InputError, match=r"shares of one comparison, .* differ in options of mine"):
        merge_states([one, other])
    with pytest.raises(InputError, match="expected each folder once"):
        merge_states([one, one])
    with pytest.raises(InputError, match="expected a folder that `compare --state` wrote"):
        merge_states([tmp_path])


def test_a_state_belongs_to_one_request(drawn, tmp_path):
    methods, target, _ = drawn
    compare(methods, target, METRICS, counts=tmp_path)
    with pytest.raises(InputError, match=r"holds counts of another comparison\n.*options of mine"):
        compare(methods, target, "ap", counts=tmp_path)
    with pytest.raises(InputError, match="shard: expected 1/2, found 1/1"):
        count_shard(methods, target, METRICS, counts=tmp_path, shard="1/2")


def test_a_folder_with_other_files_is_not_touched(drawn, tmp_path):
    methods, target, _ = drawn
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(InputError, match="expected a new or empty folder"):
        compare(methods, target, METRICS, counts=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_runs_at_once_are_refused(drawn, tmp_path):
    methods, target, _ = drawn
    compare(methods, target, "ap", counts=tmp_path)
    with (
        open_state(tmp_path, Manifest.read(tmp_path)),
        pytest.raises(InputError, match="expected a folder that no other run uses"),
    ):
        compare(methods, target, "ap", counts=tmp_path)
    with (
        open_state(tmp_path, Manifest.read(tmp_path)),
        pytest.raises(InputError, match="expected a folder that no other run uses"),
    ):
        merge_states([tmp_path])


def test_arrays_cannot_be_kept(tmp_path):
    with pytest.raises(InputError, match="counts: expected folders of score maps, found arrays"):
        compare({"a": [([[0.1, 0.9]], [[0, 1]])]}, metrics="ap", counts=tmp_path)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/", "-1/2", ""])
def test_unfit_shards_are_refused(text):
    with pytest.raises(InputError, match="shard: expected K/N with 1 <= K <= N"):
        Shard.parse(text)


def test_per_image_constants_need_all_frames(drawn, tmp_path):
    methods, target, _ = drawn
    with pytest.raises(InputError, match="mine: shard: expected a normaliser that needs no look"):
        count_shard(
            methods, target, "ap", counts=tmp_path, shard="1/2", normalize="minmax",
            aggregate="per_image",
        )  # fmt: skip


def test_a_full_disk_loses_nothing(drawn, tmp_path, monkeypatch):
    methods, target, whole = drawn
    written, real = [], np.savez

    def savez(file, **arrays):
        written.append(file.name)
        if len(written) % 3 == 0:
            file.write(b"cut o")
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, **arrays)

    monkeypatch.setattr(np, "savez", savez)
    stops = 0
    for _ in range(20):
        try:
            found = compare(methods, target, METRICS, counts=tmp_path)
            break
        except OSError:
            stops += 1
    assert stops > 1
    assert numbers(found) == whole
    assert not list(tmp_path.rglob(".mdmkit-*"))


def test_chunks_join_and_a_crash_between_counts_nothing_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(mdmkit.comparison.checkpoints.chunks, "GROUP", 2)
    monkeypatch.setattr("mdmkit.comparison.checkpoints.source.GROUP", 2)
    methods, target = draw(tmp_path, count=21, names=("mine",))
    whole = numbers(compare(methods, target, METRICS))
    state = tmp_path / "state"
    left, real = [3], Path.unlink

    def unlink(self, missing_ok=False):
        if self.name.startswith("chunk-"):
            left[0] -= 1
            if left[0] < 0:
                raise Stopped
        real(self, missing_ok)

    for frames in (3, 4, 5):
        left[0] = frames
        monkeypatch.setattr(Path, "unlink", unlink)
        with pytest.raises(Stopped):
            compare(methods, target, METRICS, counts=state)
        monkeypatch.setattr(Path, "unlink", real)
    assert numbers(compare(methods, target, METRICS, counts=state)) == whole
    assert len(list(state.rglob("chunk-*"))) < 11


KILLED = """
import sys
from mdmkit.cli import main
sys.argv = ["mdmkit", "compare", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
def test_kill_at_random_moments_changes_nothing(tmp_path):
    methods, target = draw(tmp_path, count=32, size=(320, 320))
    names = [f"{name}={folder}" for name, folder in methods.items()]
    options = ["--target", target, "--metrics", METRICS, "--format", "json", "--quiet"]
    options += ["--min-prediction", "9", "--min-target", "9"]
    state, output = tmp_path / "state", tmp_path / "out.json"
    command = [sys.executable, "-c", KILLED, *names, *options, "--state", state, "-o", output]
    rng = random.Random(0)
    kills = 0
    while kills < 3:
        process = subprocess.Popen(command)
        chunks = len(list(state.glob("*/chunk-*"))) if state.exists() else 0
        while process.poll() is None and not (
            state.exists() and len(list(state.glob("*/chunk-*"))) != chunks
        ):
            time.sleep(0.005)
        time.sleep(rng.random() * 0.2)
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills >= 3  # else the frames are too few for this machine
    subprocess.run(command, check=False)
    rows = json.loads(output.read_text())["rows"]
    exact = compare(methods, target, METRICS, min_prediction=9, min_target=9)
    assert rows == json.loads(exact.to_text("json"))["rows"]


def test_the_command_line_keeps_counts_and_joins_shares(drawn, tmp_path):
    methods, target, _ = drawn
    names = [f"{name}={folder}" for name, folder in methods.items()]
    options = ["--target", str(target), "--metrics", METRICS, "--min-target", "0"]
    run = CliRunner().invoke
    whole = run(app, ["compare", *names, *options, "--format", "csv"])
    for number in (1, 2):
        share = ["--state", str(tmp_path / str(number)), "--shard", f"{number}/2"]
        done = run(app, ["compare", *names, *options, *share])
        assert done.exit_code == 0, done.output
        assert done.stdout == ""
        assert f"shard {number}/2 is counted: 10 of 20 frames" in done.stderr
    states = [str(tmp_path / "1"), str(tmp_path / "2")]
    joined = run(app, ["merge", *states, "--format", "csv"])
    assert joined.exit_code == 0, joined.output
    assert joined.stdout == whole.stdout
    table = tmp_path / "table.tex"
    assert run(app, ["merge", *states, "-o", str(table)]).exit_code == 0
    assert "toprule" in table.read_text()


def test_a_shard_needs_a_state(drawn):
    methods, target, _ = drawn
    done = CliRunner().invoke(
        app, ["compare", f"a={methods['mine']}", "--target", str(target), "--shard", "1/2"]
    )
    assert "shard: expected --state DIR beside it" in str(done.exception)
