"""`python -m tests.benchmarks.predict`: frames per second of `maskomaly predict`, as a table.

The small network on enlarged drawn streets, JPEG files to HDF5. "One after the other" reads,
runs, scores and writes each image in turn, as a loop over `Network.predict` does; "streamed" is
what the command does. Rows alternate, so that both see the same machine; outside is the share of
the wall time during which the network does not run.

With `--before CHECKOUT` the command itself runs, of that older checkout and of this one in turn, in
processes of their own, with the same weights, config and images.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from maskomaly import load_model, maskomaly
from maskomaly.images import find_sources, read_image
from maskomaly.models import packaged_checkpoint
from maskomaly.networks import Network
from maskomaly.predict import outputs_of_images, unfinished, write_score_maps
from maskomaly.registry import PACKAGED, registered
from maskomaly.score_maps import Destination
from maskomaly.tiny.scenes import draw_scene


class Clock:
    """Time that the network runs."""

    def __init__(self):
        self.seconds = 0.0
        run = Network._run

        def timed(network, items, autocast):
            start = time.perf_counter()
            outputs = list(run(network, items, autocast))
            self.seconds += time.perf_counter() - start
            return outputs

        Network._run = timed


def destination(folder, config):
    return Destination(folder, {}, scorer=lambda outputs: maskomaly(outputs, config))


def one_after_the_other(network, sources, out):
    unfinished(sources, [out])
    for key, path in sources.items():
        (outputs,) = network.predict([read_image(path)])
        out.write(key, outputs)


def streamed(network, sources, out):
    left = unfinished(sources, [out])
    write_score_maps(outputs_of_images(left, network), [out])


def draw_images(folder, images, size):
    folder.mkdir()
    for seed in range(images):
        image = Image.fromarray(draw_scene(seed, "test").image).resize(size)
        image.save(folder / f"{seed:03d}.jpg", quality=95)


def in_this_process(place, arguments):
    """Wall seconds and those of the network, for each way of work in turn."""
    clock, network = Clock(), load_model("tiny", device="cpu")
    config = registered(network.digest)
    sources = find_sources(place / "images")
    streamed(network, {"000": sources["000"]}, destination(place / "warm", config))
    for number in range(arguments.rounds):
        for work in (one_after_the_other, streamed):
            name = work.__name__.replace("_", " ")
            out = destination(place / f"{name}{number}", config)
            clock.seconds, start = 0.0, time.perf_counter()
            work(network, sources, out)
            yield name, time.perf_counter() - start, clock.seconds


def in_checkouts(place, arguments):
    """The same of the command in an older checkout and in this one."""
    here = Path(__file__).parents[2]
    # As text, so that nothing beside it is imported in place of a library.
    command_timed = Path(__file__).with_name("predict_command.py").read_text()
    (queries,) = PACKAGED.glob("*.toml")  # which the older checkout reads, too
    for number in range(arguments.rounds):
        for name, checkout in (("before", arguments.before), ("now", here)):
            command = [
                sys.executable, "-c", command_timed, place / "images",
                "-o", place / f"{name}{number}", "--model", packaged_checkpoint(),
                "--config", queries, "--device", "cpu",
            ]  # fmt: skip
            ran = subprocess.run(
                command,
                env=os.environ | {"PYTHONPATH": str(checkout)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                cwd=place,
            )
            found = json.loads(ran.stdout.splitlines()[-1])
            yield name, found["wall"], found["network"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    arguments = parser.parse_args()
    size = (arguments.width, arguments.width // 2)
    best = {}
    with TemporaryDirectory() as place:
        draw_images(Path(place) / "images", arguments.images, size)
        measure = in_checkouts if arguments.before else in_this_process
        for name, wall, inside in measure(Path(place), arguments):
            best[name] = min(best.get(name, (wall, inside)), (wall, inside))
    print(f"| {size[0]} x {size[1]}, {arguments.images} images | frames a second | outside |")
    print("|:--|--:|--:|")
    for name, (wall, inside) in best.items():
        print(f"| {name} | {arguments.images / wall:.2f} | {100 * (1 - inside / wall):.0f} % |")


if __name__ == "__main__":
    main()
