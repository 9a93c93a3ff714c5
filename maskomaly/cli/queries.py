"""`maskomaly queries`: what the queries of a network see, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskomaly.cli.groups import Chosen, NetworkSource
from mdmkit.cli.groups import FigureFile, Labels, with_groups
from mdmkit.cli.options import INPUT, NUMBERS
from mdmkit.cli.result_options import Width
from mdmkit.cli.terminal import note

if TYPE_CHECKING:
    from maskomaly.config import MaskomalyConfig
    from maskomaly.networks import Network


@with_groups
def draw_queries(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="An image file.", show_default=False)
    ],
    file: FigureFile,
    source: NetworkSource,
    labels: Labels,
    base: Chosen,
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
) -> None:
    """Draw the masks of the queries: their class, p(void), IoU, and which are fixed.

    Example: maskomaly queries street.jpg -o page.png --model my-mask2former --target street-mask.png
    """  # noqa: E501  (the example is one line)
    from maskomaly.images import read_image
    from maskomaly.mining import target_of
    from maskomaly.outputs import MaskOutputs
    from maskomaly.pages import check_most, queries_page
    from maskomaly.queries import QueryMining
    from mdmkit.plots import save_figure

    file.check(width)
    QueryMining(threshold)  # refuses one that no mask exceeds
    check_most(most)
    pixels = read_image(image)
    codes = labels.choose(None).codes
    truth, valid = (None, None) if target is None else target_of(target, codes, pixels.shape[:2])
    network = source.load_masks(file.quiet)
    fixed = _fixed(network, base, file.quiet)
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
    save_figure(page, file.output)
    note(f"wrote {file.output}", file.quiet)


def _fixed(network: Network, base: Chosen, quiet: bool) -> MaskomalyConfig:
    """The config whose queries are marked; none are, where nobody says which."""
    from maskomaly.config import MaskomalyConfig
    from maskomaly.registry import own_config

    known = own_config(network.source, network.digest) or base.config or base.queries or base.preset
    return base.of(network, quiet) if known else MaskomalyConfig()
