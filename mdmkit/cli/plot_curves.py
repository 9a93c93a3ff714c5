"""`mdmkit plot curves`: how well methods rank pixels."""

from __future__ import annotations

from mdmkit.cli.figures import finish
from mdmkit.cli.groups import Counting, FigureFile, Labels, with_groups
from mdmkit.cli.options import Methods, parse_methods
from mdmkit.cli.panels import PanelFrames, evaluate_panels
from mdmkit.cli.result_options import Width


@with_groups
def plot_curves(
    methods: Methods,
    panels: PanelFrames,
    labels: Labels,
    counting: Counting,
    file: FigureFile,
    width: Width = "neurips",
) -> None:
    """Draw precision-recall and ROC curves with AP, AUROC and FPR95.

    Example: mdmkit plot curves mine=scores/mine msp=scores/msp --target masks -o curves.pdf
    """
    from mdmkit.plots import ranking_multiples

    folders = parse_methods(methods)
    file.check(width)
    pixels = evaluate_panels(
        panels.find(folders),
        lambda _: "ap,auroc,fpr95",
        lambda one: one.pixels(),
        judge=labels.choose,
        quiet=file.quiet,
        **counting.of(folders),
    )
    finish(ranking_multiples(pixels, width=width), file.output, file.quiet)
