"""The other scores against loops over queries and classes, their ranges, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import (  # noqa: E402
    SCORES,
    DenseOutputs,
    Geometry,
    MaskomalyConfig,
    MaskOutputs,
    maskomaly,
    score,
)
from maskomaly.scores import eam, entropy, msp, rba  # noqa: E402
from mdmkit import InputError, InputTypeError  # noqa: E402
from tests.conftest import cases  # noqa: E402
from tests.maskomaly.drawn import random_outputs  # noqa: E402
from tests.reference import maskomaly_literal as literal  # noqa: E402

OF_CLASSES = {
    "msp": literal.msp,
    "max-logit": literal.max_logit,
    "entropy": literal.entropy,
    "energy": literal.energy,
    "rba": literal.rba,
}
OF_MASKS = {
    "eam": literal.eam,
    "void": literal.void,
    "mask-sum": literal.mask_sum,
    "unknown": literal.unknown,
    "uno": literal.uno,
}
DENSE = [name for name, entry in SCORES.items() if entry.dense]


def expected(name, outputs):
    p, m = literal.at_input(outputs)
    sem = literal.class_scores(p, m)
    at_input = OF_MASKS[name](p, m) if name in OF_MASKS else OF_CLASSES[name](sem)
    return literal.at_image(at_input, outputs.geometry)


def named(outputs):
    """The same of a network whose last known class is for what is unknown."""
    names = [f"class {number}" for number in range(outputs.classes - 1)]
    return replace(outputs, class_names=(*names, "Unknown"))


@pytest.mark.parametrize("name", [*OF_CLASSES, *OF_MASKS])
@pytest.mark.parametrize("seed", range(cases(50)))
def test_scores_agree_with_their_formulas(name, seed):
    outputs = named(random_outputs(seed, 1 + seed % 9, 2 + seed % 4))
    found = score(outputs, name)
    assert found.dtype == torch.float32
    assert np.abs(found.double().numpy() - expected(name, outputs)).max() <= 4e-6


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("seed", range(cases(10)))
def test_dense_scores_take_logits_for_class_scores(name, seed):
    logits = 5 * torch.randn(4, 6, 9, generator=torch.Generator().manual_seed(seed))
    geometry = random_outputs(0).geometry
    sem = literal.bilinear(logits.double().numpy(), *geometry.padded)
    found = score(DenseOutputs(logits, geometry), name).double().numpy()
    assert np.abs(found - literal.at_image(OF_CLASSES[name](sem), geometry)).max() <= 4e-6


def test_normalised_msp_is_another_score():
    outputs = random_outputs(0)
    p, m = literal.at_input(outputs)
    shares = literal.msp_normalised(literal.class_scores(p, m))
    found = msp(outputs, normalised=True).double().numpy()
    assert np.abs(found - literal.at_image(shares, outputs.geometry)).max() <= 4e-6
    assert np.abs(found - msp(outputs).double().numpy()).max() > 0.1


def test_a_pixel_that_no_mask_claims_is_anomalous():
    outputs = MaskOutputs([[0.9, 0.05, 0.05]], [[[-300.0, 9.0]]], Geometry.plain((1, 2)))
    assert msp(outputs, normalised=True)[0, 0] == 1
    for name in (name for name in SCORES if name not in ("void", "unknown", "uno")):
        nowhere, claimed = score(outputs, name).tolist()[0]
        assert nowhere > claimed


@pytest.mark.parametrize("seed", range(20))
def test_values_lie_in_the_range_that_tables_print(seed):
    queries, classes = 6, 4
    ranges = {
        "[0, 1]": (0, 1),
        "[0, 1 - 1/C]": (0, 3 / 4),
        "[-N, 0]": (-6, 0),
        "[-C, 0]": (-4, 0),
        "[-N - log C, -log C]": (-6 - log(4), -log(4)),
        "[1 - N, 1]": (-5, 1),
        "[0, N]": (0, 6),
        "[-N, N]": (-6, 6),
    }
    outputs = named(random_outputs(seed, queries, classes, sharpness=40))
    for name, entry in SCORES.items():
        low, high = ranges[entry.range]
        found = score(outputs, name)
        assert low - 1e-5 <= found.min() <= found.max() <= high + 1e-5, name
        assert entry.unit == (low == 0 and high <= 1)
        if entry.unit:
            assert found.min() >= 0
            assert found.max() <= 1


def test_certain_logits_do_not_make_nan():
    logits = torch.full((3, 2, 2), -200.0)
    logits[0] = 200.0
    dense = DenseOutputs(logits, Geometry.plain((2, 2)))
    for name in DENSE:
        assert bool(torch.isfinite(score(dense, name)).all())
    assert entropy(dense).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("name", SCORES)
def test_the_order_of_queries_and_half_precision_mean_nothing(name):
    outputs = named(random_outputs(1, queries=9))
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    shuffled = replace(
        outputs,
        class_probabilities=outputs.class_probabilities[order],
        mask_logits=outputs.mask_logits[order],
    )
    assert (score(shuffled, name) - score(outputs, name)).abs().max() < 1e-5
    half = replace(outputs, mask_logits=outputs.mask_logits.half())
    same = replace(outputs, mask_logits=half.mask_logits.float())
    assert torch.equal(score(half, name), score(same, name))
    gradient = replace(outputs, mask_logits=outputs.mask_logits.clone().requires_grad_())
    assert not score(gradient, name).requires_grad


def test_score_passes_the_config_on():
    outputs = random_outputs(2)
    config = MaskomalyConfig(anomaly_queries=(3,), checkpoint="0123abcd")
    assert torch.equal(score(outputs), maskomaly(outputs, MaskomalyConfig()))
    assert torch.equal(
        score(outputs, config=config, force_queries=True), maskomaly(outputs, config, True)
    )
    with pytest.raises(InputError, match="found those of 0123abcd"):
        score(outputs, "maskomaly", config)


def test_scores_of_masks_refuse_dense_outputs():
    dense = DenseOutputs(torch.zeros(3, 2, 2), Geometry.plain((2, 2)))
    for name in set(SCORES) - set(DENSE):
        with pytest.raises(InputTypeError, match=f"expected MaskOutputs for the score '{name}'"):
            score(dense, name)
    for function in (rba, eam, lambda outputs: msp(outputs, normalised=True)):
        with pytest.raises(InputTypeError, match="this score needs masks; found DenseOutputs"):
            function(dense)
    assert sorted(DENSE) == ["energy", "entropy", "max-logit", "msp"]


def test_unknown_names_and_foreign_outputs_are_refused():
    with pytest.raises(InputError, match=r"score: expected one of maskomaly, msp, .*; found 'mps'"):
        score(random_outputs(0), "mps")
    with pytest.raises(InputTypeError, match=r"expected MaskOutputs or DenseOutputs .* found dict"):
        score({}, "msp")
    with pytest.raises(InputError, match="at least 2 classes"):
        score(random_outputs(0, classes=1), "entropy")


@pytest.mark.parametrize("name", ["unknown", "uno"])
def test_scores_of_an_unknown_class_need_one_by_name(name):
    outputs = random_outputs(0, 3, 3)
    for names in ((), ("road", "sky", "car")):
        with pytest.raises(InputError, match="expected a network with a class for what is unknown"):
            score(replace(outputs, class_names=names), name)
    assert score(replace(outputs, class_names=("road", "sky", "OOD")), name).shape == (18, 27)


def test_scores_of_all_masks_refuse_outputs_that_hold_some():
    outputs = named(random_outputs(0))
    for name in (*OF_CLASSES, *OF_MASKS):
        with pytest.raises(InputError, match="save all masks"):
            score(outputs.compact((1, 2)), name)
