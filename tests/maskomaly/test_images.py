"""Where images come from: folders, single files, lists, videos; chosen frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="torch is not installed")

from maskomaly.images import (
    Broken,
    VideoFrame,
    chosen_frames,
    find_sources,
    read_image,
    read_images,
)
from mdmkit import InputError


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("a", "b", "city/a")):
        path = tmp_path / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), (number, 0, 0)).save(path)
    return tmp_path / "images"


def test_a_folder_an_image_and_a_list_are_found(folder, tmp_path):
    assert list(find_sources(folder)) == ["a", "b", "city/a"]
    assert find_sources(folder / "b.png") == {"b": folder / "b.png"}
    (tmp_path / "some.txt").write_text("# these\nimages/city/a.png\n\nimages/b.png\n")
    found = find_sources(tmp_path / "some.txt")
    assert list(found) == ["images/city/a", "images/b"]
    outside = tmp_path / "lists" / "some.txt"
    outside.parent.mkdir()
    outside.write_text(f"../images/a.png\n{folder / 'b.png'}\n")
    assert list(find_sources(outside)) == ["a", "b"]


def test_lists_that_say_nothing_certain_are_refused(folder, tmp_path):
    for text, message in (
        ("images/a.png\nimages/c.png\n", "found no .*c.png"),
        ("images/a.png\nimages/a.png\n", "different names .*images/a again"),
        ("# nothing\n", "expected a line for each frame"),
    ):
        (tmp_path / "list.txt").write_text(text)
        with pytest.raises(InputError, match=message):
            find_sources(tmp_path / "list.txt")
    (tmp_path / "list.doc").write_text("images/a.png")
    with pytest.raises(InputError, match="expected a folder, an image, a list"):
        find_sources(tmp_path / "list.doc")


def test_frames_are_chosen_by_key(folder, tmp_path):
    (tmp_path / "keys.txt").write_text("\ufeffcity/a\n# a\nb\n", encoding="utf-8")
    assert list(chosen_frames(find_sources(folder), tmp_path / "keys.txt")) == ["b", "city/a"]
    assert chosen_frames({"a": 1}, None) == {"a": 1}
    (tmp_path / "keys.txt").write_text("a.png\n")
    with pytest.raises(InputError, match=r"(?s)frames: .*found 1 that no frame has:.*a\.png"):
        chosen_frames(find_sources(folder), tmp_path / "keys.txt")


def test_images_are_read_ahead_in_order(folder):
    found = list(read_images(find_sources(folder), Broken(), ahead=2))
    assert [key for key, _ in found] == ["a", "b", "city/a"]
    for key, pixels in found:
        assert (pixels == read_image(folder / f"{key}.png")).all()


@pytest.fixture
def video(tmp_path):
    av = pytest.importorskip("av", reason="av is not installed")
    path = tmp_path / "drive.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(7):
            pixels = np.full((48, 64, 3), 30 * number, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return path


def test_frames_of_a_video_have_keys_of_their_own(video):
    sources = find_sources(video)
    assert list(sources)[::6] == ["drive/000000", "drive/000006"]
    assert sources["drive/000003"] == VideoFrame(video, 3)
    some = {key: sources[key] for key in ("drive/000001", "drive/000004")}
    found = dict(read_images(some, Broken(), ahead=2))
    assert list(found) == list(some)
    assert found["drive/000004"].shape == (48, 64, 3)
    assert abs(float(found["drive/000001"].mean()) - 30) < 4
    assert abs(float(found["drive/000004"].mean()) - 120) < 4


def test_a_damaged_video_is_named(video):
    video.write_bytes(b"no video")
    with pytest.raises(InputError, match=r"drive\.mp4: expected a readable video"):
        find_sources(video)


def test_a_video_that_is_cut_off_is_named(video, tmp_path):
    sources = {"x/000009": VideoFrame(Path(video), 9)}
    with pytest.raises(InputError, match=r"drive\.mp4: expected 10 frames, found 7"):
        list(read_images(sources, Broken(), ahead=2))
