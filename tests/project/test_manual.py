"""The manual: every public name is in the reference, and has an example that the tests run."""

from __future__ import annotations

import inspect
import re
import shlex
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

MANUAL = Path(__file__).parents[2] / "docs"
#: Packages whose `__all__` is public.
FACES = ["mdmkit", "mdmkit.plots", "mdmkit.io", "mdmkit.datasets", "maskomaly"]
if find_spec("mdmkit.integrations"):
    folder = Path(import_module("mdmkit.integrations").__path__[0])
    FACES += [f"mdmkit.integrations.{path.stem}" for path in folder.glob("[a-z]*.py")]


def referenced():
    """Full names that pages of the reference show."""
    pages = "\n".join(page.read_text() for page in (MANUAL / "reference").glob("*.rst"))
    return re.findall(r"^\.\. auto(?:function|class|data|exception):: (\S+)$", pages, re.MULTILINE)


def resolved(name):
    """The object of a full name."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def installed(name):
    """Whether the libraries that a name needs are there."""
    try:
        resolved(name)
    except ModuleNotFoundError as error:
        if str(error.name).startswith(("mdmkit", "maskomaly")):
            raise
        return False
    return True


def public_names():
    for face in FACES:
        if not installed(f"{face}.__name__"):
            continue
        for name in getattr(import_module(face), "__all__", ()):
            if not name.startswith("__") and installed(f"{face}.{name}"):
                yield f"{face}.{name}"


PUBLIC = list(public_names())
SHOWN = [name for name in referenced() if installed(name)]
CALLS = [name for name in sorted({*PUBLIC, *SHOWN}) if callable(resolved(name))]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_in_the_reference(name):
    shown = {id(resolved(other)) for other in SHOWN}
    assert name in SHOWN or id(resolved(name)) in shown


@pytest.mark.parametrize("name", CALLS)
def test_a_public_call_has_a_docstring_with_an_example(name):
    text = inspect.getdoc(resolved(name)) or ""
    assert ">>> " in text.partition("Examples\n--------\n")[2]


@pytest.mark.parametrize("name", CALLS)
def test_a_docstring_explains_every_argument(name):
    found = resolved(name)
    if inspect.isclass(found) and issubclass(found, Exception):
        return  # it takes a message
    text = inspect.getdoc(found)
    for argument in inspect.signature(found).parameters.values():
        if argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            assert re.search(rf"^[\w, ]*\b{argument.name}\b", text, re.MULTILINE), argument.name


def test_names_are_shown_once():
    assert len(SHOWN) == len(set(SHOWN))


PAGES = [*MANUAL.glob("*.md"), MANUAL.parent / "README.md", MANUAL.parent / "CONTRIBUTING.md"]


def shown_commands():
    """Commands in the code blocks of all pages, as words."""
    for page in PAGES:
        blocks = re.findall(r"^```([^\n]*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        for block in (text for language, text in blocks if not language):
            for line in block.replace("\\\n", " ").splitlines():
                if re.match(r"(\.venv/bin/)?(mdmkit|maskomaly) ", line):
                    words = shlex.split(line.removeprefix(".venv/bin/"), comments=True)
                    yield pytest.param(words, id=f"{page.name}: {' '.join(words)}")


@pytest.mark.parametrize("words", list(shown_commands()))
def test_a_command_that_a_page_shows_is_understood(words):
    command, name = typer.main.get_command(import_module(f"{words[0]}.cli").app), words.pop(0)
    while getattr(command, "commands", None) and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands
        command = command.commands[name]
    if not hasattr(command, "commands"):
        command.make_context(name, words)  # raises on wrong usage


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
        known = target.startswith("gallery/") or (page.parent / target).exists()
        assert known, target
        if target.startswith("gallery/") and target != "gallery/index.rst":
            assert (MANUAL.parent / "examples" / Path(target).name).with_suffix(".py").is_file()


def test_the_house_has_the_rooms_that_are_drawn():
    text = (MANUAL.parent / "CONTRIBUTING.md").read_text()
    drawings = re.findall(r"^```\n( files.*?| images.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(drawings) == 2
    for package, drawing in zip(("mdmkit", "maskomaly"), drawings, strict=True):
        for room in re.findall(r"\b[a-z_]+(?:\.py|/)", drawing):
            assert (Path(import_module(package).__file__).parent / room).exists(), room


def contributed(word):
    """What the code block of CONTRIBUTING with that word in it defines."""
    text = (MANUAL.parent / "CONTRIBUTING.md").read_text()
    (block,) = (b for b in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S) if word in b)
    names = {}
    exec(compile(block, word, "exec"), names)
    return names


def test_the_layout_of_contributing_finds_its_frames(tmp_path):
    for name in ("rgb/a.png", "gt/a_gt.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert list(contributed("LAYOUT =")["LAYOUT"].open(tmp_path).frames) == ["a"]


def test_the_format_of_contributing_reads_what_it_writes(tmp_path):
    form = contributed("FORMAT =")["FORMAT"]
    form.write(tmp_path / "a.txt", [[0.25, 0.5]], None)
    assert form.read(tmp_path / "a.txt", None).tolist() == [[0.25, 0.5]]
