"""`maskomaly tune`: thresholds and terms fitted to labelled images."""

from __future__ import annotations

from typing import Annotated

import typer

from maskomaly.cli import network as networks
from maskomaly.cli import options
from mdmkit.cli import completion
from mdmkit.cli.options import (
    NUMBERS,
    AnomalyLabel,
    DataSetName,
    IgnoreIndex,
    NormalLabel,
    Target,
)
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, note, progress_bars


def tune(
    output: options.TomlFile,
    model: options.Model,
    images: options.LabelledImages = None,
    dataset: DataSetName = None,
    target: Target = None,
    frames: options.Frames = None,
    metric: Annotated[
        str,
        typer.Option(
            metavar="MEASURE",
            autocompletion=completion.measures,
            help="What to maximise: ap, mdm_f1@0.5, best_f1, ...; fpr95 is minimised.",
            rich_help_panel=NUMBERS,
        ),
    ] = "ap",
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
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Fit T_mask, T_b, lambda and which terms act, on the images that queries were mined on.

    The presets' thresholds belong to Mask2Former Swin-L. The network runs once; then some thirty
    configs are compared, and the best is written.

    Example: maskomaly tune images --target masks --model my-mask2former --queries queries.toml -o config.toml
    """  # noqa: E501  (the example is one line)
    from maskomaly.tuning import tune_folder
    from mdmkit.core.files import check_output

    check_output(output, overwrite, suffixes=(".toml",))
    judged = networks.labelled(
        images, dataset, target, frames, anomaly_label, normal_label, ignore_index
    )
    lesson = networks.lesson(judged, model, device, quiet, input_size, amp)
    base = networks.config_of(lesson.network, preset, config, queries, force_queries, quiet)
    with progress_bars(quiet) as bar:
        tuned = tune_folder(
            lesson.images,
            lesson.network,
            base,
            metric=metric,
            batch=batch,
            autocast=lesson.autocast,
            bar=bar,
        )
    typer.echo(tuned.table(), nl=False)
    tuned.write(output, lesson.origin)
    note(f"wrote {output}", quiet)
    for remark in tuned.remarks():
        note(f"note: {remark}", quiet)
