"""Data sets of industrial inspection, stored as their own conventions have it, and read back."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mdmkit import InputError, compare
from mdmkit.datasets import open_dataset
from mdmkit.io import read_mask

RNG = np.random.default_rng(0)
SHAPE = (12, 16)
DEFECT = np.zeros(SHAPE, np.uint8)
DEFECT[3:7, 4:9] = 255


def save(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels is None:
        pixels = RNG.integers(0, 255, (*SHAPE, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def mvtec(root):
    save(root / "train/good/000.png")
    save(root / "test/good/000.png")
    save(root / "test/scratch/000.png")
    save(root / "ground_truth/scratch/000_mask.png", DEFECT)


def mvtec2(root):
    save(root / "train/good/000_regular.png")
    save(root / "test_public/good/000_regular.png")
    save(root / "test_public/bad/000_overexposed.png")
    save(root / "test_public/ground_truth/bad/000_overexposed_mask.png", DEFECT)
    save(root / "test_private/000_regular.png")


def loco(root):
    save(root / "test/good/000.png")
    for kind in ("logical_anomalies", "structural_anomalies"):
        save(root / f"test/{kind}/000.png")
        for number in range(2):
            part = np.zeros_like(DEFECT)
            part[3 + 2 * number : 5 + 2 * number, 4:9] = 255 - number
            save(root / f"ground_truth/{kind}/000/{number:03}.png", part)
    config = [
        {"defect_name": "a", "pixel_value": 255, "saturation_threshold": 3,
         "relative_saturation": False},
        {"defect_name": "b", "pixel_value": 254, "saturation_threshold": 0.5,
         "relative_saturation": True},
    ]  # fmt: skip
    (root / "defects_config.json").write_text(json.dumps(config))


def visa(root):
    save(root / "Data/Images/Normal/0000.JPG")
    save(root / "Data/Images/Normal/0001.JPG")
    save(root / "Data/Images/Anomaly/000.JPG")
    image = Image.fromarray((DEFECT > 0).astype(np.uint8) * 3, "P")  # indices of a palette
    image.putpalette(RNG.integers(0, 255, 768).astype(np.uint8).tolist())
    (root / "Data/Masks/Anomaly").mkdir(parents=True)
    image.save(root / "Data/Masks/Anomaly/000.png")
    table = root.parent / "split_csv/1cls.csv"
    table.parent.mkdir(exist_ok=True)
    if not table.exists():
        table.write_text("object,split,label,image,mask\n")
    with table.open("a") as file:
        name = root.name
        file.write(f"{name},train,normal,{name}/Data/Images/Normal/0001.JPG,\n")
        file.write(f"{name},test,normal,{name}/Data/Images/Normal/0000.JPG,\n")
        file.write(
            f"{name},test,anomaly,{name}/Data/Images/Anomaly/000.JPG,"
            f"{name}/Data/Masks/Anomaly/000.png\n"
        )


def visa_repackaged(root):
    save(root / "test/good/0000.JPG")
    save(root / "test/bad/000.JPG")
    save(root / "ground_truth/bad/000.png", DEFECT)


def btad(root):
    save(root / "train/ok/0000.bmp")
    save(root / "test/ok/0000.bmp")
    save(root / "test/ko/0000.bmp")
    save(root / "ground_truth/ko/0000.bmp", DEFECT)


def realiad(root):
    lists = root.parent / "realiad_jsons/realiad_jsons"
    lists.mkdir(parents=True, exist_ok=True)
    images = root.parent / "realiad_1024" / root.name
    save(images / "OK/S0001/a_OK.jpg")
    save(images / "NG/AK/S0002/a_NG.jpg")
    save(images / "NG/AK/S0002/a_NG.png", DEFECT)
    rows = [
        {"category": root.name, "anomaly_class": "OK", "image_path": "OK/S0001/a_OK.jpg",
         "mask_path": None},
        {"category": root.name, "anomaly_class": "AK", "image_path": "NG/AK/S0002/a_NG.jpg",
         "mask_path": "NG/AK/S0002/a_NG.png"},
    ]  # fmt: skip
    (lists / f"{root.name}.json").write_text(json.dumps({"train": rows[:1], "test": rows}))


CASES = {
    "mvtec": (mvtec, ["good/000", "scratch/000"]),
    "mpdd": (mvtec, ["good/000", "scratch/000"]),
    "mvtec2": (mvtec2, ["bad/000_overexposed", "good/000_regular"]),
    "mvtec-loco": (loco, ["good/000", "logical_anomalies/000", "structural_anomalies/000"]),
    "visa": (visa, ["Anomaly/000", "Normal/0000"]),
    "visa-repackaged": (visa_repackaged, ["bad/000", "good/0000"]),
    "btad": (btad, ["ko/0000", "ok/0000"]),
    "realiad": (realiad, ["NG/AK/S0002/a_NG", "OK/S0001/a_OK"]),
}
NORMAL = ("good", "Normal", "ok", "OK")


@pytest.fixture(params=CASES)
def stored(request, tmp_path):
    """Two categories; the layout's name, the root and keys of one category."""
    write, keys = CASES[request.param]
    for category in ("bolt", "nut"):
        write(tmp_path / "set" / category)
    return request.param.removesuffix("-repackaged"), tmp_path / "set", keys


def expected_mask(key):
    return np.zeros_like(DEFECT) if key.split("/")[-2] in NORMAL or "OK" in key else DEFECT


def test_all_categories_below_a_root_are_groups(stored):
    name, root, keys = stored
    found = open_dataset(f"{name}:{root}")
    assert list(found.frames) == [f"{group}/{key}" for group in ("bolt", "nut") for key in keys]
    assert {key: key.partition("/")[0] for key in found.frames} == dict(found.groups)
    assert list(found.images) == list(found.frames)
    for key, target in found.targets.items():
        assert np.array_equal(read_mask(target), expected_mask(key)), key


def test_one_category_stands_alone(stored):
    name, root, keys = stored
    if name == "realiad":
        pytest.skip("its lists lie beside the categories: they are chosen by what is there")
    found = open_dataset(f"{name}:{root / 'bolt'}")
    assert list(found.frames) == keys
    assert not found.groups
    for key, target in found.targets.items():
        assert np.array_equal(read_mask(target), expected_mask(key)), key


@pytest.mark.parametrize("below", ["", "test"])
def test_score_maps_lie_under_the_same_paths(stored, tmp_path, below):
    name, root, _ = stored
    found = open_dataset(f"{name}:{root}")
    for key in found.frames:
        category, _, rest = key.partition("/")
        path = tmp_path / "mine" / category / below / f"{rest}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, expected_mask(key) / 255 * 0.5 + 0.25)
    result = compare({"mine": tmp_path / "mine"}, dataset=found, metrics="ap,mdm_f1@0.5")["mine"]
    assert result["ap"] == 1
    assert (result.frames, result["mdm_f1@0.5"]) == (len(found.frames), 0.5)


def test_a_state_folder_keeps_what_stands_for_masks(tmp_path):
    from mdmkit import merge_states

    loco(tmp_path / "set/bolt")
    found = open_dataset(f"mvtec-loco:{tmp_path / 'set'}")
    for key in found.frames:
        path = tmp_path / "mine" / f"{key}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, RNG.random(SHAPE))
    options = {"dataset": found, "metrics": "ap", "counts": tmp_path / "state"}
    first = compare({"mine": tmp_path / "mine"}, **options)["mine"].numbers
    assert merge_states([tmp_path / "state"])["mine"].numbers == first
    save(tmp_path / "set/bolt/ground_truth/logical_anomalies/000/001.png", DEFECT[::-1].copy())
    assert compare({"mine": tmp_path / "mine"}, **options)["mine"].numbers != first


def test_regions_of_loco_have_saturation_areas(tmp_path):
    loco(tmp_path)
    target = open_dataset(f"mvtec-loco:{tmp_path}").targets["logical_anomalies/000"]
    (one, three), (other, half) = target.regions()
    assert (three, half) == (3.0, 5.0)
    assert (one | other).sum() == 20
    (tmp_path / "defects_config.json").write_text('[{"pixel_value": 255}]')
    with pytest.raises(InputError, match=r"defects_config.json: expected a list of objects"):
        open_dataset(f"mvtec-loco:{tmp_path}")


def test_ksdd2_has_masks_of_good_images(tmp_path):
    save(tmp_path / "test/20000.png")
    save(tmp_path / "test/20000_GT.png", DEFECT)
    save(tmp_path / "test/20001.png")
    save(tmp_path / "test/20001_GT.png", DEFECT * 0)
    save(tmp_path / "test/20002.png")
    found = open_dataset(f"ksdd2:{tmp_path}")
    assert list(found.frames) == ["20000", "20001"]
    assert found.unlabelled == {"20002"}
    assert np.array_equal(read_mask(found.targets["20000"]), DEFECT)


def test_a_defect_without_a_mask_is_an_error(tmp_path):
    mvtec(tmp_path / "bolt")
    save(tmp_path / "bolt/test/scratch/001.png")
    with pytest.raises(InputError, match=r"expected a mask .* found none for 1\n  scratch/001"):
        open_dataset(f"mvtec:{tmp_path}")


def test_masks_of_two_sizes_are_refused(tmp_path):
    loco(tmp_path)
    save(tmp_path / "ground_truth/logical_anomalies/000/001.png", DEFECT[:5])
    target = open_dataset(f"mvtec-loco:{tmp_path}").targets["logical_anomalies/000"]
    with pytest.raises(InputError, match=r"001\.png: expected the shape"):
        read_mask(target)


@pytest.mark.parametrize("name", sorted({"ksdd2", *CASES} - {"visa-repackaged"}))
def test_another_folder_draws_what_was_expected(tmp_path, name):
    (tmp_path / "something").mkdir()
    with pytest.raises(InputError, match=r"(?s)dataset: expected .*found there:\n  something"):
        open_dataset(f"{name}:{tmp_path}")
    assert Path(tmp_path).is_dir()
