"""The core's tests on every supported Python: `nox` runs those that are installed."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The core without torch, from a built package."""
    session.install(".[tiff]", "pytest", "hypothesis", "pytest-xdist", "scikit-learn")
    session.run("python", "-m", "mdmkit", "warmup", "--quiet")
    session.run("python", "-m", "pytest", "-q", "-n", "auto", "tests", *session.posargs)
