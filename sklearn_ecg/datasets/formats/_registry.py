"""The formats that are read: every module of this folder with ``NAME`` and ``is_mine``."""

import functools
import importlib
import pkgutil

# Recognised last, in this order: their first bytes are text that other files may begin with.
_LAST = ("_wfdb", "_csv")

#: So many bytes are enough to recognise a file.
HEAD_BYTES = 4096


@functools.cache
def formats():
    """Return the module of each format by its name, in the order in which they are recognised."""
    package = importlib.import_module(__name__.rpartition(".")[0])
    found = {module.name for module in pkgutil.iter_modules(package.__path__)}
    names = [*sorted(found.difference(_LAST)), *_LAST]
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return {module.NAME: module for module in modules if hasattr(module, "is_mine")}


def recognise(head):
    """Return the name of the format that begins with these bytes, or None."""
    return next((name for name, module in formats().items() if module.is_mine(head)), None)
