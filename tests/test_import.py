"""What importing the package leaves alone: files, the network, processes and settings."""

import subprocess
import sys

AUDITED = """
import os, sys

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
ACTS = ("socket", "subprocess", "os.fork", "os.posix_spawn", "os.exec", "os.system", "os.mkdir",
        "os.chmod", "os.link", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.chdir",
        "shutil", "tempfile", "urllib")
acts = []

def watch(event, args):
    if event.startswith(ACTS) or (event == "open" and args[2] & WRITES):
        acts.append((event, *map(str, args)))

# What these do is theirs: scikit-learn sets variables, and SciPy before 1.14 wrote a file.
import numpy, pandas, pyarrow, scipy.signal, scipy.stats, sklearn, skorch, torch

sys.addaudithook(watch)

import importlib, locale, logging, pkgutil, random, signal, threading, warnings

def settings():
    return {
        "variables": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "warnings": list(warnings.filters),
        "random": random.getstate(),
        "numpy.random": str(numpy.random.get_state(legacy=False)),
        "numpy errors": numpy.geterr(),
        "numpy printing": str(numpy.get_printoptions()),
        "pandas": pandas.get_option("display.max_rows"),
        "scikit-learn": sklearn.get_config(),
        "torch.random": torch.get_rng_state().tolist(),
        "torch": (torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled(),
                  torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark),
        "threads": threading.enumerate(),
        "signals": [signal.getsignal(number) for number in sorted(signal.valid_signals())],
        "logging": (logging.root.level, list(logging.root.handlers)),
        "locale": locale.setlocale(locale.LC_ALL),
        "hooks": (sys.excepthook, sys.displayhook, list(sys.meta_path)),
    }

before = settings()
import sklearn_ecg

names = [module.name for module in pkgutil.walk_packages(sklearn_ecg.__path__, "sklearn_ecg.")]
for name in names:
    importlib.import_module(name)
assert len(names) > 100, names
after = settings()
assert not acts, acts
for name, value in before.items():
    assert after[name] == value, f"{name}: {value} became {after[name]}"
loaded = {"matplotlib", "neurokit2", "wfdb", "h5py", "zarr", "onnx", "pooch"} & set(sys.modules)
assert not loaded, loaded
"""


def test_importing_every_module_changes_nothing_and_warns_of_nothing():
    # -B: a .pyc that Python writes is not ours.
    found = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", AUDITED], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert not found.stdout + found.stderr
