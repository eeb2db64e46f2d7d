"""Each file of changes/ has a name and a text from which the changelog can be made."""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "changes"
SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["towncrier"]
TYPES = [kind["directory"] for kind in SETTINGS["type"]]
NOT_FRAGMENTS = {"README.md", Path(SETTINGS["template"]).name}
FRAGMENTS = [path for path in sorted(FOLDER.iterdir()) if path.name not in NOT_FRAGMENTS]


def test_a_fragment_is_named_after_its_change_and_type():
    name = rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(TYPES)})\.md"
    for path in FRAGMENTS:
        assert re.fullmatch(name, path.name), f"changes/{path.name}: see changes/README.md"
        text = path.read_text(encoding="utf-8").strip()
        assert re.fullmatch(r"[^#*\-\s].*\.", text, re.DOTALL), f"{path.name}: plain sentences"


def test_the_readme_of_changes_lists_all_types():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert re.search(r"one of ((?:`\w+`(?:, | and )?)+)", text)[1].count("`") == 2 * len(TYPES)
    assert all(f"`{kind}`" in text for kind in TYPES)


def test_the_changelog_has_the_place_for_the_next_section():
    text = (PROJECT / SETTINGS["filename"]).read_text(encoding="utf-8")
    assert text.count(SETTINGS["start_string"]) == 1
