"""A site as a folder: written whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from mdmkit.core.errors import InputError, printable
from mdmkit.core.files import check_new_folder, read_json, read_text
from mdmkit.report.site.building import Site

#: Names all files of a site, so that another site may replace it and nothing else.
CONTENTS = "site.json"


def check_site(folder: Path, overwrite: bool = False) -> None:
    """Refuse a folder that is in use, before any work is done.

    Raises
    ------
    InputError
        If it holds something; with `overwrite`, if it holds anything but an earlier site.
    """
    if not (overwrite and folder.is_dir() and any(folder.iterdir())):
        check_new_folder(folder)
        return
    held = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
    strange = sorted(held - _written(folder))
    if strange:
        raise InputError(
            f"expected a folder with nothing but an earlier site, found "
            f"{printable(str(folder / strange[0]))}; choose another folder",
            argument="output",
        )


def _written(folder: Path) -> set[str]:
    contents = folder / CONTENTS
    if not contents.is_file():
        return set()
    found = read_json(contents)
    listed = found.get("files") if isinstance(found, dict) else None
    return {CONTENTS, *(name for name in listed or () if isinstance(name, str))}


def check_reports(paths: Iterable[Path]) -> None:
    """Refuse a file beside the results that is no page of `mdmkit report`."""
    for path in paths:
        try:
            head = read_text(path)[:2000]
        except (OSError, UnicodeDecodeError):
            head = ""
        if "Content-Security-Policy" not in head or "<!DOCTYPE html>" not in head:
            raise InputError(
                f"{printable(str(path))}: expected the page that `mdmkit report` writes, as it "
                "lies beside a file of results, found another one; move it away",
                argument="results",
            )


def write_site(site: Site, folder: str | Path, overwrite: bool = False) -> Path:
    """Write the pages of a site, and copies of its reports.

    Parameters
    ----------
    site : Site
    folder : path
        A new or empty folder; it is put in place when all pages are written.
    overwrite : bool
        Replace an earlier site.

    Returns
    -------
    Path
        The first page, index.html.

    Raises
    ------
    InputError
        If the folder is in use, or a report beside the results is none.
    """
    folder = Path(folder)
    check_site(folder, overwrite)
    check_reports(site.reports.values())
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".mdmkit-", dir=folder.parent))
    try:
        pages = site.pages()
        for name, text in pages.items():
            (made / name).write_text(text, encoding="utf-8", errors="backslashreplace")
        for name, report in site.reports.items():
            (made / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(report, made / name)
        contents = {"files": sorted([*pages, *site.reports])}
        (made / CONTENTS).write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")
        made.chmod(0o755)
        _put(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder / "index.html"


def _put(made: Path, folder: Path) -> None:
    """Put a folder in the place of another, which goes only when the new one stands."""
    if not folder.exists():
        made.replace(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=".mdmkit-", dir=folder.parent)) / "old"
    folder.replace(old)
    try:
        made.replace(folder)
    except OSError:
        old.replace(folder)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)
