"""Names that are no names here lead to those that are."""

import numpy as np
import pytest

from mdmkit import InputError, evaluate, mdm, parse_requirements, threshold_curve
from mdmkit.metrics.names import MEASURES
from mdmkit.metrics.registry import METRICS, NUMBERS

SCORES, TARGET = np.array([[0.1, 0.9]]), np.array([[0, 1]])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("dice", "; dice is f1 here; say which T of its margin, as in mdm_f1@0.5, or which"),
        ("dice@z=0.5", "; did you mean f1@z=0.5?"),
        ("mdm_dice@0.5", "; did you mean mdm_f1@0.5?"),
        ("iou", "; say which T of its margin, as in mdm_iou@0.5"),
        ("Jaccard", "; Jaccard is iou here; say which T"),
        ("AUC", "; did you mean auroc?"),
        ("auprc", "; did you mean ap?"),
        ("max-F1", "; did you mean best_f1?"),
        ("mean-f1", "; did you mean mean_f1?"),
        ("fpr@95", "fpr@tpr=0.95, which is fpr95; found 'fpr@95'"),
        ("specificity", "; specificity is 1 - fpr"),
        ("nsd", "; say which T of its margin, as in mdm_nsd@px=3@0.5"),
        ("i_auroc", "; did you mean image_auroc?"),
    ],
)
def test_another_word_for_a_measure_leads_to_its_name(name, hint):
    with pytest.raises(InputError) as error:
        evaluate([(SCORES, TARGET)], name)
    assert hint in str(error.value)
    assert error.value.argument == "metrics"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("dice", "; did you mean f1?"),
        ("F1-Score", "; did you mean f1?"),
        ("tpr", "; did you mean recall?"),
        ("surface_dice", "; did you mean nsd@px=3?"),
        ("auc", "; auroc is one number over all thresholds: ask for it as one of the `metrics`"),
        ("ap", "; ap is one number over all thresholds"),
        ("fpr", "; lower is better of fpr"),
        ("nsd", "expected a number after 'nsd', as in @px="),
    ],
)
@pytest.mark.parametrize(
    "door",
    [
        lambda name: mdm(SCORES, TARGET, 0.5, metric=name),
        lambda name: threshold_curve(SCORES, TARGET, name),
    ],
)
def test_another_word_for_a_metric_leads_to_its_name(door, name, hint):
    with pytest.raises(InputError) as error:
        door(name)
    assert hint in str(error.value)
    assert error.value.argument == "metric"


@pytest.mark.parametrize(
    ("requirement", "hint"),
    [
        ("TPR >= 0.9", "; did you mean recall?"),
        ("tnr >= 0.9", "; tnr is 1 - fpr"),
        ("false_alarms <= 0.1", "; did you mean alarms?"),
    ],
)
def test_another_word_in_a_requirement_leads_to_its_name(requirement, hint):
    with pytest.raises(InputError) as error:
        parse_requirements(requirement)
    assert str(error.value).endswith(hint)


def test_words_that_are_near_nothing_have_no_hint():
    for name in "kappa", "accuracy", "hausdorff":
        with pytest.raises(InputError) as error:
            mdm(SCORES, TARGET, 0.5, metric=name)
        assert str(error.value).endswith(repr(name))


def test_numbers_are_the_measures_that_are_no_metrics():
    of_metrics = {"fpr", "found", "ppv", "mean_f1"}
    assert set(NUMBERS) == {name for name in MEASURES if name not in of_metrics}
    assert of_metrics - {"fpr"} <= set(METRICS)
