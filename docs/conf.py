"""Configuration of the documentation, built by ``make docs``."""

import configparser
import csv
import inspect
import re
import sys
import warnings
from importlib import import_module
from pathlib import Path

from numpydoc.docscrape import NumpyDocString
from numpydoc.xref import DEFAULT_LINKS
from sphinx.pycode import ModuleAnalyzer
from sphinx_gallery.sorting import ExplicitOrder

import sklearn_ecg

HERE = Path(__file__).parent
sys.path.append(str(HERE / "_extensions"))

# The address of the repository stands in setup.cfg alone.
setup_cfg = configparser.ConfigParser()
setup_cfg.read(HERE.parent / "setup.cfg")
repository = setup_cfg["metadata"]["url"]

project = "sklearn_ecg"
copyright = "2026, the sklearn_ecg developers, BSD-3-Clause"
author = "the sklearn_ecg developers"
release = sklearn_ecg.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "name_links",
]
exclude_patterns = ["_build", "generated/feature_catalogue.md"]
templates_path = ["_templates"]
default_role = "literal"  # as in Markdown
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "dollarmath"]
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

galleries = [path.parent.name for path in (HERE.parent / "examples").glob("*/README.rst")]

html_theme = "pydata_sphinx_theme"
html_title = project
html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": project,
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo_dark.svg",
        "alt_text": "sklearn_ecg, home",
    },
    "icon_links": [{"name": "Repository", "url": repository, "icon": "fa-brands fa-github"}],
    "navbar_align": "left",
    "show_toc_level": 2,
    "secondary_sidebar_items": {
        "**": ["page-toc", "sg_download_links"],
        "index": [],
        # Sphinx-gallery would offer the last example's downloads beside the lists of examples.
        "auto_examples/index": [],
        **{f"auto_examples/{name}/index": [] for name in galleries},
    },
    "footer_start": ["copyright"],
    "footer_center": ["no_device"],
    "footer_end": ["sphinx-version"],
}
html_sidebars = {"index": [], "install": [], "search": [], "_modules/**": []}


def public_classes():
    """Return the public classes of the package by the names under which they are documented."""
    places = (sklearn_ecg, *(getattr(sklearn_ecg, n) for n in dir(sklearn_ecg)))
    found = {}
    for place in filter(inspect.ismodule, places):
        for name in place.__all__:
            if inspect.isclass(getattr(place, name)):
                found.setdefault(name, f"{place.__name__}.{name}")
    return found


CLASSES = public_classes()

# Types of parameters link to classes. What numpydoc adds leads to glossaries on other sites, whose
# addresses a build without a network cannot look up.
DEFAULT_LINKS.clear()
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    "ndarray": "numpy.ndarray",
    "DataFrame": "pandas.DataFrame",
    "Series": "pandas.Series",
    "Path": "pathlib.Path",
    **CLASSES,
}


def own_members(module, name):
    """Return (directive, name) of the public members of a class that our own classes define."""
    cls = getattr(import_module(module), name)
    # A property that the class's docstring tells of is not told of twice.
    told = NumpyDocString(inspect.getdoc(cls) or "")["Attributes"]
    told = {word.strip() for attribute in told for word in attribute.name.split(",")}
    members = []
    for member in sorted(dir(cls), key=lambda member: (member != "fit", member)):
        home = next((base for base in cls.__mro__ if member in vars(base)), object)
        if member.startswith("_") or not home.__module__.startswith("sklearn_ecg"):
            continue
        found = vars(home)[member]
        if isinstance(found, property) and member not in told:
            members.append(("autoproperty", member))
        elif inspect.isfunction(found) or isinstance(found, classmethod | staticmethod):
            members.append(("automethod", member))
    return members


def members_of_sklearn(module, name):
    """Return the names of the methods of a class that scikit-learn defines."""
    cls = getattr(import_module(module), name)
    members = []
    for member in dir(cls):
        home = next((base for base in cls.__mro__ if member in vars(base)), object)
        of_sklearn = home.__module__.split(".")[0] == "sklearn"
        is_request = type(vars(home).get(member)).__name__ == "RequestMethod"
        if not member.startswith("_") and (of_sklearn or is_request):
            members.append(member)
    return members


def source_of(app, module):
    """Return the source of a module, in which methods stand for those that inherit them too."""
    if not module.startswith("sklearn_ecg"):
        return None
    analyzer = ModuleAnalyzer.for_module(module)
    tags = dict(analyzer.find_tags())
    for name, place in CLASSES.items():
        for base in getattr(import_module(place.rpartition(".")[0]), name).__mro__[1:]:
            if base.__module__ == module:
                inherited = (tag for tag in analyzer.tags if tag.startswith(f"{base.__name__}."))
                for tag in inherited:
                    tags.setdefault(name + tag[len(base.__name__) :], tags[tag])
    return analyzer.code, tags


def read_from_the_root(app, page, source):
    """Take in a page from the repository's root, and let its links hold from here."""
    name = {"changes": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}.get(page)
    if name is None:
        return
    text = (HERE.parent / name).read_text().replace("](docs/", "](")
    source[0] = re.sub(
        r"\]\(([^)#:]+)",
        lambda link: (
            link[0] if (HERE / link[1]).exists() else f"]({repository}/blob/main/{link[1]}"
        ),
        text,
    )


def signature_of(app, what, name, thing, options, signature, returned):
    """Show the parameters of a class whose base takes any (traitlets)."""
    if what == "class" and (signature or "").startswith("(*args"):
        own = inspect.signature(thing.__init__)
        own = own.replace(parameters=list(own.parameters.values())[1:])
        return str(own), returned
    return None


def setup(app):
    """Connect what Sphinx's own extensions leave out."""
    app.connect("autodoc-process-signature", signature_of)
    app.connect("viewcode-find-source", source_of)
    app.connect("source-read", read_from_the_root)


autosummary_generate = True
suppress_warnings = ["config.cache"]  # functions for the templates are not cached
autosummary_context = {"own_members": own_members, "members_of_sklearn": members_of_sklearn}
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "ignore_pattern": "demo_",
    "plot_gallery": True,
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sklearn_ecg",),
    "reference_url": {"sklearn_ecg": None},
    "image_scrapers": ("matplotlib",),
    "ignore_repr_types": r"matplotlib|sklearn_ecg\.plotting",
    "first_notebook_cell": f"# Needs sklearn_ecg: see {repository}\n%matplotlib inline",
    "subsection_order": ExplicitOrder(
        [f"../examples/{name}" for name in ("cleaning", "hospital", "classifier", "ecg")] + ["*"]
    ),
    "within_subsection_order": "FileNameSortKey",
    "write_computation_times": False,
    "show_memory": False,
}

warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


def write_feature_catalogue():
    """Write the catalogue of features as a Markdown table, which the features' page includes."""
    with (HERE.parent / "sklearn_ecg" / "features" / "catalogue.csv").open(newline="") as file:
        rows = [[cell.replace("|", "\\|") for cell in row] for row in csv.reader(file)]
    place = rows[0].index("definition")
    for row in rows:  # the definition beside the name
        row.insert(1, row.pop(place))
    header, *rows = rows
    lines = [header, ["---"] * len(header), *([f"`{row[0]}`", *row[1:]] for row in rows)]
    generated = HERE / "generated"
    generated.mkdir(exist_ok=True)
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    (generated / "feature_catalogue.md").write_text(f":::{{div}} catalogue\n{text}\n:::\n")


write_feature_catalogue()
