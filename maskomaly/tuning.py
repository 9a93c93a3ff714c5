"""Fitting the thresholds of Algorithm 1, and which of its terms act, to labelled images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from maskomaly.algorithm import acting_queries, maskomaly
from maskomaly.config import MaskomalyConfig, with_terms
from maskomaly.mining import FEW, LabelledImages
from maskomaly.outputs import MaskOutputs
from maskomaly.predict import Predicts, outputs_of_images, write_score_maps
from maskomaly.score_maps import SavedOutputs
from mdmkit import Evaluation
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError
from mdmkit.core.progress import Bar
from mdmkit.datasets.dataset import EVERY_COMPONENT
from mdmkit.io import read_mask
from mdmkit.metrics.measure_base import Measure
from mdmkit.metrics.names import parse_measures

if TYPE_CHECKING:
    import torch

#: Values that are tried, one parameter after the other. The smallest T_mask decides which masks
#: are kept between the tries.
T_MASK = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
T_BORDER = (0.1, 0.2, 0.3, 0.4, 0.5)
LAM = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

Stage = Callable[[MaskomalyConfig], Iterable[MaskomalyConfig]]


@dataclass(frozen=True)
class Trial:
    """A config that was tried, and its number on the images; None where it is undefined."""

    config: MaskomalyConfig
    value: float | None

    @property
    def terms(self) -> str:
        """Letters of the terms that act: A accept, R reject, B border, I init."""
        config = self.config
        letters = ("A" if config.accept else "") + ("R" if config.reject else "")
        if config.reject:
            letters += ("B" if config.border else "") + ("I" if config.used_init_queries else "")
        return letters


@dataclass(frozen=True)
class Tuned:
    """The best of several configs on some images.

    Attributes
    ----------
    best : Trial
    trials : tuple of Trial
        All that were tried, in order.
    metric : str
        Name of the number.
    images : int
        How many images had an anomaly.
    """

    best: Trial
    trials: tuple[Trial, ...]
    metric: str
    images: int

    def table(self) -> str:
        """Table of the configs that were tried; the best has an arrow."""
        lines = [f"terms  T_mask  T_b   lambda  {self.metric}"]
        for trial in self.trials:
            config = trial.config
            value = "-" if trial.value is None else f"{100 * trial.value:.2f}"
            border = f"{config.t_border:.2f}" if "B" in trial.terms else "-   "
            mask = f"{config.t_mask:.2f}" if config.reject else "-   "
            lam = f"{config.lam:.2f}" if config.accept and config.reject else "-   "
            arrow = "  <-" if trial is self.best else ""
            lines.append(f"{trial.terms:<5}  {mask}    {border}  {lam}    {value}{arrow}")
        return "\n".join(lines) + "\n"

    def remarks(self) -> tuple[str, ...]:
        """Remarks to read before the config is used."""
        remarks = [
            f"{self.metric} of the chosen config is flattered: it was chosen on these images; "
            "judge it on others"
        ]
        if self.images < FEW:
            remarks.insert(
                0,
                f"tuned on {self.images} images with anomalies: what fits fewer than {FEW} is "
                "partly luck",
            )
        return tuple(remarks)

    def write(self, path: Path, made_with: str = "") -> None:
        """Write the best config as TOML, headed by what was tried."""
        head = f"thresholds and terms chosen by {self.metric} on {self.images} images:"
        lines = [head, *self.table().splitlines(), *made_with.splitlines()]
        self.best.config.write(path, lines)


def tune_folder(
    frames: LabelledImages,
    network: Predicts,
    base: MaskomalyConfig,
    *,
    metric: str = "ap",
    batch: int = 1,
    autocast: torch.dtype | None = None,
    bar: Bar | None = None,
) -> Tuned:
    """Run a network once over labelled images, and fit a config's thresholds and terms to them.

    First which terms act, with border rules of several T_b, then T_mask, T_b and lambda, one after
    the other, each from the best so far. Where several are equally good the earlier one, with
    fewer terms, is taken.

    Parameters
    ----------
    frames : LabelledImages
    network : Network
    base : MaskomalyConfig
        Its queries are used; its thresholds are tried too.
    metric : str
        What to maximise, as in `mdmkit.evaluate`: "ap", "mdm_f1@0.5", ...; what is better lower is
        minimised.
    batch, autocast
        As in `Network.predict`.
    bar : callable, optional
        `bar(title, steps)` returns a function that is called after each step.

    Returns
    -------
    Tuned

    Raises
    ------
    InputError
        An unknown metric, or one that is defined for no config.
    """
    measure_of(metric)
    widest = replace(
        base, accept=True, reject=True, border=True, init=True, t_mask=min(*T_MASK, base.t_mask)
    )
    with TemporaryDirectory(prefix="maskomaly-") as place:
        kept = SavedOutputs(Path(place), {}, acting=lambda outputs: acting_queries(outputs, widest))
        kept.prepare(frames.images, resume=False, overwrite=False)
        stream = outputs_of_images(frames.images, network, batch=batch, autocast=autocast)
        progress = bar("predict", len(frames.images)) if bar else (lambda: None)
        write_score_maps(stream, [kept], progress=progress)
        search = _Search(frames, {key: kept.path(key) for key in frames.images}, metric, bar)
        for stage in (_terms, _masks, _borders, _lambdas):
            search.try_all(stage(search.best.config if search.trials else base))
    return Tuned(search.best, tuple(search.trials), metric, search.images)


def measure_of(metric: str, sizes: ComponentSizes = EVERY_COMPONENT) -> Measure:
    """The measure of that name, by which configs are compared.

    Raises
    ------
    InputError
        An unknown name, or several.
    """
    try:
        measures = parse_measures(metric, sizes)
    except InputError as error:
        raise error.of("metric") from error
    if len(measures) != 1:
        raise InputError(f"expected one, found {metric!r}", argument="metric")
    return measures[0]


def _terms(base: MaskomalyConfig) -> Iterator[MaskomalyConfig]:
    letters = [*("A" if base.anomaly_queries else ""), "R"]
    if base.anomaly_queries:
        letters.append("AR")
    yield from (with_terms(base, each) for each in letters)
    for each in ("RB", "ARB", "ARBI"):
        if ("A" in each and not base.anomaly_queries) or ("I" in each and not base.init_queries):
            continue
        for t_border in dict.fromkeys((base.t_border, 0.1, 0.3, 0.5)):
            yield replace(with_terms(base, each), t_border=t_border)


def _masks(best: MaskomalyConfig) -> Iterator[MaskomalyConfig]:
    yield from (replace(best, t_mask=value) for value in T_MASK if best.reject)


def _borders(best: MaskomalyConfig) -> Iterator[MaskomalyConfig]:
    acts = best.reject and best.border
    yield from (replace(best, t_border=value) for value in T_BORDER if acts)


def _lambdas(best: MaskomalyConfig) -> Iterator[MaskomalyConfig]:
    yield from (replace(best, lam=value) for value in LAM if best.accept and best.reject)


class _Search:
    """Evaluates configs on kept outputs, each once, and remembers the best."""

    def __init__(
        self,
        frames: LabelledImages,
        outputs: Mapping[str, Path],
        metric: str,
        bar: Bar | None,
    ) -> None:
        self.frames, self.outputs, self.bar = frames, outputs, bar
        self.measure = measure_of(metric, frames.sizes)
        self.trials: list[Trial] = []
        self.images = 0

    @property
    def best(self) -> Trial:
        def worth(trial: Trial) -> float:
            if trial.value is None:
                return -inf
            return trial.value if self.measure.higher_is_better else -trial.value

        return max(self.trials, key=worth)

    def try_all(self, configs: Iterable[MaskomalyConfig]) -> None:
        known = [trial.config for trial in self.trials]
        new = [config for config in dict.fromkeys(configs) if config not in known]
        if not new:
            return
        codes, sizes = self.frames.codes, self.frames.sizes
        evaluations = [
            Evaluation(
                [self.measure],
                min_prediction=sizes.min_prediction,
                min_target=sizes.min_target,
                aggregate=self.frames.aggregate,
                **codes.arguments,
            )
            for _ in new
        ]
        progress = self.bar("tune", len(self.outputs)) if self.bar else (lambda: None)
        images = 0
        for key, path in self.outputs.items():
            outputs, labels = MaskOutputs.load(path), read_mask(self.frames.targets[key])
            for config, evaluation in zip(new, evaluations, strict=True):
                # Checked before the network ran.
                evaluation.update(maskomaly(outputs, config, force_queries=True).half(), labels)
            images += bool((codes.classify(labels, None, str(path)) == 1).any())
            progress()
        self.images = images
        results = [evaluation.result()[self.measure.key] for evaluation in evaluations]
        for config, value in zip(new, results, strict=True):
            self.trials.append(Trial(config, None if value is None else float(value)))
        if not any(trial.value is not None for trial in self.trials):
            raise InputError(
                f"expected one that is defined here, found {self.measure.key}", argument="metric"
            )
