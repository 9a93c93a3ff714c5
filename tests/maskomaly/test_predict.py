"""Folders of images to folders of score maps: whole files, resumed runs, broken images."""

from __future__ import annotations

import random
import shutil
from itertools import islice

import h5py
import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import Geometry, MaskOutputs, score  # noqa: E402
from maskomaly.images import Broken, read_image  # noqa: E402
from maskomaly.predict import (  # noqa: E402
    outputs_of_files,
    outputs_of_images,
    unfinished,
    write_score_maps,
)
from maskomaly.score_maps import JOURNAL_NAME, SETTINGS_NAME, Destination, SavedOutputs  # noqa: E402
from mdmkit import InputError  # noqa: E402
from mdmkit.datasets import find_images  # noqa: E402
from mdmkit.io import read_scores  # noqa: E402


class Greys:
    """A network whose one known class is brightness, and that remembers its batches."""

    def __init__(self):
        self.batches = []

    def stream(self, images, *, batch_size, autocast=None):
        images = iter(images)
        while batch := list(islice(images, batch_size)):
            self.batches.append(len(batch))
            yield from map(self.outputs, batch)

    def outputs(self, image):
        grey = torch.from_numpy(image.mean(2).astype(np.float32) / 255)
        return MaskOutputs(
            [[0.75, 0.25]], torch.logit(grey, 1e-3)[None], Geometry.plain(grey.shape)
        )


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "images"
    (folder / "city").mkdir(parents=True)
    for name, size in {"a": (4, 6), "b": (5, 3), "city/a": (4, 6), "c": (4, 6)}.items():
        picture = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(picture).save(folder / f"{name}.png")
    return folder


def destination(folder, name="eam", **options):
    scorer = lambda outputs: score(outputs, name)  # noqa: E731
    return Destination(folder, {"score": name}, scorer=scorer, **options)


def write(images, destinations, network=None, *, batch=2, broken=None, **options):
    left = unfinished(find_images(images), destinations, **options)
    stream = outputs_of_images(left, network or Greys(), batch=batch, broken=broken)
    return write_score_maps(stream, destinations)


@pytest.mark.parametrize(("suffix", "dtype"), [(".hdf5", "float16"), (".npy", "float32")])
def test_each_image_gets_a_map_of_its_size_under_its_own_name(images, tmp_path, suffix, dtype):
    out = destination(tmp_path / "scores", suffix=suffix, dtype=dtype)
    assert write(images, [out]) == 4
    for key, path in find_images(images).items():
        scores = read_scores(out.path(key))
        assert (scores.shape, scores.dtype) == (read_image(path).shape[:2], dtype)
        expected = score(Greys().outputs(read_image(path)), "eam").numpy().astype(dtype)
        assert (scores == expected).all()


def test_hdf5_is_laid_out_as_the_benchmark_writes_it(images, tmp_path):
    out = destination(tmp_path / "scores")
    write(images, [out])
    with h5py.File(tmp_path / "scores" / "city" / "a.hdf5") as file:
        assert list(file) == ["value"]
        assert file["value"].dtype == np.float16


def test_several_scores_need_the_network_once(images, tmp_path):
    network = Greys()
    outs = [destination(tmp_path / name, name) for name in ("eam", "rba")]
    write(images, outs, network, batch=3)
    assert network.batches == [3, 1]
    assert all((tmp_path / name / "b.hdf5").exists() for name in ("eam", "rba"))


def test_batches_do_not_change_scores(images, tmp_path):
    one, many = destination(tmp_path / "one"), destination(tmp_path / "many")
    write(images, [one], batch=1)
    write(images, [many], batch=4)
    for key in find_images(images):
        assert (read_scores(one.path(key)) == read_scores(many.path(key))).all()


def test_a_run_is_resumed_where_it_stopped(images, tmp_path):
    out = destination(tmp_path / "scores")
    write(images, [out])
    before = out.path("a").stat().st_mtime_ns
    out.path("b").unlink()
    network = Greys()
    assert write(images, [out], network, resume=True) == 1
    assert network.batches == [1]
    assert out.path("a").stat().st_mtime_ns == before


def test_a_run_is_not_resumed_with_other_settings(images, tmp_path):
    write(images, [destination(tmp_path / "scores")])
    with pytest.raises(InputError, match="made with the same settings, found 4 made with others"):
        write(images, [destination(tmp_path / "scores", "rba")], resume=True)
    with pytest.raises(InputError, match="same settings"):
        write(images, [destination(tmp_path / "scores", dtype="float32")], resume=True)


class Stopped(BaseException):
    pass


def stop_after(out, count, written_last=False):
    """Let a folder's run be killed once so many maps are written, perhaps just after the last."""
    write_map = out._write

    def counted(path, key, outputs):
        nonlocal count
        if count == 0:
            raise Stopped
        count -= 1
        write_map(path, key, outputs)
        if count == 0 and written_last:
            raise Stopped

    out._write = counted
    return out


def maps(images, out):
    return {
        key: read_scores(out.path(key)) for key in find_images(images) if out.path(key).exists()
    }


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("written", range(4))
def test_maps_of_two_settings_never_lie_in_one_folder(images, tmp_path, written, last):
    """Overwriting is stopped after each number of maps, then resumed with either settings."""
    msp, rba = destination(tmp_path / "msp", "msp"), destination(tmp_path / "rba", "rba")
    write(images, [msp])
    write(images, [rba])
    write(images, [destination(tmp_path / "scores", "msp")])
    with pytest.raises(Stopped):
        write(
            images,
            [stop_after(destination(tmp_path / "scores", "rba"), written, last)],
            overwrite=True,
        )
    out = destination(tmp_path / "scores", "rba")
    left = maps(images, out)
    assert len(left) == written
    expected = maps(images, rba)
    assert all((expected[key] == scores).all() for key, scores in left.items())
    if written:
        with pytest.raises(InputError, match=f"found {written} made with others"):
            write(images, [destination(tmp_path / "scores", "msp")], resume=True)
    network = Greys()
    assert write(images, [out], network, resume=True) == 4 - written
    found = maps(images, out)
    assert all((found[key] == expected[key]).all() for key in expected)


def test_a_run_killed_between_a_line_and_its_map_is_resumed(images, tmp_path):
    out = destination(tmp_path / "scores")
    with pytest.raises(Stopped):
        write(images, [stop_after(out, 2)])
    journal = (tmp_path / "scores" / JOURNAL_NAME).read_text()
    (tmp_path / "scores" / JOURNAL_NAME).write_text(journal[:-7])  # its last line is torn, too
    assert write(images, [destination(tmp_path / "scores")], resume=True) >= 2
    direct = destination(tmp_path / "direct")
    write(images, [direct])
    found, expected = maps(images, destination(tmp_path / "scores")), maps(images, direct)
    assert found.keys() == expected.keys()
    assert all((found[key] == expected[key]).all() for key in expected)


def test_an_image_that_changed_since_is_scored_anew(images, tmp_path):
    out = destination(tmp_path / "scores")
    write(images, [out])
    Image.new("RGB", (6, 4), (9, 9, 9)).save(images / "c.png")
    again = destination(tmp_path / "scores")
    assert write(images, [again], resume=True) == 1
    assert again.changed == ["c"]
    assert len(np.unique(read_scores(out.path("c")))) == 1


@pytest.mark.parametrize("suffix", [".hdf5", ".npy"])
def test_a_map_that_was_damaged_since_is_made_anew(images, tmp_path, suffix):
    out = destination(tmp_path / "scores", suffix=suffix)
    write(images, [out])
    path, whole = out.path("c"), out.path("c").read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 4
    path.write_bytes(damaged)
    assert write(images, [destination(tmp_path / "scores", suffix=suffix)], resume=True) == 1
    assert path.read_bytes() == whole


def test_a_damaged_journal_keeps_no_map_of_other_settings(images, tmp_path):
    """Maps of two settings one after the other, then bits of the journal are turned."""
    scores = tmp_path / "scores"
    write(images, [destination(scores, "msp")])
    with pytest.raises(Stopped):
        write(images, [stop_after(destination(scores, "rba"), 3)], overwrite=True)
    rng = random.Random(0)
    for _ in range(100):
        again = tmp_path / "again"
        shutil.copytree(scores, again)
        damaged = bytearray((again / JOURNAL_NAME).read_bytes())
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        (again / JOURNAL_NAME).write_bytes(damaged)
        with pytest.raises(InputError, match="made with the same settings"):
            write(images, [destination(again, "msp")], resume=True)
        shutil.rmtree(again)
    (scores / JOURNAL_NAME).write_text("[" * 100_000)
    with pytest.raises(InputError, match="made with the same settings"):
        write(images, [destination(scores, "msp")], resume=True)


def test_maps_that_do_not_say_how_they_were_made_are_not_kept(images, tmp_path):
    out = destination(tmp_path / "scores")
    write(images, [out])
    (tmp_path / "scores" / JOURNAL_NAME).unlink()
    with pytest.raises(InputError, match="made with the same settings, found 4 made with others"):
        write(images, [destination(tmp_path / "scores")], resume=True)
    assert write(images, [destination(tmp_path / "scores")], resume=True, overwrite=True) == 4


def test_maps_of_other_frames_and_settings_forbid_a_folder(images, tmp_path):
    write(images, [destination(tmp_path / "scores")])
    (tmp_path / "more").mkdir()
    (images / "a.png").rename(tmp_path / "more" / "new.png")
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(InputError, match=r"made with others.*choose another folder"):
            write(tmp_path / "more", [destination(tmp_path / "scores", "rba")], **options)


def test_a_refused_folder_changes_no_other(images, tmp_path):
    write(images, [destination(tmp_path / "one")])
    two, one = destination(tmp_path / "two", "rba"), destination(tmp_path / "one", "rba")
    with pytest.raises(InputError, match="expected no score maps in"):
        write(images, [two, one])
    assert not (tmp_path / "two").exists()


def test_score_maps_are_replaced_only_when_told_to(images, tmp_path):
    out = destination(tmp_path / "scores")
    write(images, [out])
    before = out.path("a").read_bytes()
    other = destination(tmp_path / "scores", "msp", suffix=".hdf5")
    with pytest.raises(InputError, match=r"expected no score maps in .*scores yet, found 4"):
        write(images, [other])
    assert out.path("a").read_bytes() == before
    write(images, [destination(tmp_path / "scores", "rba")], overwrite=True)
    assert out.path("a").read_bytes() != before


def test_settings_lie_beside_the_maps_and_readers_do_not_see_them(images, tmp_path):
    out = destination(tmp_path / "scores")
    write(images, [out])
    assert (tmp_path / "scores" / SETTINGS_NAME).exists()
    from mdmkit.datasets import find_scores

    assert sorted(find_scores("mine", tmp_path / "scores")) == ["a", "b", "c", "city/a"]


def test_a_broken_image_is_named_and_stops_the_run(images, tmp_path):
    (images / "b.png").write_bytes((images / "b.png").read_bytes()[:60])
    with pytest.raises(InputError, match=r"b\.png: expected a readable image"):
        write(images, [destination(tmp_path / "scores")])


def test_broken_images_are_left_out_and_listed_when_asked_for(images, tmp_path):
    (images / "b.png").write_bytes(b"not an image")
    Image.new("I;16", (3, 3)).save(images / "c.png")
    broken = Broken(keep_going=True)
    out = destination(tmp_path / "scores")
    assert write(images, [out], broken=broken) == 2
    assert out.path("a").exists()
    assert not out.path("b").exists()
    with pytest.raises(InputError, match=r"(?s)2 files were left out:.*b\.png.*c\.png"):
        broken.raise_all()


def test_saved_outputs_give_the_same_scores(images, tmp_path):
    direct, again = destination(tmp_path / "direct"), destination(tmp_path / "again")
    kept = SavedOutputs(tmp_path / "outputs", {})
    stream = outputs_of_images(unfinished(find_images(images), [direct, kept]), Greys(), batch=2)
    write_score_maps(stream, [direct, kept])
    files = {key: tmp_path / "outputs" / f"{key}.npz" for key in find_images(images)}
    write_score_maps(outputs_of_files(unfinished(files, [again]), broken=Broken()), [again])
    for key in files:
        difference = read_scores(direct.path(key)) - read_scores(again.path(key))
        assert np.abs(difference.astype(float)).max() < 1e-3


def test_scores_too_large_for_float16_are_refused(images, tmp_path):
    large = lambda outputs: torch.full((4, 6), 1e5)  # noqa: E731
    out = Destination(tmp_path / "scores", {}, scorer=large)
    with pytest.raises(InputError, match="expected scores within float16's"):
        write(images, [out])
    wide = Destination(tmp_path / "wide", {}, scorer=large, dtype="float32")
    assert write(images, [wide]) == 4


def test_images_beside_roadanomaly_s_labels_are_found(tmp_path):
    labels = tmp_path / "frames" / "cow.labels"
    labels.mkdir(parents=True)
    Image.new("RGB", (2, 2)).save(tmp_path / "frames" / "cow.jpg")
    Image.new("L", (2, 2)).save(labels / "labels_semantic.png")
    expected = {"cow": tmp_path / "frames" / "cow.jpg"}
    assert find_images(tmp_path) == find_images(tmp_path / "frames") == expected


def test_an_output_folder_that_is_a_file_is_refused(images, tmp_path):
    (tmp_path / "scores").write_text("notes")
    with pytest.raises(InputError, match="expected a folder, found the file"):
        write(images, [destination(tmp_path / "scores")])
