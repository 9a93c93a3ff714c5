"""Evaluation: all of a method's numbers in one pass over frames."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mdmkit.core.distribution import Distribution, mean_where_defined
from mdmkit.core.errors import InputError, NoTargetError, RangeError
from mdmkit.core.files import as_path, check_output
from mdmkit.core.labels import LabelCodes, Labels
from mdmkit.core.margin import trivial_level
from mdmkit.core.named_arrays import arrays_of, value_of
from mdmkit.core.number import Number
from mdmkit.core.records import Json
from mdmkit.evaluation.contributions import Counts, Image
from mdmkit.evaluation.executors import frames_of
from mdmkit.evaluation.passes import Passing
from mdmkit.evaluation.remarks import Look, is_ranked, remarks_on
from mdmkit.evaluation.result import Result
from mdmkit.metrics.measures import computed
from mdmkit.metrics.names import apart, parse_measures
from mdmkit.metrics.selections import GroupMean, mean_of
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.statistics.state_files import read_state, write_state

#: Numbers, why others are refused, and what shows of the scores.
Computed = tuple[dict[str, Number], dict[str, str], Look]


class Evaluation(Passing):
    """Gathers the statistics of a method's frames, and computes its numbers from them.

    Parameters
    ----------
    metrics : str, or iterable of str or Measure, optional
        Measure names (see `mdmkit.metrics.names`); by default every metric, MDM at 0.5 and 0.7.
    min_prediction, min_target : int
        Component sizes in pixels, for component metrics.
    normalize : {"none", "minmax", "sigmoid", "rank"}, or Normalizer
        A `Normalizer` keeps its constants, whatever these frames hold.
    aggregate : {"pooled", "per_image"}
        One set of all pixels and components; or the mean over images.
    anomaly_label, normal_label, ignore_index : int, collection of int, or None
        Label values of the targets that `update` is given.
    method : str
        Name of the method.
    protocol : {"exact", "smiyc", "maskomaly-release"}
        Whose conventions the numbers follow; see `mdmkit.metrics.protocols`.
    memory : int
        Bytes that the counts may take; beyond it scores fall into bins, and numbers carry
        brackets.

    Raises
    ------
    InputError
        Unknown names, or numbers out of range.

    Notes
    -----
    Its contents depend neither on the order of the frames nor on how they were divided among
    evaluations that were merged, to the last bit. Its size is bounded: by `memory` and that of the
    bins (some 100 MB with component metrics); of per-image evaluation, by a few numbers an image.
    `contribution` may run in several threads; `add` takes what it returns.

    Examples
    --------
    >>> from mdmkit import Evaluation
    >>> night, day = Evaluation("ap"), Evaluation("ap")
    >>> night.update([[0.1, 0.9]], [[0, 1]])
    >>> day.update([[0.2, 0.4]], [[1, 0]])
    >>> night.merge(day)
    >>> night.result()["ap"]
    0.8333333333333333
    """

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write everything to one file, whole or not at all.

        Parameters
        ----------
        path : path
            The same state gives the same bytes. A few bytes per distinct score, or a few per bin.
        overwrite : bool

        Raises
        ------
        InputError
            If the file exists, or a metric has no name by which it can be found again.
        """
        self.write(check_output(path, overwrite, "path"))

    def write(self, path: Path, **header: object) -> None:
        """Save over a file if there is one, with more in its header."""
        keys = [measure.key for measure in self.asked]
        try:
            named = parse_measures(keys, self.sizes) == self.asked
        except InputError:
            named = False
        if not named:
            raise InputError(
                f"expected those that have a name, found {', '.join(keys)}", argument="metrics"
            )
        header["images"] = sorted(map(asdict, self._images), key=_spelled)
        header["counts"] = asdict(self.counts)
        header["two_looks"] = self._two_looks
        header["options"] = self.options()
        counted = self._accumulator.contents(self.statistics)
        write_state(path, {"kind": "evaluation", **header}, arrays_of((self._fitted, counted)))

    @classmethod
    def load(cls, path: str | Path) -> Evaluation:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If it is no such file, cut off, or of another version.
        """
        header, arrays = read_state(as_path(path, "path"))
        if header.get("kind") != "evaluation":
            raise InputError(f"{path}: expected an evaluation, found {header.get('kind')!r}")
        evaluation = cls(**header["options"])
        evaluation._fitted, counted = value_of(arrays)
        evaluation._accumulator.fill(counted, evaluation.statistics)
        evaluation._two_looks = header["two_looks"]
        evaluation.counts = Counts(**header["counts"])
        evaluation._images = [Image.from_dict(image) for image in header["images"]]
        return evaluation

    def result(self) -> Result:
        """All numbers of what was counted so far.

        Raises
        ------
        InputError
            Without valid pixels, or where nothing that was asked for can be computed.
        """
        if not self.counts.frames:
            raise InputError("expected at least one frame, found none", argument="frames")
        if self.counts.pixels == 0:
            raise InputError(
                "expected at least one valid pixel, found all pixels ignored", argument="target"
            )
        self.check_anomalies()
        compute = self._pooled_numbers if self.aggregate == "pooled" else self._image_numbers
        numbers, refused, look = compute()
        if len(refused) == len(self.measures):
            raise RangeError(next(iter(refused.values())))
        values = {key: number.value for key, number in numbers.items()}
        return Result(
            method=self.method,
            frames=self.counts.frames,
            pixels=self.counts.pixels,
            anomalous_pixels=self.counts.anomalous_pixels,
            components=self.counts.components,
            normalize=self.kind.name,
            numbers=numbers,
            refused=refused,
            settings={
                "aggregate": self.aggregate,
                "min_prediction": self.sizes.min_prediction,
                "min_target": self.sizes.min_target,
                "protocol": self.protocol.name,
            },
            remarks=tuple(remarks_on(look, self.measures, values)),
        )

    def finish(self) -> Result:
        """The result; the statistics are let go, so that those of one method fill the memory."""
        result = self.result()
        self._accumulator, self._images = self._accumulator.empty(), []
        return result

    def check_anomalies(self) -> None:
        """Refuse measures of anomalies where there is none in any frame.

        Raises
        ------
        NoTargetError
        """
        needing = [measure.key for measure in self.measures if measure.needs_anomalies]
        if needing and self.counts.anomalous_pixels == 0:
            raise NoTargetError(
                "expected at least one anomalous pixel, found none (of "
                f"{self.counts.frames} frames, for {', '.join(needing[:4])}"
                f"{', ...' if len(needing) > 4 else ''}; does `anomaly_label` name the right "
                "value?)",
                argument="target",
            )

    def _pooled_numbers(self) -> Computed:
        numbers: dict[str, Number] = {}
        refused: dict[str, str] = {}
        sweeps = self.sweeps()
        for measure in self.measures:
            try:
                numbers[measure.key] = computed(measure, sweeps)
            except RangeError as error:
                numbers[measure.key] = measure.empty()
                refused[measure.key] = str(error)
        known = numbers["auroc"].value if "auroc" in numbers else None
        return numbers, refused, Look.at(sweeps, known, is_ranked(self.measures))

    def _image_numbers(self) -> Computed:
        numbers: dict[str, Number] = {}
        refused: dict[str, str] = {}
        for measure in self.measures:
            key = measure.key
            numbers[key] = measure.empty()
            reasons = [image.refused[key] for image in self._images if key in image.refused]
            if reasons:
                refused[key] = min(reasons)
                continue
            if all(key in image.no_target for image in self._images):
                raise NoTargetError(min(image.no_target[key] for image in self._images))
            images = Distribution.of(image.values[key] for image in self._images)
            numbers[key] = replace(numbers[key], value=images.mean, images=images)
            ends = [image.ends[key] for image in self._images if key in image.ends]
            if ends:  # means over images, as the margin is one
                constant = [mean_where_defined(values) for values in zip(*ends, strict=True)]
                numbers[key] = replace(numbers[key], trivial=trivial_level(constant))
        for measure in self.measures:
            if isinstance(measure, GroupMean):
                groups = (numbers[group.key] for group in measure.groups if group.key in numbers)
                numbers[measure.key] = mean_of(groups, numbers[measure.key])
        return numbers, refused, Look.of_images(image.look for image in self._images)


def _spelled(record: Json) -> str:
    return json.dumps(record, sort_keys=True)


def evaluate(
    frames: Any,
    target: Any = None,
    metrics: Any = None,
    *,
    min_prediction: int = 0,
    min_target: int = 0,
    normalize: str | None = "none",
    invert: bool = False,
    aggregate: str = "pooled",
    anomaly_label: Labels = 1,
    normal_label: Labels = 0,
    ignore_index: Labels = 255,
    method: str = "",
    protocol: str = "exact",
    memory: int = DEFAULT_MEMORY,
) -> Result:
    """Compute all numbers of one method.

    Parameters
    ----------
    frames : iterable of Frame, (scores, target) or (scores, target, ignore); or score maps
        See `Frame`. With `target`: one score map (H, W), a stack (N, H, W), a list or an iterator
        of these. An iterator is read once and never held; per-image evaluation with a
        normaliser that looks at all scores (`minmax`, `rank`) needs a list. A Dask bag of these,
        and a list of pairs of Dask arrays (H, W) or (N, H, W), is evaluated by Dask, where it is.
    target : array_like or iterable of array_like, optional
        Ground truth of score maps, alike in structure. `metrics` may be given in its place.
    metrics : str, or iterable of str or Measure, optional
        Measure names (see `mdmkit.metrics.names`): `ap`, `auroc`, `fpr95`, `best_f1`, `siou_gt`,
        `ppv`, `mean_f1`, `mdm_METRIC@T`, `METRIC@z=Z`, `fpr@tpr=R`. Default: every metric, MDM
        at T = 0.5 and 0.7.
    min_prediction, min_target : int
        Component sizes in pixels; 0 drops nothing.
    normalize : {"none", "minmax", "sigmoid", "rank"}
        How raw scores become thresholds in [0, 1]; ranking metrics and best F1 use raw scores.
    invert : bool
        Higher scores mean normal: 1 - score is judged.
    aggregate : {"pooled", "per_image"}
        All pixels (components) of all frames as one set, or the mean over images where defined.
    anomaly_label, normal_label, ignore_index : int, collection of int, or None
        Label values of `target`.
    method : str
        Name in the result.
    protocol : {"exact", "smiyc", "maskomaly-release"}
        The tool whose conventions the numbers follow, so that published numbers can be matched:
        see `mdmkit.metrics.protocols`. Measures that a protocol does not have stay exact.
    memory : int
        Bytes that the statistics may take. Beyond it scores fall into bins: margins, best F1 and
        the numbers that depend on it are made exact by a second pass over a list; AP and AUROC,
        and all numbers of an iterator, carry a rigorous bracket, `numbers[name].bracket`.

    Returns
    -------
    Result
        Fractions; None where undefined. Where scores leave [0, 1] and no normaliser is named,
        measures that need thresholds are refused, with the reason, and the others are given.

    Raises
    ------
    InputError
        Bad frames, nothing to detect, or scores outside [0, 1] where everything asked for needs
        thresholds in [0, 1].

    Notes
    -----
    Anomaly is the positive class; a pixel is predicted where score > z. One sort and one
    union-find pass per frame, O(P log P) for P pixels.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> result = evaluate([([[0.1, 0.2, 0.9]], [[0, 0, 1]])], "ap,fpr95,mdm_f1@0.5")
    >>> result["ap"], result["fpr95"], result.numbers["mdm_f1@0.5"].interval
    (1.0, 0.0, (0.1, 0.9))
    """
    codes = LabelCodes(normal_label, anomaly_label, ignore_index)
    target, metrics = apart(target, metrics)
    evaluation = Evaluation(
        metrics,
        min_prediction=min_prediction,
        min_target=min_target,
        normalize=normalize,
        aggregate=aggregate,
        method=method,
        protocol=protocol,
        memory=memory,
    )
    again = not isinstance(frames, Iterator) and not isinstance(target, Iterator)
    evaluation.run(frames_of(frames, codes, target, invert), again, only_numbers=True)
    return evaluation.result()
