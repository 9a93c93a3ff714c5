"""Networks of every family: loaded as they were saved, run on images, told apart."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from maskomaly import DenseOutputs, MaskOutputs, Network, Preprocessing, load_model  # noqa: E402
from mdmkit import InputError, InputTypeError  # noqa: E402
from tests.maskomaly.small_networks import BUILDERS, NAMES, SQUARE, WITH_MASKS, build  # noqa: E402

AS_IT_IS = Preprocessing.as_it_is(32)
# The first two have one input size, 64 x 96, though they differ; the third does not.
SIZES = [(50, 70), (64, 96), (33, 45)]


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder of `save_pretrained` for each family."""
    root = tmp_path_factory.mktemp("networks")
    for family in BUILDERS:
        build(family).save_pretrained(root / family)
    return root


def loaded(folder, **options) -> Network:
    is_square = folder.name in SQUARE  # they have a default of their own
    options.setdefault("preprocessing", None if is_square else AS_IT_IS)
    return load_model(folder, device="cpu", **options)


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


def stored_tensors(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def rewritten(folder, target, change):
    """A copy of a saved network whose tensors were changed."""
    from safetensors.torch import save_file

    tensors = stored_tensors(folder)
    change(tensors)
    target.mkdir()
    (target / "config.json").write_text((folder / "config.json").read_text())
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_missing_and_surplus_tensors_are_errors(folders, tmp_path):
    source = folders / "mask2former"
    lacking = rewritten(source, tmp_path / "a", lambda each: each.pop("class_predictor.bias"))
    with pytest.raises(InputError, match=r"1 missing:\n  class_predictor.bias"):
        load_model(lacking)
    surplus = rewritten(
        source, tmp_path / "b", lambda each: each.update({"extra.weight": torch.ones(1)})
    )
    with pytest.raises(InputError, match=r"1 unexpected:\n  extra.weight"):
        load_model(surplus)
    wrong = rewritten(
        source, tmp_path / "c", lambda each: each.update({"class_predictor.bias": torch.ones(9)})
    )
    with pytest.raises(
        InputError,
        match=r"class_predictor\.bias: expected 4 classes \(3 labels \+ void\) .*, found 9",
    ):
        load_model(wrong)


def test_labels_that_do_not_fit_the_weights_are_told_by_number(folders, tmp_path):
    names = {str(number): f"label {number}" for number in range(19)}
    for family, head in (("mask2former", "class_predictor.weight"), ("segformer", None)):
        folder = copied(folders / family, tmp_path / family, id2label=names)
        with pytest.raises(InputError, match="mend id2label") as raised:
            load_model(folder)
        assert str(raised.value).startswith(str(folder))
        if head:
            assert (
                f"{head}: expected 20 classes (19 labels + void) from config.json, found 4"
                in str(raised.value)
            )
        else:
            assert "expected 19 classes (19 labels) from config.json, found 3" in str(raised.value)


def test_weights_that_are_not_finite_are_refused(folders, tmp_path):
    def spoil(tensors):
        tensors["class_predictor.bias"][1] = float("nan")

    bad = rewritten(folders / "mask2former", tmp_path / "bad", spoil)
    with pytest.raises(InputError, match=r"bad: expected finite .*\n  class_predictor\.bias"):
        load_model(bad)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "git lfs pull"),
        ("<!DOCTYPE html><html>", "a web page"),
    ],
)
def test_weights_that_are_text_are_told_for_what_they_are(folders, tmp_path, text, told):
    folder = copied(folders / "segformer", tmp_path / "a")
    (folder / "model.safetensors").write_text(text)
    with pytest.raises(InputError, match=rf"model\.safetensors: .*{told}"):
        load_model(folder)


def test_a_checkpoint_of_another_task_is_loaded_with_a_note(folders, tmp_path):
    from tests.maskomaly.small_networks import labels, mask2former

    names = tuple(f"LABEL_{number}" for number in range(150))
    mask2former(**labels(names)).save_pretrained(tmp_path / "ade")
    assert "150 classes, as of ADE20K" in load_model(tmp_path / "ade", device="cpu").note
    assert loaded(folders / "mask2former").note is None
    assert load_model("tiny").note is None  # 8 classes, but of streets


def test_tensors_that_inference_does_not_use_may_lack_or_be_there(folders, tmp_path):
    def change(tensors):
        del tensors["criterion.empty_weight"]
        prefix = "model.pixel_level_module.encoder."
        unused = [name for name in tensors if name.startswith(f"{prefix}swin.layernorm")]
        assert len(unused) == 2
        for name in unused:
            del tensors[name]
        index = f"{prefix}encoder.layers.0.blocks.0.attention.self.relative_position_index"
        tensors[index] = torch.zeros(16, 16, dtype=torch.int64)

    source = folders / "mask2former"
    assert load_model(rewritten(source, tmp_path / "a", change)).digest == load_model(source).digest


def test_what_is_no_network_is_named_with_the_next_step(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"(?s)nobody/no-such-model: .*next: .*pass its folder"):
        load_model("nobody/no-such-model")
    with pytest.raises(InputError, match="no such file or folder"):
        load_model(tmp_path / "absent")
    with pytest.raises(InputError, match="no such file or folder"):
        load_model("absent.pkl")
    with pytest.raises(InputError, match=r"no config\.json"):
        load_model(tmp_path)
    with pytest.raises(InputError, match="pass the folder that holds it"):
        load_model(folders / "mask2former" / "model.safetensors")
    with pytest.raises(InputError, match="revision: expected none"):
        load_model(folders / "mask2former", revision="main")
    with pytest.raises(InputError, match="device: expected auto"):
        load_model(folders / "mask2former", device="abacus")
    with pytest.raises(InputTypeError, match="dtype"):
        load_model(folders / "mask2former", dtype=torch.int8)


def test_a_model_of_the_hub_is_loaded_by_name_and_revision(folders, tmp_path, monkeypatch):
    """From the hub's cache, as it lies there after a download."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    model = tmp_path / "models--someone--small"
    (model / "refs").mkdir(parents=True)
    (model / "snapshots").mkdir()
    for commit, branch, family in (("a" * 40, "main", "segformer"), ("b" * 40, "v2", "eomt")):
        (model / "refs" / branch).write_text(commit)
        copied(folders / family, model / "snapshots" / commit)
    network = load_model("someone/small")
    assert network.digest == load_model(folders / "segformer").digest
    assert network.source == "someone/small"
    assert load_model("someone/small", revision="v2").family == "eomt"
    with pytest.raises(InputError, match="someone/small"):
        load_model("someone/small", revision="v3")


def copied(folder, target, **changes):
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (target / "config.json").write_text(json.dumps({**config, **changes}))
    return target


def test_other_families_and_foreign_code_are_refused(folders, tmp_path):
    from transformers import ViTConfig

    ViTConfig(hidden_size=8).save_pretrained(tmp_path / "a")
    with pytest.raises(InputError, match=r"families .* found vit, a backbone alone"):
        load_model(tmp_path / "a")
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    (tmp_path / "a" / "config.json").write_text(json.dumps(config | {"model_type": "detr"}))
    with pytest.raises(InputError, match=r"found detr; score maps that its own code writes"):
        load_model(tmp_path / "a")
    source = folders / "segformer"
    code = copied(
        source, tmp_path / "b", model_type="own", auto_map={"AutoConfig": "own.OwnConfig"}
    )
    (code / "own.py").write_text("raise SystemExit('this ran')")
    with pytest.raises(InputError, match="found: "):
        load_model(code)


def test_damaged_files_are_named(folders, tmp_path):
    folder = copied(folders / "segformer", tmp_path / "a")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match=str(folder)):
        load_model(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match=str(folder)):
        load_model(folder)


class Payload:
    def __reduce__(self):
        import os

        return os.mkdir, ("ran",)


def test_pickled_weights_may_hold_tensors_only(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = copied(folders / "segformer", tmp_path / "a")
    tensors = stored_tensors(folder)
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert load_model(folder).digest == load_model(folders / "segformer").digest
    torch.save({**tensors, "more": Payload()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pytorch_model\.bin|[Ww]eights"):
        load_model(folder)
    assert not (tmp_path / "ran").exists()
    assert pickle.dumps(Payload())  # the payload is one: unpickled freely, it makes a folder


def test_loading_says_nothing(folders, capfd):
    load_model(folders / "mask2former")
    load_model(folders / "mask2former-resnet")
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_importing_the_package_imports_no_torch():
    code = (
        "import maskomaly, sys; assert 'load_model' in dir(maskomaly); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
