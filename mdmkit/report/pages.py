"""Pages of HTML that work offline: templates with their style and script inside."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from mdmkit.core.extras import needed_by

if TYPE_CHECKING:
    from importlib.abc import Traversable


def inline_hash(text: str) -> str:
    """Digest by which a content security policy admits an inline element."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def render_page(
    what: str, folder: Traversable, template: str, style: str, script: str, **fields: object
) -> str:
    """The text of a page: a template of a folder, filled in; `what` needs it."""
    with needed_by(what):
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
    )
    return environment.get_template(template).render(
        style=style,
        script=script,
        style_hash=inline_hash(style),
        script_hash=inline_hash(script),
        **fields,
    )
