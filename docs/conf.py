"""Configuration of the documentation, built by ``make docs``."""

import csv
import warnings
from pathlib import Path

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
exclude_patterns = ["_build", "generated/feature_catalogue.md"]
myst_heading_anchors = 3
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


def write_feature_catalogue():
    """Write the catalogue of features as a Markdown table, which the features' page includes."""
    here = Path(__file__).parent
    with (here.parent / "sklearn_ecg" / "features" / "catalogue.csv").open(newline="") as file:
        header, *rows = ([cell.replace("|", "\\|") for cell in row] for row in csv.reader(file))
    lines = [header, ["---"] * len(header), *([f"`{row[0]}`", *row[1:]] for row in rows)]
    generated = here / "generated"
    generated.mkdir(exist_ok=True)
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    (generated / "feature_catalogue.md").write_text(text + "\n")


write_feature_catalogue()
