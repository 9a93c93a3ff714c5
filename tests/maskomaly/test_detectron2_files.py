"""Files of detectron2: read safely, and told for what they are where they are others."""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")


from maskomaly import load_model  # noqa: E402
from maskomaly.pickles import read_tensors  # noqa: E402
from mdmkit import InputError  # noqa: E402
from tests.maskomaly.detectron2_networks import write  # noqa: E402


@pytest.mark.parametrize("protocol", range(2, 6))
def test_every_protocol_of_pickles_is_read(protocol, tensors, tmp_path):
    path = write(tensors, tmp_path / "a.pkl", protocol)
    found = read_tensors(path)
    assert found.keys() == tensors.keys()
    assert all(np.array_equal(found[name], tensors[name]) for name in tensors)


def test_pickles_of_old_numpy_are_read(tmp_path):
    content = pickle.dumps({"model": {"a": np.arange(3, dtype="<f4")}}, protocol=2)
    assert b"numpy._core.multiarray\n" in content
    assert b"\x89\x88\x87" in content  # (dtype's code, False, True)
    old = content.replace(b"numpy._core.", b"numpy.core.").replace(
        b"\x89\x88\x87", b"K\x00K\x01\x87"
    )
    (tmp_path / "old.pkl").write_bytes(old)
    assert read_tensors(tmp_path / "old.pkl")["a"].tolist() == [0, 1, 2]


def test_files_of_torch_are_read_without_their_code(tensors, digest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = {name: torch.from_numpy(each) for name, each in tensors.items()}
    path = tmp_path / "model_final.pth"
    torch.save({"model": model, "iteration": 9, "optimizer": {"state": {}}}, path)
    assert load_model(path).digest == digest
    torch.save({"model": model, "code": Payload()}, path)
    with pytest.raises(InputError, match="expected a checkpoint of detectron2"):
        load_model(path)
    assert not Path("ran").exists()


class Payload:
    def __reduce__(self):
        import os

        return os.mkdir, ("ran",)


def through(module, name):
    """A pickle which calls module.name("ran")."""
    return f"c{module}\n{name}\n(S'ran'\ntR.".encode()


@pytest.mark.parametrize(
    ("module", "name"),
    [("posix", "system"), ("os", "mkdir"), ("builtins", "eval"), ("builtins", "getattr"),
     ("torch", "load"), ("numpy", "load"), ("numpy", "ndarray.tofile"),
     ("numpy.core.multiarray", "fromfile"), ("collections", "namedtuple")],
)  # fmt: skip
def test_nothing_but_arrays_is_unpickled(module, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.pkl").write_bytes(through(module, name))
    with pytest.raises(InputError, match=re.escape(f"a.pkl: expected a checkpoint of detectron2: "
                       f"expected arrays, text and numbers only, found a reference to "
                       f"{module}.{name}")):  # fmt: skip
        load_model("a.pkl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


def test_a_payload_among_arrays_does_not_run(tensors, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tensors, tmp_path / "a.pkl", more=Payload())
    with pytest.raises(InputError, match=r"a reference to (posix|nt)\.mkdir"):
        load_model(path)
    assert not Path("ran").exists()
    pickle.load(io.BytesIO(path.read_bytes()))  # unpickled freely, it does
    assert Path("ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1, 2]), "named tensors.*found list"),
        (pickle.dumps({}), "named tensors"),
        (pickle.dumps({"model": {"a": "text"}}), "a: expected an array of numbers, found str"),
        (pickle.dumps({"a": np.array([{}])}), "a: expected an array of numbers"),
        (pickle.dumps({"a": np.zeros(9)})[:-20], "expected a checkpoint"),
        (b"", "expected a checkpoint"),
        (b"PK\x03\x04 no archive", "expected a checkpoint"),
        (pickle.dumps({"a": np.zeros(3)}), r"1 unknown tensors:\n  a \(3,\)"),
    ],
)
def test_foreign_and_damaged_files_are_named(content, message, tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def without(name):
    return lambda tensors: {key: each for key, each in tensors.items() if key != name}


def changed(name, value):
    return lambda tensors: {**tensors, name: value}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("sem_seg_head.predictor.decoder_norm.bias"),
         r"1 missing:\n  model.transformer_module.decoder.layernorm.bias"),
        (without("sem_seg_head.predictor.class_embed.weight"),
         "expected a tensor sem_seg_head.predictor.class_embed.weight"),
        (changed("sem_seg_head.predictor.decoder_norm.bias", np.zeros(9, np.float32)),
         r"unexpected shapes:\n  .*layernorm.bias: expected \(32,\), found \(9,\)"),
        (changed("backbone.layers.0.blocks.0.attn.qkv.bias", np.zeros(25, np.float32)),
         r"1 unknown tensors:\n  backbone.layers.0.blocks.0.attn.qkv.bias \(25,\)"),
        (changed("backbone.absolute_pos_embed", np.zeros((1, 8), np.float32)),
         r"1 unknown tensors:\n  backbone.absolute_pos_embed \(1, 8\)"),
        (changed("pixel_mean", np.array([103.5, 116.3, 123.7])), "pixel_mean: expected ImageNet"),
    ],
)  # fmt: skip
def test_incomplete_and_foreign_tensors_are_listed(change, message, tensors, tmp_path):
    path = write(change(tensors), tmp_path / "a.pkl")
    with pytest.raises(InputError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def fails(tensors, tmp_path, wrapper=None):
    content = tensors if wrapper is None else {wrapper: tensors}
    with pytest.raises(InputError) as caught:
        load_model(write(content, tmp_path / "a.pkl"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["patch_embed.proj.weight", "layers.0.norm.bias"], "a backbone alone"),
        (["conv1.weight", "layer1.0.conv1.weight"], "a backbone alone"),
        (["backbone.patch_embed.proj.weight"], "a backbone alone"),
        (["roi_heads.box.weight", "backbone.x.weight"], "a detector of detectron2"),
        (["decode_head.conv.weight"], "a network of mmsegmentation; take its conversion"),
        (["task_mlp.layers.0.weight", "sem_seg_head.x"], "a OneFormer of its authors' code"),
        (["model.transformer_module.queries.weight"], "write the network with save_pretrained"),
        (["sem_seg_head.predictor.transformer.decoder.x"], "a MaskFormer of its authors' code"),
    ],
)
def test_other_checkpoints_are_told_for_what_they_are(names, told, tmp_path):
    tensors = {name: np.zeros((2, 2, 1, 1), np.float32) for name in names}
    assert told in fails(tensors, tmp_path)


def test_the_pixel_decoder_of_rba_is_refused_in_one_sentence(tensors, tmp_path):
    name = next(name for name in tensors if name.endswith("transformer.level_embed"))
    one = {**tensors, name: tensors[name][:1]}
    message = fails(one, tmp_path)
    assert "found a pixel decoder of 1 level(s), as RbA's checkpoints have it" in message
    assert "\n" not in message


@pytest.mark.parametrize("wrap", [
    lambda tensors: {"state_dict": tensors},
    lambda tensors: {"model": {f"module.{name}": value for name, value in tensors.items()}},
    lambda tensors: {f"module.{name}": value for name, value in tensors.items()},
])  # fmt: skip
def test_what_training_wraps_around_tensors_is_taken_off(wrap, tensors, digest, tmp_path):
    assert load_model(write(wrap(tensors), tmp_path / "a.pkl")).digest == digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "fetch it with git lfs"),
        ("<html><body>Not found</body></html>", "a web page"),
        ("conv1.weight 3 3", "a text that begins 'conv1.weight 3 3'"),
    ],
)
def test_texts_are_told_for_what_they_are(text, told, tmp_path):
    (tmp_path / "a.pkl").write_text(text)
    with pytest.raises(
        InputError, match=r"a\.pkl: expected a checkpoint of detectron2: found"
    ) as e:
        load_model(tmp_path / "a.pkl")
    assert told in str(e.value)
