"""Run every example as the notebook that sphinx-gallery makes of it: `make notebooks`.

Each notebook runs in IPython, in a process and an empty folder of its own, so that it must bring
all that it needs and leave nothing behind. Without arguments all examples run; paths choose some.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
MOST_SECONDS = 30


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("examples", nargs="*", type=Path, help="by default all")
    parser.add_argument("--here", action="store_true", help="run one example, in this process")
    arguments = parser.parse_args()
    if arguments.here:
        run_cells(arguments.examples[0])
        return
    examples = arguments.examples or sorted((PROJECT / "examples").rglob("plot_*.py"))
    failed = [path.name for path in examples if not run(path.resolve())]
    if failed:
        sys.exit(f"{len(failed)} of {len(examples)} notebooks failed: {', '.join(failed)}")
    print(f"{len(examples)} notebooks ran.")


def run(path):
    """Run a notebook in a process of its own; return whether it ended well."""
    before = cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--here", str(path)]
        # The notebook finds this package even where it is not installed.
        paths = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": paths, "MPLBACKEND": "agg"}
        environment["IPYTHONDIR"] = str(Path(folder) / "ipython")
        work = Path(folder) / "work"
        work.mkdir()
        done = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        left = sorted(file.name for file in work.iterdir())
    seconds = cpu_seconds() - before
    problems = [f"it leaves {', '.join(left)} behind"] if left else []
    if done.returncode:
        problems.append(f"it failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    if seconds > MOST_SECONDS:
        problems.append(f"it takes more than {MOST_SECONDS} s")
    print(f"{path.relative_to(PROJECT)}: {seconds:.1f} s of CPU", *problems, sep="; ", flush=True)
    return not problems


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_cells(path):
    """Run the code cells of an example's notebook in order, and stop at the first that fails."""
    from IPython.core.interactiveshell import InteractiveShell
    from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
    from sphinx_gallery.notebook import jupyter_notebook
    from sphinx_gallery.py_source_parser import split_code_and_text_blocks

    _, blocks = split_code_and_text_blocks(str(path))
    notebook = jupyter_notebook(blocks, DEFAULT_GALLERY_CONF, str(path.parent))
    shell = InteractiveShell.instance()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            shell.run_cell("".join(cell["source"]), store_history=True).raise_error()


if __name__ == "__main__":
    main()
