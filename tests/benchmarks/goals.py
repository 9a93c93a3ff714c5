"""`python -m tests.benchmarks.goals [ROW ...]`: what was to be reached, as a Markdown table.

`--before FOLDER` measures an older checkout beside this one: each row is a process of its own, and
the two take turns. R is one radix sort of a frame's keys, C a counting sort of its pixels by keys
of 16 bits or fewer, L one labelling by connected-components-3d, P one pass over scores and labels,
all timed in the process that they measure. CPU times, the least of a few runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]


@dataclass(frozen=True)
class Row:
    """One row: what is measured, how its figures are written, and what was to be reached."""

    name: str
    what: str
    call: str
    form: str
    goal: str
    limit: str = ""


DEFAULTS = "{sorts:.1f} R ({ms:.0f} ms), {GiB:.2f} GiB"
FEW = "{sorts:.1f} C ({ms:.0f} ms; {keys:.0f} sorts of keys alone)"
PEERS = "{quantiles:.1f} x; {equal steps:.1f} x ({ms:.0f} ms a frame)"
ROWS = (
    Row("defaults", "every default metric, float32, 10 frames, a frame: smooth, 8 targets",
        "every_default 8 0", DEFAULTS, "<= 8 R, peak <= 0.8 GiB", "~3 R"),
    Row("defaults", "— noisy, 8 targets", "every_default 8 0.7", DEFAULTS, "", ""),
    Row("defaults", "— smooth, 2,000 targets", "every_default 2000 0", DEFAULTS, "", ""),
    Row("defaults", "— noisy, 2,000 targets", "every_default 2000 0.7", DEFAULTS, "", ""),
    Row("defaults", "— real, 720 x 1280", "every_default real 0", DEFAULTS, "", ""),
    Row("half", "every default metric, float16, smooth", "every_default 8 0 float16", FEW,
        "<= 5 C"),
    Row("half", "— float16, noisy", "every_default 8 0.7 float16", FEW, ""),
    Row("half", "— uint8, smooth", "every_default 8 0 uint8", FEW, ""),
    Row("half", "— uint8, noisy", "every_default 8 0.7 uint8", FEW, ""),
    Row("half", "— float16, real, 720 x 1280", "every_default real 0 float16", FEW, ""),
    Row("pixels", "pixel numbers alone, smooth", "pixel_numbers 0", "{sorts:.2f} R ({ms:.0f} ms)",
        "<= 1.5 R", "1 R"),
    Row("pixels", "— noisy", "pixel_numbers 0.7", "{sorts:.2f} R ({ms:.0f} ms)", ""),
    Row("look", "first look of the component sweep, smooth", "first_look 0",
        "{ns:.0f} ns a pixel ({labellings:.1f} L)", "<= 25 ns", "5"),
    Row("look", "— noisy", "first_look 0.7", "{ns:.0f} ns a pixel ({labellings:.1f} L)",
        "<= 50 ns", "12"),
    Row("exact", "AP and AUROC exact within 2 GiB, float32, 15 % anomalous",
        "exact_pixels 191 0.15",
        "{Mpx:.0f} Mpx, exact: {exact}, {bytes a pixel:.1f} bytes a pixel, {s:.0f} s",
        "400 Mpx, <= 5 bytes a pixel", "4 bytes"),
    Row("order", "same list in another order", "order_of_frames",
        "{plain:.2f} x; 2,000 targets {2,000 targets:.2f} x", "<= 1.2 x"),
    Row("small", "256 x 256 float32 maps, a pixel, against 2 Mpx", "small_maps", "{ratio:.1f} x",
        "<= 2 x"),
    Row("serial", "serial share of `compare`; wall time of one thread / two, smooth",
        "serial_share 0", "{share:.0%}; {two threads:.2f}", "<= 10 %"),
    Row("serial", "— noisy", "serial_share 0.7", "{share:.0%}; {two threads:.2f}", "<= 10 %"),
    Row("margin", "`evaluate`, `compare` of one F1 margin against `mdm`", "one_margin",
        "{evaluate:.1f} x, {compare:.1f} x", "<= 2 x"),
    Row("curve", "`threshold_curve` of sIoU with its margin, one frame, 8 targets",
        "component_curve 8", "{s:.2f} s", "<= 0.5 s"),
    Row("curve", "— 2,000 targets", "component_curve 2000", "{s:.2f} s", "<= 0.5 s"),
    Row("siou", "`mdm` of sIoU, one frame, smooth", "component_margin 8 0",
        "{ms:.0f} ms ({sorts:.1f} R)", ""),
    Row("siou", "— noisy", "component_margin 8 0.7", "{ms:.0f} ms ({sorts:.1f} R)", ""),
    Row("passes", "MDM-F1 of one frame, float32", "margin_passes float32", "{passes:.1f} P",
        "<= 6 P", "4 P"),
    Row("passes", "— float16", "margin_passes float16", "{passes:.1f} P", "<= 5 P", "4 P"),
    Row("passes", "— uint8", "margin_passes uint8", "{passes:.1f} P", "<= 5 P", "4 P"),
    Row("start", "`compare` of ten small frames, warm", "small_compare", "{s:.2f} s", "<= 1.0 s",
        "0.8 s"),
    Row("bootstrap", "`compare --bootstrap 1000`, 4 methods x 10 real frames", "bootstrap",
        "{s:.1f} s ({compare s:.1f} s without)", "<= 8 s"),
    Row("report", "`report`, 4 methods x 10 real frames", "report", "{s:.1f} s", "<= 6 s"),
    Row("many", "2,000 frames of 720 x 1280 float32 from a folder (a tenth of them run)",
        "many_frames 200", "{s for 2,000:.0f} s, {GiB:.2f} GiB", "<= 130 s, <= 1.5 GiB"),
    Row("obstacles", "sIoU margin of thirty obstacle frames, T = 0.5", "obstacle_frames 0.5",
        "{s:.1f} s, {GiB:.2f} GiB", ""),
    Row("obstacles", "— T = 0.02", "obstacle_frames 0.02", "{s:.1f} s, {GiB:.2f} GiB",
        "<= 3 x the one at 0.5, <= 2 GiB"),
    Row("peers", "a binned curve at its quantiles; at equal steps / ours, exact, ten real frames,"
        " float16", "peers float16", PEERS, ">= 3 x"),
    Row("peers", "— float32", "peers float32", PEERS, ">= 3 x"),
)  # fmt: skip


def measured(row: Row, root: Path) -> str:
    """The figures of one row of one checkout, or why there are none."""
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    call = [sys.executable, str(HERE.with_name("workloads.py")), *row.call.split()]
    found = subprocess.run(call, cwd=root, env=environment, capture_output=True, text=True)
    if found.returncode:
        return "failed: " + (found.stderr.strip().splitlines() or ["killed"])[-1][:60]
    return row.form.format(**json.loads(found.stdout))


def main() -> None:
    """Measure and print the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", help=f"some of {sorted({row.name for row in ROWS})}")
    parser.add_argument("--before", type=Path, help="an older checkout, measured beside this one")
    options = parser.parse_args()
    roots = [options.before.resolve(), ROOT] if options.before else [ROOT]
    titles = ["before", "now"][-len(roots) :]
    head = ["what", *titles, "goal", "limit"]
    print("| " + " | ".join(head) + " |\n" + "|:--" * len(head) + "|")
    for row in ROWS:
        if options.rows and row.name not in options.rows:
            continue
        figures = " | ".join(measured(row, root) for root in roots)
        print(f"| {row.what} | {figures} | {row.goal} | {row.limit} |", flush=True)


if __name__ == "__main__":
    main()
