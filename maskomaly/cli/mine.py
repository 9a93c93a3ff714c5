"""`maskomaly mine`: which queries see anomalies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskomaly.cli.groups import ConfigFile, Labelled, Running, Thresholds
from maskomaly.cli.learning import lesson
from mdmkit.cli.groups import Labels, with_groups
from mdmkit.cli.options import INPUT, NUMBERS
from mdmkit.cli.terminal import as_options, note, progress_bars

if TYPE_CHECKING:
    from maskomaly.networks import Network


@with_groups
def mine(
    file: ConfigFile,
    running: Running,
    labelled: Labelled,
    labels: Labels,
    base: Thresholds,
    top: Annotated[
        int, typer.Option(metavar="N", help="Number of anomaly queries.", rich_help_panel=NUMBERS)
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
) -> None:
    """Find the queries whose masks overlap anomalies, on labelled images.

    The queries of largest mean IoU with the anomalies, among those which mostly say void; the
    table has the IoU of pale masks (m > 0.5), too.

    Example: maskomaly mine images --target masks --model my-mask2former --top 4 -o queries.toml
    """
    from dataclasses import replace

    from maskomaly.mining import mine_folder
    from maskomaly.queries import QueryMining, check_top

    file.check()
    QueryMining(threshold)  # refuses one that no mask exceeds
    check_top(top)
    learnt = lesson(labelled, labels, running, file.quiet, inlier_label)
    network = learnt.network
    config = base.resolve(network.source, network.digest, file.quiet)
    with progress_bars(file.quiet) as bar:
        progress = bar("mine", len(learnt.images.images)) if bar else (lambda: None)
        mined = mine_folder(
            learnt.images,
            network,
            top=top,
            threshold=threshold,
            batch=running.batch,
            autocast=running.autocast,
            progress=progress,
        )
    typer.echo(mined.table(), nl=False)
    chosen = replace(
        config,
        anomaly_queries=mined.anomaly.indices,
        init_queries=mined.init_queries,
        checkpoint=network.digest,
    )
    mined.write(file.output, chosen, learnt.origin)
    note(f"wrote {file.output}", file.quiet)
    for remark in mined.remarks():
        note(f"note: {as_options(remark)}", file.quiet)
    _say_next(network, file.output, file.quiet)


def _say_next(network: Network, output: Path, quiet: bool) -> None:
    from maskomaly.registry import users_folder

    place = users_folder() / f"{network.digest}.toml"
    note(
        f"next: maskomaly tune fits the thresholds; --queries auto finds a copy at {place}; one in "
        "maskomaly/registry of the project lets others find it (see CONTRIBUTING)",
        quiet,
    )
