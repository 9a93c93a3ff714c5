"""LAYOUT:ROOT: what names a data set, and what does not."""

from __future__ import annotations

import pytest

from mdmkit import InputError, InputTypeError, open_dataset
from mdmkit.datasets import layout, layout_names


@pytest.mark.parametrize("name", layout_names())
def test_a_root_that_looks_otherwise_shows_what_was_expected(tmp_path, name):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "README.md").touch()
    with pytest.raises(InputError) as caught:
        open_dataset(f"{name}:{tmp_path}")
    for line in layout(name).tree.splitlines():
        assert line in str(caught.value)
    assert f"dataset: expected {layout(name).title} at {tmp_path}:" in str(caught.value)
    assert str(caught.value).endswith("found there:\n  README.md\n  pictures")


@pytest.mark.parametrize("name", layout_names())
def test_a_root_must_exist(tmp_path, name):
    with pytest.raises(InputError, match=f"dataset: expected a folder at {tmp_path}/gone, found"):
        open_dataset(f"{name}:{tmp_path}/gone")


@pytest.mark.parametrize("spec", ["", "smiyc-anomaly", "smiyc-anomaly:", ":folder"])
def test_a_data_set_is_a_layout_and_a_root(spec):
    with pytest.raises(InputError, match=r"dataset: expected LAYOUT:ROOT, as smiyc-anomaly:"):
        open_dataset(spec)


def test_an_unknown_layout_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"a layout among smiyc-anomaly, .*, found 'smiyc'; mdm"):
        open_dataset(f"smiyc:{tmp_path}")


def test_other_things_are_no_data_set():
    with pytest.raises(InputTypeError, match="dataset: expected 'LAYOUT:ROOT' or a DataSet, found"):
        open_dataset(7)
