"""All commands in one application."""

from __future__ import annotations

from typing import Annotated

import typer

from maskomaly.cli import ablate, demo, mine, predict, queries, score, train_tiny, tune
from mdmkit.cli.terminal import Debug, run
from mdmkit.core.extras import installed_version

app = typer.Typer(
    name="maskomaly",
    help="Anomaly segmentation by post-processing the masks of a plain segmentation network.\n\n"
    "Example: maskomaly predict images -o scores/mine --model my-mask2former --queries queries.toml"
    "\n\nBegin with `maskomaly demo`, which needs no data; `maskomaly mine` finds the queries of a "
    "network, `maskomaly tune` fits its thresholds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(value: bool) -> None:
    if value:
        from mdmkit.comparison.planning import versions

        found = versions() | {name: installed_version(name) for name in ("torch", "transformers")}
        typer.echo(", ".join(f"{name} {number}" for name, number in found.items()))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show versions."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Turn a plain segmentation network into one that finds what it was never shown."""


for name, command in (
    ("demo", demo.demo),
    ("mine", mine.mine),
    ("tune", tune.tune),
    ("predict", predict.predict),
    ("score", score.score_outputs),
    ("queries", queries.draw_queries),
    ("ablate", ablate.ablate),
    ("train-tiny", train_tiny.train_tiny),
):
    app.command(name)(command)


def main() -> None:
    """Run the command line."""
    run(app, "maskomaly")
