"""The core's tests on every supported Python: `nox` runs those that are installed."""

import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The core without torch: the sdist's tests against the installed wheel."""
    constraints = f"--constraint={Path('constraints.txt').resolve()}"
    session.install(constraints, "build", "hypothesis", "pytest", "pytest-xdist", "scikit-learn")
    place = Path(session.create_tmp()).resolve()
    shutil.rmtree(place / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(place / "dist"), silent=True)
    (wheel,) = (place / "dist").glob("*.whl")
    (sdist,) = (place / "dist").glob("*.tar.gz")
    session.install(constraints, f"{wheel}[tiff]")
    shutil.unpack_archive(sdist, place / "dist")
    source = place / "dist" / sdist.name.removesuffix(".tar.gz")
    for package in ("mdmkit", "maskomaly"):  # else they would be what is imported
        shutil.rmtree(source / package)
    session.chdir(source)
    session.run("mdmkit", "warmup", "--quiet")
    session.run("python", "-m", "pytest", "-q", "-n", "auto", "tests", *session.posargs)
