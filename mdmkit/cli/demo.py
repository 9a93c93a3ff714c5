"""The demo: synthetic score maps of three methods, with AP alike and margins far apart.

Only maps and ground truth are synthetic; every number comes from `compare`.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdmkit.comparison.compare_methods import compare
from mdmkit.comparison.result import Comparison
from mdmkit.core.errors import InputError
from mdmkit.core.files import check_new_folder, write_text
from mdmkit.core.labels import LabelCodes
from mdmkit.evaluation.frame_set import FrameSet, evaluate_methods
from mdmkit.evaluation.methods import load_frame

Map = NDArray[np.float64]
SHAPE = (192, 384)
N_FRAMES = 8
T_MARGIN = 0.7
MIN_PREDICTION, MIN_TARGET = 50, 30
METRICS = "ap,auroc,fpr95,best_f1,siou_gt,ppv,mean_f1,mdm_f1@0.7,mdm_siou@0.5,mdm_mean_f1@0.5"


def _smooth(rng: np.random.Generator, sigma: float) -> Map:
    """Smooth noise of unit variance."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.standard_normal(SHAPE), sigma)
    return np.asarray((noise - noise.mean()) / noise.std())


def draw_target(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Objects on a road: 1 in two to four blobs, larger towards the bottom; 255 above the road."""
    rows, columns = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    warp = 0.25 * _smooth(rng, 8)
    target = np.zeros(SHAPE, np.uint8)
    for _ in range(rng.integers(2, 5)):
        depth = rng.uniform(0.45, 0.9)
        radius = 6 + 26 * (depth - 0.35)
        row, column = depth * SHAPE[0], rng.uniform(0.08, 0.92) * SHAPE[1]
        stretch = rng.uniform(0.8, 1.8)
        distance = np.hypot((rows - row) / radius, (columns - column) / (radius * stretch))
        target[distance + warp < 1] = 1
    target[: SHAPE[0] // 5] = 255
    return target


def draw_evidence(rng: np.random.Generator, target: NDArray[np.uint8], noise: float) -> Map:
    """Log-odds of an anomaly as a network might see them: blurred objects in textured noise."""
    from scipy.ndimage import gaussian_filter

    inside = gaussian_filter((target == 1).astype(float), 1.2)
    texture = 0.7 * _smooth(rng, 12) + 0.5 * _smooth(rng, 3) + 0.2 * _smooth(rng, 1)
    return np.asarray(8.0 * (inside - 0.5) + noise * texture)


def _sigmoid(logit: Map) -> Map:
    return np.asarray(1 / (1 + np.exp(-logit)))


def draw_scores(rng: np.random.Generator, target: NDArray[np.uint8]) -> dict[str, Map]:
    """Score maps of the three methods for one frame.

    `steady` is a little noisy and well spread over [0, 1]; `timid` ranks best and says
    everything below 0.3; `drifting` is calibrated anew for each frame.
    """
    drift = rng.uniform(-3.5, 5.0)
    return {
        "steady": _sigmoid(draw_evidence(rng, target, 1.75)),
        "timid": 0.28 * _sigmoid(draw_evidence(rng, target, 1.55) - 1.0),
        "drifting": _sigmoid(1.2 * draw_evidence(rng, target, 0.7) + drift),
    }


@dataclass(frozen=True)
class Drawn:
    """Folders of the synthetic frames."""

    target: Path
    methods: dict[str, Path]


def draw_frames(folder: Path, seed: int = 0, frames: int = N_FRAMES, normal: int = 0) -> Drawn:
    """Write masks as PNG and score maps as float16 `.npy`; a seed always gives the same.

    Score maps of so many frames without objects go to `normal/`.
    """
    from PIL import Image

    rng = np.random.default_rng(seed)
    masks = folder / "masks"
    masks.mkdir(parents=True)
    methods: dict[str, Path] = {}
    for index in range(frames):
        target = draw_target(rng)
        Image.fromarray(target).save(masks / f"frame{index}.png")
        methods = _write_scores(folder / "scores", index, draw_scores(rng, target))
    for index in range(normal):
        nothing = np.zeros(SHAPE, np.uint8)
        _write_scores(folder / "normal", index, draw_scores(rng, nothing))
    return Drawn(masks, methods)


def _write_scores(folder: Path, index: int, scores: dict[str, Map]) -> dict[str, Path]:
    """Write the score maps of one frame, of each method; return the methods' folders."""
    for name, of_one in scores.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        np.save(folder / name / f"frame{index}.npy", of_one.astype(np.float16))
    return {name: folder / name for name in scores}


@dataclass(frozen=True)
class Demo:
    """Holds the results of the demo, and their files."""

    comparison: Comparison
    table: Path
    figures: tuple[Path, ...]
    drawn: Drawn


def run_demo(folder: Path, seed: int = 0, frames: int = N_FRAMES, normal: int = 0) -> Demo:
    """Draw frames, compare the three methods, write table and figures into a new folder.

    Raises
    ------
    InputError
        If the folder exists and is not empty.
    """
    for name, value, least in (("seed", seed, 0), ("frames", frames, 1), ("normal", normal, 0)):
        if value < least:
            raise InputError(f"expected a number >= {least}, found {value}", argument=name)
    check_new_folder(folder)
    existed = folder.exists()
    try:
        return _compare_drawn(draw_frames(folder, seed, frames, normal), folder)
    except BaseException:  # leave the place as it was, so that a rerun can draw
        shutil.rmtree(folder, ignore_errors=True)
        if existed:
            folder.mkdir()
        raise


def _compare_drawn(drawn: Drawn, folder: Path) -> Demo:
    comparison = compare(
        drawn.methods, drawn.target, METRICS, min_prediction=MIN_PREDICTION, min_target=MIN_TARGET
    )
    table = folder / "comparison.md"
    write_text(table, comparison.to_text("markdown"))
    write_text(folder / "comparison.json", comparison.to_text("json"))
    return Demo(comparison, table, draw_figures(drawn, folder), drawn)


def draw_figures(drawn: Drawn, folder: Path) -> tuple[Path, ...]:
    """The margin figure, and one frame thresholded at 0.3, 0.5 and 0.8."""
    from mdmkit.metrics.measures import MarginAt
    from mdmkit.metrics.pixel_metrics import F1
    from mdmkit.plots import margin_figure, save_figure, thresholds_figure

    codes = LabelCodes()
    compared = FrameSet.of(drawn.methods, drawn.target)
    evaluations = evaluate_methods(compared, metrics=[MarginAt(F1(), T_MARGIN)])
    curves = {name: e.curve(F1()) for name, e in evaluations.items()}
    frames = {
        name: load_frame(path / "frame0.npy", drawn.target / "frame0.png", codes, name, None)
        for name, path in drawn.methods.items()
    }
    figures = {
        "margin.pdf": margin_figure(curves, T_MARGIN),
        "margin.png": margin_figure(curves, T_MARGIN),
        "thresholds.png": thresholds_figure(frames),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / name)
    return tuple(folder / name for name in figures)
