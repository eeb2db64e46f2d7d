"""Names in inline code become links to the API where they name one documented object.

That is a class, function or method by its name ("AFPLabelCleaner", "datasets.load_ludb(folder)",
"ECGRecords.select_leads"), a method of the class on whose page it stands, or one of a variable
with its usual name ("cleaner.questions()"). Names of scikit-learn lead to its site. What could
also be a parameter, as "features", stays plain.
"""

import importlib
import inspect
import pkgutil
import re
from collections import defaultdict

import sklearn
from docutils import nodes
from sklearn.base import BaseEstimator

# What variables of the pages hold.
VARIABLES = {
    "classifier": "LabelCorrelationECGClassifier",
    "cleaned": "CleanedRecords",
    "cleaner": "AFPLabelCleaner",
    "extractor": "ECGFeatureExtractor",
    "queue": "ReviewQueue",
    "records": "ECGRecords",
}
ELSEWHERE = {
    "numpy.ndarray": "https://numpy.org/doc/stable/reference/generated/numpy.ndarray.html",
    "pandas.DataFrame": "https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.html",
    "pandas.Series": "https://pandas.pydata.org/docs/reference/api/pandas.Series.html",
    "pathlib.Path": "https://docs.python.org/3/library/pathlib.html#pathlib.Path",
}
_CALL = re.compile(r"([A-Za-z_][\w.]*)(\(.*\))?", re.DOTALL)


def names_of_sklearn():
    """Return the address of every public name of scikit-learn, by its full name."""
    pages = "https://scikit-learn.org/stable/modules/generated/"
    public = [m.name for m in pkgutil.iter_modules(sklearn.__path__) if m.name in sklearn.__all__]
    modules = (importlib.import_module(f"sklearn.{name}") for name in public)
    names = [f"{m.__name__}.{n}" for m in modules for n in getattr(m, "__all__", ())]
    return {name: f"{pages}{name}.html" for name in names}


def by_ending(names):
    """Return what each ending of the dotted names stands for, where it is only one of them."""
    found = defaultdict(set)
    for name in names:
        parts = name.split(".")
        for i in range(len(parts)):
            found[".".join(parts[i:])].add(name)
    return {ending: min(full) for ending, full in found.items() if len(full) == 1}


def parameters_of(name):
    """Return the names of the parameters of a documented class, function or method."""
    module, *rest = name.split(".")
    what = importlib.import_module(module)
    try:
        for part in rest:
            what = getattr(what, part)
        return set(inspect.signature(what).parameters)
    except (AttributeError, TypeError, ValueError):  # an attribute of instances, or a constant
        return set()


class Names:
    """What a name stands for, on a page and within a class."""

    def __init__(self, env):
        objects = env.domains["py"].objects
        self.objects = {name: entry for name, entry in objects.items() if not entry.aliased}
        self.outside = names_of_sklearn() | ELSEWHERE
        self.inside = by_ending(self.objects)
        self.outside_endings = by_ending(self.outside)
        # What many things are called names none of them.
        self.common = set(dir(BaseEstimator)).union(*map(parameters_of, self.objects))

    def find(self, text, scope=""):
        """Return the full name that inline code stands for, or None."""
        match = _CALL.fullmatch(text)
        if match is None:
            return None
        name, call = match.groups()
        variable, _, rest = name.partition(".")
        if rest and variable in VARIABLES:
            return self.inside.get(f"{VARIABLES[variable]}.{rest}")
        if "." not in name and not call and name in self.common:
            return None
        if f"{scope}.{name}" in self.objects:
            return f"{scope}.{name}"
        found = self.inside.get(name)
        if found is not None and "." not in name and not call and "_" not in name:
            # A word such as "answer" is more often a word than the method of that name.
            is_word = self.objects[found].objtype in ("method", "property", "attribute")
            return None if is_word else found
        if found is None and ("." in name or "_" in name or name[0].isupper()):
            found = self.outside_endings.get(name)
        return found

    def link(self, builder, page, name, content):
        """Return the content as a link to what has this full name."""
        if name in self.outside:
            node = nodes.reference("", "", internal=False, refuri=self.outside[name])
        else:
            place = self.objects[name]
            address = builder.get_relative_uri(page, place.docname)
            node = nodes.reference("", "", internal=True, refuri=f"{address}#{place.node_id}")
        node["reftitle"] = name
        node += content
        return node


def link_names(app, document, page):
    """Link the names in the inline code of a page, but not those in headings and links."""
    names = names_in(app)
    for literal in list(document.findall(nodes.literal)):
        parents = list(parents_of(literal))
        if any(isinstance(p, (nodes.title, nodes.reference, nodes.rubric)) for p in parents):
            continue
        found = names.find(literal.astext(), scope_of(parents))
        # A class does not link to itself.
        if found is not None and f"generated/{found}" != page:
            literal.replace_self(names.link(app.builder, page, found, literal.deepcopy()))


def parents_of(node):
    """Yield the nodes that a node stands in, from the inside out."""
    while node.parent is not None:
        node = node.parent
        yield node


def scope_of(parents):
    """Return the full name of the class, or module, in whose description a node stands."""
    for parent in parents:
        if parent.tagname == "desc" and parent[0].get("ids"):
            name = parent[0]["ids"][0]
            return name if parent["objtype"] == "class" else name.rpartition(".")[0]
    return ""


def names_in(app):
    """Return the names of a build, which are collected once its pages are read."""
    if not hasattr(app, "_names"):
        app._names = Names(app.env)
    return app._names


def find_missing(app, env, node, content):
    """Link a name of a docstring ("See Also", types of parameters) which Sphinx does not find."""
    names = names_in(app)
    found = names.find(node["reftarget"]) if node.get("refdomain") == "py" else None
    return None if found is None else names.link(app.builder, node["refdoc"], found, content)


def setup(app):
    """Register what links names with Sphinx."""
    app.connect("doctree-resolved", link_names)
    app.connect("missing-reference", find_missing)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
