"""`python -m tests.benchmarks.maskomaly`: Maskomaly's post-processing, as a Markdown table.

Each row runs in a process of its own, so that its peak memory is its own: what it takes beyond the
network's outputs, which lie in memory before. Seconds are CPU seconds of one thread, which other
processes lengthen least. Masks are smooth, as a network's are.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch.nn.functional import interpolate

from maskomaly import Geometry, MaskomalyConfig, MaskOutputs, maskomaly, score

SIZE = (1024, 2048)
QUERIES, CLASSES = 100, 19
CONFIG = MaskomalyConfig(anomaly_queries=(96, 97, 98, 99))


def drawn(inliers, size=SIZE):
    """Outputs of 100 queries of which so many are confident inliers."""
    draw = torch.Generator().manual_seed(0)
    p = torch.full((QUERIES, CLASSES + 1), 0.005)
    p[:inliers, 0] = p[inliers:, -1] = 1 - 0.005 * CLASSES
    coarse = 6 * torch.randn(QUERIES, 1, size[0] // 32, size[1] // 32, generator=draw) - 6
    masks = interpolate(coarse, size=(size[0] // 4, size[1] // 4), mode="bilinear")[:, 0]
    return MaskOutputs(p, masks, Geometry.plain(size))


def upsampled(outputs):
    size = outputs.geometry.padded
    return interpolate(outputs.mask_logits[None], size=size, mode="bilinear")[0].sigmoid_()


def inliers_of(outputs):
    return torch.nonzero(~outputs.is_void & (outputs.confidence >= CONFIG.t_mask))[:, 0].tolist()


def accepted(outputs, masks):
    weights = outputs.void[list(CONFIG.anomaly_queries), None, None]
    return (masks[list(CONFIG.anomaly_queries)] * weights).amax(0)


def pair_loop(outputs):
    """Algorithm 1 as printed: every pair of inlier masks is looked at."""
    masks = upsampled(outputs)
    inliers = inliers_of(outputs)
    reject = torch.ones(masks.shape[1:])
    for n in inliers:
        reject = torch.minimum(reject, 1 - masks[n] * outputs.confidence[n])
    for k, i in enumerate(inliers):
        for j in inliers[k + 1 :]:
            border = (masks[i] > CONFIG.t_border) & (masks[j] > CONFIG.t_border)
            reject[border] = CONFIG.eps_border
    return CONFIG.lam * reject + (1 - CONFIG.lam) * accepted(outputs, masks)


def full_stack(outputs):
    """No loop at all: every tensor holds all masks."""
    masks = upsampled(outputs)
    inliers = inliers_of(outputs)
    confidence = outputs.confidence[inliers, None, None]
    reject = 1 - (masks[inliers] * confidence).amax(0)
    border = (masks[inliers] > CONFIG.t_border).sum(0) >= 2
    reject = torch.where(border, CONFIG.eps_border, reject)
    return CONFIG.lam * reject + (1 - CONFIG.lam) * accepted(outputs, masks)


JOBS = {
    "maskomaly, in bands": lambda outputs: maskomaly(outputs, CONFIG),
    "full stack": full_stack,
    "loop over pairs": pair_loop,
    **{name: lambda outputs, name=name: score(outputs, name) for name in ("msp", "rba", "eam")},
}


def megabytes(line):
    """A line of this process's status; `ru_maxrss` would begin with the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(text.split()[1]) for text in lines if text.startswith(line)) / 1024


@torch.no_grad()
def measure(name, inliers, seconds=10.0):
    """Least seconds of as many runs as fit, and peak megabytes beyond the outputs."""
    job = JOBS[name]
    job(drawn(inliers, (64, 128)))  # what torch loads on first use
    outputs = drawn(inliers)
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = megabytes("VmRSS")
    times = []
    while sum(times) < seconds and len(times) < 10:
        start = time.process_time()
        job(outputs)
        times.append(time.process_time() - start)
    return min(times), megabytes("VmHWM") - before


@torch.no_grad()
def forward():
    """Seconds of one forward pass of Mask2Former with a tiny Swin (random weights)."""
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

    swin = SwinConfig(
        embed_dim=96, depths=[2, 2, 6, 2], num_heads=[3, 6, 12, 24], window_size=7,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = Mask2FormerConfig(backbone_config=swin, num_labels=CLASSES, num_queries=QUERIES)
    network = Mask2FormerForUniversalSegmentation(config).eval()
    network(pixel_values=torch.randn(1, 3, 64, 128))
    start = time.process_time()
    network(pixel_values=torch.randn(1, 3, *SIZE))
    return time.process_time() - start


def elsewhere(*arguments):
    """The same module in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.maskomaly", *map(str, arguments)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=[*JOBS, "forward"], help=argparse.SUPPRESS)
    parser.add_argument("--inliers", type=int, default=20, help=argparse.SUPPRESS)
    parser.add_argument("--no-network", action="store_true", help="leave the forward pass out")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.job:
        found = forward() if chosen.job == "forward" else measure(chosen.job, chosen.inliers)
        print(json.dumps(found))
        return
    print(f"One thread, {SIZE[0]} x {SIZE[1]}, {QUERIES} queries\n")
    print("| post-processing | inliers | CPU seconds | MB beyond the outputs |")
    print("|:--|--:|--:|--:|")
    streamed = {}
    for name in JOBS:
        for inliers in (20, 100) if name in list(JOBS)[:3] else (20,):
            seconds, peak = elsewhere("--job", name, "--inliers", inliers)
            streamed.setdefault(inliers, seconds)
            shown = inliers if name in list(JOBS)[:3] else "-"
            print(f"| {name} | {shown} | {seconds:.3g} | {peak:.0f} |", flush=True)
    if not chosen.no_network:
        seconds = elsewhere("--job", "forward")
        print("\n| Mask2Former, Swin-Tiny | CPU seconds | maskomaly's share of the two |")
        print("|:--|--:|--:|")
        shares = " / ".join(f"{took / (took + seconds):.1%}" for took in streamed.values())
        print(f"| forward | {seconds:.3g} | {shares} (20 / 100 inliers) |")


if __name__ == "__main__":
    main()
