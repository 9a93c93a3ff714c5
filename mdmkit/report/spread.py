"""Spread of values over images, which a mean over images leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmkit.core.distribution import Distribution
from mdmkit.tables.headings import titles
from mdmkit.tables.table import UNDEFINED, Block, Column, percent

if TYPE_CHECKING:
    from mdmkit.comparison.result import Comparison


def spread_block(comparison: Comparison) -> Block:
    """Median and quartiles over images, one column per measure."""
    columns = []
    for measure in comparison.measures:
        cells = tuple(_cell(result.numbers[measure.key].images) for result in comparison.results)
        columns.append(Column(*titles(measure), "", cells))
    return Block("Over images, %: median [quartiles]", tuple(columns))


def _cell(images: Distribution | None) -> str:
    if not images or not images.defined:
        return UNDEFINED
    return f"{percent(images.median)} [{percent(images.q25)}, {percent(images.q75)}]"
