"""Counts that are kept: options of `mdmkit compare` for them, and `mdmkit merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mdmkit.cli.delivery import deliver
from mdmkit.cli.options import Jobs
from mdmkit.cli.table_options import Auxiliary, Form, Output, Published, form_of
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, note, progress_bars
from mdmkit.core.errors import InputError

State = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Keep counts in this folder: the same command goes on where it was stopped, and "
        "counts only what is new or has changed.",
        show_default=False,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        help="Count only the K-th of N shares of the frames, into --state DIR; `mdmkit merge` "
        "joins them.",
        show_default=False,
    ),
]


def check_shard(shard: str | None, state: Path | None, **others: Any) -> None:
    """Refuse a share without a folder, and what a share has no use for."""
    from mdmkit.comparison.checkpoints.folder import Shard

    if shard is None:
        return
    Shard.parse(shard)
    if state is None:
        raise InputError("shard: expected --state DIR beside it, found none")
    for name, value in others.items():
        if value:
            raise InputError(
                f"{name}: expected none with --shard, whose counts make no table; found one; "
                "give it to `mdmkit merge`, or leave it"
            )


def count(folders: dict[str, str], state: Path, shard: str, quiet: bool, options: Any) -> None:
    """Count a share and say what comes next."""
    from mdmkit.comparison.checkpoints.sharding import count_shard

    with progress_bars(quiet) as progress:
        share, frames = count_shard(folders, state=state, shard=shard, progress=progress, **options)
    note(
        f"shard {shard} is counted: {share} of {frames} frames, in {state}; `mdmkit merge` joins "
        "the folders of all shards",
        quiet,
    )


def merge(
    states: Annotated[
        list[Path],
        typer.Argument(metavar="STATE...", help="Folders that `compare --state` wrote."),
    ],
    published: Published = None,
    aux: Auxiliary = [],  # noqa: B006 (typer copies it)
    format: Form = None,
    output: Output = None,
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Join the counts of several machines, or runs, into the table of `mdmkit compare`.

    Files are read once more where that makes numbers exact; where they are not here, numbers
    carry brackets, and the table says so.

    Example: mdmkit merge state-1 state-2 state-3 --format latex -o table.tex
    """
    from mdmkit.comparison.checkpoints.sharding import merge_states
    from mdmkit.core.files import check_output
    from mdmkit.tables.forms import check_form

    form = check_form(format or form_of(output))
    if output is not None:
        check_output(output, overwrite)
    with progress_bars(quiet) as progress:
        joined = merge_states(
            states, published=published, auxiliary=aux, jobs=jobs, progress=progress
        )
    deliver(joined, form, output, quiet)
