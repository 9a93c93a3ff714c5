"""`maskomaly train-tiny`: train the small network on synthetic streets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskomaly.cli import options
from maskomaly.cli.options import NETWORK
from mdmkit.cli.options import INPUT, NUMBERS
from mdmkit.cli.terminal import Debug, Quiet, note


def train_tiny(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Gets the weights, and what is needed to go on: called again, training goes on.",
            show_default=False,
        ),
    ],
    steps: Annotated[
        int, typer.Option(metavar="N", help="Updates at most.", rich_help_panel=NUMBERS)
    ] = 5000,
    batch: Annotated[
        int, typer.Option(metavar="N", help="Scenes in one update.", rich_help_panel=NETWORK)
    ] = 4,
    scenes: Annotated[
        int, typer.Option(metavar="N", help="Distinct scenes to train on.", rich_help_panel=INPUT)
    ] = 5000,
    learning_rate: Annotated[
        float, typer.Option(metavar="R", help="Its peak.", rich_help_panel=NUMBERS)
    ] = 5e-4,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            help="Time at most, earlier calls included.",
            show_default=False,
            rich_help_panel=NUMBERS,
        ),
    ] = None,
    patience: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Validations without progress before it stops.",
            rich_help_panel=NUMBERS,
        ),
    ] = 8,
    bfloat16: Annotated[
        bool,
        typer.Option(
            "--bfloat16", help="Faster where the processor has it.", rich_help_panel=NUMBERS
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Of weights and order.", rich_help_panel=INPUT)
    ] = 0,
    device: options.Device = "auto",
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train the small network on synthetic streets, as the one in the package was.

    Example: maskomaly train-tiny my-network --minutes 60
    """
    import math

    from maskomaly.models import choose_device
    from maskomaly.tiny.settings import TrainingConfig
    from maskomaly.tiny.train import train

    config = TrainingConfig(
        steps=steps,
        batch=batch,
        scenes=scenes,
        learning_rate=learning_rate,
        minutes=math.inf if minutes is None else minutes,
        patience=patience,
        bfloat16=bfloat16,
        seed=seed,
        device=str(choose_device(device)),
    )
    found = train(config, folder, quiet=quiet)
    note(
        f"{found.steps} steps, ended by {found.reason}; mean IoU {found.mean_iou:.3f} of the "
        f"weights in {folder / 'best'}",
        quiet,
    )
