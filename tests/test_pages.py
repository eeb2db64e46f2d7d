"""The pages of docs: their Python runs, their links lead somewhere, what they name exists.

A block that cannot run here (it needs a cluster, a download, a day) begins with
```` ```python not run: REASON ````, which readers and highlighters see as any other. A block
```` ```output ```` shows what the Python before it prints.
"""

import contextlib
import doctest
import importlib
import inspect
import io
import re
from configparser import RawConfigParser
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import compose, ensemble, model_selection, pipeline

import sklearn_ecg
from sklearn_ecg.command import main

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
# Pages of results tell of the code at their commit: their links are tried, not their names.
GUIDE = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md")),
    *PAGES,
    *sorted((DOCS / "how_to").glob("*.md")),
]
LINKING = [*GUIDE, PROJECT / "CHANGELOG.md", *sorted((DOCS / "results").glob("*.md"))]

_FENCE = re.compile(r"^( *)(`{3,})([^\n`]*)\n(.*?)^\1\2`*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


def ids(paths):
    return [str(path.relative_to(PROJECT)) for path in paths]


def blocks_of(text, n_lines_before=0):
    """Yield (info, code, lines before it) of each fenced block, also within directives."""
    for fence in _FENCE.finditer(text):
        n_lines = n_lines_before + text.count("\n", 0, fence.start(4))
        if fence[3].startswith("{"):
            yield from blocks_of(fence[4], n_lines)
        else:
            yield fence[3].strip(), fence[4], n_lines


def prose_of(text):
    """Return a page without its fenced blocks, but for what directives hold."""
    return _FENCE.sub(lambda fence: prose_of(fence[4]) if fence[3].startswith("{") else "\n", text)


# Python -------------------------------------------------------------------------------------------

_SAME = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def run(code, n_lines_before, page, names):
    """Run a block and return what it printed; one of a session (>>>) must print what it shows."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if code.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(
                code, names, page.name, str(page), n_lines_before
            )
            runner = doctest.DocTestRunner(optionflags=_SAME, verbose=False)
            runner.run(test, clear_globs=False)
            names.update(test.globs)
            assert not runner.failures, printed.getvalue()
        else:
            exec(compile("\n" * n_lines_before + code, str(page), "exec"), names)
    return printed.getvalue()


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch, few_trees):
    blocks = list(blocks_of(page.read_text()))
    if "python" not in (info for info, _, _ in blocks):
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names, printed = {"__name__": "page"}, ""
    for info, code, n_lines_before in blocks:
        if info == "python":
            printed = run(code, n_lines_before, page, names)
        elif info == "output":  # of the block before it
            same = doctest.OutputChecker().check_output(code, printed, _SAME)
            assert same, f"{page}, line {n_lines_before}: it prints\n{printed}"


@pytest.mark.parametrize("page", GUIDE, ids=ids(GUIDE))
def test_python_that_does_not_run_says_why(page):
    for info, _, n_lines_before in blocks_of(page.read_text()):
        if re.match(r"py", info) and info != "python":
            reason = re.fullmatch(r"python not run: \w.+", info)
            assert reason, f"line {n_lines_before}: ```{info}; write ```python not run: REASON"


# Links --------------------------------------------------------------------------------------------


def anchors_of(path):
    """Return the anchors that GitHub and MyST make of a page's headings."""
    anchors = []
    for _, title in re.findall(r"^(#{1,3}) +(.+)$", prose_of(path.read_text()), re.MULTILINE):
        shown = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", title)  # a link shows its text
        slug = re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")
        again = sum(
            re.fullmatch(rf"{re.escape(slug)}(-\d+)?", anchor) is not None for anchor in anchors
        )
        anchors.append(f"{slug}-{again}" if again else slug)
    return anchors + re.findall(r"^\(([\w-]+)\)=$", path.read_text(), re.MULTILINE)


def links_of(text):
    """Yield every target in a page: links, pictures, HTML, roles and cards."""
    prose = _CODE.sub(
        "code", re.sub(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", r"[](\1.md)", prose_of(text))
    )
    prose = re.sub(r"<!--.*?-->", "", prose, flags=re.DOTALL)
    yield from re.findall(r"\]\(<?([^)\s>]+)>?(?: +\"[^\"]*\")?\)", prose)
    yield from re.findall(r"^\[[^]]+\]: +(\S+)$", prose, re.MULTILINE)
    yield from re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    yield from (
        f"{name}.md"
        for name in re.findall(r"^:link: (?!http)([\w/.-]+?)(?:\.md)?$", text, re.MULTILINE)
    )


def target_of(link, page):
    """Return the file that a link means; of pages that Sphinx makes, what they are made of."""
    url = RawConfigParser()
    url.read(PROJECT / "setup.cfg")
    own = re.fullmatch(re.escape(url["metadata"]["url"]) + r"/(?:blob|tree|raw)/\w+/(.+)", link)
    path = PROJECT / own[1] if own else page.parent / link
    path = Path(path.resolve())
    made = {"auto_examples": PROJECT / "examples", "generated": PROJECT / "sklearn_ecg"}
    for folder, source in made.items():
        if DOCS / folder in path.parents:
            example = (source / path.relative_to(DOCS / folder)).with_suffix(".py")
            return example if folder == "auto_examples" and path.stem != "index" else source
    return path


@pytest.mark.parametrize("page", LINKING, ids=ids(LINKING))
def test_links_lead_somewhere(page):
    for link in links_of(page.read_text()):
        if re.match(r"[a-z]+:", link) and "sklearn-ecg/sklearn_ecg/" not in link:
            continue  # another site
        name, _, anchor = link.partition("#")
        target = target_of(name, page) if name else page
        assert target.exists(), f"{link}: there is no {target}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors_of(target), f"{link}: its headings are {anchors_of(target)}"


# Names --------------------------------------------------------------------------------------------

SUBPACKAGES = [getattr(sklearn_ecg, name) for name in sklearn_ecg._SUBPACKAGES]
OURS = {
    name: getattr(module, name)
    for module in [sklearn_ecg, *SUBPACKAGES]
    for name in getattr(module, "__all__", ())
    if not name.startswith("_") and name not in sklearn_ecg._SUBPACKAGES
}
# What pages call objects of ours, beside the names themselves.
OURS |= {
    "sklearn_ecg": sklearn_ecg,
    "card": OURS["Card"],
    "classifier": sklearn_ecg.LabelCorrelationECGClassifier,
    "cleaned": sklearn_ecg.CleanedRecords,
    "cleaner": sklearn_ecg.AFPLabelCleaner,
    "extractor": sklearn_ecg.ECGFeatureExtractor,
    "queue": OURS["ReviewQueue"],
    "records": sklearn_ecg.ECGRecords,
}
# Every word of the package, of what measures it, and of what it is installed with.
WORDS = {
    word
    for folder in ("sklearn_ecg", "benchmarks", "tools", "examples")
    for path in (PROJECT / folder).rglob("*")
    if path.suffix in (".py", ".csv", ".js", ".html")
    for word in re.findall(r"\w+", path.read_text(encoding="utf-8", errors="ignore"))
} | set(re.findall(r"\w+", (PROJECT / "setup.cfg").read_text()))
WORDS |= {word.lower() for word in WORDS}  # a step of a pipeline is called afplabelcleaner
# Names of other libraries and programs, and of what a reader has.
_MODULES = (compose, ensemble, joblib, model_selection, np, pd, pipeline)
ELSEWHERE = {name for module in _MODULES for name in dir(module)} | {
    "BalancedRandomForestClassifier",
    "CONTRIBUTING",
    "CleanLearning",
    "HF_HUB_OFFLINE",
    "KMP_DUPLICATE_LIB_OK",
    "KMP_INIT_AT_FORK",
    "MALLOC_TRIM_THRESHOLD",
    "MyBackbone",
    "RandomOverSampler",
    "SelectKBest",
    "TensorDataset",
    "every_10",
    "every_4",
    "huggingface_hub",
    "lead_v4",
    "max_restarts",
    "max_task_retries",
    "ray_remote_args",
    "send_telemetry",
    "threads_per_worker",
}
LIBRARIES = ("dask", "joblib", "nk", "np", "onnxruntime", "pd", "ray", "spark", "torch")
_FILE = re.compile(
    r"[\w*-]+\.(?:[a-z]{2,3}|html|parquet|safetensors|skops|sqlite|toml|xlsx)\b(?!\()"
)
# A name, or attributes of one; and whether it is an argument by itself.
_CHAIN = re.compile(r"(?<![\w.\"'/-])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(\s*[,)\]])?")
_LEAD = re.compile(r"^(?:I{1,3}|aV[RLF]|V[1-9])_(?=[A-Z])")


def has(thing, name):
    """Say whether a class, function or module has an attribute, parameter or fitted attribute."""
    if hasattr(thing, name):
        return True
    if not inspect.isclass(thing):
        return False
    documented = rf"^ *(?:\w+, )*{name}(?:, \w+)* :"
    return name in inspect.signature(thing).parameters or any(
        re.search(documented, base.__doc__ or "", re.MULTILINE) for base in thing.__mro__
    )


def codes_of(text):
    """Yield what stands in inline code."""
    for code in _CODE.finditer(prose_of(text)):
        yield code[2].strip()


@pytest.mark.parametrize("page", GUIDE, ids=ids(GUIDE))
def test_names_exist(page):
    text = page.read_text()
    in_blocks = set(re.findall(r"\w+", "".join(code for _, code, _ in blocks_of(text))))
    for code in codes_of(text):
        code = _FILE.sub("", code)
        if re.search(r"[<>/\\* ]", re.sub(r"\(.*\)|\[.*\]|=.*", "", code)):
            continue  # a path, a command or a sentence
        for found in _CHAIN.finditer(code):
            chain, is_argument = found[1], bool(found[2])
            first, *rest = chain.split(".")
            if first in LIBRARIES or chain.isupper() or (is_argument and first not in OURS):
                continue  # of others, of the environment, or what a reader passes
            thing = OURS.get(first)
            for name in rest if thing is not None else ():
                assert has(thing, name), f"`{code}`: {thing!r} has no {name!r}"
                thing = getattr(thing, name, None)
                if not (inspect.isclass(thing) or inspect.ismodule(thing)):
                    break
            for word in [first, *rest]:
                parts = _LEAD.sub("", word).strip("_").split("__")
                if len(parts) > 1 or "_" in parts[0] or re.search(r"[a-z][A-Z]", word):
                    known = word in WORDS | in_blocks or set(parts) <= WORDS | ELSEWHERE
                    assert known, f"`{code}`: the package knows no {word!r} (see ELSEWHERE)"


@pytest.mark.parametrize("page", GUIDE, ids=ids(GUIDE))
def test_commands_and_files_exist(page):
    text = page.read_text()
    shell = [code for info, code, _ in blocks_of(text) if info in ("bash", "text", "ini", "")]
    code = "\n".join([*codes_of(text), *shell])
    for module in re.findall(r"python -m (benchmarks[\w.]*)|(?<!\w)(benchmarks\.\w+)", code):
        assert importlib.util.find_spec("".join(module)), f"there is no {''.join(module)}"
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"^make ([a-z][\w-]*)", code, re.MULTILINE):
        assert target in targets, f"make {target}: the Makefile has {targets}"
    for path in re.findall(r"(?:benchmarks|docs|examples|tests|tools)/[\w/.-]+\.(?:md|py)", code):
        assert (PROJECT / path).exists(), f"there is no {path}"
    settings = RawConfigParser()
    settings.read(PROJECT / "setup.cfg")
    extras = settings["options.extras_require"]
    for names in re.findall(r"(?:sklearn_ecg|\.)\[([\w,]+)\]['\"]?", code):
        assert set(names.split(",")) <= set(extras), f"[{names}]: extras are {list(extras)}"


@pytest.mark.parametrize("page", GUIDE, ids=ids(GUIDE))
def test_subcommands_and_options_exist(page):
    text = page.read_text()
    shell = [code for info, code, _ in blocks_of(text) if not info.startswith("python")]
    for line in re.sub(r"\\\n", " ", "\n".join([*codes_of(text), *shell])).splitlines():
        # Options of its own may stand before the subcommand.
        called = re.search(r"(?:^|[/ $])sklearn-ecg((?: --?\w[\w-]*)*) ([a-z]+)(.*)", line)
        if called is None:
            continue
        own, name, rest = called.groups()
        names = main.list_commands(None)
        assert name in names, f"{line}: sklearn-ecg has {names}"
        subcommand = main.get_command(None, name)
        for command, words in ((main, own), (subcommand, rest.split("#")[0])):
            options = {option for param in command.params for option in param.opts} | {"--help"}
            options |= {option for param in command.params for option in param.secondary_opts}
            for option in re.findall(r"(?<= )(--?[a-z][\w-]*)", words):
                assert option in options, f"{line}: {name} has no {option}"
