"""Configuration of the documentation, built by ``make docs``."""

import warnings

from sklearn_ecg import __version__

project = "sklearn_ecg"
copyright = "2026, the sklearn_ecg developers"
author = "the sklearn_ecg developers"
release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
autosummary_generate = True
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_toc_level": 2}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "ignore_pattern": "demo_",
    "plot_gallery": True,
}

warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
