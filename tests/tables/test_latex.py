"""LaTeX: tables that fit a column and a page, seen in the text and by compiling them."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mdmkit import bootstrap, compare
from mdmkit.comparison.result import Comparison
from mdmkit.core.number import Number
from mdmkit.tables.latex import to_latex
from mdmkit.tables.table import Block
from tests.tables.test_tables import named, table

METHODS = ("Mask2Anomaly", "DenseHybrid", "Max. Entropy", "MSP", "Mask_aly")
FEW = "ap,auroc,fpr95,mdm_f1@0.5,mdm_siou@0.25"
MANY = f"{FEW},best_f1,siou_gt,ppv,mean_f1,fpr@tpr=0.9,mdm_f1@0.2,mdm_iou@0.5,mdm_mean_f1@0.5"
DOCUMENT = r"""\documentclass[10pt,twocolumn]{article}
\usepackage[paperwidth=8.5in,textwidth=6.875in,textheight=8.875in,columnsep=0.375in]{geometry}
\usepackage{booktabs}
\begin{document}
\input{table}
Text.
\end{document}
"""


def five(metrics: str, intervals: bool = False, **options) -> Comparison:
    """Five methods with long names."""
    count = len(metrics.split(","))
    values = {
        m: [0.873 - 0.06 * i - 0.013 * j for j in range(count)] for i, m in enumerate(METHODS)
    }
    found = table(metrics, **options, **values)

    def with_interval(number: Number) -> Number:
        assert number.value is not None
        return replace(number, confidence=(number.value - 0.051, number.value + 0.042))

    if not intervals:
        return found
    results = [
        replace(r, numbers={k: with_interval(n) for k, n in r.numbers.items()})
        for r in found.results
    ]
    return replace(found, results=tuple(results))


def heads(text: str) -> list[list[str]]:
    """The first row of each tabular."""
    return [
        piece.splitlines()[1].removesuffix(r" \\").split(" & ")[1:]
        for piece in text.split(r"\toprule")[1:]
    ]


def test_heads_are_short():
    assert heads(five(FEW).to_text("latex")) == [
        ["AP", "AUROC", "FPR95", r"MDM$_{\mathrm{F1}}^{0.5}$", r"MDM$_{\mathrm{sIoU}}^{0.25}$"]
    ]


def test_the_caption_says_unit_frames_sizes_and_normaliser():
    text = five(FEW).to_text("latex")
    (caption,) = re.findall(r"\\caption\{(.*)\}\n\\label\{tab:mdmkit\}", text)
    for said in (
        r"Measures in \%",
        "8 frames, pooled",
        "no normaliser",
        "at least 50 predicted and 30 true pixels",
        "Maximal Detection Margin of metric~$m$",
    ):
        assert said in caption
    assert "rank" in five(FEW, normalize="rank").to_text("latex")
    assert "Components" not in named("a").to_text("latex").split(r"\label")[0]


def test_the_caption_has_the_caveats_that_apply():
    found = five("mdm_f1@0.2")
    assert "constant prediction" not in found.to_text("latex")
    first, *others = found.results
    number = replace(first.numbers["mdm_f1@0.2"], trivial=0.3)
    marked = replace(first, numbers={"mdm_f1@0.2": number})
    caption = replace(found, results=(marked, *others)).to_text("latex").split(r"\label")[0]
    assert r"$^{\circ}$: T does not exceed what a constant prediction scores" in caption


def test_a_column_shows_the_common_measures_and_says_what_it_leaves_out():
    text = five(MANY, intervals=True).to_text("latex")
    (shown,) = heads(text)
    assert shown[:3] == ["AP", "AUROC", "FPR95"]
    assert all("MDM" in head for head in shown[3:])
    left = [line for line in text.splitlines() if line.startswith("% ") and "Mask2Anomaly" in line]
    assert len(shown) + len(left) == len(MANY.split(","))
    assert "latex-wide has all columns" in text


def test_a_margin_stays_where_little_fits():
    found = table("ap,auroc,fpr95,mdm_f1@0.5,mdm_f1@0.2", **{"n" * 28: [0.5] * 5})
    (shown,) = heads(found.to_text("latex"))
    assert "AUROC" in shown or "AP" in shown
    assert shown[-1].startswith("MDM")


def test_a_measure_that_is_not_shown_has_no_lead_either():
    view = five(MANY, intervals=True).view()
    differences = tuple(
        replace(column, arrow="") for b in view.blocks if b.role == "joined" for column in b.columns
    )
    shown, *pieces = heads(
        to_latex(replace(view, blocks=(*view.blocks, Block("Difference", differences))))
    )
    assert [head for piece in pieces for head in piece] == shown


def test_a_page_shows_all_measures():
    text = five(MANY, intervals=True).to_text("latex-wide")
    assert sum(map(len, heads(text))) == len(MANY.split(","))
    assert "not shown" not in text
    assert r"\begin{table*}" in text


def test_bounds_of_intervals_stand_small_beside_their_value():
    text = five(FEW, intervals=True).to_text("latex")
    assert r"\textbf{87.3}$_{82.2}^{91.5}$" in text
    assert "resizebox" not in text


def test_pieces_are_even_and_of_one_size_of_type():
    text = five(f"{MANY},f1@z=0.5,recall@z=0.5", intervals=True).to_text("latex-wide")
    counts = [len(row) for row in heads(text)]
    assert counts == [8, 7]
    assert len(set(re.findall(r"tabcolsep\}\{(.*?)pt", text))) == 1


def overflow(folder: Path, table: str, typeface: str = "") -> list[str]:
    """Lines of the log that tell of what is too wide."""
    (folder / "table.tex").write_text(table)
    (folder / "paper.tex").write_text(DOCUMENT.replace("\n", typeface + "\n", 1))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    log = (folder / "paper.log").read_text(errors="replace")
    assert done.returncode == 0, log[-2000:]
    return [line for line in log.splitlines() if line.startswith("Overfull")]


compiled = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")


@compiled
@pytest.mark.slow
@pytest.mark.parametrize("form", ["latex", "latex-wide"])
@pytest.mark.parametrize("intervals", [False, True])
@pytest.mark.parametrize("metrics", [FEW, MANY])
def test_compiled_tables_overflow_nothing(tmp_path, form, intervals, metrics):
    assert not overflow(tmp_path, five(metrics, intervals).to_text(form))


@compiled
@pytest.mark.slow
@pytest.mark.parametrize("form", ["latex", "latex-wide"])
@pytest.mark.parametrize("package", ["times", "mathptmx", "helvet"])
def test_compiled_tables_fit_in_other_typefaces(tmp_path, form, package):
    typeface = rf"\usepackage{{{package}}}"
    if package == "helvet":
        typeface = r"\usepackage[scaled]{helvet}\renewcommand{\familydefault}{\sfdefault}"
    assert not overflow(tmp_path, five(MANY, intervals=True).to_text(form), typeface)


@compiled
@pytest.mark.slow
@pytest.mark.parametrize("form", ["latex", "latex-wide"])
def test_compiled_leads_and_published_rows_overflow_nothing(tmp_path, form):
    rng = np.random.default_rng(0)
    target = np.zeros((20, 30), int)
    target[4:12, 5:15] = 1
    frames = {
        name: [(0.4 * target + (0.5 + 0.02 * i) * rng.random(target.shape), target)] * 6
        for i, name in enumerate(METHODS)
    }
    metrics = "ap,auroc,fpr95,mdm_f1@0.2,mdm_f1@0.5"
    found = compare(frames, metrics=metrics, published="roadanomaly")
    intervals = bootstrap(frames, metrics=metrics, replicates=20)
    text = found.with_bootstrap(intervals).to_text(form)
    assert "Difference: " in text
    assert not overflow(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "label"), [("table 1_new", "table-1-new"), ("Größe}", "Gr-e"), ("", "mdmkit")]
)
def test_each_table_of_a_paper_has_a_label_of_its_own(name, label):
    assert rf"\label{{tab:{label}}}" in five(FEW).to_text("latex", label=name)
    assert r"\label{tab:mdmkit}" in five(FEW).to_text("latex")


def test_the_caption_explains_marks_that_are_shown_and_no_others():
    found = five(MANY, intervals=True)
    key = "mdm_iou@0.5"
    results = [
        replace(r, numbers={**r.numbers, key: replace(r.numbers[key], trivial=0.6)})
        for r in found.results
    ]
    found = replace(found, results=tuple(results))
    column, page = (found.to_text(form).split(r"\label")[0] for form in ("latex", "latex-wide"))
    assert r"\circ" in page
    assert r"\circ" not in column


def test_the_caption_says_whose_scores_have_no_margin():
    maps = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    methods = {"unit": maps, "logits": [(np.array([[-3.0, 1, 9]]), [[0, 0, 1]])]}
    caption = compare(methods, metrics=FEW).to_text("latex").split(r"\label")[0]
    assert "by nature (not those of logits), no normaliser" in caption
    assert "--: scores outside {[}0, 1] have no thresholds there" in caption
