"""Every public name documents its parameters in order, their defaults, and what it returns."""

import ast
import dataclasses
import enum
import inspect
import re
import textwrap

import pytest

import sklearn_ecg

# A title such as "Parameters", a line "----------", and the text until the next title.
SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n(.*?)(?=^\w[\w ]*\n-{3,}\n|\Z)", re.M | re.S)
# A line "name : type", and the indented description below it.
ENTRY = re.compile(r"^(\S[^\n]*)((?:\n(?: [^\n]*)?)*)", re.M)


def sections(documented):
    """Return the sections of a docstring, as {title: text}."""
    return dict(SECTION.findall(inspect.getdoc(documented) or ""))


def entries(text):
    """Return the parameters of a section, as {name: (type, description)}."""
    found = {}
    for head, description in ENTRY.findall(text):
        names, _, kind = head.partition(" : ")
        for name in names.split(","):
            found[name.strip()] = kind, description.strip()
    return found


def parameters(function):
    """Return the parameters of a signature without self, named as in docstrings: ``*args``."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return {
        stars.get(parameter.kind, "") + name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in ("self", "cls")
    }


def stated_default(kind):
    """Return the text after "default=" in the type of a parameter, or None."""
    _, found, default = kind.partition("default=")
    return default if found else None


def is_same_default(stated, default):
    try:
        return ast.literal_eval(stated) == default
    except (ValueError, SyntaxError):  # the name of a class, a function or a constant
        return stated.split(".")[-1] in (getattr(default, "__name__", None), repr(default))


def returns_a_value(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    own, values = [*tree.body[0].body], []
    while own:
        node = own.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.value is not None:
            values.append(node.value)
        own.extend(ast.iter_child_nodes(node))
    return any(not (isinstance(v, ast.Constant) and v.value is None) for v in values)


def faults_of_parameters(documented, function, title="Parameters"):
    found = entries(sections(documented).get(title, ""))
    wanted = parameters(function)
    if list(found) != list(wanted):
        yield f"{title} documents {list(found)}, the signature has {list(wanted)}"
    for name in wanted.keys() & found.keys():
        kind, description = found[name]
        if not kind and not name.startswith("*"):
            yield f"{name} has no type"
        if not description:
            yield f"{name} has no description"
        default, stated = wanted[name].default, stated_default(kind)
        if default is inspect.Parameter.empty:
            if stated is not None:
                yield f"{name} has no default, but {stated} is stated"
        elif stated is None:
            yield f"{name} does not state its default, {default!r}"
        elif not is_same_default(stated, default):
            yield f"{name} states the default {stated}, the signature has {default!r}"


def faults_of_function(function):
    yield from faults_of_parameters(function, function)
    if returns_a_value(function) and not {"Returns", "Yields"} & sections(function).keys():
        yield "has no Returns section"


def faults_of_class(documented):
    if issubclass(documented, BaseException | enum.Enum):
        return
    by_attributes = dataclasses.is_dataclass(documented) and "Attributes" in sections(documented)
    if documented.__init__ is not object.__init__:
        title = "Attributes" if by_attributes else "Parameters"
        yield from faults_of_parameters(documented, documented.__init__, title)


def public_methods(documented):
    """Yield the public methods of a class, also inherited ones, that this package defines."""
    for name, member in inspect.getmembers_static(documented):
        if name.startswith("_"):
            continue
        member = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        member = getattr(member, "fn", member)  # wrapped by available_if
        if not inspect.isfunction(member) or not member.__module__.startswith("sklearn_ecg"):
            continue
        yield name, member


# Folders whose docstrings are not complete yet.
UNDONE = {"network", "shards", "review", "datasets", "command"}


def public_names():
    for folder in sorted(set(sklearn_ecg._SUBPACKAGES) - UNDONE):
        module = getattr(sklearn_ecg, folder)
        for name in module.__all__:
            if callable(public := getattr(module, name)):
                yield f"{folder}.{name}", public


@pytest.mark.parametrize(
    "public", [pytest.param(public, id=name) for name, public in public_names()]
)
def test_a_public_name_is_documented_in_full(public):
    faults = []
    if inspect.isclass(public):
        faults = list(faults_of_class(public))
        for name, method in public_methods(public):
            faults += [f"{name}: {fault}" for fault in faults_of_function(method)]
    elif inspect.isfunction(public):
        faults = list(faults_of_function(public))
    assert not faults, "\n".join(faults)
