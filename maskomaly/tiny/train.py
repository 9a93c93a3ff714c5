"""Train the small network on synthetic streets: `maskomaly train-tiny`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import Mask2FormerForUniversalSegmentation

from maskomaly.tiny.batches import draw_batch, known_scene
from maskomaly.tiny.labels import CLASSES, VOID
from maskomaly.tiny.network import segment
from maskomaly.tiny.settings import TrainingConfig
from maskomaly.tiny.state import TrainingState, read_state, save_weights, start, write_state


@dataclass(frozen=True)
class TrainingResult:
    """Holds the end of a run.

    Attributes
    ----------
    steps : int
        Updates made, those of earlier calls included.
    mean_iou : float
        Of the saved weights on the validation scenes, in 0 .. 1.
    validations : tuple of (int, float)
        Updates and mean IoU at every validation.
    reason : str
        "steps", "minutes", or "patience": what ended it.
    """

    steps: int
    mean_iou: float
    validations: tuple[tuple[int, float], ...]
    reason: str


def train(config: TrainingConfig, folder: Path, *, quiet: bool = False) -> TrainingResult:
    """Train, or go on training from the folder's checkpoint.

    The scenes and variations of an update follow from the seed and the update's number alone, so
    that a run which was stopped and continued gives the weights of one that was not.

    Parameters
    ----------
    config : TrainingConfig
    folder : Path
        Gets `training.pt` (to go on from), `best/` and `last/` (weights as `save_pretrained`
        writes them, float16: the best average by validation, and the one at the end).
    quiet : bool
        No progress, no messages.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        If the folder's checkpoint comes from a run with other settings or other scenes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    state = start(config)
    checkpoint = folder / "training.pt"
    if checkpoint.exists():
        read_state(state, config, checkpoint)
    before = saved = time.monotonic()
    reason = "steps" if state.step >= config.steps else ""
    with _progress(config, state, quiet) as report:
        while not reason:
            state.losses.append(_update(state, config))
            state.step += 1
            now = time.monotonic()
            state.seconds, before = state.seconds + now - before, now
            if state.step >= config.steps:
                reason = "steps"
            elif state.seconds > 60.0 * config.minutes:
                reason = "minutes"
            if reason or state.step % config.validate_every == 0:
                _validate(state, config, folder)
                reason = reason or _stalled(state.validations, config.patience)
            report(state)
            if reason or now - saved > 60.0 * config.checkpoint_minutes:
                write_state(state, config, checkpoint)
                saved = now
    save_weights(state.average, folder / "last")
    best = max(iou for _, iou in state.validations)
    return TrainingResult(state.step, best, tuple(state.validations), reason)


def _update(state: TrainingState, config: TrainingConfig) -> float:
    """Update the weights and their average; return the loss."""
    rate = learning_rate(state.step, state.seconds, config)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    images, masks, classes = draw_batch(state.step, config)
    device = torch.device(config.device)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.bfloat16):
        outputs = state.network(pixel_values=images.to(device), output_auxiliary_logits=True)
    # The matching and the losses need float32: bfloat16 has three decimal digits.
    terms = state.network.get_loss_dict(
        outputs.masks_queries_logits.float(),
        outputs.class_queries_logits.float(),
        [mask.to(device) for mask in masks],
        [number.to(device) for number in classes],
        [
            {key: value.float() for key, value in layer.items()}
            for layer in outputs.auxiliary_logits
        ],
    )
    loss = state.network.get_loss(terms)
    state.optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip)
    state.optimizer.step()
    # A short past at first, or the random weights of the start would linger.
    past = min(config.averaging, (state.step + 1) / (state.step + 10))
    with torch.no_grad():
        for mean, weight in zip(
            state.average.parameters(), state.network.parameters(), strict=True
        ):
            mean.lerp_(weight, 1.0 - past)
    return float(loss.detach())


def learning_rate(step: int, seconds: float, config: TrainingConfig) -> float:
    """Linear rise, then half a cosine down to a fiftieth of the peak."""
    spent = min(1.0, max(step / config.steps, seconds / (60.0 * config.minutes)))
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    fall = 0.5 * (1.0 + math.cos(math.pi * spent))
    return config.learning_rate * rise * (0.98 * fall + 0.02)


def class_ious(
    network: Mask2FormerForUniversalSegmentation, count: int, kind: str = "validation"
) -> NDArray[np.float64]:
    """Return the IoU of each class over the first scenes of a kind, float64 (classes,).

    Pixels are pooled over the scenes; void ones are left out. NaN for a class that is neither
    drawn nor found.
    """
    scenes = [known_scene(seed, kind) for seed in range(count)]
    labels = np.stack([scene.labels for scene in scenes])
    found = segment(network, np.stack([scene.image for scene in scenes]))
    pairs = len(CLASSES) * labels.astype(np.int64) + found
    size = len(CLASSES) ** 2
    table = np.bincount(pairs[labels != VOID], minlength=size)[:size].reshape(len(CLASSES), -1)
    both = np.diag(table)
    either = table.sum(0) + table.sum(1) - both
    ious: NDArray[np.float64] = np.full(len(CLASSES), np.nan)
    np.divide(both, either, out=ious, where=either > 0)
    return ious


def _validate(state: TrainingState, config: TrainingConfig, folder: Path) -> None:
    """Take the mean IoU of the averaged weights; keep them if they are the best yet."""
    iou = float(np.nanmean(class_ious(state.average, config.validation_scenes)))
    if not state.validations or iou > max(earlier for _, earlier in state.validations):
        save_weights(state.average, folder / "best")
    state.validations.append((state.step, iou))


def _stalled(validations: list[tuple[int, float]], patience: int) -> str:
    """Return "patience" if the last validations brought nothing better, else an empty string."""
    ious = [iou for _, iou in validations]
    stalled = len(ious) > patience and max(ious[-patience:]) <= max(ious[:-patience])
    return "patience" if stalled else ""


@contextmanager
def _progress(
    config: TrainingConfig, state: TrainingState, quiet: bool
) -> Iterator[Callable[[TrainingState], None]]:
    """A bar on a terminal, a line at each validation elsewhere, nothing if quiet."""
    console = Console(stderr=True, quiet=quiet)
    bar = Progress(
        TextColumn("step {task.completed}/{task.total}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )
    task = bar.add_task("", total=config.steps, completed=state.step)
    known = len(state.validations)

    def report(current: TrainingState) -> None:
        nonlocal known
        loss = float(np.mean(current.losses[-50:]))
        bar.update(task, completed=current.step, description=f"loss {loss:.2f}")
        if len(current.validations) > known:
            known = len(current.validations)
            iou = current.validations[-1][1]
            console.print(f"step {current.step}: loss {loss:.3f}, mean IoU {iou:.3f}")

    with bar:
        yield report
