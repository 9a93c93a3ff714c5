"""`python -m tests.benchmarks.predict`: frames per second of `maskomaly predict`, as a table.

The small network on enlarged drawn streets, JPEG files to HDF5. "One after the other" reads,
runs, scores and writes each image in turn, as a loop over `Network.predict` does; "streamed" is
what the command does. Rows alternate, so that both see the same machine; outside is the share of
the wall time during which the network does not run.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from maskomaly import load_model, maskomaly
from maskomaly.images import find_sources, read_image
from maskomaly.networks import Network
from maskomaly.predict import outputs_of_images, unfinished, write_score_maps
from maskomaly.registry import registered
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=1280)
    arguments = parser.parse_args()
    clock, network = Clock(), load_model("tiny", device="cpu")
    config = registered(network.digest)
    best = {}
    with TemporaryDirectory() as place:
        folder = Path(place) / "images"
        folder.mkdir()
        size = (arguments.width, arguments.width // 2)
        for seed in range(arguments.images):
            image = Image.fromarray(draw_scene(seed, "test").image).resize(size)
            image.save(folder / f"{seed:03d}.jpg", quality=95)
        sources = find_sources(folder)
        streamed(network, {"000": sources["000"]}, destination(Path(place) / "warm", config))
        for number in range(arguments.rounds):
            for work in (one_after_the_other, streamed):
                out = destination(Path(place) / f"{work.__name__}{number}", config)
                clock.seconds, start = 0.0, time.perf_counter()
                work(network, sources, out)
                wall = time.perf_counter() - start
                best[work] = min(best.get(work, (wall, 0)), (wall, clock.seconds))
    print(f"| {size[0]} x {size[1]}, {arguments.images} images | frames a second | outside |")
    print("|:--|--:|--:|")
    for work, (wall, inside) in best.items():
        name = work.__name__.replace("_", " ")
        print(f"| {name} | {arguments.images / wall:.2f} | {100 * (1 - inside / wall):.0f} % |")


if __name__ == "__main__":
    main()
