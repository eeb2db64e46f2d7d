"""What the package promises as a whole: light imports, the names of the contract, clean layers."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_ecg

PACKAGE = Path(sklearn_ecg.__file__).parent
# A folder imports only from those before it; utils lies under all.
LAYERS = (
    "utils",
    "records",
    "metrics",
    "model_selection",
    "mixture",
    "preprocessing",
    "features",
    "cleaning",
    "network",
    "shards",
    "plotting",
    "cards",
    "review",
    "datasets",
    "command",
)
# Heavy libraries, and the only folders that may import them.
HOMES = {
    "torch": {"network", "shards"},
    "skorch": {"network"},
    "wfdb": {"records", "datasets"},
    "neurokit2": {"features"},
    "matplotlib": {"plotting"},
    "pydicom": {"datasets"},
    "edfio": {"datasets"},
    "click": {"command"},
    "sqlalchemy": {"review"},
    "starlette": {"review"},
    "uvicorn": {"review"},
    "anywidget": {"review"},
}


def imports_of(path):
    """Yield (module, line, whether at the top level) for each import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names = [node.module]
        else:
            continue
        for name in names:
            yield name, node.lineno, id(node) in top


FILES = [path for layer in LAYERS for path in sorted((PACKAGE / layer).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_folders_before_its_own(path):
    layer = path.relative_to(PACKAGE).parts[0]
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    for module, line, top_level in imports_of(path):
        root, *rest = module.split(".")
        if root == "sklearn_ecg" and rest and rest[0] in LAYERS:
            assert rest[0] in allowed, f"line {line}: {layer} must not import {rest[0]}"
        if root in HOMES:
            assert layer in HOMES[root], f"line {line}: {root} does not belong in {layer}"
            if root in ("matplotlib", "neurokit2"):
                assert not top_level, f"line {line}: import {root} where it is used; it is slow"


@pytest.mark.parametrize(
    ("folder", "before_it"),
    [("modules", ("modules",)), (".", ("modules", "_")), ("explain", ("modules", "_", "explain"))],
)
def test_folders_of_the_network_import_in_their_order(folder, before_it):
    """Modules first, then what trains them, then what explains them."""
    for path in sorted((PACKAGE / "network" / folder).glob("_[!_]*.py")):
        for module, line, _ in imports_of(path):
            *_, part = module.partition("sklearn_ecg.network.")
            assert not part or part.startswith(before_it), f"{path.name}:{line}: {module}"


def test_folders_of_the_review_desk_import_in_their_order():
    """Readers know no queue, and the queue no desk."""
    rooms = ("readers", "queue", "paper", "desk")
    for room in rooms:
        for path in sorted((PACKAGE / "review" / room).glob("*.py")):
            for module, line, _ in imports_of(path):
                *_, part = module.partition("sklearn_ecg.review.")
                known = rooms[: rooms.index(room) + 1]
                assert not part or part.split(".")[0] in known, f"{path.name}:{line}: {module}"


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, sklearn_ecg; from sklearn_ecg import ECGRecords, TrustedKFold; "
        "heavy = ('torch', 'skorch', 'neurokit2', 'matplotlib', 'click', 'sqlalchemy'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "[]"


def test_all_warnings_point_at_the_users_line():
    own = PACKAGE / "utils" / "_warnings.py"
    bare = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path != own and "warn(" in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("warnings.warn", "warn")
    ]
    assert not bare, f"use sklearn_ecg.utils.warn_user instead of warnings.warn: {bare}"


@pytest.mark.parametrize("name", [n for n in sklearn_ecg.__all__ if n != "__version__"])
def test_every_public_name_is_there_and_documented(name):
    assert getattr(sklearn_ecg, name).__doc__


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "utils"])
def test_every_folder_exports_documented_names(layer):
    module = getattr(sklearn_ecg, layer)
    for name in module.__all__:
        assert hasattr(module, name)
        if callable(getattr(module, name)):
            assert getattr(module, name).__doc__


def test_a_star_import_leaves_a_users_variables_alone():
    names = {"records": "mine", "metrics": "mine"}
    exec("from sklearn_ecg import *", names)
    assert names["records"] == names["metrics"] == "mine"
    assert "ECGRecords" in names
    assert {"records", "metrics", "ECGRecords"} <= set(dir(sklearn_ecg))


def test_a_misspelt_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'ECGRecord'"):
        sklearn_ecg.ECGRecord  # noqa: B018


# What these return depends on an argument.
OF_SEVERAL_KINDS = {
    "challenge_fbeta_score",
    "challenge_gbeta_score",
    "corrupt_labels",
    "load_challenge",
    "make_ecg_records",
    "make_weak_labels",
}


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "utils"])
def test_public_functions_say_what_they_return(layer):
    module = getattr(sklearn_ecg, layer)
    functions = [getattr(module, name) for name in module.__all__]
    silent = {
        function.__name__
        for function in functions
        if inspect.isfunction(function) and "return" not in function.__annotations__
    }
    assert silent <= OF_SEVERAL_KINDS
