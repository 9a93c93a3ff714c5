"""Loading networks: incomplete, damaged and foreign checkpoints are told for what they are."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from maskomaly import load_model  # noqa: E402
from mdmkit import InputError, InputTypeError  # noqa: E402
from tests.maskomaly.saved_networks import loaded  # noqa: E402


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
    with pytest.raises(InputError, match="device: expected a device that torch finds here"):
        load_model(folders / "mask2former", device="cuda:77")
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
