"""The pages of the site that list what the package has: its names, and its extras."""

import configparser
import inspect
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import sklearn_ecg

PROJECT = Path(__file__).parents[1]
MODULES = [name for name in dir(sklearn_ecg) if inspect.ismodule(getattr(sklearn_ecg, name))]


@pytest.mark.parametrize("module", ["", *MODULES])
def test_every_public_name_stands_in_the_api(module):
    place = getattr(sklearn_ecg, module) if module else sklearn_ecg
    listed = set(re.findall(r"[\w.]+", (PROJECT / "docs" / "api.md").read_text()))
    own = set(place.__all__) - {"__version__"}
    missing = {
        name
        for name in own
        if not {name, f"{module}.{name}", f"sklearn_ecg.{module}.{name}"} & listed
    }
    assert not missing, f"docs/api.md lacks names of sklearn_ecg.{module}"


def test_the_table_of_extras_is_that_of_setup_cfg():
    settings = configparser.ConfigParser()
    settings.read(PROJECT / "setup.cfg")
    for_developers = {"test", "dev", "docs", "benchmarks"}
    expected = {
        extra: {Requirement(line).name for line in packages.split("\n") if line}
        for extra, packages in settings["options.extras_require"].items()
        if extra not in for_developers
    }
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| (.*) \|$", (PROJECT / "docs" / "install.md").read_text(), re.M
    )
    assert {extra: set(packages.split(", ")) for extra, packages in rows} == expected


def test_names_in_prose_link_to_the_api(tmp_path):
    application = pytest.importorskip("sphinx.application", reason="needs sklearn_ecg[docs]")
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.append({str(PROJECT / 'docs' / '_extensions')!r})\n"
        "extensions = ['name_links']\ndefault_role = 'literal'\n"
    )
    (tmp_path / "index.rst").write_text("""
`AFPLabelCleaner`
=================

`AFPLabelCleaner(caution=4)` and `cleaner.questions()` are documented, `make_pipeline` is elsewhere,
`features` and `cleaner.nothing` are not. `the cleaner <#>`__

.. py:class:: sklearn_ecg.AFPLabelCleaner

   .. py:method:: questions

      See `questions`.
""")
    folders = (tmp_path, tmp_path, tmp_path / "html", tmp_path / "trees")
    application.Sphinx(*map(str, folders), "html", status=None, warning=None).build()
    html = (tmp_path / "html" / "index.html").read_text()
    links = re.findall(
        r'<a class="reference \w+" href="(\S+)" title="\S+"><code.*?>(.*?)</a>', html
    )
    found = {re.sub("<.*?>", "", text): href for href, text in links}
    assert found == {
        "AFPLabelCleaner(caution=4)": "#sklearn_ecg.AFPLabelCleaner",
        "cleaner.questions()": "#sklearn_ecg.AFPLabelCleaner.questions",
        "questions": "#sklearn_ecg.AFPLabelCleaner.questions",
        "make_pipeline": "https://scikit-learn.org/stable/modules/generated/"
        "sklearn.pipeline.make_pipeline.html",
    }
