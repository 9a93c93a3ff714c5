"""Algorithm 1 against its literal transcription, by hand, and what must not change it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import DenseOutputs, Geometry, MaskomalyConfig, MaskOutputs, maskomaly  # noqa: E402
from mdmkit import InputTypeError, evaluate  # noqa: E402
from tests.conftest import cases  # noqa: E402
from tests.maskomaly.drawn import random_outputs  # noqa: E402
from tests.reference import maskomaly_literal as literal  # noqa: E402

SHAPES = [  # image, content, padded of masks of (6, 9)
    None,  # shrinks, one column of padding
    Geometry((24, 36), (24, 36), (24, 36)),  # as it is
    Geometry((31, 40), (21, 33), (24, 36)),  # grows
    Geometry((6, 9), (12, 18), (12, 18)),
]


def drawn_outputs(seed, *shape, **keywords):
    """Masks of any density: where all are large, borders leave nothing else to see."""
    outputs = random_outputs(seed, *shape, **keywords)
    return replace(outputs, mask_logits=outputs.mask_logits - (0, 3, 6)[seed % 3])


def drawn_config(seed, queries, classes):
    """A config of everything that may vary."""
    rng = np.random.default_rng(seed)
    accept, reject = [(True, True), (True, True), (True, False), (False, True)][rng.integers(4)]
    pick = lambda: tuple(rng.permutation(queries)[: rng.integers(0, 4)])  # noqa: E731
    return MaskomalyConfig(
        t_mask=rng.choice([0.3, 0.5, 0.7, 0.9]), t_border=rng.choice([0.05, 0.1, 0.5]),
        eps_border=rng.choice([0.0, 0.2]), lam=rng.choice([0.0, 0.25, 0.6, 1.0]),
        accept=accept, reject=reject, border=bool(rng.integers(4)), init=bool(rng.integers(2)),
        anomaly_queries=pick(), init_queries=pick(),
        mask_comparison=[">=", ">"][rng.integers(2)],
        border_queries=["inliers", "non-void"][rng.integers(2)],
        accept_probability=["void", "max"][rng.integers(2)],
        resolution=["input", "input", "input", "mask"][rng.integers(4)],
        init_probability=["known", "max"][rng.integers(2)],
        padding=["cut", "kept"][rng.integers(2)],
    )  # fmt: skip


def assert_agrees(outputs, config):
    expected, undecided = literal.maskomaly(outputs, config)
    score = maskomaly(outputs, config)
    assert score.dtype == torch.float32
    assert tuple(score.shape) == outputs.geometry.image
    assert score.min() >= 0
    assert score.max() <= 1
    difference = np.abs(score.double().numpy() - expected)[~undecided]
    assert difference.max(initial=0) <= 1e-6, config


@pytest.mark.parametrize("seed", range(cases(300)))
def test_it_agrees_with_the_literal_algorithm(seed):
    queries, classes = 1 + seed % 8, 1 + seed % 5
    outputs = drawn_outputs(seed, queries, classes, geometry=SHAPES[seed // 8 % len(SHAPES)])
    assert_agrees(outputs, drawn_config(seed, queries, classes))


SWITCHES = [switches for switches in product([False, True], repeat=4) if switches[0] or switches[1]]


@pytest.mark.parametrize("switches", SWITCHES)
@pytest.mark.parametrize("preset", ["paper", "release"])
@pytest.mark.parametrize("resolution", ["input", "mask"])
def test_every_combination_of_switches_agrees(switches, preset, resolution):
    accept, reject, border, init = switches
    config = replace(
        MaskomalyConfig.preset(preset), checkpoint="", anomaly_queries=(5, 2), init_queries=(1, 5),
        t_mask=0.6, accept=accept, reject=reject, border=border, init=init, resolution=resolution,
    )  # fmt: skip
    for seed in range(2):
        assert_agrees(drawn_outputs(1000 + seed), config)


def flat(probabilities, values):
    """Outputs of one row of pixels whose masks have these values in (0, 1)."""
    masks = torch.tensor(values, dtype=torch.float64).logit()[:, None]
    return MaskOutputs(probabilities, masks, Geometry.plain((1, masks.shape[-1])))


# C = 2 known classes. Queries: a confident inlier, another, an unsure known one, a void one.
P = [[0.9, 0.05, 0.05], [0.1, 0.75, 0.15], [0.6, 0.1, 0.3], [0.05, 0.15, 0.8]]
M = [[0.9, 0.05, 0.5, 0.01], [0.05, 0.8, 0.2, 0.01], [0.5, 0.01, 0.01, 0.6], [0.1, 0.2, 0.3, 0.9]]
HAND = flat(P, M)
BARE = MaskomalyConfig(anomaly_queries=(3,))


def hand(**changes):
    return maskomaly(HAND, replace(BARE, **changes)).tolist()[0]


def test_reject_is_what_no_confident_mask_claims():
    # 1 - max(m_0 * 0.9, m_1 * 0.75)
    expected = [1 - 0.81, 1 - 0.6, 1 - 0.45, 1 - 0.009]
    assert hand(accept=False, border=False) == pytest.approx(expected, abs=1e-6)


def test_border_pixels_are_rejected_down_to_eps():
    # only the third pixel has both m_0 = 0.5 and m_1 = 0.2 above 0.1
    assert hand(accept=False)[2] == 0
    assert hand(accept=False, eps_border=0.3)[2] == pytest.approx(0.3)
    assert hand(accept=False, eps_border=0.9)[2] == pytest.approx(0.55)  # never raised
    assert hand(accept=False)[:2] == hand(accept=False, border=False)[:2]
    assert hand(accept=False, t_border=0.25)[2] == pytest.approx(0.55)


def test_a_mask_equal_to_t_border_does_not_exceed_it():
    outputs = flat([[1.0, 0.0], [1.0, 0.0]], [[0.5], [0.5]])  # sigmoid(0) is 0.5 to the bit
    assert maskomaly(outputs, MaskomalyConfig(accept=False, t_border=0.5)).item() == 0.5
    assert maskomaly(outputs, MaskomalyConfig(accept=False, t_border=0.49)).item() == 0


def test_rounded_probabilities_do_not_leave_the_unit_interval():
    rounded = flat([[1.004, 0.0], [0.0, 1.004]], [[1 - 1e-9, 1e-9], [1e-9, 1 - 1e-9]])
    config = MaskomalyConfig(anomaly_queries=(1,))
    assert maskomaly(rounded, replace(config, accept=False))[0, 0] == 0
    assert maskomaly(rounded, config)[0, 1] == 1


def test_ties_at_the_border_drive_fpr95_to_one_without_accept():
    # The anomaly is claimed by query 3 alone, but a tenth of it is the border of queries 0 and 1.
    masks = torch.full((4, 1, 30), 0.01)
    masks[0, 0, :11] = masks[1, 0, 10] = masks[3, 0, 10:20] = 0.9
    outputs = MaskOutputs(P, masks.logit(), Geometry.plain((1, 30)))
    target = np.zeros((1, 30), np.uint8)
    target[0, 10:20] = 1
    fpr95 = {
        accept: evaluate([(maskomaly(outputs, replace(BARE, accept=accept)), target)], "fpr95")
        for accept in (False, True)
    }
    assert fpr95[False]["fpr95"] == 1
    assert fpr95[True]["fpr95"] < 1


def test_accept_is_what_anomaly_masks_claim():
    assert hand(reject=False) == pytest.approx([0.08, 0.16, 0.24, 0.72])
    both = [0.6 * r + 0.4 * a for r, a in zip(hand(accept=False), hand(reject=False), strict=True)]
    assert hand() == pytest.approx(both)


def test_init_queries_are_inliers_without_confidence():
    changed = hand(accept=False, border=False, init_queries=(2,))
    assert changed[3] == pytest.approx(1 - 0.6 * 0.6)
    assert hand(init_queries=(2,), init=False) == hand()
    # and meet others in borders: m_0 = 0.9 and m_2 = 0.5 in the first pixel
    assert hand(accept=False, init_queries=(2,))[0] == 0


def test_border_pairs_of_the_release_need_no_confidence():
    assert hand(accept=False)[0] > 0
    assert hand(accept=False, border_queries="non-void")[0] == 0  # m_0 = 0.9, m_2 = 0.5


def test_the_release_accepts_with_the_largest_probability():
    changed = hand(reject=False, anomaly_queries=(0,), accept_probability="max")
    assert changed == pytest.approx([0.81, 0.045, 0.45, 0.009])
    assert hand(reject=False, anomaly_queries=(0,))[0] == pytest.approx(0.9 * 0.05)


def test_confidence_equal_to_t_mask_counts_as_printed_but_not_in_the_release():
    outputs = flat([[0.75, 0.125, 0.125]], [[0.5]])
    config = MaskomalyConfig(accept=False, t_mask=0.75)
    assert maskomaly(outputs, config).item() == pytest.approx(1 - 0.375)
    assert maskomaly(outputs, replace(config, mask_comparison=">")).item() == 1


def test_without_inliers_everything_is_rejected():
    outputs = flat([[0.1, 0.9]], [[0.5, 0.9]])
    assert maskomaly(outputs, MaskomalyConfig(accept=False)).tolist() == [[1, 1]]
    assert maskomaly(outputs, MaskomalyConfig()).tolist() == [[pytest.approx(0.6)] * 2]


def test_without_anomaly_queries_nothing_is_accepted():
    assert hand(anomaly_queries=(), reject=False) == [0, 0, 0, 0]
    rejected = [pytest.approx(0.6 * value) for value in hand(accept=False)]
    assert hand(anomaly_queries=()) == rejected


def test_border_and_init_have_nothing_to_act_on_without_reject():
    only = hand(reject=False)
    assert hand(reject=False, border=False) == only
    assert hand(reject=False, init_queries=(2,), border_queries="non-void") == only


@pytest.mark.parametrize("resolution", ["input", "mask"])
def test_the_order_of_queries_means_nothing(resolution):
    outputs = random_outputs(3, queries=9)
    config = MaskomalyConfig(
        anomaly_queries=(2, 7), init_queries=(4,), t_mask=0.5, resolution=resolution
    )
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    place = order.argsort().tolist()
    shuffled = replace(
        outputs,
        class_probabilities=outputs.class_probabilities[order],
        mask_logits=outputs.mask_logits[order],
    )
    renamed = replace(config, anomaly_queries=(place[7], place[2]), init_queries=(place[4],))
    assert torch.equal(maskomaly(shuffled, renamed), maskomaly(outputs, config))


def test_masks_of_queries_without_a_role_mean_nothing():
    outputs = random_outputs(5, queries=9)
    config = MaskomalyConfig(anomaly_queries=(2,), t_mask=0.6)
    acts = ~outputs.is_void & (outputs.confidence >= 0.6)
    acts[2] = True
    assert 2 < int(acts.sum()) < 9
    masks = outputs.mask_logits.clone()
    masks[~acts] = 30.0
    assert torch.equal(
        maskomaly(replace(outputs, mask_logits=masks), config), maskomaly(outputs, config)
    )


def test_low_resolution_is_another_score():
    outputs = random_outputs(1)
    config = MaskomalyConfig(anomaly_queries=(2,), t_mask=0.3)
    low = maskomaly(outputs, replace(config, resolution="mask"))
    assert (low - maskomaly(outputs, config)).abs().max() > 0.05


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    drawn = random_outputs(0)
    half = MaskOutputs(
        drawn.class_probabilities.to(dtype), drawn.mask_logits.to(dtype), drawn.geometry
    )
    same = MaskOutputs(half.class_probabilities.float(), half.mask_logits.float(), drawn.geometry)
    config = MaskomalyConfig(anomaly_queries=(1, 2), init_queries=(0,))
    assert torch.equal(maskomaly(half, config), maskomaly(same, config))


def test_outputs_are_left_as_they_were():
    outputs = random_outputs(0)
    masks = outputs.mask_logits.clone().requires_grad_()
    for resolution in ("input", "mask"):
        config = MaskomalyConfig(anomaly_queries=(0, 1, 2, 3), resolution=resolution)
        score = maskomaly(replace(outputs, mask_logits=masks), config)
        assert not score.requires_grad
        assert score.is_contiguous()
        score += 1
        assert torch.equal(masks, outputs.mask_logits)


def test_dense_outputs_have_no_masks_to_reject_with():
    dense = DenseOutputs(torch.zeros(2, 3, 3), Geometry.plain((3, 3)))
    with pytest.raises(InputTypeError, match="outputs: expected MaskOutputs, found DenseOutputs"):
        maskomaly(dense, MaskomalyConfig())


PEAK = """
from pathlib import Path
import torch
from maskomaly import Geometry, MaskomalyConfig, MaskOutputs, maskomaly

def megabytes(line):  # of this process alone: ru_maxrss would begin with its parent's
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(l.split()[1]) for l in lines if l.startswith(line)) / 1024

torch.set_num_threads(1)
p = torch.full((100, 20), 0.005)
p[:, 0] = 1 - 19 * 0.005
outputs = MaskOutputs(p, torch.randn(100, 256, 512), Geometry((720, 1280), *[(1024, 2048)] * 2))
config = MaskomalyConfig(anomaly_queries=(0, 1))
small = MaskOutputs(p[:3], torch.randn(3, 8, 8), Geometry.plain((32, 32)))
maskomaly(small, config)  # what torch loads on first use is no business of the algorithm
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
before = megabytes("VmRSS")
maskomaly(outputs, config)
print(megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.slow
def test_a_hundred_masks_of_two_megapixels_fit_in_100_mb():
    ran = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert 8 < float(ran.stdout) < 100  # one score map takes 8
