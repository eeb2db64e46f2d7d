"""The formats that are read, in the order in which they are recognised."""

import functools
import importlib

# By how plainly the first bytes say it: what many files might begin with comes last.
_MODULES = (
    "_dicom",
    "_edf",
    "_ishne",
    "_scp",
    "_muse",
    "_cardiosoft",
    "_philips",
    "_aecg",
    "_wfdb",
    "_csv",
)

#: So many bytes are enough to recognise a file.
HEAD_BYTES = 4096


@functools.cache
def formats():
    """Return the module of each format by its name."""
    folder = __name__.rpartition(".")[0]
    modules = [importlib.import_module(f"{folder}.{name}") for name in _MODULES]
    return {module.NAME: module for module in modules}


def recognise(head):
    """Return the name of the format of which a file's first bytes are, or None."""
    return next((name for name, module in formats().items() if module.is_mine(head)), None)
