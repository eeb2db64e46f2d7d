"""The classifier among tables, subclasses and other steps of a Pipeline."""

import inspect

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_ecg import AFPLabelCleaner, ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.cleaning import DensityLabelCleaner

IDS = [f"r{i}" for i in range(48)]


def named(records, **fields):
    return ECGRecords(
        records.signals, 100, lead_names=records.lead_names, ids=IDS, groups=records.groups,
        labels=pd.DataFrame(records.labels, IDS, records.label_names), **fields,
    )  # fmt: skip


def test_tables_in_any_order_train_the_same_network(tiny, tiny_records, weights_of):
    records = named(tiny_records)
    y = pd.DataFrame(records.labels, IDS, records.label_names)
    given = {
        "y": y,
        "groups": pd.Series(records.groups, IDS),
        "sample_weight": pd.Series(np.arange(48.0), IDS),
        "validation": pd.Series(np.arange(48) % 5 == 0, IDS),
    }
    expected = tiny().fit(records, **given)
    order = np.random.default_rng(0).permutation(IDS)
    found = tiny().fit(records, **{name: values.loc[order] for name, values in given.items()})
    assert_array_equal(weights_of(found), weights_of(expected))
    weights = given["sample_weight"]
    score = expected.score(records, y, weights)
    assert expected.score(records, y.loc[order], weights[order]) == score
    with pytest.raises(ValueError, match=r"y does not name .*no row for 'r5'.*'x' is no record"):
        tiny().fit(records, y.rename({"r5": "x"}))


def test_classes_in_any_order_train_the_same_network(tiny, tiny_records, weights_of):
    records = named(tiny_records)
    y = pd.Series(np.where(records.labels[:, 0] == 1, "fast", "slow"), IDS)
    expected = tiny().fit(records, y)
    found = tiny().fit(records, y.iloc[::-1])
    assert_array_equal(weights_of(found), weights_of(expected))
    assert found.score(records, y.iloc[::-1]) == expected.score(records, y)


def test_masked_labels_are_unknown(tiny, tiny_records, weights_of):
    is_unknown = np.arange(96).reshape(48, 2) % 7 == 0
    masked = np.ma.masked_array(tiny_records.labels, is_unknown)
    expected = tiny().fit(tiny_records, np.where(is_unknown, -1, tiny_records.labels))
    assert_array_equal(weights_of(tiny().fit(tiny_records, masked)), weights_of(expected))
    with pytest.raises(ValueError, match=r"masked for 7 records.*labels as columns"):
        tiny().fit(tiny_records, masked[:, 0])


class WithKeywords(LabelCorrelationECGClassifier):
    """A subclass as skorch's users write it."""

    def __init__(self, network="small", *, alpha=1.0, **parameters):
        super().__init__(network, **parameters)
        self.alpha = alpha


class WithEverything(LabelCorrelationECGClassifier):
    def __init__(self, *args, alpha=1.0, **parameters):
        super().__init__(*args, **parameters)
        self.alpha = alpha


class Grandchild(WithKeywords):
    def __init__(self, *, beta=2.0, **parameters):
        super().__init__(**parameters)
        self.beta = beta


@pytest.mark.parametrize("kind", [WithKeywords, WithEverything, Grandchild])
def test_a_subclass_keeps_the_parameters_that_it_hands_on(kind, tiny, tiny_records, tmp_path):
    own = {"alpha": 3.0, **({"beta": 4.0} if kind is Grandchild else {})}
    inherited = tiny(max_epochs=1).get_params(deep=False)
    classifier = kind(**inherited, **own)
    assert classifier.get_params(deep=False) == inherited | own
    twin = clone(classifier)
    assert twin.get_params(deep=False) == inherited | own
    assert twin.set_params(lr=1e-3, alpha=5.0).lr == 1e-3
    twin.fit(tiny_records).save(tmp_path / "model")
    loaded = kind.load(tmp_path / "model")
    assert (loaded.alpha, loaded.lr) == (5.0, 1e-3)
    assert_array_equal(loaded.predict(tiny_records), twin.predict(tiny_records))


def test_a_subclass_that_hands_nothing_on_has_its_own_parameters_alone():
    class Fixed(LabelCorrelationECGClassifier):
        def __init__(self, lr=1e-3):
            super().__init__(lr=lr, max_epochs=3)

    assert list(clone(Fixed(lr=0.1)).get_params()) == ["lr"]
    parameters = inspect.signature(LabelCorrelationECGClassifier).parameters
    assert set(LabelCorrelationECGClassifier().get_params()) == set(parameters) - {
        "part_parameters"
    }


@pytest.mark.parametrize(
    "cleaner", [AFPLabelCleaner(max_iter=1, random_state=0), DensityLabelCleaner()]
)
def test_prediction_minds_no_labels(cleaner, tiny, tiny_records):
    records = named(tiny_records, trusted=np.arange(48) % 2 == 0)
    pipeline = make_pipeline(clone(cleaner).set_params(features=_Powers()), tiny(max_epochs=1))
    pipeline.fit(records, records.labels)
    expected = pipeline.predict_proba(ECGRecords(records.signals, 100, lead_names=["II", "V1"]))
    for names in (["tall", "fast"], ["fast", "wide"], ["a"]):
        other = records.with_labels(np.ones((48, len(names))), names)
        assert_array_equal(pipeline.predict_proba(other), expected)
    single = clone(pipeline).fit(records, records.labels[:, 1])
    assert single.predict(records).shape == (48, 1)


class _Powers:
    """The power of each lead, as a transformer that costs nothing."""

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.square(X.signals).mean(axis=2)
