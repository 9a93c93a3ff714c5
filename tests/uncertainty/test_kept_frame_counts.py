"""bootstrap(counts=...): counts of frames in a file give the numbers of the frames, or refusals."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest
from PIL import Image

from mdmkit import InputError, bootstrap
from tests.uncertainty.test_resampling import frames


@pytest.fixture
def folders(tmp_path):
    """Six frames of two methods as files."""
    for name in ("masks", "good", "bad"):
        (tmp_path / name).mkdir()
    for index, (scores, target) in enumerate(frames(1, count=6)):
        Image.fromarray(target).save(tmp_path / "masks" / f"{index}.png")
        np.save(tmp_path / "good" / f"{index}.npy", scores.astype(np.float32))
        np.save(tmp_path / "bad" / f"{index}.npy", np.sqrt(scores).astype(np.float32))
    return {"good": tmp_path / "good", "bad": tmp_path / "bad"}, tmp_path / "masks", tmp_path


OPTIONS = {"metrics": "ap,mdm_f1@0.5,siou_gt", "replicates": 20, "normalize": "minmax"}


def equal(one, other, methods=("good", "bad"), keys=("ap", "mdm_f1@0.5", "siou_gt")):
    return all(
        one.interval(method, key) == other.interval(method, key)
        and one.brackets[method][key] == other.brackets[method][key]
        and (one.replicates[method][key] == other.replicates[method][key]).all()
        for method in methods
        for key in keys
    )


def test_kept_counts_give_the_same_numbers_without_reading_pixels(folders, monkeypatch):
    methods, masks, here = folders
    plain = bootstrap(methods, masks, **OPTIONS)
    first = bootstrap(methods, masks, counts=here / "counts.h5", **OPTIONS)

    def unread(*_):
        raise AssertionError("a frame was read")

    monkeypatch.setattr("mdmkit.evaluation.methods.load_frame", unread)
    again = bootstrap(methods, masks, counts=here / "counts.h5", **OPTIONS)
    assert equal(plain, first)
    assert equal(plain, again)
    some = bootstrap(
        {"bad": methods["bad"]}, masks, "ap", counts=here / "counts.h5", replicates=20,
        normalize="minmax",
    )  # fmt: skip
    assert equal(plain, some, ["bad"], ["ap"])
    other = bootstrap(methods, masks, counts=here / "counts.h5", **OPTIONS | {"seed": 1})
    assert not equal(plain, other)


def test_a_normaliser_of_ranks_is_kept_too(folders):
    methods, masks, here = folders
    options = OPTIONS | {"normalize": {"good": "rank", "bad": "sigmoid"}}
    first = bootstrap(methods, masks, counts=here / "counts.h5", **options)
    assert equal(first, bootstrap(methods, masks, counts=here / "counts.h5", **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": "ap,fpr95"}, "metrics: not kept for fpr95"),
        ({"bins": 100}, "bins: kept with 4096, now 100"),
        ({"min_target": 3}, "sizes: kept with .*min_target=0.*, now .*min_target=3"),
        ({"normalize": "none"}, "normalize: kept with"),
        ({"protocol": "smiyc"}, "protocol: kept with 'exact', now 'smiyc'"),
        ({"anomaly_label": (1, 2)}, "labels: kept with"),
    ],
)
def test_counts_of_other_options_are_refused(folders, options, message):
    methods, masks, here = folders
    bootstrap(methods, masks, counts=here / "counts.h5", **OPTIONS)
    with pytest.raises(InputError, match=message) as refused:
        bootstrap(methods, masks, counts=here / "counts.h5", **OPTIONS | options)
    assert "pass `overwrite=True` to make them anew" in str(refused.value)


def test_counts_of_changed_files_are_refused_or_made_anew(folders):
    methods, masks, here = folders
    counted = here / "counts.h5"
    first = bootstrap(methods, masks, counts=counted, **OPTIONS)
    path = methods["bad"] / "3.npy"
    np.save(path, np.load(path) ** 2)
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputError, match="bad: the file of '3' changed since"):
        bootstrap(methods, masks, counts=counted, **OPTIONS)
    anew = bootstrap(methods, masks, counts=counted, overwrite=True, **OPTIONS)
    assert equal(anew, bootstrap(methods, masks, **OPTIONS))
    assert not equal(anew, first)
    stamp = counted.stat().st_mtime_ns
    bootstrap(methods, masks, counts=counted, overwrite=True, **OPTIONS)
    assert counted.stat().st_mtime_ns == stamp  # what fits is not made anew
    for folder in (*methods.values(), masks):
        next(folder.glob("0.*")).unlink()
    with pytest.raises(InputError, match="masks: 6 frames were kept, now 5"):
        bootstrap(methods, masks, counts=counted, **OPTIONS)


def test_a_file_without_counts_is_refused(folders):
    methods, masks, here = folders
    (here / "text.h5").write_text("counts")
    with pytest.raises(InputError, match=r"counts: expected .*text\.h5 to hold frame counts"):
        bootstrap(methods, masks, counts=here / "text.h5", **OPTIONS)
    with h5py.File(here / "other.h5", "w") as file:
        file["value"] = [1.0]
    with pytest.raises(InputError, match="found another file, or a damaged one"):
        bootstrap(methods, masks, counts=here / "other.h5", **OPTIONS)
    with pytest.raises(InputError, match="counts: expected folders of score maps"):
        bootstrap({"m": frames(0)}, counts=here / "new.h5")
    with pytest.raises(InputError, match="counts: expected aggregate 'pooled'"):
        bootstrap(methods, masks, counts=here / "new.h5", aggregate="per_image")
    assert not (here / "new.h5").exists()


def test_a_failed_run_leaves_no_counts(folders):
    methods, masks, here = folders
    (methods["bad"] / "3.npy").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"bad: .*3\.npy"):
        bootstrap(methods, masks, counts=here / "counts.h5", **OPTIONS)
    assert sorted(path.name for path in here.iterdir()) == ["bad", "good", "masks"]
