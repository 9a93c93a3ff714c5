"""`maskomaly mine`: which queries see anomalies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskomaly.cli import network as networks
from maskomaly.cli import options
from mdmkit.cli.options import (
    INPUT,
    NUMBERS,
    AnomalyLabel,
    DataSetName,
    IgnoreIndex,
    NormalLabel,
    Target,
)
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, note, progress_bars

if TYPE_CHECKING:
    from maskomaly.networks import Network


def mine(
    output: options.TomlFile,
    model: options.Model,
    images: options.LabelledImages = None,
    dataset: DataSetName = None,
    target: Target = None,
    frames: options.Frames = None,
    top: Annotated[
        int, typer.Option(metavar="N", help="How many anomaly queries.", rich_help_panel=NUMBERS)
    ] = 4,
    inlier_label: Annotated[
        str,
        typer.Option(
            metavar="N[,N...]",
            help="Label values of known classes: for each, its best query is always an inlier.",
            rich_help_panel=INPUT,
        ),
    ] = "none",
    threshold: Annotated[
        float,
        typer.Option(metavar="M", help="A mask is predicted where m > M.", rich_help_panel=NUMBERS),
    ] = 0.9,
    preset: options.Preset = None,
    config: options.Config = None,
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
    """Find the queries whose masks overlap anomalies, on labelled images.

    The queries of largest mean IoU with the anomalies, among those which mostly say void; the
    table has the IoU of pale masks (m > 0.5), too.

    Example: maskomaly mine images --target masks --model my-mask2former --top 4 -o queries.toml
    """
    from dataclasses import replace

    from maskomaly.mining import mine_folder
    from maskomaly.queries import QueryMining
    from mdmkit.core.files import check_output

    check_output(output, overwrite, suffixes=(".toml",))
    QueryMining(threshold)  # refuses one that no mask exceeds
    judged = networks.labelled(
        images, dataset, target, frames, anomaly_label, normal_label, ignore_index
    )
    lesson = networks.lesson(judged, model, device, quiet, input_size, amp, inlier_label)
    network = lesson.network
    with progress_bars(quiet) as bar:
        progress = bar("mine", len(lesson.images.images)) if bar else (lambda: None)
        mined = mine_folder(
            lesson.images,
            network,
            top=top,
            threshold=threshold,
            batch=batch,
            autocast=lesson.autocast,
            progress=progress,
        )
    typer.echo(mined.table(), nl=False)
    chosen = replace(
        networks.resolve_config(preset, config, None, network.source, network.digest, quiet),
        anomaly_queries=mined.anomaly.indices,
        init_queries=mined.init_queries,
        checkpoint=network.digest,
    )
    mined.write(output, chosen, lesson.origin)
    note(f"wrote {output}", quiet)
    for remark in mined.remarks():
        note(f"note: {remark}", quiet)
    _say_next(network, output, quiet)


def _say_next(network: Network, output: Path, quiet: bool) -> None:
    from maskomaly.registry import users_folder

    place = users_folder() / f"{network.digest}.toml"
    note(
        f"next: maskomaly tune fits the thresholds; --queries auto finds a copy at {place}; one in "
        "maskomaly/registry of the project lets others find it (see CONTRIBUTING)",
        quiet,
    )
