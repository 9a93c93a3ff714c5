"""Options that ask for intervals, and what they add to a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli.options import UNCERTAINTY
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
        rich_help_panel=UNCERTAINTY,
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", metavar="N", help="Of the resampling.", rich_help_panel=UNCERTAINTY),
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Show the lead of this method over the others.",
        show_default="the best of each metric",
        rich_help_panel=UNCERTAINTY,
    ),
]
Bins = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Thresholds at which frames are counted for intervals; more of them, closer brackets.",
        rich_help_panel=UNCERTAINTY,
    ),
]
StatesPath = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Keep what each frame counts in this HDF5 file, and resample from it while files and "
        "options are the same; --overwrite makes it anew.",
        show_default=False,
        rich_help_panel=UNCERTAINTY,
    ),
]


@dataclass(frozen=True)
class Intervals:
    """Whether intervals are asked for."""

    bootstrap: Replicates = 0
    seed: Seed = 0

    def add(self, comparison: Comparison, **options: Any) -> Comparison:
        """The comparison with intervals, if they are asked for; options as in `bootstrap`."""
        from mdmkit.uncertainty.resampling import bootstrap

        if not self.bootstrap:
            return comparison
        found = bootstrap(replicates=self.bootstrap, seed=self.seed, **self._how(), **options)
        return comparison.with_bootstrap(found, self._against())

    def _how(self) -> dict[str, Any]:
        return {}

    def _against(self) -> str | None:
        return None


@dataclass(frozen=True)
class Bootstrap(Intervals):
    """Whether intervals are asked for, of which differences, and how they are made."""

    against: Against = None
    bootstrap_bins: Bins = 4096
    bootstrap_counts: StatesPath = None

    def check(self, methods: dict[str, str]) -> None:
        """Refuse what would only be noticed after a long run."""
        from mdmkit.comparison.differences import check_against
        from mdmkit.uncertainty.resampling import check_resampling

        if self.bootstrap > 0:
            check_resampling(self.bootstrap, self.seed, bins=self.bootstrap_bins)
        if self.bootstrap < 0:
            raise InputError(f"bootstrap: expected a number of sets >= 0, found {self.bootstrap}")
        for name in ("bootstrap_counts", "against"):
            if getattr(self, name) is not None and not self.bootstrap:
                option = name.replace("_", "-")
                raise InputError(f"{option}: expected --bootstrap N with it, found none")
        check_against(self.against, methods)

    def _how(self) -> dict[str, Any]:
        return {"bins": self.bootstrap_bins, "counts": self.bootstrap_counts}

    def _against(self) -> str | None:
        return self.against
