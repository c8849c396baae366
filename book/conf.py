"""How Sphinx builds the site: stored outputs as they are, every warning an error; see tools/book.py."""

from importlib.metadata import version as version_of

project = "webhook-lab"
author = "webhook-lab contributors"
project_copyright = "webhook-lab contributors, MIT licence"
release = version = version_of("webhook-lab")
language = "en"
smartquotes = False  # commands are copied: --yes has two hyphens, and a shell knows straight quotes only

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 3
myst_dmath_double_inline = False

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
napoleon_numpy_docstring = False
add_module_names = False

html_theme = "furo"
html_title = "webhook-lab"
html_static_path = ["_static"]
html_css_files = ["lab.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072B2", "color-brand-content": "#005F94"},
    "dark_css_variables": {"color-brand-primary": "#6CB8E6", "color-brand-content": "#7CC4EE"},
}
html_copy_source = False
html_show_sourcelink = False
copybutton_exclude = ".linenos, .gp, .go"


def literal_underscores(_app, _context, lines):
    """In the help of an option a word such as whsec_ is no reference."""
    lines[:] = [line.replace("_…", "\\_…") for line in lines]


def setup(app):
    """Called by Sphinx."""
    app.connect("sphinx-click-process-options", literal_underscores)
