"""Remarks: results that are right by the numbers, and look as if something else was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mdmkit.metrics.measures import MarginAt, Ranking
from mdmkit.statistics.normalizers import Sigmoid
from mdmkit.statistics.ranking import auroc

if TYPE_CHECKING:
    from mdmkit.evaluation.evaluation import Evaluation
    from mdmkit.evaluation.result import Result

#: Below it scores tell anomalies from normal pixels worse than they would the other way round.
LEAST_AUROC = 0.4


def remarks_on(evaluation: Evaluation, result: Result) -> Iterator[str]:
    """Remarks to read before the numbers of a method are believed."""
    name = result.method
    found = _auroc(evaluation, result)
    if found is not None and found < LEAST_AUROC:
        yield (
            f"{name}: AUROC {100 * found:.1f} is below {100 * LEAST_AUROC:g}: are its scores "
            "higher where all is normal?"
        )
    if evaluation.kind is Sigmoid and _in_unit(evaluation):
        yield (
            f"{name}: `normalize='sigmoid'` of scores that lie in [0, 1] already leaves them in "
            "[0.5, 0.74]; without a normaliser they are taken as they are"
        )
    margins = [m for m in evaluation.measures if isinstance(m, MarginAt)]
    if margins and all(result.get(m.key) == 0 for m in margins):
        best = result.get("best_f1")
        known = "" if best is None else f" (its best F1, at one threshold, is {100 * best:.1f})"
        yield (
            f"{name}: every margin is 0: no threshold in [0, 1] gives more than T{known}; ask for "
            "a lower T, as in mdm_f1@0.2, or name a normaliser, as `normalize='minmax'`"
        )


def _auroc(evaluation: Evaluation, result: Result) -> float | None:
    """AUROC, also where AP was asked for alone, which needs the same counts."""
    asked = any(isinstance(measure, Ranking) for measure in evaluation.measures)
    if "auroc" in result or not asked or evaluation.aggregate != "pooled":
        return result.get("auroc")
    return auroc(evaluation.sweeps().pixels)


def _in_unit(evaluation: Evaluation) -> bool:
    if evaluation.aggregate != "pooled":
        return False
    least, greatest = evaluation.sweeps().pixels.extremes
    return 0 <= least <= greatest <= 1


def all_remarks(evaluations: Iterable[Evaluation], results: Iterable[Result]) -> list[str]:
    """Remarks on each method."""
    pairs = zip(evaluations, results, strict=True)
    return [remark for evaluation, result in pairs for remark in remarks_on(evaluation, result)]
