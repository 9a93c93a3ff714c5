"""`maskomaly queries`: what the queries of a network see, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskomaly.cli import network as networks
from maskomaly.cli import options
from mdmkit.cli.options import (
    INPUT,
    NUMBERS,
    OUTPUT,
    AnomalyLabel,
    IgnoreIndex,
    NormalLabel,
    choose_judging,
)
from mdmkit.cli.result_options import Width
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, note


def draw_queries(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="An image file.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .png, .pdf or .svg.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ],
    model: options.Model,
    target: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Its ground-truth mask.", show_default=False, rich_help_panel=INPUT
        ),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            metavar="M", help="IoU of the mask m > M, as in mine.", rich_help_panel=NUMBERS
        ),
    ] = 0.9,
    most: Annotated[
        int, typer.Option(metavar="N", help="Queries to show.", rich_help_panel=NUMBERS)
    ] = 22,
    width: Width = "cvpr-wide",
    preset: options.Preset = None,
    config: options.Config = None,
    queries: options.Queries = None,
    force_queries: options.ForceQueries = False,
    input_size: options.InputSize = None,
    anomaly_label: AnomalyLabel = None,
    normal_label: NormalLabel = None,
    ignore_index: IgnoreIndex = None,
    device: options.Device = "auto",
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draw the masks of the queries: their class, p(void), IoU, and which are fixed.

    Example: maskomaly queries street.jpg -o page.png --model my-mask2former --target street-mask.png
    """  # noqa: E501  (the example is one line)
    from maskomaly.config import MaskomalyConfig
    from maskomaly.images import read_image
    from maskomaly.mining import target_of
    from maskomaly.outputs import MaskOutputs
    from maskomaly.pages import queries_page
    from maskomaly.queries import QueryMining
    from maskomaly.registry import own_config
    from mdmkit.core.files import check_output
    from mdmkit.plots import as_width, check_figure_name, save_figure

    check_output(output, overwrite)
    check_figure_name(output)
    as_width(width)
    QueryMining(threshold)  # refuses one that no mask exceeds
    pixels = read_image(image)
    codes = choose_judging(None, anomaly_label, normal_label, ignore_index, None, None).codes
    truth, valid = (None, None) if target is None else target_of(target, codes)
    network = networks.load_network(model, device, quiet, input_size)
    networks.need_masks(network)
    known = own_config(network.source, network.digest) or config or queries or preset
    fixed = (
        networks.config_of(network, preset, config, queries, force_queries, quiet)
        if known
        else MaskomalyConfig()
    )
    (outputs,) = network.predict([pixels])
    assert isinstance(outputs, MaskOutputs)
    page = queries_page(
        pixels,
        outputs,
        anomaly_queries=fixed.used_anomaly_queries,
        init_queries=fixed.used_init_queries,
        target=truth,
        valid=valid,
        threshold=threshold,
        most=most,
        width=width,
    )
    save_figure(page, output)
    note(f"wrote {output}", quiet)
