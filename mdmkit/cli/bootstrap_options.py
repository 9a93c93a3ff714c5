"""Options of `mdmkit compare` that ask for intervals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from mdmkit.comparison.result import Comparison

Replicates = Annotated[
    int,
    typer.Option(
        "--bootstrap",
        metavar="N",
        help="Resample the frames so often: 95 % intervals, and which leads are real.",
        show_default="no intervals",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of the resampling.")]
Cells = Annotated[
    int,
    typer.Option(
        "--bootstrap-cells",
        metavar="N",
        help="Thresholds at which frames are counted for intervals; more of them, closer brackets.",
    ),
]
StatesPath = Annotated[
    Path | None,
    typer.Option(
        "--bootstrap-states",
        metavar="FILE",
        help="Keep what each frame counts in this HDF5 file, and resample from it while files and "
        "options are the same; --overwrite makes it anew.",
        show_default=False,
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Show the lead of this method over the others.",
        show_default="the best of each metric",
    ),
]


def check_bootstrap(
    replicates: int, seed: int, cells: int, states: Path | None, against: str | None,
    folders: dict[str, str],
) -> None:  # fmt: skip
    """Refuse what would only be noticed after a long run."""
    from mdmkit.comparison.differences import check_against
    from mdmkit.uncertainty.resampling import check_resampling

    if replicates < 0:
        raise InputError(f"bootstrap: expected a number of sets >= 0, found {replicates}")
    if replicates:
        check_resampling(replicates, seed, cells=cells)
    for name, value in (("bootstrap-states", states), ("against", against)):
        if value is not None and not replicates:
            raise InputError(f"{name}: expected --bootstrap N with it, found none")
    check_against(against, folders)


def add_bootstrap(comparison: Comparison, against: str | None, **options: Any) -> Comparison:
    """The comparison with intervals; options as in `bootstrap`."""
    from mdmkit.uncertainty.resampling import bootstrap

    return comparison.with_bootstrap(bootstrap(**options), against)
