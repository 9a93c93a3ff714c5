"""Groups of options, and errors that name the option."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from mdmkit.cli.groups import with_groups
from mdmkit.cli.terminal import run
from mdmkit.core.errors import InputError


@dataclass(frozen=True)
class Size:
    """Of a box."""

    height: Annotated[int, typer.Option(help="In pixels.")]
    names: Annotated[list[str], typer.Option("--name")] = field(default_factory=list)


@pytest.fixture
def app():
    app = typer.Typer()

    @app.command()
    @with_groups
    def box(*, title: str = "none", size: Size, depth: Annotated[int, typer.Option()] = 1) -> None:
        """Draw a box."""
        if size.height < 1:
            raise InputError("expected a number >= 1", argument="height")
        if depth < 1:
            raise InputError("depth: expected a number >= 1")
        if title == "":
            raise InputError("expected a title", argument="text")
        if "" in size.names:
            raise InputError("expected text", argument="names")
        typer.echo(f"{title} {size} {depth}")

    @app.command()
    def other(height: str = "") -> None:
        raise InputError("expected another", argument="height")

    return app


def test_a_command_takes_the_fields_of_a_group(app):
    ran = CliRunner().invoke(app, ["box", "--name", "a", "--name", "b", "--height", "3"])
    assert ran.output == "none Size(height=3, names=['a', 'b']) 1\n"
    assert CliRunner().invoke(app, ["box"]).exit_code == 2  # a field without a default is required
    first = CliRunner().invoke(app, ["box", "--height", "3"])
    assert "names=[]" in first.output


def test_the_help_of_a_group_is_that_of_its_fields(app):
    command = typer.main.get_command(app).commands["box"]
    assert [parameter.name for parameter in command.params] == ["title", "height", "names", "depth"]
    assert command.help == "Draw a box."
    assert command.params[1].help == "In pixels."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--height", "0"), "--height: expected a number >= 1"),
        (("--height", "1", "--name", ""), "--name: expected text"),
        (("--height", "1", "--depth", "0"), "depth: expected a number >= 1"),  # words, no field
        (("--height", "1", "--title", ""), "text: expected a title"),  # no option of that name
    ],
)
def test_an_error_names_the_option_of_the_command_that_ran(
    app, arguments, said, monkeypatch, capsys
):
    monkeypatch.setattr("sys.argv", ["draw", "box", *arguments])
    with pytest.raises(SystemExit) as ended:
        run(app, "draw")
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"draw: error: {said}\n"


def test_in_python_an_error_names_the_argument():
    error = InputError("expected a number >= 1", argument="min_target")
    assert (str(error), error.argument) == ("min_target: expected a number >= 1", "min_target")
    assert InputError("a.png: expected a mask").argument is None
