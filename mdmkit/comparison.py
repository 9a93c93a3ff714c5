"""compare(): the numbers of several methods on the same frames."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdmkit import __version__
from mdmkit.components import ComponentSizes
from mdmkit.datasets import DataSet, choose, open_dataset
from mdmkit.datasets.choice import USUAL, Usual
from mdmkit.datasets.suspicion import LabelSurvey
from mdmkit.errors import InputError, InputTypeError, NoTargetError, listing
from mdmkit.evaluation import Evaluation
from mdmkit.frames import LabelCodes, Labels
from mdmkit.leads import check_against, with_intervals
from mdmkit.measures import Measure
from mdmkit.methods import Methods, Ticks
from mdmkit.pool import DEFAULT_MEMORY
from mdmkit.published import PublishedTable, published_table
from mdmkit.remarks import all_remarks
from mdmkit.results import Result

if TYPE_CHECKING:
    from mdmkit.resampling import Bootstrap


@dataclass(frozen=True)
class Comparison:
    """Results of several methods on the same frames.

    Attributes
    ----------
    results : tuple of Result
        One a method, in the order given.
    measures : tuple of Measure
        What was asked for, in the order of the table's columns.
    settings : dict
        All options, label codes and versions.
    published : PublishedTable or None
        Printed rows that tables show below.
    auxiliary : frozenset of str
        Methods that use auxiliary data.
    bootstrap : Bootstrap or None
        The same numbers on resampled frames: tables then show intervals and leads.
    against : str or None
        Whose lead is shown; None: that of the best method of each measure.

    Examples
    --------
    >>> from mdmkit import compare
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    >>> found = compare({"mine": frames, "other": frames}, metrics="ap,fpr95")
    >>> [result.method for result in found.results], found["other"]["fpr95"]
    (['mine', 'other'], 0.0)
    >>> found.to_text("csv").splitlines()[0].startswith("method,frames,pixels")
    True
    """

    results: tuple[Result, ...]
    measures: tuple[Measure, ...]
    settings: dict[str, Any]
    published: PublishedTable | None = None
    auxiliary: frozenset[str] = frozenset()
    bootstrap: Bootstrap | None = None
    against: str | None = None

    def __getitem__(self, method: str) -> Result:
        for result in self.results:
            if result.method == method:
                return result
        raise KeyError(method)

    def __iter__(self) -> Iterator[str]:
        """Over the names of its methods."""
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.results)

    def keys(self) -> tuple[str, ...]:
        """The names of its methods."""
        return tuple(result.method for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """`{"settings": {...}, "rows": [...]}`, ready for JSON: fractions, undefined as None.

        Printed rows stand apart under "published".
        """
        rows = []
        for result in self.results:
            uses = self.uses_auxiliary(result.method)
            rows.append(result.to_dict() | ({"auxiliary": uses} if uses else {}))
        record = {"settings": self.settings, "rows": rows}
        if self.bootstrap:
            record |= with_intervals(self, rows)
        return record | {"published": self.published.to_dict()} if self.published else record

    def uses_auxiliary(self, method: str) -> str | None:
        """Whether a method uses auxiliary data, "yes" or "no"; None where nobody asked."""
        if not (self.published or self.auxiliary):
            return None
        return "yes" if method in self.auxiliary else "no"

    def with_bootstrap(self, found: Bootstrap, against: str | None = None) -> Comparison:
        """The same with intervals and leads, of numbers that `bootstrap` resampled.

        Raises
        ------
        InputError
            If `found` lacks a method, or `against` is none.
        """
        methods = [result.method for result in self.results]
        check_against(against, methods)
        missing = [name for name in methods if name not in found.replicates]
        if missing:
            raise InputError(
                f"bootstrap: expected the methods {', '.join(methods)}, found none of "
                f"{', '.join(missing)}"
            )
        return replace(self, bootstrap=found, against=against)

    def to_text(self, form: str = "table") -> str:
        """As "table", "markdown", "csv", "json", "latex", "csv-long" or "json-long"."""
        from mdmkit.tables import render

        return render(self, form)

    def __str__(self) -> str:
        return self.to_text()


def compare(
    methods: Mapping[str, Any],
    target: str | Path | None = None,
    metrics: str | Iterable[str | Measure] | None = None,
    *,
    dataset: str | DataSet | None = None,
    min_prediction: int | None = None,
    min_target: int | None = None,
    normalize: str | Mapping[str, str] | None = "none",
    aggregate: str | None = None,
    protocol: str = "exact",
    band: float | Sequence[float] | None = None,
    published: str | None = None,
    auxiliary: Collection[str] = (),
    anomaly_label: Labels | Usual = USUAL,
    normal_label: Labels | Usual = USUAL,
    ignore_index: Labels | Usual = USUAL,
    missing: str = "error",
    jobs: int = 1,
    scheduler: Any = None,
    key: str | None = None,
    memory: int = DEFAULT_MEMORY,
    state: str | Path | None = None,
    tick: Ticks | None = None,
) -> Comparison:
    """Compare the score maps of several methods on the same frames.

    Parameters
    ----------
    methods : mapping of str to path, or to iterables of frames
        With `target` or `dataset`: each method's folder of score maps. Without: frames as in
        `evaluate`.
    target : path, optional
        Folder of ground-truth masks; the RoadAnomaly layout is understood. Frames pair by their
        path below the folder, without suffix.
    metrics, protocol, band
        As in `evaluate`.
    dataset : str or DataSet, optional
        `"LAYOUT:ROOT"`, as `"smiyc-anomaly:FOLDER"`, instead of `target`: sets labels, component
        sizes and aggregation; see `mdmkit.datasets`.
    min_prediction, min_target, aggregate, anomaly_label, normal_label, ignore_index
        As in `evaluate`; unless given, the data set's, else as there.
    published : str, optional
        Name of a printed table (`published_names()`), whose rows tables show below, marked as
        published. It does not enter the results.
    auxiliary : collection of str
        Methods that were trained with auxiliary data; tables then have such a column.
    normalize : str, or mapping of method to str
        Normaliser of all methods, or of some (the others: "none").
    missing : {"error", "skip"}
        Frames that not every method has, or that have no mask: an error, or left out (and
        counted in the settings).
    jobs : int
        Threads over frames; the result is the same to the last bit.
    scheduler : str or distributed.Client, optional
        A Dask cluster, by the address of its scheduler or a client, whose workers go through the
        frames in place of threads: the same bits. They must see files under the same paths.
    key : str, optional
        Array of `.npz` archives, or data set of HDF5 files.
    memory : int
        Bytes that the statistics of one method may take; see `evaluate`. Files are read again
        where that makes numbers exact.
    state : path, optional
        A folder in which counts are kept: a run that was stopped anywhere goes on with the same
        call, and gives the same bits. Frames whose files have changed since, by size or time of
        change, are counted anew. For files, not for arrays.
    tick : callable, optional
        `tick(method, frames)` returns a function that is called after each frame.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        As `evaluate`; and listing the frames that are missing, surplus or cannot be used.

    Examples
    --------
    >>> from mdmkit import compare
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    >>> compare({"mine": frames}, metrics="ap,mdm_f1@0.5")["mine"]["ap"]
    1.0
    """
    planned = plan_comparison(
        methods, target, metrics, dataset=dataset, min_prediction=min_prediction,
        min_target=min_target, normalize=normalize, aggregate=aggregate, protocol=protocol,
        band=band, published=published, auxiliary=auxiliary, anomaly_label=anomaly_label,
        normal_label=normal_label, ignore_index=ignore_index, missing=missing, jobs=jobs, key=key,
        memory=memory,
    )  # fmt: skip
    if state is None:
        planned.methods.run(jobs, tick, scheduler)
    elif scheduler is not None:
        raise InputError(
            "state: expected none beside a scheduler, which counts what it lost anew; found both"
        )
    else:
        from mdmkit.sharding import keep_counts  # which knows comparisons

        keep_counts(planned, Path(state), jobs=jobs, tick=tick)
    return planned.comparison()


@dataclass(frozen=True)
class Planned:
    """A comparison before its frames are counted.

    Attributes
    ----------
    methods : Methods
    settings, published, auxiliary
        As in `Comparison`.
    dataset : DataSet or None
    """

    methods: Methods
    settings: dict[str, Any]
    published: PublishedTable | None
    auxiliary: frozenset[str]
    dataset: DataSet | None = None

    def comparison(self) -> Comparison:
        """The comparison of what was counted, with remarks on masks that look like mistakes."""
        first = next(iter(self.methods.evaluations.values()))
        try:
            found = comparison_of(
                self.methods.evaluations, self.settings, self.published, self.auxiliary
            )
        except NoTargetError as error:
            if first.counts.anomalous_pixels or self.methods.pairing is None:
                raise
            raise NoTargetError(f"{error}\n{self._survey().why_no_anomaly()}") from error
        remarks = list(self.settings.get("remarks", ()))
        if self._suspicious(first.counts.normal_frames):
            remarks += self._survey().remarks()
        remarks += all_remarks(self.methods.evaluations.values(), found.results)
        found.settings.update({"remarks": remarks} if remarks else {})
        return found

    def _suspicious(self, normal_frames: int) -> bool:
        """Whether masks are to be looked at once more."""
        return bool(
            normal_frames
            and self.methods.pairing
            and not (self.dataset is not None and self.dataset.normal_frames)
        )

    def _survey(self) -> LabelSurvey:
        assert self.methods.pairing is not None
        names = ("normal_label", "anomaly_label", "ignore_index")
        codes = LabelCodes(*(self.settings[name] for name in names))
        return LabelSurvey.of(self.methods.pairing.targets, codes, self.dataset)


def plan_comparison(
    methods: Mapping[str, Any],
    target: str | Path | None = None,
    metrics: str | Iterable[str | Measure] | None = None,
    *,
    dataset: str | DataSet | None = None,
    min_prediction: int | None = None,
    min_target: int | None = None,
    normalize: str | Mapping[str, str] | None = "none",
    aggregate: str | None = None,
    protocol: str = "exact",
    band: float | Sequence[float] | None = None,
    published: str | None = None,
    auxiliary: Collection[str] = (),
    anomaly_label: Labels | Usual = USUAL,
    normal_label: Labels | Usual = USUAL,
    ignore_index: Labels | Usual = USUAL,
    missing: str = "error",
    jobs: int = 1,
    key: str | None = None,
    memory: int = DEFAULT_MEMORY,
) -> Planned:
    """Validate the arguments of `compare`, and find the frames."""
    if target is not None and dataset is not None:
        raise InputError(f"target: expected it or a data set, found {target} and {dataset}")
    judged = None if dataset is None else open_dataset(dataset)
    choice = choose(
        judged, anomaly_label=anomaly_label, normal_label=normal_label, ignore_index=ignore_index,
        min_prediction=min_prediction, min_target=min_target, aggregate=aggregate,
        usual=ComponentSizes(),
    )  # fmt: skip
    codes = choice.codes
    printed = None if published is None else published_table(published)
    auxiliary = check_auxiliary(auxiliary, methods)
    several = Methods.of(
        methods, judged or target, codes=codes, missing=missing, normalize=normalize, key=key,
        metrics=metrics, memory=memory, aggregate=choice.aggregate,
        min_prediction=choice.sizes.min_prediction, min_target=choice.sizes.min_target,
        protocol=protocol, band=band,
    )  # fmt: skip
    pairing = several.pairing
    first = next(iter(several.evaluations.values()))
    left_out = pairing.left_out if pairing else ()
    settings = {
        "methods": {name: str(pairing.folders[name]) if pairing else "arrays" for name in methods},
        "target": str(judged.root if judged else target) if pairing else "arrays",
        "dataset": (judged.name or None) if judged else None,
        "metrics": [measure.key for measure in first.measures],
        "normalize": {name: e.kind.name for name, e in several.evaluations.items()},
        "aggregate": choice.aggregate,
        "protocol": first.protocol.name,
        "published": published,
        "min_prediction": first.sizes.min_prediction,
        "min_target": first.sizes.min_target,
        "normal_label": codes.normal_label,
        "anomaly_label": codes.anomaly_label,
        "ignore_index": codes.ignore_index,
        "missing": missing,
        "left_out": len(left_out),
        "left_out_frames": list(left_out),
        "key": key,
        "jobs": jobs,
        "memory": memory,
        "comparison": "score > z",
        "positive_class": "anomaly",
        "versions": versions(),
    }
    return Planned(several, settings, printed, auxiliary, judged)


def comparison_of(
    evaluations: Mapping[str, Evaluation],
    settings: dict[str, Any],
    published: PublishedTable | None = None,
    auxiliary: frozenset[str] = frozenset(),
) -> Comparison:
    """The comparison of evaluations that counted the same frames."""
    results = []
    for name, evaluation in evaluations.items():
        try:
            results.append(evaluation.result())
        except InputError as error:
            raise type(error)(f"{name}: {error}") from error
    _check_same_frames(results)
    first = next(iter(evaluations.values()))
    return Comparison(tuple(results), first.measures, settings, published, auxiliary)


def check_auxiliary(auxiliary: Any, methods: Any) -> frozenset[str]:
    """Names of some of the methods."""
    if isinstance(auxiliary, str) or not isinstance(auxiliary, Collection):
        raise InputTypeError(f"auxiliary: expected names of methods, found {auxiliary!r}")
    unknown = [name for name in auxiliary if name not in methods]
    if unknown:
        raise InputError(
            f"auxiliary: expected methods among {', '.join(methods)}, "
            f"found {', '.join(map(str, unknown))}"
        )
    return frozenset(auxiliary)


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
        raise InputError(f"frames: expected the same ones of every method, found\n{found}")


def versions(*others: str) -> dict[str, str]:
    """Versions of what the numbers depend on, and of other packages."""
    return {
        "mdmkit": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "numba", *others)},
    }
