"""Networks of every family: loaded as they were saved, run on images."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from maskomaly import DenseOutputs, MaskOutputs, Preprocessing, load_model  # noqa: E402
from mdmkit import InputError, InputTypeError  # noqa: E402
from tests.maskomaly.saved_networks import AS_IT_IS, SIZES, loaded, noise  # noqa: E402
from tests.maskomaly.small_networks import BUILDERS, NAMES, SQUARE, WITH_MASKS, build  # noqa: E402


@pytest.mark.parametrize("family", BUILDERS)
def test_outputs_are_those_of_the_network_that_was_saved(family, folders):
    network = loaded(folders / family)
    image = noise(50, 70)
    pixels, geometry = network.preprocessing(image)
    inputs = {"pixel_values": pixels[None]}
    if family == "oneformer":
        task = [49406, 518, 10549, 533, 29119, 1550, 49407] + 70 * [0]
        inputs["task_inputs"] = torch.tensor([task])
    if family == "videomt":
        inputs = {"pixel_values_videos": pixels[None, None]}
    with torch.no_grad():
        expected = build(family)(**inputs)
    (found,) = network.predict([image])
    assert found.geometry == geometry
    assert found.class_names == NAMES
    if family in WITH_MASKS:
        assert isinstance(found, MaskOutputs)
        assert found.class_probabilities.shape == (6, len(NAMES) + 1)
        torch.testing.assert_close(found.mask_logits, expected.masks_queries_logits[0])
        torch.testing.assert_close(
            found.class_probabilities, expected.class_queries_logits[0].softmax(-1)
        )
        assert found.checkpoint == network.digest
    else:
        assert isinstance(found, DenseOutputs)
        assert len(found.class_logits) == len(NAMES)
        torch.testing.assert_close(found.class_logits, expected.logits[0])


@pytest.mark.parametrize("family", BUILDERS)
def test_batches_agree_with_images_one_by_one(family, folders):
    network = loaded(folders / family)
    images = [noise(*size, seed) for seed, size in enumerate([*SIZES, SIZES[0]])]
    together = network.predict(images, batch_size=2)
    for image, ours in zip(images, together, strict=True):
        (alone,) = network.predict([image])
        assert ours.geometry == alone.geometry
        assert ours.geometry.image == image.shape[:2]
        for name in ("class_probabilities", "mask_logits", "class_logits"):
            if hasattr(ours, name):
                expected = getattr(alone, name)
                scale = max(1.0, float(expected.abs().max()))
                assert float((getattr(ours, name) - expected).abs().max()) < 1e-5 * scale


@pytest.mark.parametrize("family", WITH_MASKS)
def test_void_is_the_last_class_of_every_family(family, folders):
    model = build(family)
    head = {
        "oneformer": "model.transformer_module.decoder.class_embed.bias",
    }.get(family, "class_predictor.bias")
    bias = dict(model.named_parameters())[head]
    assert bias.shape == (len(NAMES) + 1,)
    # The loss weighs the last entry as "no object": what is trained as void.
    weights = model.criterion.empty_weight
    assert weights[-1] == pytest.approx(model.config.no_object_weight)
    assert weights[:-1].tolist() == [1.0] * len(NAMES)


def test_images_of_one_input_size_go_through_together(folders, monkeypatch):
    network = loaded(folders / "segformer")
    sizes = []
    forward = network.model.forward

    def spied(pixel_values, **inputs):
        sizes.append(tuple(pixel_values.shape))
        return forward(pixel_values, **inputs)

    monkeypatch.setattr(network.model, "forward", spied)
    network.predict([noise(*size) for size in SIZES])
    assert sizes == [(2, 3, 64, 96), (1, 3, 64, 64)]


def test_the_digest_is_of_the_weights_alone(folders, tmp_path):
    model = build("mask2former")
    digest = loaded(folders / "mask2former").digest
    model.save_pretrained(tmp_path / "again", max_shard_size="20KB")
    assert len(list((tmp_path / "again").glob("*.safetensors"))) > 1
    assert load_model(tmp_path / "again").digest == digest
    assert load_model(tmp_path / "again", dtype=torch.bfloat16).digest == digest
    with torch.no_grad():
        model.class_predictor.bias[0] += 1e-6
    model.save_pretrained(tmp_path / "changed")
    assert load_model(tmp_path / "changed").digest != digest
    assert len(digest) == 64


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16])
def test_half_precision_files_are_computed_in_float32(stored, tmp_path):
    model = build("mask2former").to(stored)
    model.save_pretrained(tmp_path / "half")
    model.float().save_pretrained(tmp_path / "float")
    network = load_model(tmp_path / "half", device="cpu", preprocessing=AS_IT_IS)
    assert {each.dtype for each in network.model.parameters()} == {torch.float32}
    exact = load_model(tmp_path / "float", device="cpu", preprocessing=AS_IT_IS)
    assert network.digest == exact.digest
    image = noise(64, 64)
    (ours,), (theirs,) = network.predict([image]), exact.predict([image])
    assert torch.equal(ours.mask_logits, theirs.mask_logits)


def test_lower_precision_is_computed_on_request(folders):
    image = noise(64, 64)
    network = loaded(folders / "segformer")
    (exact,) = network.predict([image])
    (cast,) = network.predict([image], autocast=torch.bfloat16)
    (half,) = loaded(folders / "segformer", dtype=torch.bfloat16).predict([image])
    for rough in (cast, half):
        assert rough.class_logits.dtype == torch.float32
        assert not torch.equal(rough.class_logits, exact.class_logits)
        torch.testing.assert_close(rough.class_logits, exact.class_logits, rtol=0.1, atol=0.1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own code
def test_a_compiled_network_gives_the_same_outputs(folders):
    network = loaded(folders / "segformer")
    compiled = network.compiled()
    assert (compiled.digest, compiled.family) == (network.digest, network.family)
    (exact,), (found,) = network.predict([noise(64, 64)]), compiled.predict([noise(64, 64)])
    torch.testing.assert_close(found.class_logits, exact.class_logits, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", BUILDERS)
def test_every_family_runs_in_bfloat16(family, folders):
    network = loaded(folders / family)
    (exact,) = network.predict([noise(64, 64)])
    (cast,) = network.predict([noise(64, 64)], autocast=torch.bfloat16)
    name = "mask_logits" if network.has_masks else "class_logits"
    found, expected = getattr(cast, name), getattr(exact, name)
    assert found.dtype == torch.float32
    scale = float(expected.abs().max())
    assert 0 < float((found - expected).abs().mean()) < 0.05 * scale


def test_outputs_can_be_trained_on(folders):
    (outputs,) = loaded(folders / "segformer").predict([noise(32, 32)])
    assert not outputs.class_logits.is_inference()


def test_a_folder_says_how_its_images_are_prepared(tmp_path):
    build("segformer").save_pretrained(tmp_path)
    assert load_model(tmp_path).preprocessing == Preprocessing(1024, 2048, 32)
    AS_IT_IS.save(tmp_path)
    assert load_model(tmp_path).preprocessing == AS_IT_IS
    chosen = Preprocessing(64, None)
    assert load_model(tmp_path, preprocessing=chosen).preprocessing == chosen


@pytest.mark.parametrize("family", SQUARE)
def test_a_network_of_one_size_gets_the_whole_image_in_its_square(family, folders):
    network = load_model(folders / family, device="cpu")
    assert network.square == 64
    (outputs,) = network.predict([noise(50, 100)])
    assert outputs.geometry.content == (32, 64)
    assert outputs.geometry.padded == (64, 64)
    network = load_model(folders / family, device="cpu", preprocessing=AS_IT_IS)
    message = rf"images\[1\]: this {family} network takes 64 x 64 pixels"
    with pytest.raises(InputError, match=message):
        network.predict([noise(64, 64), noise(64, 96)])


@pytest.mark.parametrize("family", BUILDERS)
def test_a_stream_gives_what_predict_gives_and_holds_little(family, folders):
    network = loaded(folders / family)
    asked = 0

    def images():
        nonlocal asked
        for seed in range(20):
            asked += 1
            yield noise(*SIZES[seed % 3], seed)

    for number, outputs in enumerate(network.stream(images(), batch_size=3)):
        assert asked - number <= 2 * (2 * 3 + 2)  # inputs that wait, and what is being prepared
        if number % 7 == 0:
            (alone,) = network.predict([noise(*SIZES[number % 3], number)])
            assert outputs.geometry == alone.geometry
            found, expected = (
                o.mask_logits if network.has_masks else o.class_logits for o in (outputs, alone)
            )
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert (number, asked) == (19, 20)


def test_a_stream_gives_what_comes_before_a_broken_image(folders):
    network = loaded(folders / "segformer")
    images = [noise(32, 32), noise(40, 40), np.zeros((4, 4, 3)), noise(32, 32)]
    stream = network.stream(images, batch_size=1)
    assert next(stream).geometry.image == (32, 32)
    assert next(stream).geometry.image == (40, 40)
    with pytest.raises(InputTypeError, match=r"images\[2\]"):
        next(stream)


@pytest.mark.parametrize("family", WITH_MASKS)
def test_a_network_says_how_many_queries_it_has(family, folders):
    network = loaded(folders / family)
    (outputs,) = network.predict([noise(64, 64)])
    assert network.queries == outputs.queries == 6


def test_a_bad_image_is_named_by_its_place(folders):
    network = loaded(folders / "segformer")
    with pytest.raises(InputTypeError, match=r"images\[1\].*uint8"):
        network.predict([noise(32, 32), np.zeros((32, 32, 3))])
    with pytest.raises(InputError, match="batch_size"):
        network.predict([noise(32, 32)], batch_size=0)
    assert network.predict([]) == []
