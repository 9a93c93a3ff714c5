"""Optional libraries: what lacks is named, with the extra that brings it."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import maskomaly
from mdmkit import InputError
from mdmkit.cli import terminal
from mdmkit.core import extras

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).parents[2]
#: Extras of those who work on mdmkit; nothing in the package imports what they bring.
WORKSHOP = {"dev", "docs", "lint", "test"}
IMPORTED_AS = {"pillow": "PIL", "scikit-learn": "sklearn"}


def shell(code):
    """Code in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )


def lack(monkeypatch, *libraries):
    """Make imports of libraries fail, as where they are not installed."""
    for library in libraries:
        monkeypatch.setitem(sys.modules, library, None)


def test_every_optional_library_is_named_with_its_extra():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    brought = {}
    for extra, requirements in project["optional-dependencies"].items():
        for requirement in requirements:
            name = re.match(r"[\w.-]+", requirement)[0]
            if extra not in WORKSHOP and name not in ("mdmkit", "tomli"):
                brought.setdefault(IMPORTED_AS.get(name, name), set()).add(extra)
    assert set(extras.EXTRAS) == set(brought)
    assert all(extra in brought[library] for library, extra in extras.EXTRAS.items())


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import maskomaly
for name in ("maskomaly", "load_model", "score", "Network"):
    try:
        getattr(maskomaly, name)
    except ModuleNotFoundError as error:
        assert isinstance(error, ValueError) and error.name == "torch"
        print(error)
"""


def test_names_of_maskomaly_say_that_they_need_torch():
    ran = shell(WITHOUT_TORCH)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        f"maskomaly.{name}: expected the library torch, found none; "
        "install it, in the folder of mdmkit's source, with: pip install '.[maskomaly]'"
        for name in ("maskomaly", "load_model", "score", "Network")
    ]


def test_mixtures_say_that_they_need_scikit_learn(monkeypatch):
    lack(monkeypatch, "sklearn", "sklearn.mixture")
    with pytest.raises(extras.MissingLibraryError, match=r"sklearn, .*'\.\[maskomaly\]'"):
        maskomaly.fit_mixtures([[0.0]], [0])


def test_networks_say_that_they_need_transformers(monkeypatch, tmp_path):
    pytest.importorskip("torch", reason="torch is not installed")
    checkpoints = import_module("maskomaly.checkpoints")
    lack(monkeypatch, "transformers")
    with pytest.raises(extras.MissingLibraryError, match=r"transformers, .*'\.\[maskomaly\]'"):
        checkpoints.read_checkpoint(str(tmp_path))


def test_libraries_of_no_extra_keep_their_own_error():
    with pytest.raises(ModuleNotFoundError, match="no_such_library") as raised:  # noqa: SIM117
        with extras.needed_by("a"):
            import_module("no_such_library")
    assert not isinstance(raised.value, InputError)


def test_the_error_survives_another_process():
    error = extras.MissingLibraryError("a: expected b, found none")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def run_without(libraries, *arguments):
    """`maskomaly ARGUMENTS` in a process where libraries are not installed."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({libraries!r}))
from maskomaly.cli import main
sys.argv = ["maskomaly", *{arguments!r}]
main()
"""
    return shell(code)


def test_commands_of_maskomaly_say_what_to_install(tmp_path):
    ran = run_without(["torch"], "demo", "--output", str(tmp_path / "demo"))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "pip install '.[maskomaly]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_commands_without_their_libraries_say_what_to_install():
    without = [name for name, extra in extras.EXTRAS.items() if extra == "cli"]
    ran = shell(
        f"import sys; sys.modules.update(dict.fromkeys({without}));"
        "from mdmkit.cli import main; main()"
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "mdmkit: expected the library typer, found none; install it, in the folder of mdmkit's "
        "source, with: pip install '.[cli]'\n"
    )


def test_figures_say_that_they_need_matplotlib():
    ran = shell("""
import sys
sys.modules["matplotlib"] = None
from mdmkit import InputError, threshold_curve
curve = threshold_curve([[0.25, 0.75]], [[0, 1]])
try:
    curve.plot()
except InputError as error:
    print(error)
""")
    assert ran.stdout.startswith("mdmkit.plots: expected the library matplotlib, found none"), ran


def test_help_needs_no_library_but_those_of_commands():
    ran = run_without([n for n, extra in extras.EXTRAS.items() if extra != "cli"], "--help")
    assert ran.returncode == 0, ran.stderr
    assert "Usage: maskomaly" in ran.stdout


def test_versions_say_what_is_not_installed():
    assert extras.installed_version("numpy")[0].isdigit()
    assert extras.installed_version("no-such-library") == "not installed"


VERSIONS = """
import sys
from maskomaly.cli import main
sys.argv = ["maskomaly", "--version"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
assert not {"torch", "transformers", "numba"} & set(sys.modules)
"""


def test_versions_are_shown_without_importing_what_is_large():
    ran = shell(VERSIONS)
    assert ran.returncode == 0, ran.stderr
    for name in ("mdmkit", "python", "numpy", "numba", "torch", "transformers"):
        assert f"{name} " in ran.stdout


def test_a_command_that_lacks_another_library_fails_with_its_name(capsys):
    def app(_words):
        import_module("no_such_library")

    with pytest.raises(SystemExit) as ended:
        terminal.run(app, "mdmkit")
    assert ended.value.code == 1
    assert "ModuleNotFoundError: No module named 'no_such_library'" in capsys.readouterr().err
