"""Settings that a training run depends on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from maskomaly.tiny.scenes import SCENES_VERSION
from mdmkit.core.errors import InputError
from mdmkit.core.records import Json


@dataclass(frozen=True)
class TrainingConfig:
    """Settings that a training run depends on.

    Attributes
    ----------
    steps : int
        At most so many updates.
    batch : int
        Scenes per update.
    scenes : int
        Distinct training scenes: the seeds 0 .. scenes - 1. They are drawn when first needed and
        kept in memory (130 kB each), then varied by flips, crops and brightness.
    learning_rate, weight_decay : float
        Of AdamW; norms, biases and embeddings do not decay.
    warmup : int
        Updates over which the learning rate rises from 0.
    clip : float
        The gradient's norm is cut at this.
    averaging : float
        Weight of the past in the moving average of the weights that is validated and saved.
    bfloat16 : bool
        Run the network, but not the loss, in bfloat16: faster only where the processor has it.
    validation_scenes, validate_every : int
        The mean IoU is taken on so many held-out scenes, every so many updates.
    patience : int
        Stop after so many validations in a row without a better one.
    checkpoint_minutes : float
        Save what is needed to go on at least this often.
    minutes : float
        Stop when this much time was spent training, earlier calls included. The learning rate
        falls to nearly nothing as the scarcer of the two budgets, steps and minutes, runs out;
        with finite minutes two runs are therefore alike, not equal.
    seed : int
        Of the weights, the order of the scenes, their variation, and the loss's points.
    device : str
        As torch names it.
    """

    steps: int = 5000
    batch: int = 4
    scenes: int = 5000
    learning_rate: float = 5e-4
    weight_decay: float = 0.05
    warmup: int = 200
    clip: float = 1.0
    averaging: float = 0.998
    bfloat16: bool = False
    validation_scenes: int = 60
    validate_every: int = 300
    patience: int = 8
    checkpoint_minutes: float = 3.0
    minutes: float = math.inf
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "scenes", "validation_scenes", "validate_every", "patience"):
            if getattr(self, name) < 1:
                raise InputError(
                    f"expected at least 1, found {getattr(self, name)!r}", argument=name
                )
        if not 0.0 <= self.averaging < 1.0:
            raise InputError(
                f"expected a number in [0, 1), found {self.averaging!r}", argument="averaging"
            )


# What may differ between a run and its continuation.
BUDGET = ("steps", "minutes", "patience", "validate_every", "checkpoint_minutes", "device")


def fingerprint(config: TrainingConfig) -> Json:
    """Return what must be equal for a run to go on: settings and scenes, by name."""
    kept = {name: value for name, value in asdict(config).items() if name not in BUDGET}
    return kept | {"scenes_version": SCENES_VERSION}
