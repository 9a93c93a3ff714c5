"""`mdmkit compare`: one table of several methods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mdmkit.cli.groups import Counting, Frames, ImageJudging, Result, with_groups
from mdmkit.cli.intervals import Bootstrap
from mdmkit.cli.options import (
    NUMBERS,
    SCALE,
    Methods,
    Scheduler,
    one_of,
    option,
    parse_methods,
)
from mdmkit.cli.result_options import Auxiliary, By, ImageScoreKind, Metrics, Published
from mdmkit.cli.terminal import deliver, note, progress_bars
from mdmkit.core.errors import InputError
from mdmkit.core.records import Json


@dataclass(frozen=True)
class Kept:
    """Whether counts are kept, and of which share of the frames."""

    counts: Annotated[
        Path | None,
        option(
            SCALE,
            "DIR",
            "Keep counts in this folder: the same command goes on where it was stopped, and "
            "counts only what is new or has changed.",
            "--state",
        ),
    ] = None
    shard: Annotated[
        str | None,
        option(
            SCALE,
            "K/N",
            "Count only the K-th of N shares of the frames, into --state DIR; `mdmkit merge` "
            "joins them.",
        ),
    ] = None

    def check(self, **others: object) -> None:
        """Refuse a share without a folder, and what a share has no use for."""
        if self.shard is None:
            return
        from mdmkit.comparison.checkpoints.folder import Shard

        Shard.parse(self.shard)
        if self.counts is None:
            raise InputError("expected --state DIR beside it, found none", argument="shard")
        for name, value in others.items():
            if value:
                raise InputError(
                    "expected none with --shard, whose counts make no table; found one; "
                    "give it to `mdmkit merge`, or leave it",
                    argument=name,
                )

    def count(self, methods: dict[str, str], quiet: bool, options: Json) -> None:
        """Count a share and say what comes next."""
        from mdmkit.comparison.checkpoints.sharding import count_shard

        assert self.counts
        assert self.shard
        with progress_bars(quiet) as progress:
            share, frames = count_shard(
                methods, counts=self.counts, shard=self.shard, progress=progress, **options
            )
        note(
            f"shard {self.shard} is counted: {share} of {frames} frames, in {self.counts}; "
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
    protocol: Annotated[
        str,
        one_of(
            NUMBERS,
            "exact|smiyc|maskomaly-release",
            "Conventions of the numbers: exact, those of SegmentMeIfYouCan's tools, or those of "
            "Maskomaly's release.",
        ),
    ] = "exact",
    by: By = [],  # noqa: B006 (typer copies it)
    image_score: ImageScoreKind = None,
    intervals: Bootstrap,
    counting: Counting,
    scheduler: Scheduler = None,
    kept: Kept,
    result: Result,
    published: Published = None,
    auxiliary: Auxiliary = [],  # noqa: B006
) -> None:
    """Compare the score maps of several methods: one table, exact at every threshold.

    Example: mdmkit compare mine=scores/mine msp=scores/msp --target masks --format markdown
    """
    from mdmkit.comparison.compare_methods import compare as compare_methods

    folders = parse_methods(methods)
    kept.check(bootstrap=intervals.replicates, output=result.output)
    intervals.check(folders)
    form = result.check()
    truth = frames.find()
    options: Json = {
        "metrics": metrics,
        "by": by,
        "image_score": image_score,
        "dataset": truth,
        "protocol": protocol,
        **judging.given(),
        **counting.of(folders),
    }
    if kept.shard is not None:
        kept.count(folders, result.quiet, options)
        return
    with progress_bars(result.quiet) as progress:
        comparison = compare_methods(
            folders,
            published=published,
            auxiliary=auxiliary,
            counts=kept.counts,
            scheduler=scheduler,
            progress=progress,
            **options,
        )
        comparison = intervals.add(
            comparison, methods=folders, overwrite=result.overwrite, progress=progress, **options
        )
    deliver(comparison, form, result.output, result.quiet)
