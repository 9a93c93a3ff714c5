"""What is released: contents of wheel and sdist, and the installed wheel from another folder."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import distribution, files
from pathlib import Path

import pytest

import mdmkit

pytest.importorskip("build", reason="build is not installed")
pytest.importorskip("twine", reason="twine is not installed")
pytest.importorskip("setuptools", "77", reason="setuptools 77 is not installed")

REPOSITORY = Path(__file__).parents[2]
#: Files of those who work on mdmkit, in no sdist.
WORKSHOP = (".ci/", ".git", ".pre-commit-config.yaml", ".readthedocs.yaml", "paper/", "recipe/")
KERNELS = Path("mdmkit", "statistics", "kernels")
#: Folders of a package, and what lies in them beside modules.
PLAIN_FILES = {
    "mdmkit": (
        "py.typed",
        "comparison/published/*.csv",
        "report/*.css",
        "report/*.jinja",
        "report/*.js",
        "report/site/*.css",
        "report/site/*.jinja",
    ),
    "maskomaly": ("py.typed", "registry/*.toml", "tiny/checkpoint/*"),
}


def tracked_files():
    """Paths of the repository's files, new ones included; a skip where there is no git."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return sorted(name for name in listed.split("\0") if name and (REPOSITORY / name).is_file())


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """A folder with the sdist, and the wheel that is built from it."""
    place = tmp_path_factory.mktemp("release")
    for name in tracked_files():  # a copy: what lies about in the repository is not released
        copy = place / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, copy)
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", place / "dist"],
        cwd=place / "source", capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    assert "would be ignored" not in built.stdout + built.stderr
    return place / "dist"


@pytest.fixture(scope="session")
def wheel(released):
    (path,) = released.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def site(wheel, tmp_path_factory):
    """A folder into which the wheel is installed, alone."""
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--disable-pip-version-check", "--target", target, wheel],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lend_kernels(target)
    return target


def lend_kernels(site):
    """Let the installed kernels take what those of the checkout compiled: the sources are equal."""
    kernels = REPOSITORY / KERNELS
    for source in kernels.glob("*.py"):
        found = source.stat()
        os.utime(site / KERNELS / source.name, (found.st_atime, found.st_mtime))
    cache = site / KERNELS / "__pycache__"
    cache.mkdir(exist_ok=True)
    for compiled in (kernels / "__pycache__").glob("*.nb?"):
        shutil.copy(compiled, cache)


@pytest.fixture
def elsewhere(site, tmp_path):
    """Run python with the installed wheel, in a folder that has nothing to do with it."""

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(site), "MYPYPATH": ""}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True,
        )  # fmt: skip

    return run


def done(ran):
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


# ------------------------------------------------------------------------------------ contents


@pytest.mark.slow
def test_wheel_holds_the_packages_with_their_plain_files_and_nothing_else(wheel):
    expected = {
        name for name in tracked_files() if re.fullmatch(r"(mdmkit|maskomaly)/.*\.py", name)
    }
    for package, patterns in PLAIN_FILES.items():
        for pattern in patterns:
            found = {
                path.relative_to(REPOSITORY).as_posix()
                for path in (REPOSITORY / package).glob(pattern)
            }
            assert found, f"{package}/{pattern}"
            expected |= found
    information = f"mdmkit-{mdmkit.__version__}.dist-info"
    expected |= {
        f"{information}/{name}"
        for name in ("licenses/LICENSE", "METADATA", "WHEEL", "RECORD", "entry_points.txt",
                     "top_level.txt")
    }  # fmt: skip
    assert sorted(zipfile.ZipFile(wheel).namelist()) == sorted(expected)


@pytest.mark.slow
def test_wheel_is_for_every_python_and_small_enough_to_be_published(wheel):
    assert wheel.name == f"mdmkit-{mdmkit.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < 10e6


@pytest.mark.slow
def test_sdist_holds_what_is_tracked_but_the_workshop(released):
    (path,) = released.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {member.name.partition("/")[2] for member in archive if member.isfile()}
    made = {name for name in held if name == "PKG-INFO" or ".egg-info/" in name}
    assert sorted(held - made) == [
        name for name in tracked_files() if not name.startswith(WORKSHOP)
    ]


@pytest.mark.slow
def test_package_index_takes_both(released):
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *released.iterdir()],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done(checked).count("PASSED") == 2


@pytest.mark.slow
def test_metadata_has_one_version_one_license_and_a_slim_core(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Version"] == mdmkit.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert {"maskomaly", "tiff"} <= set(metadata.get_all("Provides-Extra"))
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert {re.match(r"\w+", line)[0] for line in needed} == {"numba", "numpy", "tomli"}


def test_citation_and_changelog_speak_of_this_version():
    citation = (REPOSITORY / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", citation, re.M)[1] == mdmkit.__version__
    changes = (REPOSITORY / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[(\d.+?)\]", changes, re.M)[1] == mdmkit.__version__


# ----------------------------------------------------------------------------------- installed


@pytest.mark.slow
def test_what_runs_is_the_installed_wheel(elsewhere, site):
    code = "import maskomaly, mdmkit; print(mdmkit.__file__); print(maskomaly.__file__)"
    assert done(elsewhere("-c", code)).splitlines() == [
        str(site / package / "__init__.py") for package in ("mdmkit", "maskomaly")
    ]


@pytest.mark.slow
def test_demo_comparison_and_report_run_from_another_folder(elsewhere, tmp_path):
    assert "timid" in done(elsewhere("-m", "mdmkit", "demo", "--output", "drawn"))
    maps = [f"{path.name}={path}" for path in sorted((tmp_path / "drawn" / "scores").iterdir())]
    judged = [*maps, "--target", "drawn/masks"]
    table = done(elsewhere("-m", "mdmkit", "compare", *judged, "--format", "csv"))
    assert len(table.splitlines()) == len(maps) + 1
    done(elsewhere("-m", "mdmkit", "report", *judged, "--output", "report.html"))
    assert "<script>" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_printed_tables_come_with_the_wheel(elsewhere):
    assert "Maskomaly" in done(elsewhere("-m", "mdmkit", "published", "roadanomaly"))


@pytest.mark.slow
def test_the_core_runs_in_an_environment_of_numpy_and_numba(site, tmp_path):
    venv.create(tmp_path / "alone", with_pip=False)
    (found,) = tmp_path.glob("alone/lib/python*/site-packages")
    for library in ("numpy", "numba", "llvmlite"):
        tops = {file.parts[0] for file in files(library)} - {".."}
        for top in tops - {"__pycache__"}:
            (found / top).symlink_to(distribution(library).locate_file(top))
    (found / "mdmkit.pth").write_text(f"{site}\n")
    python = tmp_path / "alone" / "bin" / "python"
    user = REPOSITORY / "tests" / "core" / "slim.py"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run([python, user], env=environment, capture_output=True, text=True)
    assert done(ran) == "enough\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mdmkit", "maskomaly"])
def test_scripts_are_installed_and_say_their_versions(site, name):
    environment = os.environ | {"PYTHONPATH": str(site)}
    ran = subprocess.run(
        [site / "bin" / name, "--version"], env=environment, capture_output=True, text=True
    )
    assert done(ran).startswith(f"mdmkit {mdmkit.__version__}, python ")


# --------------------------------------------------------------------------------------- types

USER = """
from mdmkit import Comparison, Frame, compare, evaluate, mdm

m = mdm([[0.25, 0.75]], [[0, 1]], t_margin=0.5)
reveal_type(m.value)
frame = Frame([[0.25, 0.75]], [[0, 1]])
numbers = evaluate([frame])
table: Comparison = compare({"mine": "scores"}, "masks")
mdm([[0.25, 0.75]], [[0, 1]], t_margin="half")  # wrong
m.valeu  # wrong
"""


@pytest.mark.slow
def test_types_are_seen_by_a_users_checker(elsewhere, tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "user.py").write_text(USER)
    ran = elsewhere(
        "-m", "mypy", "--strict", "--no-incremental", "--follow-imports=silent", "user.py"
    )
    said = [line.removeprefix("user.py:") for line in ran.stdout.splitlines()]
    assert said[0].replace("builtins.", "") == '5: note: Revealed type is "float"'
    assert said[1].startswith('9: error: Argument "t_margin" to "mdm" has incompatible type "str"')
    assert said[2].startswith('10: error: "Margin" has no attribute "valeu"')
    assert len(said) == 4, ran.stdout  # the last counts them
