"""The core's tests on every supported Python: `nox` runs the Pythons that are installed."""

import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["slim", "tests"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
TOOLS = ["hypothesis", "markdown-it-py", "pytest", "pytest-xdist", "scikit-learn"]
EXTRAS = ["cli", "tiff"]
CONSTRAINTS = f"--constraint={Path('constraints.txt').resolve()}"


def built(session: nox.Session) -> tuple[Path, Path]:
    """The wheel, and the folder of what the sdist holds beside the packages."""
    session.install(CONSTRAINTS, "build")
    place = Path(session.create_tmp()).resolve()
    shutil.rmtree(place / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(place / "dist"), silent=True)
    (wheel,) = (place / "dist").glob("*.whl")
    (sdist,) = (place / "dist").glob("*.tar.gz")
    shutil.unpack_archive(sdist, place / "dist")
    source = place / "dist" / sdist.name.removesuffix(".tar.gz")
    for package in ("mdmkit", "maskomaly"):  # else its modules would be what is imported
        for module in (source / package).rglob("*.py"):
            module.unlink()
    return wheel, source


def run_tests(session: nox.Session, source: Path, *more: str) -> None:
    """The selection of `make test`, of what needs no torch; other options by `nox -- -m ""`."""
    session.chdir(source)
    session.run("mdmkit", "warmup", "--quiet")
    options = ["-q", "-n", "auto", "-m", "not slow", "tests", *more, *session.posargs]
    session.run("python", "-m", "pytest", *options)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The core and the commands without torch: the sdist's tests against the installed wheel."""
    wheel, source = built(session)
    session.install(CONSTRAINTS, *TOOLS, f"{wheel}[{','.join(EXTRAS)}]")
    run_tests(session, source)


@nox.session(python=PYTHONS)
def slim(session: nox.Session) -> None:
    """The wheel with what it requires, numpy and numba, and nothing else."""
    wheel, source = built(session)
    session.install(CONSTRAINTS, str(wheel))
    session.run("python", str(source / "tests" / "core" / "slim.py"))


@nox.session(python="3.10")
def lowest(session: nox.Session) -> None:
    """The tests with the lowest versions that the metadata admits."""
    wheel, source = built(session)
    session.install("uv")
    extras = [f"--extra={extra}" for extra in EXTRAS]
    # of the project's file, as only what a file asks for itself is "direct"
    asked = ["--resolution=lowest-direct", "--requirement", str(source / "pyproject.toml")]
    session.run("uv", "pip", "install", *asked, *extras)
    session.install("--no-deps", str(wheel))
    session.install(*TOOLS)
    session.run("python", "-m", "pip", "list", "--format=freeze")
    run_tests(session, source, "-o", "filterwarnings=default")  # old libraries warn of new ones
