"""Training the small network, in miniature."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from maskomaly.tiny import train as training
from maskomaly.tiny.batches import draw_batch, vary
from maskomaly.tiny.labels import CLASSES
from maskomaly.tiny.network import build_network, load_network
from maskomaly.tiny.scenes import Scene
from maskomaly.tiny.settings import TrainingConfig
from maskomaly.tiny.train import class_ious, learning_rate, train
from mdmkit.core.errors import InputError

SMALL = TrainingConfig(
    steps=3, batch=1, scenes=3, warmup=1, validation_scenes=1, validate_every=2,
    checkpoint_minutes=0.0,
)  # fmt: skip


class StoppedError(Exception):
    pass


@pytest.mark.slow
def test_stopped_run_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    whole = train(SMALL, tmp_path / "whole", quiet=True)

    def draw_until_second(step, config):
        if step == 2:
            raise StoppedError
        return draw_batch(step, config)

    with monkeypatch.context() as patch:
        patch.setattr(training, "draw_batch", draw_until_second)
        with pytest.raises(StoppedError):
            train(SMALL, tmp_path / "parts", quiet=True)
    torch.rand(7)  # whatever the process did in between
    parts = train(SMALL, tmp_path / "parts", quiet=True)

    assert parts == whole
    assert whole.steps == 3
    assert whole.reason == "steps"
    stored = [torch.load(tmp_path / name / "training.pt") for name in ("whole", "parts")]
    for part in ("network", "average"):
        for name, weight in stored[0][part].items():
            assert torch.equal(weight, stored[1][part][name]), name

    # What was saved is what transformers loads, and going on from the end changes nothing.
    assert load_network(tmp_path / "whole" / "best").config.num_queries == 40
    assert train(SMALL, tmp_path / "whole", quiet=True) == whole

    other = replace(SMALL, batch=2)
    with pytest.raises(InputError, match=r"expected a checkpoint .* found batch 1 \(now 2\)"):
        train(other, tmp_path / "whole", quiet=True)
    state = tmp_path / "whole" / "training.pt"
    damaged = bytearray(state.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    state.write_bytes(damaged)
    with pytest.raises(InputError, match="found another file or a damaged one"):
        train(SMALL, tmp_path / "whole", quiet=True)


@pytest.mark.slow
def test_run_ends_with_its_time(tmp_path):
    result = train(replace(SMALL, minutes=1e-6), tmp_path, quiet=True)
    assert (result.steps, result.reason) == (1, "minutes")


def test_run_ends_when_nothing_gets_better():
    assert training._stalled([(1, 0.5), (2, 0.4), (3, 0.5)], patience=2) == "patience"
    assert training._stalled([(1, 0.5), (2, 0.4), (3, 0.6)], patience=2) == ""


def test_batch_follows_from_seed_and_step():
    config = replace(SMALL, batch=2)
    first, again = draw_batch(4, config), draw_batch(4, config)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], draw_batch(5, config)[0])
    images, masks, classes = first
    assert images.shape == (2, 3, 128, 256)
    for mask, numbers in zip(masks, classes, strict=True):
        assert mask.shape == (len(numbers), 128, 256)
        assert mask.sum(0).max() <= 1  # void belongs to no mask
        assert numbers.max() < len(CLASSES)


def test_variations_keep_image_and_labels_together():
    labels = np.add.outer(np.arange(8), np.arange(12)).astype(np.uint8)
    scene = Scene(np.repeat(labels[..., None], 3, axis=2), labels)
    for seed in range(20):
        image, varied = vary(scene, np.random.default_rng(seed))
        assert image.shape == (8, 12, 3)
        np.testing.assert_array_equal(image[..., 0], varied)


def test_learning_rate_rises_and_falls_with_the_scarcer_budget():
    config = TrainingConfig(steps=1000, warmup=10, learning_rate=1.0)
    assert learning_rate(0, 0.0, config) == pytest.approx(0.1)
    assert learning_rate(500, 0.0, config) == pytest.approx(0.51)
    assert learning_rate(1000, 0.0, config) == pytest.approx(0.02)
    assert learning_rate(500, 59.0, replace(config, minutes=1.0)) < 0.03
    assert math.isinf(config.minutes)


@pytest.mark.slow
def test_iou_of_a_random_network_is_poor():
    torch.manual_seed(0)
    ious = class_ious(build_network().eval(), 1)
    assert ious.shape == (len(CLASSES),)
    assert np.nanmean(ious) < 0.3


@pytest.mark.parametrize(("name", "value"), [("steps", 0), ("batch", -1), ("averaging", 1.0)])
def test_bad_settings_are_refused(name, value):
    with pytest.raises(InputError, match=f"{name}: expected"):
        replace(SMALL, **{name: value})
