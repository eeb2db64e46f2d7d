"""What the package stands on: every dependency has a bound, a pin and a licence, none the GPL."""

import configparser
import csv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = Path(__file__).parents[1]
# Of docutils, a mode for Emacs is under the GPL, which no wheel holds.
NOT_THE_GPL = {"docutils"}


def listed():
    with (PROJECT / "docs" / "dependencies.csv").open(newline="") as file:
        return {row["package"]: row["licence"] for row in csv.DictReader(file)}


def pins(name):
    lines = (PROJECT / name).read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(package): version for package, version in pairs}


def requirements():
    settings = configparser.RawConfigParser()
    settings.read(PROJECT / "setup.cfg")
    texts = [settings["options"]["install_requires"], *settings["options.extras_require"].values()]
    lines = [line for text in texts for line in text.split("\n")]
    return [Requirement(line) for line in lines if line and not line.startswith("%")]


def installed():
    """Return what is installed of our requirements and theirs, by name."""
    found, left = {}, [required.name for required in requirements()]
    while left:
        name = canonicalize_name(left.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for required in map(Requirement, found[name].requires or ()):
            if required.marker is None or required.marker.evaluate({"extra": ""}):
                left.append(required.name)
    return found


def test_every_requirement_has_a_lower_bound_that_is_tried_and_a_pin_within():
    newest, lowest = pins("constraints.txt"), pins("tools/lowest.txt")
    for required in requirements():
        name = canonicalize_name(required.name)
        assert newest[name] in required.specifier, f"{required} does not allow {newest[name]}"
        (bound,) = required.specifier
        assert bound.operator == ">=", f"{required} names no lower bound"
        if name in lowest and name != "torch":
            assert Version(lowest[name]) == Version(bound.version), f"{required} is not tried"


def test_every_package_is_pinned_and_listed_with_a_licence():
    assert pins("constraints.txt").keys() == listed().keys()
    assert installed().keys() <= listed().keys()
    assert all(listed().values())


def test_nothing_is_under_the_gpl():
    assert not [name for name, licence in listed().items() if "GPL" in licence]
    for name in installed().keys() - NOT_THE_GPL:
        metadata = distribution(name).metadata
        said = [
            metadata.get("License-Expression", ""),
            *metadata.get("License", "").splitlines()[:1],  # some give the whole text
            *metadata.get_all("Classifier", ()),
        ]
        assert not [text for text in said if "GPL" in text or "GNU" in text], (name, said)
