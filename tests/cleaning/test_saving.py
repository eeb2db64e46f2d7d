"""Cleaners and other estimators as files that run nothing."""

import json
import os
import runpy
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor, OnCleanedLabels
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.datasets import make_ecg_records

pytest.importorskip("skops", reason="skops is an extra")
RHYTHM = ECGFeatureExtractor(groups=("rhythm",))
GOLDEN = Path(__file__).parents[1] / "golden"
write_golden = runpy.run_path(GOLDEN / "write_golden.py")


@pytest.fixture(scope="module")
def given():
    return write_golden["golden_table"]()


@pytest.fixture
def saved(given, tmp_path):
    X, weak, trusted = given
    DensityLabelCleaner().fit(X, weak, trusted=trusted).save(tmp_path / "cleaner")
    return tmp_path / "cleaner"


def assert_same(loaded, cleaner, X, weak):
    found, expected = (c.clean(X, weak) for c in (loaded, cleaner))
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.confidence, expected.confidence)
    pd.testing.assert_frame_equal(loaded.report(), cleaner.report())
    pd.testing.assert_frame_equal(loaded.undecided_, cleaner.undecided_)
    assert loaded.get_params().keys() == cleaner.get_params().keys()


@pytest.mark.parametrize(
    "cleaner",
    [
        AFPLabelCleaner(random_state=np.random.RandomState(0)),
        AFPLabelCleaner(method="paper", random_state=0),
        DensityLabelCleaner(),
    ],
)
def test_a_loaded_cleaner_cleans_alike(given, tmp_path, cleaner):
    X, weak, trusted = given
    cleaner.fit(X, weak, trusted=trusted, groups=np.arange(len(X)) // 2)
    cleaner.save(tmp_path / "cleaner")
    loaded = type(cleaner).load(tmp_path / "cleaner")
    assert_same(loaded, cleaner, X + 0.01, weak)
    changed = cleaner.changes().head(2)
    pd.testing.assert_frame_equal(loaded.reasons(changed), cleaner.reasons(changed))


def test_a_second_fit_forgets_what_kind_of_input_the_first_had(given, tmp_path):
    X, weak, trusted = given
    records = make_ecg_records(12, leads=("I", "II"), sampling_rate=100, random_state=0)
    cleaner = DensityLabelCleaner(features=RHYTHM).fit(records, trusted=True)
    cleaner.fit(X, weak, trusted=trusted)
    with pytest.raises(ValueError, match="fitted to a table of features; pass a table"):
        cleaner.clean(records)
    cleaner.save(tmp_path / "cleaner")
    assert_same(DensityLabelCleaner.load(tmp_path / "cleaner"), cleaner, X, weak)


def test_compiled_parts_of_classifiers_are_named_and_may_be_trusted(given, tmp_path):
    X, weak, trusted = given
    cleaner = CrossValidationLabelCleaner(cv=2, random_state=0).fit(X, weak, trusted=trusted)
    cleaner.save(tmp_path / "cleaner")
    with pytest.raises(ValueError, match=r"holds .*sklearn\.tree\._tree\.Tree.*not trusted"):
        CrossValidationLabelCleaner.load(tmp_path / "cleaner")
    compiled = [
        "sklearn.tree._tree.Tree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
    ]
    loaded = CrossValidationLabelCleaner.load(tmp_path / "cleaner", trusted=compiled)
    assert_same(loaded, cleaner, X + 0.01, weak)


def test_classifiers_on_cleaned_labels_and_extractors_are_saved_too(given, tmp_path):
    X, weak, _ = given
    wrapped = OnCleanedLabels(LogisticRegression()).fit(X, weak)
    wrapped.save(tmp_path / "wrapped")
    loaded = OnCleanedLabels.load(tmp_path / "wrapped")
    np.testing.assert_array_equal(loaded.predict_proba(X), wrapped.predict_proba(X))
    records = make_ecg_records(2, random_state=0)
    extractor = ECGFeatureExtractor(groups=("rhythm",)).fit(records)
    extractor.save(tmp_path / "extractor")
    loaded = ECGFeatureExtractor.load(tmp_path / "extractor")
    np.testing.assert_array_equal(loaded.transform(records), extractor.transform(records))
    with pytest.raises(ValueError, match="holds a ECGFeatureExtractor, not a OnCleanedLabels"):
        OnCleanedLabels.load(tmp_path / "extractor")


class Mine(FunctionTransformer):
    """A class that nobody knows."""


def packed_again(path, change, *options):
    """Change what a file holds, and give it a checksum that fits."""
    line, packed = path.read_bytes().split(b"\n", 1)
    old, changed = ZipFile(BytesIO(packed)), BytesIO()
    with ZipFile(changed, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content, *options) if name == "schema.json" else content)
    head = json.loads(line) | {"sha256": sha256(changed.getvalue()).hexdigest()}
    path.write_bytes(json.dumps(head).encode() + b"\n" + changed.getvalue())


def with_memory(schema):
    """Name a cache in the file of a cleaner, as its other parameters are named."""
    state = json.loads(schema)
    state["content"]["content"]["memory"] |= {"content": '"evil"', "__id__": 1}
    return json.dumps(state).encode()


def test_a_file_names_no_other_class_and_no_cache(given, saved, tmp_path):
    packed_again(saved, lambda schema: schema.replace(b"FeatureScaling", b"NoSuchClass"))
    with pytest.raises(ValueError, match="cannot be read as an estimator"):
        DensityLabelCleaner.load(saved)
    X, weak, trusted = given
    cleaner = DensityLabelCleaner(features=Mine()).fit(X, weak, trusted=trusted)
    cleaner.save(saved)
    with pytest.raises(ValueError, match=r"holds .*\.Mine, which is not trusted"):
        DensityLabelCleaner.load(saved)
    assert type(DensityLabelCleaner.load(saved, trusted=[f"{__name__}.Mine"]).features) is Mine
    names = (b'"Mine"', b'"system"'), (f'"{__name__}"'.encode(), b'"os"')
    for name, other in names:
        packed_again(saved, lambda schema, *of: schema.replace(*of), name, other)
    with pytest.raises(ValueError, match="system, which is not trusted"):
        DensityLabelCleaner.load(saved)
    cleaner = DensityLabelCleaner(memory="a folder of pickles").fit(X, weak, trusted=trusted)
    cleaner.save(saved)
    assert cleaner.memory and DensityLabelCleaner.load(saved).memory is None
    packed_again(saved, with_memory)
    with pytest.raises(ValueError, match="names a cache in the folder 'evil'"):
        DensityLabelCleaner.load(saved)


def with_value(schema, name, value):
    state = json.loads(schema)
    json_node = {"__class__": "int", "__module__": "builtins", "__loader__": "JsonNode"}
    content = {"content": json.dumps(value), "is_json": True, "__id__": 1}
    state["content"]["content"][name] = json_node | content
    return json.dumps(state).encode()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("sparse_support", -5, "'sparse_support' parameter .* Got -5"),
        ("dense_support", "abc", "'dense_support' parameter .* Got 'abc'"),
        ("n_features_in_", -1, "n_features_in_ must be a positive integer; got -1"),
        ("n_features_in_", 10**9, "n_features_in_ is 1000000000, not"),
        ("label_names_", ["SR"], "label_names_ has shape|learned_ has shape"),
        ("_table", "x", "no attribute 'shape'"),
    ],
)
def test_what_no_fit_has_made_is_refused(saved, name, value, problem):
    packed_again(saved, with_value, name, value)
    with pytest.raises(
        ValueError, match=f"{saved} holds a .* that fit cannot have made.*{problem}"
    ):
        DensityLabelCleaner.load(saved)


@pytest.mark.parametrize("name", ["get_params", "_parameter_constraints"])
def test_a_file_takes_nothing_from_its_class(saved, name):
    packed_again(saved, lambda schema: schema.replace(b'"_groups"', f'"{name}"'.encode()))
    with pytest.raises(
        ValueError, match=f"{saved} holds a .* that fit cannot have made.*{name} belongs to"
    ):
        DensityLabelCleaner.load(saved)


@pytest.mark.parametrize(
    "estimator",
    [
        DensityLabelCleaner(features=RHYTHM),
        RHYTHM,
    ],
)
def test_sizes_of_what_was_fitted_to_records(tmp_path, estimator):
    records = make_ecg_records(
        20, leads=("I", "II"), duration_s=5, sampling_rate=100, random_state=0
    )
    path = tmp_path / "fitted"
    estimator.fit(records).save(path)
    assert type(estimator).load(path).n_features_in_ == estimator.n_features_in_
    packed_again(path, with_value, "n_features_in_", 10**9)
    with pytest.raises(
        ValueError,
        match=f"{path} holds a .* that fit cannot have made.*n_features_in_ is 1000000000",
    ):
        type(estimator).load(path)


def test_classifiers_of_a_file_fit_its_labels_and_features(given, tmp_path):
    X, weak, _ = given
    path = tmp_path / "wrapped"
    OnCleanedLabels(LogisticRegression()).fit(X, weak).save(path)
    packed_again(path, with_value, "n_features_in_", 10**9)
    with pytest.raises(
        ValueError, match=r"n_features_in_ is 1000000000, but .* in its classifiers"
    ):
        OnCleanedLabels.load(path)


def test_paths_that_cannot_be_are_named(given, saved, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing. Name the file that save"):
        AFPLabelCleaner.load(tmp_path / "nothing")
    with pytest.raises(ValueError, match=f"{tmp_path} is a folder. Name the file that save"):
        AFPLabelCleaner.load(tmp_path)
    with pytest.raises(TypeError, match="path must be a path; got None"):
        AFPLabelCleaner.load(None)
    (tmp_path / "folder").mkdir()
    cleaner = DensityLabelCleaner.load(saved)
    with pytest.raises(IsADirectoryError, match=r"Is a directory: .*folder cannot be written"):
        cleaner.save(tmp_path / "folder")


@pytest.mark.parametrize("at", [0, 40, 700, -40])
def test_a_damaged_file_is_refused(saved, at):
    content = bytearray(saved.read_bytes())
    content[at] ^= 1
    saved.write_bytes(content)
    with pytest.raises(ValueError, match=str(saved)):
        DensityLabelCleaner.load(saved)
    saved.write_bytes(content[:-50])
    with pytest.raises(ValueError, match=str(saved)):
        DensityLabelCleaner.load(saved)


def test_a_file_says_what_made_it_and_which_version_it_needs(saved):
    line, packed = saved.read_bytes().split(b"\n", 1)
    head = json.loads(line)
    assert head["estimator"] == "DensityLabelCleaner"
    assert head["made_by"]["numpy"] == np.__version__
    saved.write_bytes(json.dumps(head | {"format_version": 9}).encode() + b"\n" + packed)
    with pytest.raises(ValueError, match=r"version 9, written by sklearn_ecg .*reads version 1"):
        DensityLabelCleaner.load(saved)


def test_a_full_disk_leaves_the_old_file(saved, given, monkeypatch):
    before = saved.read_bytes()

    def full(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    X, weak, trusted = given
    with pytest.raises(OSError, match="No space"):
        DensityLabelCleaner(3).fit(X, weak, trusted=trusted).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["cleaner"]


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("*/*.skops")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_cleaner_of_an_older_version_cleans_as_it_did(given, path):
    X, weak, _ = given
    answers = json.loads(path.with_suffix(".json").read_text())
    loaded = write_golden["CLEANERS"][path.stem].load(path)
    cleaned = loaded.clean(X + 0.01, weak)
    assert cleaned.labels.tolist() == answers["labels"]
    np.testing.assert_allclose(cleaned.confidence, answers["confidence"], atol=1e-5)
    assert len(loaded.undecided_) == answers["n_undecided"]
    assert loaded.questions()["difficulty"].between(0, 1).all()
