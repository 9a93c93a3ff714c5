"""What users bring along may read what it is given, and changes nothing."""

from dataclasses import dataclass

import numpy as np
import pytest

from mdmkit import InputError, InputTypeError, count_metric, evaluate, mdm
from mdmkit.metrics import ComponentMetric
from mdmkit.metrics.measures import MarginAt, Measure
from mdmkit.statistics.normalizers import Normalizer

RNG = np.random.default_rng(0)
SCORES = RNG.random((5, 7))
TARGET = (RNG.random((5, 7)) < 0.4).astype(np.uint8)
BESIDE = ["ap", "auroc", "fpr95", "best_f1", "mdm_siou@0.3"]


def smoothed(tp, fp, fn, tn):
    tp += 1
    return tp / (tp + fp + fn)


def sorted_in_place(tp, fp, fn, tn):
    fp.sort()
    return tp / (tp + fp + fn)


def through_out(tp, fp, fn, tn):
    np.add(tn, 1, out=tn)
    return tp / (tp + fp + fn)


@pytest.mark.parametrize("function", [smoothed, sorted_in_place, through_out])
def test_a_count_metric_that_writes_to_its_arguments_is_named(function):
    with pytest.raises(
        InputError, match=rf"^metric: expected {function.__name__} .*copy them first"
    ):
        evaluate([(SCORES, TARGET)], [MarginAt(count_metric(function), 0.4), *BESIDE])


@pytest.fixture
def torch():
    """Torch, which warns each time instead of the first time in a process."""
    torch = pytest.importorskip("torch")
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield torch
    torch.set_warn_always(before)


def test_torch_writes_to_copies(torch):
    alone = evaluate([(SCORES, TARGET)], BESIDE)

    @count_metric
    def forced(tp, fp, fn, tn):
        with pytest.warns(UserWarning, match="not writable"):
            torch.from_numpy(tp).add_(5)
        return tp / (tp + fp + fn)

    found = evaluate([(SCORES, TARGET)], [MarginAt(forced, 0.4), *BESIDE])
    assert {k: found.numbers[k] for k in alone} == alone.numbers


@dataclass(frozen=True)
class Writing(ComponentMetric):
    name = "writing"

    def part(self, sweep):
        return sweep.hits

    def values(self, totals, targets):
        totals[:] = 1
        return totals[..., 5] / targets


@dataclass(frozen=True)
class Misshapen(Writing):
    name = "misshapen"

    def values(self, totals, targets):
        return totals / targets


def test_a_component_metric_that_writes_to_its_arguments_is_named():
    with pytest.raises(InputError, match=r"metric: expected writing .*copy them first"):
        evaluate([(SCORES, TARGET)], [MarginAt(Writing(), 0.4), *BESIDE])


def test_a_component_metric_of_another_shape_is_named():
    with pytest.raises(
        InputError, match="metric: expected misshapen to return a value for each count"
    ):
        mdm(SCORES, TARGET, 0.4, metric=Misshapen())


def test_a_metric_on_masks_that_writes_is_named():
    def filled(prediction, target):
        target[:] = True
        return 1.0

    with pytest.raises(InputError, match=r"metric: expected filled .*copy them first"):
        mdm(SCORES, TARGET, 0.4, metric=filled)


@dataclass(frozen=True)
class Shifted(Normalizer):
    name = "shifted"
    needs_fit = False

    @classmethod
    def fitted(cls, pixels):
        return cls()

    def __call__(self, scores):
        scores *= 0.5
        return scores


def test_a_normaliser_that_writes_is_named():
    from mdmkit import Evaluation

    own = Evaluation("mdm_f1@0.5", normalize=Shifted())
    own.update(SCORES, TARGET)
    with pytest.raises(InputError, match=r"normalize: expected Shifted .*copy them first"):
        own.result()


def test_a_formula_of_text_is_refused():
    with pytest.raises(InputTypeError, match="metric: expected words to return floats"):
        mdm(SCORES, TARGET, 0.4, metric=count_metric(lambda tp, *_: tp.astype(str), name="words"))


class Spoiling(Measure):
    key = "spoiling"

    def compute(self, sweeps):
        sweeps.pixels.normal_keys[0][:] = 0
        return 0.0


def test_a_measure_that_writes_to_totals_is_named():
    with pytest.raises(InputError, match=r"metrics: expected spoiling .*copy them first"):
        evaluate([(SCORES, TARGET)], [Spoiling(), *BESIDE])
