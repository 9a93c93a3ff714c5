"""`mdmkit merge`: the table of counts that were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli.groups import Result, with_groups
from mdmkit.cli.options import Jobs
from mdmkit.cli.result_options import Auxiliary, Published
from mdmkit.cli.terminal import deliver, progress_bars


@with_groups
def merge(
    states: Annotated[
        list[Path],
        typer.Argument(metavar="STATE...", help="Folders that `compare --state` wrote."),
    ],
    result: Result,
    published: Published = None,
    auxiliary: Auxiliary = [],  # noqa: B006 (typer copies it)
    jobs: Jobs = 1,
) -> None:
    """Join the counts of several machines, or runs, into the table of `mdmkit compare`.

    Files are read once more where that makes numbers exact; where they are not here, numbers
    carry brackets, and the table says so.

    Example: mdmkit merge state-1 state-2 state-3 --format latex -o table.tex
    """
    from mdmkit.comparison.checkpoints.sharding import merge_states

    form = result.check()
    with progress_bars(result.quiet) as progress:
        joined = merge_states(
            states, published=published, auxiliary=auxiliary, jobs=jobs, progress=progress
        )
    deliver(joined, form, result.output, result.quiet)
