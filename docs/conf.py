"""The manual: `make docs` builds it, offline."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import mdmkit  # noqa: E402

project = "mdmkit"
author = "The mdmkit authors"
version = release = mdmkit.__version__
project_copyright = author

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "matplotlib.sphinxext.plot_directive",
    "mathml",
    "commands",
]
exclude_patterns = ["_ext", "images"]
root_doc = "index"
smartquotes = False  # options begin with two dashes
highlight_language = "text"
pygments_style = "tango"
pygments_dark_style = "github-dark"

html_theme = "furo"
html_title = f"mdmkit {release}"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#005a8c", "color-brand-content": "#005a8c"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f0", "color-brand-content": "#7cc4f0"},
}

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

# Signatures say what a caller may write, docstrings what it means.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "__init__, __new__, __weakref__"}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
default_role = "code"

plot_formats = [("png", 160)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = True
#: A figure first, and the code that draws it behind a line to unfold.
plot_template = """
{% for img in images %}
.. figure:: {{ build_dir }}/{{ img.basename }}.{{ default_fmt }}
   {% for option in options -%}
   {{ option }}
   {% endfor %}

   {{ caption }}
{% endfor %}

.. raw:: html

   <details class="code-of-figure"><summary>the code of this figure</summary>

{{ source_code }}

.. raw:: html

   </details>

"""
plot_rcparams = {"figure.constrained_layout.use": True, "savefig.facecolor": "white"}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "image_scrapers": ("matplotlib", "pictures.scrape"),
    "capture_repr": (),
    "download_all_examples": False,
    "copyfile_regex": "",
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "plot_gallery": True,
    "abort_on_example_error": True,
    "within_subsection_order": "pictures.Order",
}

#: Files outside the manual that its pages link to, as readers of the repository need them.
OUTSIDE = {
    "../maskomaly/tiny/checkpoint/MODEL_CARD.md": "model-card.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
}


def _included(match):
    """A file outside, with its links as a page of the manual has them."""
    text = (HERE / match[1]).read_text(encoding="utf-8")
    text = re.sub(r"\]\(examples/(\w+)\.py\)", r"](gallery/\1.rst)", text)
    return re.sub(r"\]\(docs/", "](", text)


def _adapt(app, document, source):
    source[0] = re.sub(r"```{include} (\S+)\n```\n", _included, source[0])
    for path, page in OUTSIDE.items():
        source[0] = source[0].replace(f"]({path}", f"]({page}")
    folder = (HERE / document).parent
    kept = [
        line
        for line in source[0].splitlines(keepends=True)
        if not re.fullmatch(r" *[a-z]+[*]\n", line) or any(folder.glob(f"{line.strip()}.*"))
    ]
    source[0] = "".join(kept)


def setup(app):
    """Links that work in the repository work in the manual; `name*` in a list may be no page."""
    app.connect("source-read", _adapt)
