"""The demo on the network in the package: tables as in the README, scores as stored."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import MaskomalyConfig, ablation_configs, load_model, score  # noqa: E402
from maskomaly.demo import BESIDE, COMPARED, DRAWN, difference_table, run_demo  # noqa: E402
from maskomaly.registry import registered  # noqa: E402
from maskomaly.tiny.network import CHECKPOINT  # noqa: E402
from maskomaly.tiny.scenes import draw_scene  # noqa: E402
from mdmkit import InputError, evaluate  # noqa: E402
from mdmkit.io import read_mask, read_scores  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
#: The pages that show the demo's tables.
PAGES = {"comparison": "README.md", "ablation": "docs/reproduce.md"}
EXPECTED = Path(__file__).parent / "fixtures" / "scenes.json"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return run_demo(tmp_path_factory.mktemp("demo") / "out", replicates=20)


def table_rows(text, heading):
    """Cells of the Markdown table below a line, by the first cell."""
    lines = text[text.index(heading) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return rows
        name, *cells = (cell.strip().replace("*", "") for cell in line.strip("|").split("|"))
        rows[name.strip()] = cells
    return rows


@pytest.mark.slow
def test_the_demo_says_why_two_rows_of_its_ablation_are_equal(demo):
    rows = {row: dict(demo.ablation[row]) for row in ("ARB", "ARBI")}
    said = "ARBI is ARB in every number" in demo.ablation.to_text("table")
    assert said == (rows["ARB"] == rows["ARBI"])
    assert said == ("ARBI is ARB" in (demo.tables[1]).read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "heading"),
    [("comparison", "**Quality, %**"), ("comparison", "**Maximal Detection Margin, %**"),
     ("ablation", "**Quality, %**")],
)  # fmt: skip
def test_the_tables_of_the_pages_are_what_the_demo_gives(demo, table, heading):
    found = table_rows((demo.tables[0].parent / f"{table}.md").read_text(), heading)
    section = (REPOSITORY / PAGES[table]).read_text().split(f"<!-- demo: {table} -->")[1]
    shown = table_rows(section, heading)
    assert list(shown) == list(found)
    for name, cells in shown.items():
        for printed, computed in zip(cells, found[name], strict=True):
            if re.fullmatch(r"-?[\d.]+", printed):
                assert float(printed) == pytest.approx(float(computed), abs=0.11), (name, cells)
            else:
                assert printed == computed


@pytest.mark.slow
def test_every_score_is_compared_and_the_ablation_has_the_paper_s_rows(demo):
    assert [result.method for result in demo.comparison.results] == list(COMPARED)
    assert [result.method for result in demo.ablation.results] == list(
        ablation_configs(MaskomalyConfig())
    )


@pytest.mark.slow
def test_numbers_are_those_of_the_written_maps(demo):
    frames = [
        (read_scores(demo.folders["rba"] / f"{mask.stem}.hdf5"), read_mask(mask))
        for mask in sorted(demo.target.glob("*.png"))
    ]
    expected = evaluate(frames, "ap,fpr95")
    assert demo.comparison["rba"]["ap"] == expected["ap"]
    assert demo.comparison["rba"]["fpr95"] == expected["fpr95"]


@pytest.mark.slow
def test_maps_are_the_scores_of_the_network(demo):
    network = load_model(CHECKPOINT)
    config = registered(network.digest)
    (outputs,) = network.predict([draw_scene(3, "test").image])
    for name in DRAWN:
        found = read_scores(demo.folders[name] / "scene003.hdf5")
        assert np.abs(found - score(outputs, name, config).numpy()).max() < 1e-4


@pytest.mark.slow
def test_the_lead_is_stated_with_intervals(demo):
    rows = table_rows(demo.differences[demo.differences.index("**Difference") :], "| method |")
    assert list(rows) == list(COMPARED)
    value, low, high = map(float, re.findall(r"[-+]?[\d.]+", rows[BESIDE][0]))
    difference = demo.comparison["maskomaly"]["ap"] - demo.comparison[BESIDE]["ap"]
    assert value == pytest.approx(100 * difference, abs=0.2)
    assert low < high


@pytest.mark.slow
def test_figures_are_drawn(demo):
    assert [figure.name for figure in demo.figures] == [
        "margin.pdf", "margin.png", "thresholds.png", "queries.png",
    ]  # fmt: skip
    assert all(figure.stat().st_size > 10_000 for figure in demo.figures)


def test_the_network_gives_the_stored_scores_of_four_scenes():
    """Means over blocks of 16 x 32 pixels, stored when the network was."""
    expected = json.loads(EXPECTED.read_text())
    network = load_model(CHECKPOINT)
    config = registered(network.digest)
    for key, stored in expected.items():
        kind, seed = key.split()
        (outputs,) = network.predict([draw_scene(int(seed), kind).image])
        for name, blocks in stored.items():
            scores = score(outputs, name, config).numpy().reshape(8, 16, 8, 32)
            assert np.abs(scores.mean((1, 3)) - np.array(blocks)).max() < 1e-3, (key, name)
    assert len(expected) == 4


def test_the_queries_belong_to_the_weights():
    network = load_model(CHECKPOINT)
    config = registered(network.digest)
    assert config.checkpoint == network.digest
    assert config.anomaly_queries


@pytest.mark.slow
def test_a_folder_in_use_is_refused(demo):
    with pytest.raises(InputError, match="expected a new or empty folder"):
        run_demo(demo.tables[0].parent)
    with pytest.raises(InputError, match="scenes: expected at least 4"):
        run_demo(demo.tables[0].parent / "new", 3)


@pytest.mark.slow
def test_intervals_need_two_images(demo, tmp_path):
    with pytest.raises(InputError):
        difference_table(demo.folders, tmp_path, 10)
