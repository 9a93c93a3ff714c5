"""The house: no circles, few entries, files of a size one can hold in the head."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mdmkit

#: Where the packages are: the checkout, or an installation.
PLACE = Path(mdmkit.__file__).parents[1]
PACKAGES = ("mdmkit", "maskomaly")


def modules():
    return [path for package in PACKAGES for path in (PLACE / package).glob("**/*.py")]


def test_no_modules_import_in_a_circle():
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {
        module: graph.find_modules_directly_imported_by(module)
        for module in graph.modules
        if module not in PACKAGES  # their lazy faces know everything
    }
    assert "mdmkit.core.errors" in imports["mdmkit.core.frame"]
    TopologicalSorter(imports).prepare()  # raises CycleError


def test_no_room_imports_the_face():
    for path in modules():
        if path.parent.name not in PACKAGES:
            lines = path.read_text().splitlines()
            assert not any(line.lstrip().startswith("from mdmkit import") for line in lines), path


def test_the_package_has_few_entries():
    entries = [
        entry.name
        for entry in (PLACE / "mdmkit").iterdir()
        if entry.suffix == ".py" or (entry.is_dir() and (entry / "__init__.py").exists())
    ]
    assert len(entries) <= 16, entries
