"""The pictures of the gallery: what an example writes beside itself moves into its page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx_gallery.scrapers import figure_rst

FIRST = ("mdm_in_five_lines", "equal_ap_unequal_margins", "metric_of_ones_own")


class Order:
    """The introduction first, then by name."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, filename: str) -> tuple[int, str]:
        """Sort key of a script."""
        stem = Path(filename).stem
        return (FIRST.index(stem) if stem in FIRST else len(FIRST)), stem


def scrape(block: Any, block_vars: Any, gallery_conf: Any) -> str:
    """Move new PNG files into the page."""
    folder = Path(block_vars["src_file"]).parent
    shown = []
    for path in sorted(folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns):
        place = next(block_vars["image_path_iterator"])
        shutil.move(path, place)
        shown.append(place)
    return figure_rst(shown, gallery_conf["src_dir"])
