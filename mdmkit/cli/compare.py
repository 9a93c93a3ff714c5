"""`mdmkit compare`: one table of several methods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli import completion
from mdmkit.cli.groups import Counting, Frames, ImageJudging, Result, with_groups
from mdmkit.cli.options import (
    NUMBERS,
    SCALE,
    UNCERTAINTY,
    Auxiliary,
    Methods,
    Metrics,
    Published,
    Scheduler,
    judged,
    parse_methods,
)
from mdmkit.cli.terminal import deliver, note, progress_bars
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from mdmkit.comparison.result import Comparison

Protocol = Annotated[
    str,
    typer.Option(
        metavar="exact|smiyc|maskomaly-release",
        autocompletion=completion.one_of("exact|smiyc|maskomaly-release"),
        help="Conventions of the numbers: exact, those of SegmentMeIfYouCan's tools, or those of "
        "Maskomaly's release.",
        rich_help_panel=NUMBERS,
    ),
]
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
State = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Keep counts in this folder: the same command goes on where it was stopped, and "
        "counts only what is new or has changed.",
        show_default=False,
        rich_help_panel=SCALE,
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
        rich_help_panel=SCALE,
    ),
]


@dataclass(frozen=True)
class Bootstrap:
    """Whether intervals are asked for, and how."""

    bootstrap: Replicates = 0
    seed: Seed = 0
    against: Against = None
    bootstrap_bins: Bins = 4096
    bootstrap_states: StatesPath = None

    def check(self, methods: dict[str, str]) -> None:
        """Refuse what would only be noticed after a long run."""
        from mdmkit.comparison.differences import check_against

        if self.bootstrap < 0:
            raise InputError(f"bootstrap: expected a number of sets >= 0, found {self.bootstrap}")
        for name in ("bootstrap_states", "against"):
            if getattr(self, name) is not None and not self.bootstrap:
                option = name.replace("_", "-")
                raise InputError(f"{option}: expected --bootstrap N with it, found none")
        check_against(self.against, methods)

    def add(self, comparison: Comparison, **options: Any) -> Comparison:
        """The comparison with intervals, if they are asked for; options as in `bootstrap`."""
        from mdmkit.uncertainty.resampling import bootstrap

        if not self.bootstrap:
            return comparison
        resampled = bootstrap(
            replicates=self.bootstrap,
            seed=self.seed,
            bins=self.bootstrap_bins,
            states=self.bootstrap_states,
            **options,
        )
        return comparison.with_bootstrap(resampled, self.against)


@dataclass(frozen=True)
class Kept:
    """Whether counts are kept, and of which share of the frames."""

    state: State = None
    shard: ShardOption = None

    def check(self, **others: Any) -> None:
        """Refuse a share without a folder, and what a share has no use for."""
        from mdmkit.comparison.checkpoints.folder import Shard

        if self.shard is None:
            return
        Shard.parse(self.shard)
        if self.state is None:
            raise InputError("shard: expected --state DIR beside it, found none")
        for name, value in others.items():
            if value:
                raise InputError(
                    f"{name}: expected none with --shard, whose counts make no table; found one; "
                    "give it to `mdmkit merge`, or leave it"
                )

    def count(self, methods: dict[str, str], quiet: bool, options: dict[str, Any]) -> None:
        """Count a share and say what comes next."""
        from mdmkit.comparison.checkpoints.sharding import count_shard

        assert self.state
        assert self.shard
        with progress_bars(quiet) as progress:
            share, frames = count_shard(
                methods, counts=self.state, shard=self.shard, progress=progress, **options
            )
        note(
            f"shard {self.shard} is counted: {share} of {frames} frames, in {self.state}; "
            "`mdmkit merge` joins the folders of all shards",
            quiet,
        )


@with_groups
def compare(
    *,
    methods: Methods,
    frames: Frames,
    metrics: Metrics = None,
    judging: ImageJudging,
    protocol: Protocol = "exact",
    intervals: Bootstrap,
    counting: Counting,
    scheduler: Scheduler = None,
    kept: Kept,
    result: Result,
    published: Published = None,
    aux: Auxiliary = [],  # noqa: B006 (typer copies it)
) -> None:
    """Compare the score maps of several methods: one table, exact at every threshold.

    Example: mdmkit compare mine=scores/mine msp=scores/msp --target masks --format markdown
    """
    from mdmkit.comparison.compare_methods import compare as compare_methods
    from mdmkit.metrics.names import parse_measures

    folders = parse_methods(methods)
    kept.check(bootstrap=intervals.bootstrap, output=result.output)
    intervals.check(folders)
    form = result.check()
    truth = frames.find()
    choice = judging.choose(truth)
    parse_measures(metrics, choice.sizes)
    options: dict[str, Any] = {
        "metrics": metrics,
        "dataset": truth,
        "protocol": protocol,
        **judged(choice),
        **counting.of(folders),
    }
    if kept.shard is not None:
        kept.count(folders, result.quiet, options)
        return
    with progress_bars(result.quiet) as progress:
        comparison = compare_methods(
            folders,
            published=published,
            auxiliary=aux,
            counts=kept.state,
            scheduler=scheduler,
            progress=progress,
            **options,
        )
        comparison = intervals.add(
            comparison, methods=folders, overwrite=result.overwrite, progress=progress, **options
        )
    deliver(comparison, form, result.output, result.quiet)
