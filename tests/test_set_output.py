"""Tables in the container that was asked for, and records, whose labels travel, in none."""

import warnings
from contextlib import ExitStack

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import (
    CleanedRecords,
    ECGFeatureExtractor,
    ECGRecords,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
)
from sklearn_ecg.cleaning import DensityLabelCleaner
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.preprocessing import BandpassFilter

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}


@pytest.fixture(scope="module")
def records():
    made = make_ecg_records(
        24, labels=["Normal", "AF"], leads=["I", "II"], duration_s=5, sampling_rate=100,
        random_state=0,
    )  # fmt: skip
    return made.with_labels(made.labels, trusted=np.arange(24) < 12)


@pytest.fixture(scope="module")
def network(records):
    return LabelCorrelationECGClassifier(features=None, max_epochs=1, random_state=0).fit(records)


@pytest.fixture(params=["pandas by set_output", "polars by configuration"])
def asked(request):
    """The name of a container, and a function that asks an estimator for it, and returns it."""
    container, _, way = request.param.split()

    def ask(estimator):
        if way == "set_output":
            return estimator.set_output(transform=container)
        contexts.enter_context(config_context(transform_output=container))
        return estimator

    with ExitStack() as contexts:
        yield container, ask


def test_features_and_embeddings(records, network, asked):
    container, ask = asked
    plain = network.transform(records)
    measured = ask(ECGFeatureExtractor()).fit_transform(records)
    embedded = ask(_copy(network)).transform(records)
    assert isinstance(measured, FRAMES[container]) and isinstance(embedded, FRAMES[container])
    assert_array_equal(embedded, plain)
    assert list(embedded.columns) == list(network.get_feature_names_out())
    if container == "pandas":
        assert measured.index.tolist() == embedded.index.tolist() == records.ids.tolist()


def test_a_union_joins_by_the_records(records):
    net = LabelCorrelationECGClassifier(features=None, max_epochs=1, random_state=0)
    union = make_union(ECGFeatureExtractor(), net).set_output(transform="pandas")
    table = union.fit_transform(records, records.labels)
    assert table.index.tolist() == records.ids.tolist()
    assert table["labelcorrelationecgclassifier__labelcorrelationecgclassifier0"].notna().all()


def test_cleaned_labels_reach_the_step_after_embeddings(records, asked):
    _, ask = asked
    net = LabelCorrelationECGClassifier(features=None, max_epochs=1, random_state=0)
    last = OnCleanedLabels(LogisticRegression())
    pipe = ask(make_pipeline(DensityLabelCleaner(), net, last))
    pipe.fit(records, records.labels)
    assert pipe.predict(records).shape == (24, 2)
    names = [f"labelcorrelationecgclassifier{i}" for i in range(128)]
    assert pipe[-1].feature_names_in_.tolist() == names
    between = pipe[:-1].transform(records)
    assert isinstance(between, CleanedRecords)
    assert between.without_labels().index.tolist() == records.ids.tolist()


def test_a_cleaner_in_the_middle(records, asked):
    _, ask = asked
    last = OnCleanedLabels(make_pipeline(SimpleImputer(), LogisticRegression()))
    pipe = make_pipeline(BandpassFilter(0.5, 40), DensityLabelCleaner(), last)
    pipe = ask(pipe).fit(records, records.labels)
    assert type(pipe[0].transform(records)) is ECGRecords
    assert type(pipe[:-1].transform(records)) is CleanedRecords
    assert pipe.predict_proba(records).shape == (24, 2)


def test_a_cleaner_of_tables(rng, asked):
    container, ask = asked
    X = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    X = X if container == "pandas" else pl.from_pandas(X)
    y = np.asarray(X)[:, :1] > 0
    last = OnCleanedLabels(LogisticRegression())
    pipe = ask(make_pipeline(StandardScaler(), DensityLabelCleaner(), last))
    pipe.fit(X, y, densitylabelcleaner__trusted=np.arange(40) < 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # scikit-learn warns where names of columns were lost
        assert (pipe.predict(X) == y).mean() > 0.8
    assert isinstance(pipe[:-1].transform(X), FRAMES[container])


def test_features_through_other_transformers_keep_their_names(records):
    steps = make_pipeline(ECGFeatureExtractor(), SimpleImputer(keep_empty_features=True))
    table = steps.set_output(transform="pandas").fit_transform(records)
    assert table.columns.tolist() == steps[0].get_feature_names_out().tolist()
    assert table.index.tolist() == records.ids.tolist()


def test_a_container_that_there_is_not_is_refused(network):
    with pytest.raises(ValueError, match=r"'transform' parameter.*'polars', but got 'arrow'"):
        _copy(network).set_output(transform="arrow")


def test_clones_are_asked_for_the_same(network):
    asked = clone(network).set_output(transform="pandas").set_output(transform=None)
    assert clone(asked)._sklearn_output_config == {"transform": "pandas"}


def _copy(network):
    """Return the fitted network, whose container may be set without changing that of others."""
    copied = clone(network)
    copied.__dict__.update(vars(network))
    return copied
