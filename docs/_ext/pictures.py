"""The pictures of the gallery: what an example writes beside itself moves into its page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx_gallery.scrapers import figure_rst


def scrape(block: Any, block_vars: Any, gallery_conf: Any) -> str:
    """Move new PNG files into the page."""
    folder = Path(block_vars["src_file"]).parent
    shown = []
    for path in sorted(folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns):
        place = next(block_vars["image_path_iterator"])
        shutil.move(path, place)
        shown.append(place)
    return figure_rst(shown, gallery_conf["src_dir"])
