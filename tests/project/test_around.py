"""What stands around the code: recipe, workflow, templates and paper agree with it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import mdmkit

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

REPOSITORY = Path(__file__).parents[2]
if not (REPOSITORY / ".github").is_dir():
    pytest.skip("not in a checkout: an sdist has no workshop", allow_module_level=True)

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEMPLATES = sorted((REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
#: Names that conda-forge has for a package without its heavy parts.
CONDA = {"matplotlib-base": "matplotlib"}


def load(name):
    return yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


def bounds(lines):
    """Package and lower bound of requirements, markers aside."""
    found = (re.match(r"([\w-]+)\s*>=\s*([\d.]+)", line) for line in lines)
    return {CONDA.get(match[1], match[1]): match[2] for match in found if match}


def test_the_recipe_requires_what_the_metadata_does():
    recipe = load("recipe/recipe.yaml")
    asked = bounds(PROJECT["dependencies"]) | bounds(PROJECT["optional-dependencies"]["cli"])
    assert bounds(recipe["requirements"]["run"]) == asked
    assert recipe["context"]["version"] == mdmkit.__version__
    assert f">={recipe['context']['python_min']}" == PROJECT["requires-python"]
    (script,) = recipe["build"]["python"]["entry_points"]
    assert script == f"mdmkit = {PROJECT['scripts']['mdmkit']}"
    assert recipe["about"]["license"] == PROJECT["license"]
    assert recipe["about"]["summary"] == PROJECT["description"]


def test_the_release_tests_every_python_that_is_declared():
    jobs = load(".github/workflows/release.yml")["jobs"]
    declared = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d", c)]
    assert jobs["test"]["strategy"]["matrix"]["python"] == declared
    assert set(jobs["publish"]["needs"]) == set(jobs) - {"publish"}
    sessions = (REPOSITORY / "noxfile.py").read_text(encoding="utf-8")
    for session in ("slim", "tests", "lowest"):
        assert f"def {session}(session" in sessions


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_ask_for_version_and_inspection(path):
    template = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert template == {"blank_issues_enabled": False}
        return
    labels = [field["attributes"].get("label", "") for field in template["body"]]
    assert any("mdmkit --version" in label for label in labels)
    assert any("mdmkit inspect" in label for label in labels)


def test_the_manual_is_built_elsewhere_as_here():
    config = load(".readthedocs.yaml")
    assert config["sphinx"] == {"configuration": "docs/conf.py", "fail_on_warning": True}
    assert (REPOSITORY / config["sphinx"]["configuration"]).is_file()


def test_the_paper_cites_what_its_bibliography_has():
    text = (REPOSITORY / "paper" / "paper.md").read_text(encoding="utf-8")
    entries = (REPOSITORY / "paper" / "paper.bib").read_text(encoding="utf-8")
    known = set(re.findall(r"^@\w+\{(\w+),", entries, re.M))
    assert set(re.findall(r"@(\w+)", text)) == known
    head = yaml.safe_load(text.split("---")[1])
    assert {"title", "tags", "authors", "affiliations", "date", "bibliography"} <= set(head)
    for section in ("Summary", "Statement of need", "Acknowledgements", "References"):
        assert f"\n# {section}\n" in text
    assert 250 < len(text.split("---", 2)[2].split()) < 1000  # as the journal asks


def test_no_address_is_invented():
    """Addresses of a repository or a manual of ours would not lead anywhere yet."""
    assert set(PROJECT["urls"]) == {"Paper"}
    for name in (
        "README.md",
        "SECURITY.md",
        "CODE_OF_CONDUCT.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
    ):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        for address in re.findall(r"https?://[^\s)>]+", text):
            assert "mdmkit" not in address, (name, address)
