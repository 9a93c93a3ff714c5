"""`maskomaly tune`: thresholds and terms fitted to labelled images."""

from __future__ import annotations

from typing import Annotated

import typer

from maskomaly.cli.groups import Chosen, ConfigFile, Labelled, Running
from maskomaly.cli.learning import lesson
from mdmkit.cli import completion
from mdmkit.cli.groups import Labels, with_groups
from mdmkit.cli.options import NUMBERS
from mdmkit.cli.terminal import as_options, note, progress_bars


@with_groups
def tune(
    file: ConfigFile,
    running: Running,
    labelled: Labelled,
    labels: Labels,
    base: Chosen,
    metric: Annotated[
        str,
        typer.Option(
            metavar="MEASURE",
            autocompletion=completion.measures,
            help="What to maximise: ap, mdm_f1@0.5, best_f1, ...; what is better lower (fpr95) is "
            "minimised.",
            rich_help_panel=NUMBERS,
        ),
    ] = "ap",
) -> None:
    """Fit T_mask, T_b, lambda and which terms act, on the images that queries were mined on.

    The presets' thresholds belong to Mask2Former Swin-L. The network runs once; then some thirty
    configs are compared, and the best is written.

    Example: maskomaly tune images --target masks --model my-mask2former --queries queries.toml -o config.toml
    """  # noqa: E501  (the example is one line)
    from maskomaly.tuning import measure_of, tune_folder

    file.check()
    measure_of(metric)
    learnt = lesson(labelled, labels, running, file.quiet)
    config = base.of(learnt.network, file.quiet)
    with progress_bars(file.quiet) as bar:
        tuned = tune_folder(
            learnt.images,
            learnt.network,
            config,
            metric=metric,
            batch=running.batch,
            autocast=running.autocast,
            bar=bar,
        )
    typer.echo(tuned.table(), nl=False)
    tuned.write(file.output, learnt.origin)
    note(f"wrote {file.output}", file.quiet)
    for remark in tuned.remarks():
        note(f"note: {as_options(remark)}", file.quiet)
