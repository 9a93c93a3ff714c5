"""A comparison before its frames are counted."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from mdmkit.comparison.published import PublishedTable, published_table
from mdmkit.comparison.result import Comparison
from mdmkit.core.arguments import as_texts
from mdmkit.core.errors import InputError, InputTypeError, NoTargetError, inside, listing
from mdmkit.core.records import Json
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.frame_set import FrameSet
from mdmkit.evaluation.methods import Methods
from mdmkit.evaluation.result import Result
from mdmkit.metrics.measures import Measure
from mdmkit.statistics.accumulator import DEFAULT_MEMORY


@dataclass(frozen=True)
class Planned:
    """A comparison before its frames are counted.

    Attributes
    ----------
    methods : Methods
    settings, published, auxiliary
        As in `Comparison`.
    frames : FrameSet
    results : list of Result
        Of the methods that are finished.
    """

    methods: Methods
    settings: Json
    published: PublishedTable | None
    auxiliary: frozenset[str]
    frames: FrameSet
    results: list[Result] = field(default_factory=list)

    def finish(self, evaluation: Evaluation) -> None:
        """Compute the numbers of a method that was counted, of which nothing else is kept."""
        try:
            self.results.append(evaluation.finish())
        except NoTargetError as error:
            if evaluation.counts.anomalous_pixels or self.frames.pairing is None:
                raise
            raise self.frames.explained(error) from error

    def comparison(self) -> Comparison:
        """The comparison of what was counted, with remarks on masks that look like mistakes."""
        first = next(iter(self.methods.evaluations.values()))
        about = self.settings, self.published, self.auxiliary
        found = comparison_of(self.results, first.measures, *about)
        remarks = list(self.settings.get("remarks", ()))
        if first.counts.normal_frames:  # else no mask needs to be read where counts were kept
            remarks += self.frames.remarks
        return found.remarked(remarks)


def plan_comparison(
    methods: Mapping[str, Any],
    target: Any = None,
    metrics: str | Iterable[str | Measure] | None = None,
    *,
    normalize: str | Mapping[str, str] | None = "none",
    protocol: str = "exact",
    published: str | None = None,
    auxiliary: Collection[str] = (),
    jobs: int = 1,
    memory: int = DEFAULT_MEMORY,
    **frames: Any,
) -> Planned:
    """Validate the arguments of `compare`, and find the frames; `frames` as in `FrameSet.of`."""
    printed = None if published is None else published_table(published)
    found = FrameSet.of(methods, target, **frames)
    auxiliary = check_auxiliary(auxiliary, methods)
    measures = found.measures(metrics)
    several = found.evaluations(normalize, metrics=measures, memory=memory, protocol=protocol)
    judged, codes = found.dataset, found.choice.codes
    first = next(iter(several.evaluations.values()))
    settings = {
        "methods": found.folders,
        "target": found.target,
        "dataset": (judged.name or None) if judged else None,
        "metrics": [measure.key for measure in first.measures],
        "normalize": {name: e.kind.name for name, e in several.evaluations.items()},
        "aggregate": found.choice.aggregate,
        "protocol": first.protocol.name,
        "published": published,
        "min_prediction": first.sizes.min_prediction,
        "min_target": first.sizes.min_target,
        "normal_label": codes.normal_label,
        "anomaly_label": codes.anomaly_label,
        "ignore_index": codes.ignore_index,
        "missing": found.missing,
        "score_ending": several.pairing.score_ending if several.pairing else "",
        "resize": several.pairing.resize if several.pairing else None,
        "invert": sorted(found.inverted),
        "by": list(found.by),
        "image_score": found.image_score,
        "left_out": len(found.left_out),
        "set_aside": len(judged.aside) if judged else 0,
        "left_out_frames": list(found.left_out),
        "key": found.key,
        "jobs": jobs,
        "memory": memory,
        "comparison": "score > z",
        "positive_class": "anomaly",
        "versions": versions(),
    }
    return Planned(several, settings, printed, auxiliary, found)


def results_of(evaluations: Mapping[str, Evaluation]) -> list[Result]:
    """The result of each method; errors name the method."""
    results = []
    for name, evaluation in evaluations.items():
        with inside(name):
            results.append(evaluation.result())
    return results


def comparison_of(
    results: Sequence[Result],
    measures: tuple[Measure, ...],
    settings: Json,
    published: PublishedTable | None = None,
    auxiliary: frozenset[str] = frozenset(),
) -> Comparison:
    """The comparison of results of the same frames."""
    _check_same_frames(results)
    return Comparison(tuple(results), measures, settings, published, auxiliary)


def check_auxiliary(auxiliary: Any, methods: Any) -> frozenset[str]:
    """Names of some of the methods."""
    if isinstance(auxiliary, str) or not isinstance(auxiliary, Collection):
        raise InputTypeError(
            f"expected names of methods, found {auxiliary!r}", argument="auxiliary"
        )
    names = as_texts(auxiliary, "auxiliary")
    unknown = [name for name in names if name not in methods]
    if unknown:
        raise InputError(
            f"expected methods among {', '.join(methods)}, found {', '.join(unknown)}",
            argument="auxiliary",
        )
    return frozenset(names)


def _check_same_frames(results: Sequence[Result]) -> None:
    """A table's rows must describe the same frames."""
    counts = {
        (r.frames, r.pixels, r.anomalous_pixels, r.components): r.method for r in reversed(results)
    }
    if len(counts) > 1:
        found = listing(
            f"{method}: {frames} frames, {pixels} valid pixels, {anomalous} anomalous"
            for (frames, pixels, anomalous, _), method in counts.items()
        )
        raise InputError(
            f"expected the same ones of every method, found\n{found}", argument="frames"
        )


def versions(*others: str) -> dict[str, str]:
    """Versions of what the numbers depend on, and of other packages."""
    return {
        "mdmkit": version("mdmkit"),
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "numba", *others)},
    }
