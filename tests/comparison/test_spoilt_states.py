"""What we write and read back is as it was written, or it is told and counted anew."""

import random
import shutil

import numpy as np
import pytest

from mdmkit import InputError, compare, merge_states

METRICS = "ap,mdm_f1@0.3"
FRAMES = 20


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("frames"), np.random.default_rng(0)
    for folder in ("mine", "masks"):
        (root / folder).mkdir()
    for number in range(FRAMES):
        target = (rng.random((6, 7)) < 0.3).astype(np.uint8)
        np.save(root / f"masks/{number:02}.npy", target)
        np.save(root / f"mine/{number:02}.npy", target * 0.3 + rng.random((6, 7)) * 0.7)
    return {"mine": root / "mine"}, root / "masks"


@pytest.fixture(scope="module")
def counted(folders, tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    found = compare(*folders, METRICS, counts=state)
    assert "remarks" not in found.settings
    return state, found["mine"].numbers


def damaged(counted, tmp_path, seed):
    """A copy of the folder with one file spoilt."""
    state, rng = tmp_path / "state", random.Random(seed)
    shutil.copytree(counted[0], state)
    files = sorted(p for p in state.rglob("*") if p.is_file() and p.name != "lock")
    path = rng.choice(files)
    data = bytearray(path.read_bytes())
    if rng.random() < 0.2:
        data = data[: rng.randrange(len(data))]
    else:
        for _ in range(rng.choice([1, 2, 8])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    return state, path


@pytest.mark.parametrize("seed", range(24))
def test_a_spoilt_part_of_a_state_folder_is_told_and_counted_anew(folders, counted, tmp_path, seed):
    state, path = damaged(counted, tmp_path, seed)
    with pytest.raises(InputError, match=path.parent.name):
        merge_states([state])
    found = compare(*folders, METRICS, counts=state)
    assert found["mine"].numbers == counted[1]
    assert path.name in found.settings["remarks"][0]
    assert "counted anew" in found.settings["remarks"][0]
    assert "remarks" not in compare(*folders, METRICS, counts=state).settings


def test_every_file_of_a_folder_is_sealed(counted, tmp_path):
    """One flipped bit anywhere is seen, in names and paddings too."""
    from mdmkit.statistics.state_files import read_state

    path = sorted(counted[0].rglob("chunk-*.npz"))[0]
    data = path.read_bytes()
    for place in range(0, len(data), 97):
        spoilt = bytearray(data)
        spoilt[place] ^= 4
        (tmp_path / "chunk.npz").write_bytes(spoilt)
        with pytest.raises(InputError, match=r"chunk\.npz: expected a state"):
            read_state(tmp_path / "chunk.npz")
