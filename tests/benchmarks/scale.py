"""`python -m tests.benchmarks.scale`: many frames on disk, as a Markdown table.

Peak memory as frames grow in number, frames per second in one process and in two (shards, which
are then joined), and a run that is killed at random moments until it gets through. Drawing 2,000
frames of 720 x 1280 takes 9 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.scenes import scene

SHAPE = (720, 1280)
SCENES = 16  # drawn anew; every frame is one of them, shifted, with noise of its own


def draw(folder: Path, frames: int) -> None:
    """Score maps in float32 and masks, no two alike."""
    for name in ("scores", "masks"):
        (folder / name).mkdir(parents=True)
    drawn = [scene(targets=4 + n, noise=0.05 * (n % 4), shape=SHAPE, seed=n) for n in range(SCENES)]
    for number in range(frames):
        rng = np.random.default_rng(number)
        scores, target = drawn[number % SCENES]
        shift = int(rng.integers(SHAPE[1]))
        noisy = np.roll(scores, shift, axis=1) + 0.02 * rng.random(SHAPE, np.float32)
        np.save(folder / "scores" / f"{number:06d}.npy", noisy.clip(0, 1))
        mask = Image.fromarray(np.roll(target, shift, axis=1))
        mask.save(folder / "masks" / f"{number:06d}.png", compress_level=1)


def first_frames(folder: Path, count: int) -> Path:
    """The first so many, by hard links."""
    part = folder / f"first-{count}"
    for name in ("scores", "masks"):
        (part / name).mkdir(parents=True)
        for path in sorted((folder / name).iterdir())[:count]:
            os.link(path, part / name / path.name)
    return part


def command(folder: Path, *options: object) -> list[str]:
    """`mdmkit compare` of every metric on a folder."""
    return [
        sys.executable, "-m", "mdmkit", "compare", f"drawn={folder / 'scores'}",
        "--target", str(folder / "masks"), "--quiet", *map(str, options),
    ]  # fmt: skip


def waited(process: subprocess.Popen[bytes]) -> float:
    """Peak memory of a process that ends well, in GiB."""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(process.args)}: status {status}")  # type: ignore[arg-type]
    return usage.ru_maxrss / 2**20


def timed(*commands: list[str]) -> tuple[float, float]:
    """Seconds that commands take side by side, and the largest peak memory in GiB."""
    start = time.perf_counter()
    processes = [subprocess.Popen(one) for one in commands]
    peak = max(waited(process) for process in processes)
    return time.perf_counter() - start, peak


def numbers(path: Path) -> object:
    """What a result says, whatever folder it is of."""
    return json.loads(path.read_text())["rows"]


def killed(folder: Path, state: Path, output: Path, kills: int, seconds: float) -> int:
    """Run to the end in spite of kills at random moments; returns how often it was killed."""
    rng, done = random.Random(0), 0
    going = command(folder, "--state", state, "--format", "json", "-o", output)
    while True:
        process = subprocess.Popen(going)
        try:
            # long enough to get somewhere, short enough to be killed so often
            limit = rng.uniform(0.5, 2 * seconds / kills + 8) if done < kills else None
            if process.wait(timeout=limit) != 0:
                raise SystemExit(f"resumed run: exit code {process.returncode}")
            return done
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where to draw; a temporary one by default")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        draw(folder, asked.frames)
        print("| frames of 720 x 1280 | processes | s | frames / s | peak GiB a process |")
        print("|--:|:--|--:|--:|--:|")

        def row(frames: int, how: str, seconds: float, peak: float) -> None:
            rate = frames / seconds
            print(f"| {frames} | {how} | {seconds:.0f} | {rate:.2f} | {peak:.2f} |", flush=True)

        few = asked.frames // 8
        part, whole, joined = first_frames(folder, few), folder / "few.json", folder / "joined.json"
        row(few, "1", *timed(command(part, "--format", "json", "-o", whole)))
        alone = ("--state", folder / "alone", "--shard", "1/2")
        row(few // 2, "1, a shard, first pass", *timed(command(part, *alone)))
        shards = [("--state", folder / f"shard-{n}", "--shard", f"{n}/2") for n in (1, 2)]
        row(few, "2, a shard each, first pass", *timed(*(command(part, *s) for s in shards)))
        merge = [sys.executable, "-m", "mdmkit", "merge", *(str(shard[1]) for shard in shards)]
        merge += ["--jobs", "2", "--quiet", "--format", "json", "-o", str(joined)]
        row(few, "1 with 2 threads, joining the shards, second pass", *timed(merge))
        same = numbers(joined) == numbers(whole)
        print(f"joined: {'the same numbers' if same else 'DIFFERENT NUMBERS'}")
        for shard in (*shards, alone):
            shutil.rmtree(shard[1])
        whole = folder / "whole.json"
        single, peak = timed(command(folder, "--format", "json", "-o", whole))
        row(asked.frames, "1", single, peak)
        output = folder / "resumed.json"
        times = killed(folder, folder / "state", output, asked.kills, single)
        same = "the same numbers" if numbers(output) == numbers(whole) else "DIFFERENT NUMBERS"
        size = sum(path.stat().st_size for path in (folder / "state").rglob("*"))
        print(f"killed {times} times: {same}; counts on disk: {size / 2**30:.2f} GiB")


if __name__ == "__main__":
    main()
