"""Options that ask for intervals, and what they add to a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mdmkit.cli.options import UNCERTAINTY, option
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from mdmkit.comparison.result import Comparison

Replicates = Annotated[
    int,
    option(
        UNCERTAINTY,
        "N",
        "Resample the frames N times: 95 % intervals, and differences between methods.",
        "--bootstrap",
        default="no intervals",
    ),
]


@dataclass(frozen=True)
class Intervals:
    """Whether intervals are asked for."""

    replicates: Replicates = 0
    seed: Annotated[
        int,
        option(UNCERTAINTY, "N", "Seed of the resampling."),
    ] = 0

    def add(self, comparison: Comparison, **options: Any) -> Comparison:
        """The comparison with intervals, if they are asked for; options as in `bootstrap`."""
        if not self.replicates:
            return comparison
        from mdmkit.uncertainty.resampling import bootstrap

        how = {name.removeprefix("bootstrap_"): value for name, value in vars(self).items()}
        against = how.pop("against", None)
        try:
            found = bootstrap(**how, **options)
        except InputError as error:
            named = f"bootstrap_{error.argument}"
            raise error.of(named) if named in vars(self) else error from None
        return comparison.with_bootstrap(found, against)


@dataclass(frozen=True)
class Bootstrap(Intervals):
    """Whether intervals are asked for, of which differences, and how they are made."""

    against: Annotated[
        str | None,
        option(
            UNCERTAINTY,
            "NAME",
            "Show the differences between this method and the others.",
            default="the best of each metric",
        ),
    ] = None
    bins: Annotated[
        int,
        option(
            UNCERTAINTY,
            "N",
            "Thresholds at which frames are counted for intervals; more of them, closer brackets.",
            "--bootstrap-bins",
        ),
    ] = 4096
    bootstrap_counts: Annotated[
        Path | None,
        option(
            UNCERTAINTY,
            "FILE",
            "Keep what each frame counts in this HDF5 file, and resample from it while files and "
            "options are the same; --overwrite makes it anew.",
        ),
    ] = None

    def check(self, methods: dict[str, str]) -> None:
        """Refuse what would only be noticed after a long run."""
        from mdmkit.comparison.differences import check_against

        if self.replicates > 0:
            from mdmkit.uncertainty.resampling import check_resampling

            check_resampling(self.replicates, self.seed, bins=self.bins)
        if self.replicates < 0:
            raise InputError(
                f"expected a number of sets >= 0, found {self.replicates}", argument="replicates"
            )
        for name in ("bootstrap_counts", "against"):
            if getattr(self, name) is not None and not self.replicates:
                raise InputError("expected --bootstrap N with it, found none", argument=name)
        check_against(self.against, methods)
