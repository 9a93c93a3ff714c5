"""`mdmkit datasets`: the layouts of data sets."""

from __future__ import annotations

import typer

from mdmkit.cli.terminal import Debug


def datasets(debug: Debug = False) -> None:
    """List the layouts of data sets that --dataset LAYOUT:ROOT understands.

    Example: mdmkit datasets
    """
    from mdmkit.core.errors import InputError
    from mdmkit.datasets import layout, layout_names

    for name in layout_names():
        try:
            found = layout(name)
        except InputError as error:  # another package's; the others can be listed all the same
            typer.echo(f"{name}\n  {error}\n")
            continue
        typer.echo(f"{name}: {found.title}")
        for line in found.tree.splitlines():
            typer.echo(f"    {line}")
        judged = f"labels {found.codes}; {found.sizes}; {found.aggregate}"
        for line in (judged, found.only_labelled, *found.notes):
            if line:
                typer.echo(f"  {line}")
        typer.echo()
    typer.echo("A frame's key is its path below the folder, without suffix and endings such as")
    typer.echo("_labels_semantic; score maps pair by it. NAME, CITY, DEFECT stand for any name.")
