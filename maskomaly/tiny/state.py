"""The state of a training run: begun, written to a file, read again."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import Mask2FormerForUniversalSegmentation
from transformers.utils import logging

from maskomaly.tiny.network import build_network
from maskomaly.tiny.settings import TrainingConfig, fingerprint
from mdmkit.core.errors import InputError, SpoiltError, printable
from mdmkit.core.files import is_whole, seal, write_atomically


@dataclass
class TrainingState:
    """Everything that changes during a run; what a checkpoint holds."""

    network: Mask2FormerForUniversalSegmentation
    average: Mask2FormerForUniversalSegmentation
    optimizer: torch.optim.AdamW
    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    validations: list[tuple[int, float]] = field(default_factory=list)


def start(config: TrainingConfig) -> TrainingState:
    """Return random weights, from torch's global random state, and a fresh optimiser."""
    network = build_network().to(config.device).train()
    decaying: list[torch.nn.Parameter] = []
    free: list[torch.nn.Parameter] = []
    for name, weight in network.named_parameters():
        # One-dimensional: biases and norms. Embeddings: of queries, levels, relative positions.
        exempt = weight.ndim < 2 or "embed" in name or "relative_position" in name
        (free if exempt or "queries_features" in name else decaying).append(weight)
    groups = [
        {"params": decaying, "weight_decay": config.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, foreach=True)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    return TrainingState(network, average, optimizer)


def save_weights(network: Mask2FormerForUniversalSegmentation, folder: Path) -> None:
    """Write a network as float16, as `save_pretrained` does, leaving it as it is."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        copy.deepcopy(network).cpu().half().save_pretrained(folder)
    finally:
        if shown:
            logging.enable_progress_bar()


def write_state(state: TrainingState, config: TrainingConfig, path: Path) -> None:
    """Write a checkpoint, whole or not at all: a crash leaves the last one."""
    kept = {
        "config": fingerprint(config),
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "step": state.step,
        "seconds": state.seconds,
        "losses": state.losses,
        "validations": state.validations,
        "random": torch.get_rng_state(),
    }

    def write(temporary: Path) -> None:
        torch.save(kept, temporary)
        seal(temporary)

    write_atomically(path, write)


def read_state(state: TrainingState, config: TrainingConfig, path: Path) -> None:
    """Set a fresh state, and torch's random state, to what `write_state` wrote.

    Raises
    ------
    InputError
        If the checkpoint comes from a run with other settings or other scenes, or is damaged.
    """
    if not is_whole(path):
        raise SpoiltError(
            f"{printable(str(path))}: expected a checkpoint as it was written, found another file "
            "or a damaged one; remove it to begin anew"
        )
    stored = torch.load(path, map_location=config.device, weights_only=True)
    wanted = fingerprint(config)
    differing = [name for name in wanted if stored["config"].get(name) != wanted[name]]
    if differing:
        told = ", ".join(
            f"{name} {stored['config'].get(name)!r} (now {wanted[name]!r})" for name in differing
        )
        raise InputError(f"{path}: expected a checkpoint of these settings, found {told}")
    state.network.load_state_dict(stored["network"])
    state.average.load_state_dict(stored["average"])
    state.optimizer.load_state_dict(stored["optimizer"])
    state.step, state.seconds, state.losses = stored["step"], stored["seconds"], stored["losses"]
    state.validations = [(step, iou) for step, iou in stored["validations"]]
    torch.set_rng_state(stored["random"].cpu())
