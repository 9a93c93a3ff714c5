"""`maskomaly ablate`: what each term of Algorithm 1 is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskomaly.cli.groups import Chosen, Labelled, Running
from mdmkit.cli.groups import Labels, Result, with_groups
from mdmkit.cli.options import NUMBERS
from mdmkit.cli.terminal import deliver, note, progress_bars


@with_groups
def ablate(
    running: Running,
    labelled: Labelled,
    labels: Labels,
    base: Chosen,
    result: Result,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            metavar="FOLDER",
            help="Keep the score maps there.",
            show_default=False,
            rich_help_panel=NUMBERS,
        ),
    ] = None,
    t_margin: Annotated[
        float, typer.Option(metavar="T", help="Required F1 of the MDM.", rich_help_panel=NUMBERS)
    ] = 0.5,
) -> None:
    """Compare the terms of Algorithm 1: accept, reject, border, init, as the paper does.

    Rows: A accept, R reject, RB with the border rule, AR both without it, ARB all three, ARBI with
    fixed inliers too.

    Example: maskomaly ablate images --target masks --model my-mask2former --queries queries.toml
    """
    from maskomaly.ablation import ABLATION_METRICS, compare_configs, why_equal
    from maskomaly.config import ablation_configs
    from mdmkit.core.margin import check_t_margin

    form = result.check()
    check_t_margin(t_margin)
    dataset = labelled.find()
    codes = labels.choose(dataset).codes
    network = running.load_masks(result.quiet)
    config = base.of(network, result.quiet)
    with progress_bars(result.quiet) as bar:
        comparison = compare_configs(
            dataset,
            network,
            ablation_configs(config),
            f"{ABLATION_METRICS},mdm_f1@{t_margin!r}",
            force_queries=base.force_queries,
            keep=keep,
            batch=running.batch,
            autocast=running.autocast,
            overwrite=result.overwrite,
            bar=bar,
            **codes.arguments,
        )
    deliver(comparison, form, result.output, result.quiet)
    reason = why_equal(comparison, config)
    if reason is not None:
        note(f"note: {reason}", result.quiet)
