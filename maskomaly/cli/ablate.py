"""`maskomaly ablate`: what each term of Algorithm 1 is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskomaly.cli import network as networks
from maskomaly.cli import options
from mdmkit.cli.options import (
    NUMBERS,
    OUTPUT,
    AnomalyLabel,
    DataSetName,
    IgnoreIndex,
    NormalLabel,
    Target,
)
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, deliver, note, progress_bars


def ablate(
    model: options.Model,
    images: options.LabelledImages = None,
    dataset: DataSetName = None,
    target: Target = None,
    frames: options.Frames = None,
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
    preset: options.Preset = None,
    config: options.Config = None,
    queries: options.Queries = None,
    force_queries: options.ForceQueries = False,
    input_size: options.InputSize = None,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    device: options.Device = "auto",
    batch: options.Batch = 1,
    amp: options.Amp = "no",
    format: Annotated[
        str,
        typer.Option(
            metavar="table|markdown|csv|json|latex|latex-wide",
            help="Form of the result.",
            rich_help_panel=OUTPUT,
        ),
    ] = "table",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write there.",
            show_default="standard output",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Compare the terms of Algorithm 1: accept, reject, border, init, as the paper does.

    Rows: A accept, R reject, RB with the border rule, AR both without it, ARB all three, ARBI with
    fixed inliers too.

    Example: maskomaly ablate images --target masks --model my-mask2former --queries queries.toml
    """
    from maskomaly.ablation import ABLATION_METRICS, compare_configs, why_equal
    from maskomaly.config import ablation_configs
    from mdmkit.core.files import check_output
    from mdmkit.tables.forms import check_form

    if output is not None:
        check_output(output, overwrite)
    check_form(format)
    autocast = options.parse_amp(amp)
    judged, choice = networks.labelled(
        images, dataset, target, frames, anomaly_label, normal_label, ignore_index
    )
    codes = choice.codes
    network = networks.load_network(model, device, quiet, input_size)
    networks.need_masks(network)
    chosen = networks.config_of(network, preset, config, queries, force_queries, quiet)
    with progress_bars(quiet) as bar:
        comparison = compare_configs(
            judged,
            network,
            ablation_configs(chosen),
            f"{ABLATION_METRICS},mdm_f1@{t_margin!r}",
            normal_label=codes.normal_label,
            anomaly_label=codes.anomaly_label,
            ignore_index=codes.ignore_index,
            force=force_queries,
            keep=keep,
            batch=batch,
            autocast=autocast,
            overwrite=overwrite,
            bar=bar,
        )
    deliver(comparison, format, output, quiet)
    reason = why_equal(comparison, chosen)
    if reason is not None:
        note(f"note: {reason}", quiet)
