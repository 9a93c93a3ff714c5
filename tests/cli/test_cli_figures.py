"""Figures by the command line."""

from __future__ import annotations

import pytest

from tests.cli.commands import SMALL


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [
        (".pdf", b"%PDF"),
        pytest.param(".svg", b"<?xml", marks=pytest.mark.slow),
        pytest.param(".png", b"\x89PNG", marks=pytest.mark.slow),
    ],
)
def test_figures_are_the_same_bytes_each_time(plot, folders, suffix, magic):
    for name in ("one", "two"):
        assert plot("-o", f"out/{name}{suffix}", "--metric", "siou", *SMALL).code == 0
    one, two = (folders / "out" / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes().startswith(magic)


def test_a_figure_names_its_methods_and_margins(plot, folders):
    assert plot("-o", "out/a.svg").code == 0
    svg = (folders / "out" / "a.svg").read_text()
    assert svg.count("<!-- good -->") == 2  # legend and bar
    assert "<!-- T = 50 % -->" in svg
    assert "<!-- MDM " in svg


def draw_as(run, name):
    return run("plot", "margin", f"{name}=good", "--target", "masks", "--t-margin", "0.5",
               "-o", "out/a.svg")  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "a$b$c",
        "$\\q$",
        "<b>&",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("$", "\\", "{}", "\N{SNOWMAN}")),
    ],
)
def test_any_method_name_can_be_drawn(run, name):
    assert draw_as(run, name).code == 0


@pytest.mark.parametrize("name", ["good", "_hidden", "100%", "a_b^c", "a b"])
def test_the_legend_and_the_bar_show_the_name(run, folders, name):
    assert draw_as(run, name).code == 0
    assert (folders / "out" / "a.svg").read_text().count(f"<!-- {name} -->") == 2


def test_a_figure_of_skipped_frames_says_so(plot, folders):
    (folders / "weak" / "1.npy").unlink()
    ran = plot("-o", "out/a.pdf", "--missing", "skip")
    assert ran.err == "1 frames left out that not every method has\nwrote out/a.pdf\n"
    assert plot("-o", "out/b.pdf", "--missing", "skip", "--quiet").err == ""
