"""`.. commands:: mdmkit.cli`: all commands of a command line, from what `--help` says."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer
from docutils import nodes
from docutils.parsers.rst import Directive


def commands_of(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name."""
    if hasattr(command, "commands"):
        for part in command.list_commands(None):
            yield from commands_of(command.commands[part], f"{name} {part}")
    else:
        yield name, command


def _prose(text: str) -> nodes.paragraph:
    """A paragraph in which `this` is code."""
    paragraph = nodes.paragraph()
    for place, part in enumerate(text.split("`")):
        paragraph += nodes.literal(text=part) if place % 2 else nodes.Text(part)
    return paragraph


def _paragraphs(text: str) -> Iterator[nodes.Node]:
    for part in text.split("\n\n"):
        prose, sign, example = part.partition("Example: ")
        if prose.strip():
            yield _prose(" ".join(prose.split()))
        if sign:
            yield nodes.literal_block(text=" ".join(example.split()), language="text")


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name)
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {parameter.metavar or ''}".strip()


def _parameters(command: Any) -> nodes.definition_list:
    entries = nodes.definition_list()
    for parameter in command.params:
        text = parameter.help or ""
        default = getattr(parameter, "show_default", None)
        if not isinstance(default, str):
            given = parameter.default
            plain = isinstance(given, (str, int, float)) and not isinstance(given, bool)
            default = str(given) if plain and default is not False else ""
        if default:
            text = f"{text} Default: {default}."
        term = nodes.term("", "", nodes.literal(text=_names(parameter)))
        entries += nodes.definition_list_item("", term, nodes.definition("", _prose(text)))
    return entries


class Commands(Directive):
    """A section a command: what it does, an example, its arguments and options."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        app = import_module(self.arguments[0]).app
        root = typer.main.get_command(app)
        sections: list[nodes.Node] = []
        for name, command in commands_of(root, str(root.name)):
            section = nodes.section(ids=[nodes.make_id(name)])
            section += nodes.title("", "", nodes.literal(text=name))
            section += list(_paragraphs(command.help or ""))
            section += _parameters(command)
            sections.append(section)
        return sections


def setup(app: Any) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
