"""Help that teaches, completion, versions, and what is said where a library lacks."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from maskomaly import cli as maskomaly_cli
from maskomaly.cli import options
from mdmkit.cli import command_line as cli
from mdmkit.cli import completion
from mdmkit.cli.terminal import run

REPOSITORY = Path(__file__).parents[2]
APPS = {"mdmkit": cli.app, "maskomaly": maskomaly_cli.app}


def walk(command, name):
    yield name, command
    for part in getattr(command, "commands", {}).values():
        yield from walk(part, f"{name} {part.name}")


COMMANDS = dict(
    found for name, app in APPS.items() for found in walk(typer.main.get_command(app), name)
)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_of_it(name):
    help = COMMANDS[name].help
    example = " ".join(help.partition("Example: ")[2].partition("\n\n")[0].split())
    assert example.startswith(name)


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if not hasattr(c, "commands")])
def test_an_example_uses_options_that_exist_and_all_that_must_be_given(name):
    command = COMMANDS[name]
    words = shlex.split(command.help.partition("Example: ")[2].partition("\n\n")[0])
    words = words[len(name.split()) :]
    command.make_context(name, words, resilient_parsing=False)  # raises on wrong usage


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name):
    for parameter in COMMANDS[name].params:
        assert getattr(parameter, "help", "") or parameter.name == "help", parameter.name


def test_commands_stand_in_the_order_of_use():
    group = COMMANDS["mdmkit"]
    names = group.list_commands(None)
    assert set(names) == set(group.commands)
    assert names[:2] == ["demo", "datasets"]
    assert names.index("inspect") < names.index("compare") < names.index("plot")


def test_options_of_compare_stand_in_groups():
    panels = {
        p.name: getattr(p, "rich_help_panel", None) for p in COMMANDS["mdmkit compare"].params
    }
    alone = [name for name, panel in panels.items() if panel is None]
    assert alone == ["methods", "debug"]
    order = list(dict.fromkeys(panel for panel in panels.values() if panel))
    assert order == ["Input", "Numbers", "Uncertainty", "Scale", "Output"]


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if not hasattr(COMMANDS[name], "commands")]
)
def test_options_of_every_command_stand_in_groups(name):
    options = [p for p in COMMANDS[name].params if p.param_type_name == "option"]
    alone = [p.name for p in options if not getattr(p, "rich_help_panel", None)]
    assert set(alone) <= {"debug", "help"}


def completed(app, line):
    """What bash is offered after a line."""
    words = line.split(" ")
    code = f"from {app}.cli import app; app(prog_name='{app}')"
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        f"_{app.upper()}_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("app", "line", "offered"),
    [
        ("mdmkit", "mdmkit comp", ["compare"]),
        ("mdmkit", "mdmkit compare --metrics ap,fp", ["ap,fpr95"]),
        (
            "maskomaly",
            "maskomaly predict --score msp,m",
            ["msp,maskomaly", "msp,max-logit", "msp,mask-sum"],
        ),
        *(
            pytest.param("mdmkit", f"mdmkit compare {typed}", offered, marks=pytest.mark.slow)
            for typed, offered in (
                ("--dataset smiyc", ["smiyc-anomaly:", "smiyc-obstacle:"]),
                ("--format csv", ["csv", "csv-long"]),
            )
        ),
    ],
)
def test_a_shell_is_offered_what_may_follow(app, line, offered):
    assert completed(app, line) == offered


def test_normalisers_are_offered_for_all_methods_or_one():
    assert completion.normalizers("m") == ["minmax"]
    assert completion.normalizers("mine=") == [
        "mine=none", "mine=minmax", "mine=sigmoid", "mine=rank",
    ]  # fmt: skip


def test_what_was_given_is_not_offered_again():
    assert "f1,f1" not in completion.metrics("f1,")
    assert "f1,siou" in completion.metrics("f1,")


def test_score_names_are_those_that_there_are():
    scores = pytest.importorskip("maskomaly.scores", reason="torch is not installed")
    assert tuple(scores.SCORES) == options.SCORE_NAMES


@pytest.mark.parametrize("name", APPS)
def test_completion_can_be_installed(name):
    options = {option for p in COMMANDS[name].params for option in p.opts}
    assert {"--install-completion", "--show-completion", "--version"} <= options


def shown_versions(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--version"])
    with pytest.raises(SystemExit):
        run(APPS[name], name)
    return capsys.readouterr().out


def test_versions_that_matter_are_shown(monkeypatch, capsys):
    assert shown_versions("mdmkit", monkeypatch, capsys).startswith("mdmkit 0.")
    out = shown_versions("maskomaly", monkeypatch, capsys)
    assert all(f"{library} " in out for library in ("numpy", "numba", "torch", "transformers"))


def test_a_library_that_lacks_is_named_with_the_extra_that_brings_it(capsys):
    app = typer.Typer()

    @app.command()
    def command() -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch.nn")

    @app.command()
    def other() -> None:
        import_module("no_such_library")

    for name, said in (
        ("command", "failed: pip install '.[maskomaly]' brings what this command needs"),
        ("other", "failed: ModuleNotFoundError: No module named 'no_such_library'"),
    ):
        with pytest.raises(SystemExit) as ended:
            run(app, "maskomaly", [name])
        assert ended.value.code == 1
        assert f"maskomaly: {said}" in capsys.readouterr().err
