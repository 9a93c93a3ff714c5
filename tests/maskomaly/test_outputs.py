"""Outputs of a network: what is accepted, and that files give them back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import (  # noqa: E402
    DenseOutputs,
    Geometry,
    MaskomalyConfig,
    MaskOutputs,
    maskomaly,
)
from maskomaly.algorithm import acting_queries  # noqa: E402
from mdmkit import InputError, InputTypeError  # noqa: E402
from tests.maskomaly.drawn import random_outputs  # noqa: E402

PLAIN = Geometry.plain((4, 6))
EVEN = torch.full((2, 3), 1 / 3)
MASKS = torch.zeros(2, 2, 3)


def test_void_is_the_last_class():
    outputs = MaskOutputs([[0.5, 0.25, 0.25], [0.25, 0.125, 0.625]], MASKS, PLAIN)
    assert outputs.void.tolist() == [0.25, 0.625]
    assert outputs.confidence.tolist() == [0.5, 0.25]
    assert outputs.is_void.tolist() == [False, True]
    assert (outputs.queries, outputs.classes) == (2, 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_file_gives_outputs_back_to_the_bit(tmp_path, dtype):
    drawn = random_outputs(0)
    outputs = MaskOutputs(
        drawn.class_probabilities.to(dtype), drawn.mask_logits.to(dtype), drawn.geometry,
        ("road", "sky", "car", "person"), checkpoint="0123abcd",
    )  # fmt: skip
    outputs.save(tmp_path / "frame.npz")
    again = MaskOutputs.load(tmp_path / "frame.npz")
    assert torch.equal(again.class_probabilities, outputs.class_probabilities)
    assert torch.equal(again.mask_logits, outputs.mask_logits)
    assert again.mask_logits.dtype == dtype
    assert again.geometry == outputs.geometry
    assert (again.class_names, again.checkpoint) == (outputs.class_names, outputs.checkpoint)


def test_foreign_and_damaged_files_are_named(tmp_path):
    np.savez(tmp_path / "foreign.npz", soft_mask=np.zeros((2, 2)))
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04 nothing")
    for name in ("foreign.npz", "damaged.npz", "missing.npz"):
        with pytest.raises(InputError, match=name):
            MaskOutputs.load(tmp_path / name)


@pytest.mark.parametrize(
    ("probabilities", "masks", "message"),
    [
        (EVEN[:1], MASKS, "one mask for each of 1 queries, found 2"),
        (2 * EVEN, MASKS, "sum to 1"),
        (EVEN.log(), MASKS, "sum to 1"),
        (EVEN, MASKS[0], "mask_logits: expected 3 dimensions"),
        (EVEN, MASKS / 0, "mask_logits: expected finite"),
        (EVEN[:0], MASKS[:0], "class_probabilities: expected 2 dimensions, none of them empty"),
    ],
)
def test_outputs_that_do_not_fit_are_refused(probabilities, masks, message):
    with pytest.raises(InputError, match=message):
        MaskOutputs(probabilities, masks, PLAIN)


def test_integers_and_wrong_names_are_refused():
    with pytest.raises(InputTypeError, match="mask_logits: expected floats"):
        MaskOutputs(EVEN, MASKS.int(), PLAIN)
    with pytest.raises(InputError, match="class_names: expected 2 names, found 3"):
        MaskOutputs(EVEN, MASKS, PLAIN, ("road", "sky", "void"))
    with pytest.raises(InputError, match="class_names: expected 3 names, found 1"):
        DenseOutputs(torch.zeros(3, 2, 2), PLAIN, ("road",))


def test_an_image_lies_within_its_padding():
    with pytest.raises(InputError, match="content: expected a size within the padded"):
        Geometry((4, 4), (8, 9), (8, 8))
    with pytest.raises(InputError, match="image: expected a height and a width"):
        Geometry((0, 4), (8, 8), (8, 8))


def test_compact_outputs_hold_some_masks_and_score_alike(tmp_path):
    outputs = random_outputs(4, queries=9)
    config = MaskomalyConfig(anomaly_queries=(2,), init_queries=(5,), t_mask=0.5)
    acting = acting_queries(outputs, config)
    assert 2 < len(acting) < 9
    compact = outputs.compact(acting)
    assert compact.mask_logits.dtype == torch.float16
    assert len(compact.mask_logits) == len(acting)
    compact.save(tmp_path / "a.npz")
    again = MaskOutputs.load(tmp_path / "a.npz")
    assert again.held == acting
    found, expected = maskomaly(again, config), maskomaly(outputs, config)
    assert float((found - expected).abs().max()) < 1e-3
    other = next(query for query in range(9) if query not in acting)
    with pytest.raises(InputError, match=f"expected the mask of query {other}, found those of"):
        maskomaly(again, MaskomalyConfig(anomaly_queries=(other,), reject=False))


def test_outputs_may_hold_no_mask_at_all(tmp_path):
    outputs = random_outputs(4).compact(())
    outputs.save(tmp_path / "a.npz")
    again = MaskOutputs.load(tmp_path / "a.npz")
    config = MaskomalyConfig(t_mask=1.0)
    assert maskomaly(again, config).unique().tolist() == [pytest.approx(0.6)]


def test_held_masks_are_checked():
    outputs = random_outputs(4)
    for held in ((1, 1), (7,), (-1,)):
        with pytest.raises(InputError, match="held: expected different indices below"):
            replace(outputs, mask_logits=outputs.mask_logits[: len(held)], held=held)
    with pytest.raises(InputError, match="expected one mask for each of 2 queries, found 7"):
        replace(outputs, held=(1, 2))
