"""Tensors: read where they are, without importing torch in the package."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import Frame, InputError, InputTypeError, mdm
from mdmkit.core.frame import as_unit
from mdmkit.core.frame_streams import frames_from
from mdmkit.io import read_scores

torch = pytest.importorskip("torch", reason="torch is not installed")

SCORES = [[0.25, 0.75]]
TARGET = [[0, 1]]
STACK = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 24
STACK_TARGET = (STACK > 0.4).astype(np.int64)

GOOD_SCORES = {
    "float32": torch.tensor(SCORES),
    "float64": torch.tensor(SCORES, dtype=torch.float64),
    "float16": torch.tensor(SCORES, dtype=torch.float16),
    "bfloat16": torch.tensor(SCORES, dtype=torch.bfloat16),
    "requires_grad": torch.tensor(SCORES, requires_grad=True),
    "bfloat16 requires_grad": torch.tensor(SCORES).bfloat16().requires_grad_(),
    "parameter": torch.nn.Parameter(torch.tensor(SCORES)),
    "transposed": torch.tensor([[0.25], [0.75]]).T,
    "flipped": torch.tensor([[0.75, 0.25]]).flip(1),
}
GOOD_TARGETS = {
    "bool": torch.tensor(TARGET, dtype=torch.bool),
    "uint8": torch.tensor(TARGET, dtype=torch.uint8),
    "int64": torch.tensor(TARGET),
}
UNREADABLE = {
    "sparse": torch.tensor(SCORES).to_sparse(),
    "float8": torch.tensor(SCORES).to(torch.float8_e4m3fn),
    "meta": torch.empty(1, 2, device="meta"),
}


@pytest.mark.parametrize("scores", GOOD_SCORES.values(), ids=GOOD_SCORES)
def test_scores_mean_the_same_whatever_holds_them(scores):
    assert mdm(scores, TARGET, 0.7).interval == (0.25, 0.75)


@pytest.mark.parametrize("target", GOOD_TARGETS.values(), ids=GOOD_TARGETS)
def test_labels_mean_the_same_whatever_holds_them(target):
    assert Frame(SCORES, target).classes.tolist() == [[0, 1]]


def test_unsigned_integers_mean_value_over_maximum():
    scores = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    frame = Frame(scores, np.zeros((1, 3), np.uint8))
    assert as_unit(frame.scores).tolist() == [[0.0, 0.2, 1.0]]


def test_signed_integers_are_refused():
    with pytest.raises(InputTypeError, match="int64"):
        Frame(torch.tensor([[0, 1]]), TARGET)


@pytest.mark.parametrize("scores", UNREADABLE.values(), ids=UNREADABLE)
def test_tensors_that_cannot_be_read_are_an_input_error(scores):
    with pytest.raises(InputError, match="scores: expected an array of numbers, found"):
        Frame(scores, TARGET)


@pytest.mark.parametrize("scores", [torch.tensor(STACK), list(torch.tensor(STACK))])
def test_stacks_and_lists_of_tensors_are_frames(scores):
    frames = list(frames_from(scores, torch.tensor(STACK_TARGET)))
    assert [frame.scores.tolist() for frame in frames] == STACK.tolist()


# ------------------------------------------------------------------------------- files of tensors


RAMP = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.uint8])
def test_a_saved_tensor_comes_back_exactly(tmp_path, dtype):
    tensor = torch.from_numpy(RAMP * 255).to(dtype)
    torch.save(tensor, tmp_path / "a.pt")
    found = read_scores(tmp_path / "a.pt")
    assert found.dtype == tensor.numpy().dtype
    np.testing.assert_array_equal(found, tensor.numpy())


def test_bfloat16_becomes_float32_which_holds_it(tmp_path):
    tensor = torch.from_numpy(RAMP).bfloat16()
    torch.save(tensor, tmp_path / "a.pt")
    found = read_scores(tmp_path / "a.pt")
    assert found.dtype == np.float32
    assert torch.equal(torch.from_numpy(found).bfloat16(), tensor)


def test_a_tensor_with_a_gradient_is_read(tmp_path):
    torch.save(torch.ones(2, 2, requires_grad=True), tmp_path / "a.pt")
    assert read_scores(tmp_path / "a.pt").tolist() == [[1, 1], [1, 1]]


def test_a_dictionary_of_tensors_needs_a_key(tmp_path):
    torch.save({"scores": torch.zeros(2, 2), "logits": torch.ones(2, 2)}, tmp_path / "a.pt")
    assert read_scores(tmp_path / "a.pt", "logits").sum() == 4
    with pytest.raises(InputError, match=r"a.pt: expected one tensor, found the keys scores, log"):
        read_scores(tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a.pt: expected the key 'x', found the keys scores, log"):
        read_scores(tmp_path / "a.pt", "x")


class Foreign:
    """What unpickling would run."""

    ran = False

    @staticmethod
    def run():
        Foreign.ran = True

    def __reduce__(self):
        return Foreign.run, ()


def test_code_in_a_file_is_never_run_nor_is_it_advised(tmp_path):
    torch.save(Foreign(), tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a.pt: .*torch.load reads with weights_only=T") as caught:
        read_scores(tmp_path / "a.pt")
    assert not Foreign.ran
    assert "weights_only=False" not in str(caught.value)


@pytest.mark.parametrize(
    ("saved", "found"),
    [([1.0], "found list"), (torch.eye(2).to_sparse(), "expected a dense tensor, found torch.spa")],
)
def test_other_things_than_dense_tensors_are_refused(tmp_path, saved, found):
    torch.save(saved, tmp_path / "a.pt")
    with pytest.raises(InputError, match=rf"a.pt: .*{found}"):
        read_scores(tmp_path / "a.pt")


@pytest.mark.parametrize("content", [b"", b"no tensor\n", b"\0" * 4096])
def test_foreign_files_named_pt_are_refused(tmp_path, content):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"a.pt: expected a readable .pt file, found: nothing"):
        read_scores(tmp_path / "a.pt")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_tensor_is_refused(tmp_path, share):
    path = tmp_path / "a.pt"
    torch.save(torch.rand(60, 80), path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"a.pt: expected a readable .pt file"):
        read_scores(path)
