"""The demo: maps are drawn, numbers are computed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mdmkit import InputError, compare
from mdmkit.cli.demo import METRICS, draw_frames, run_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return run_demo(tmp_path_factory.mktemp("demo") / "out")


def test_ap_is_close_while_margins_are_far_apart(demo):
    results = demo.comparison.results
    ap = [result["ap"] for result in results]
    margins = {result.method: result["mdm_f1@0.7"] for result in results}
    assert min(ap) > 0.95
    assert max(ap) - min(ap) < 0.04
    assert margins["steady"] > 2.5 * margins["timid"]
    assert demo.comparison["timid"]["ap"] > demo.comparison["steady"]["ap"]


def test_table_and_figures_are_where_it_says(demo):
    assert "| steady |" in demo.table.read_text()
    rows = json.loads((demo.table.parent / "comparison.json").read_text())["rows"]
    assert rows == json.loads(demo.comparison.to_text("json"))["rows"]
    assert all(figure.stat().st_size > 1000 for figure in demo.figures)


def test_perturbing_one_map_changes_the_table(demo):
    path = demo.drawn.methods["steady"] / "frame3.npy"
    original = path.read_bytes()
    try:
        np.save(path, np.load(path)[:, ::-1])
        changed = compare(demo.drawn.methods, demo.drawn.target, METRICS)
    finally:
        path.write_bytes(original)
    same = compare(demo.drawn.methods, demo.drawn.target, METRICS)
    assert changed["steady"]["ap"] < same["steady"]["ap"]
    assert changed["steady"]["mdm_f1@0.7"] < same["steady"]["mdm_f1@0.7"]
    assert changed["timid"].numbers == same["timid"].numbers


@pytest.mark.slow
def test_a_seed_always_draws_the_same(tmp_path):
    first, second, other = (
        draw_frames(tmp_path / name, seed) for name, seed in zip("abc", (1, 1, 2), strict=True)
    )
    maps = [np.load(d.methods["drifting"] / "frame5.npy") for d in (first, second, other)]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert (maps[0] != maps[2]).any()


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="expected a new or empty folder"):
        run_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
