"""`python -m tests.benchmarks.torchmetrics`: `update` beside a plain copy, as a Markdown table.

Each is the least time of several runs that take turns, on one core or on the GPU if there is one.
"""

from __future__ import annotations

import torch

from mdmkit.integrations.torchmetrics import AnomalySegmentationMetrics
from tests.benchmarks.__main__ import take_turns
from tests.benchmarks.scenes import scene

DTYPES = (torch.float16, torch.float32, torch.float64, torch.uint8)


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def jobs(scores, target, device):
    """What takes turns: an update, and a copy of what it reads."""
    metric = AnomalySegmentationMetrics("ap,mdm_f1@0.5").to(device)
    metric.update(scores, target)

    def update():
        metric.update(scores, target)
        wait(device)

    def copy():
        scores.clone()
        target.clone()
        wait(device)

    def compute():
        metric._computed = None
        metric.compute()

    return {"update": update, "copy": copy, "compute": compute}


def main():
    torch.set_num_threads(1)
    print("| 1024 x 2048 | frames a second | copied, GB/s | update / copy | compute, ms |")
    print("|:--|--:|--:|--:|--:|")
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        for noise, kind in ((0.0, "smooth"), (0.7, "noisy")):
            drawn, labels = scene(8, noise)
            target = torch.from_numpy(labels).to(device)
            for dtype in DTYPES:
                scores = torch.from_numpy(drawn).to(device)
                scores = (scores * 255).to(dtype) if dtype == torch.uint8 else scores.to(dtype)
                t = take_turns(jobs(scores, target, device), 9)
                moved = 2 * (scores.nbytes + target.nbytes) / t["copy"] / 1e9  # read and written
                print(
                    f"| {device}, {kind}, {str(dtype)[6:]} | {1 / t['update']:.3g} | {moved:.3g} "
                    f"| {t['update'] / t['copy']:.3g} | {1e3 * t['compute']:.3g} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
