"""What a cleaner is told: labels that find their records, and trust that is said aloud."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ecg import AFPLabelCleaner, CleanedRecords, ECGRecords, OnCleanedLabels
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.cleaning._inputs import check_input

IDS = [f"r{i}" for i in range(90)]
NAMES = ["AF", "PVC"]
CLEANERS = [
    AFPLabelCleaner(max_iter=1, random_state=0),
    CrossValidationLabelCleaner(classifiers=LogisticRegression(), cv=3, random_state=0),
    DensityLabelCleaner(),
]


@pytest.fixture(scope="module")
def data():
    """Features that tell two labels, weak labels with errors, and whose labels are right."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=(90, 2))
    X = pd.DataFrame(rng.normal(3 * truth, 0.5), IDS)
    trusted = pd.Series(np.arange(90) % 2 == 0, IDS)
    weak = pd.DataFrame(truth, IDS, NAMES)
    weak.iloc[1:16:2, 0] = 1 - truth[1:16:2, 0]
    return X, weak, trusted


class Features(FunctionTransformer):
    """The samples of a signal as its features."""

    def transform(self, X):
        return np.stack([np.ravel(signal) for signal in X.signals])


def as_records(X, **fields):
    return ECGRecords(X.to_numpy()[:, np.newaxis], 10, ids=X.index, **fields)


@pytest.mark.parametrize("name", ["y", "trusted", "groups"])
@pytest.mark.parametrize("form", ["table", "records", "array"])
def test_tables_in_another_order_find_their_records(data, form, name):
    X, weak, trusted = data
    given = {"y": weak, "trusted": trusted, "groups": pd.Series(np.arange(90) // 3, IDS)}
    expected = check_input(X, *given.values(), n_records=90)
    given[name] = given[name].sample(frac=1, random_state=0)
    if form == "array":
        # Without names in X, tables go by the first of them.
        order = given["y"].index
        X, expected.labels = X.to_numpy(), weak.loc[order].to_numpy()
        expected.trusted = trusted[order].to_numpy()
        expected.groups = (pd.Series(np.arange(90) // 3, IDS)[order]).to_numpy()
    elif form == "records":
        X = as_records(X)
    found = check_input(X, *given.values(), n_records=90)
    for field in ("labels", "trusted", "groups"):
        assert_array_equal(getattr(found, field), getattr(expected, field))


@pytest.mark.parametrize("cleaner", CLEANERS, ids=lambda cleaner: type(cleaner).__name__)
def test_the_order_of_a_label_table_changes_nothing(data, cleaner):
    X, weak, trusted = data
    expected = cleaner.fit(X, weak, trusted=trusted).labels_.copy()
    shuffled = weak.sample(frac=1, random_state=0)
    assert (cleaner.fit(X, shuffled, trusted=trusted).labels_ == expected).all()
    assert (expected != weak.to_numpy()).any()
    with pytest.raises(ValueError, match=r"y does not name .*'r7' .*'x' is no record"):
        cleaner.fit(X, weak.rename(index={"r7": "x"}), trusted=trusted)
    cleaned = cleaner.clean(X, shuffled)
    assert_array_equal(cleaned.weak_labels, weak)


def test_rows_that_are_merely_numbered_go_by_position(data):
    X, weak, trusted = data
    for index in (IDS, np.arange(7, 97)):
        found = check_input(
            X.set_axis(index), pd.DataFrame(weak.to_numpy()), trusted.to_numpy(), None, n_records=90
        )
        assert_array_equal(found.labels, weak)
    with pytest.raises(ValueError, match="same numbers in another order"):
        check_input(
            X.set_axis(np.arange(90)[::-1]), weak.reset_index(drop=True), True, None, n_records=90
        )


@pytest.mark.parametrize("per_label", [False, True])
def test_trust_keeps_its_shape(data, per_label):
    X, weak, trusted = data
    if per_label:
        trusted = pd.DataFrame({"PVC": trusted, "AF": True})
    found = check_input(X, weak, trusted, None, n_records=90).trusted
    expected = trusted[NAMES] if per_label else trusted
    assert_array_equal(found, expected)
    records = as_records(X, labels=weak, trusted=trusted)
    assert_array_equal(check_input(records, None, None, None, n_records=90).trusted, expected)
    found = check_input(records, weak[["PVC", "AF"]], None, None, n_records=90)
    assert_array_equal(found.trusted, trusted[["PVC", "AF"]] if per_label else trusted)
    assert found.label_names.tolist() == ["PVC", "AF"]


@pytest.mark.parametrize("cleaner", CLEANERS, ids=lambda cleaner: type(cleaner).__name__)
def test_trust_that_nobody_has_spoken_of_is_warned_of(data, cleaner):
    X, weak, trusted = data
    with pytest.warns(UserWarning, match="No records are marked as trusted.* all 90") as caught:
        fitted = cleaner.fit(X, weak)
    assert [warning.filename for warning in caught] == [__file__]
    assert_array_equal(fitted.labels_, weak)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cleaner.fit(X, weak, trusted=trusted)
        said = cleaner.fit(X, weak, trusted=True)
        said.clean(X, weak)
    assert (said.provenance_ == "trusted").all()


def test_trust_that_a_step_has_lost_is_warned_of(data):
    X, weak, trusted = data
    records = as_records(X, labels=weak, trusted=trusted)
    classifier = OnCleanedLabels(LogisticRegression(), features=Features())
    pipeline = make_pipeline(Features(), AFPLabelCleaner(max_iter=1, random_state=0), classifier)
    with pytest.warns(
        UserWarning, match="<step>__trusted=mask.*turned them into an array"
    ) as caught:
        pipeline.fit(records, records.labels)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline.fit(records, records.labels, afplabelcleaner__trusted=trusted)
        assert ((pipeline[1].provenance_ == "trusted").all(axis=1) == trusted).all()
        make_pipeline(AFPLabelCleaner(Features(), max_iter=1, random_state=0), classifier).fit(
            records, records.labels
        )
    with pytest.warns(UserWarning, match="No records are marked as trusted") as caught:
        AFPLabelCleaner(Features(), max_iter=1, random_state=0).fit(as_records(X, labels=weak))
    assert "into an array" not in str(caught[0].message)


def test_masked_labels_are_unknown(data):
    X, weak, trusted = data
    masked = np.ma.masked_array(weak.to_numpy(), np.arange(180).reshape(90, 2) % 7 == 0)
    found = check_input(X, masked, trusted, None, n_records=90).labels
    assert ((found == -1) == masked.mask).all()


@pytest.fixture(scope="module")
def pipeline(data):
    X, weak, trusted = data
    cleaner = AFPLabelCleaner(Features(), max_iter=1, random_state=0)
    pipeline = make_pipeline(cleaner, OnCleanedLabels(LogisticRegression(), features=Features()))
    return pipeline.fit(as_records(X, labels=weak, trusted=trusted))


@pytest.mark.parametrize(
    "labels",
    [
        None,
        pd.DataFrame(1, IDS, ["AF", "STE"]),
        pd.DataFrame(1, IDS, ["PVC", "AF"]),
        pd.DataFrame(-1, IDS, ["AF"]),
        pd.DataFrame(0, IDS, ["a", "b", "c"]),
        np.ones((90, 2)),
        np.ones((90, 0)),
    ],
)
def test_prediction_needs_no_labels_and_minds_none(data, pipeline, labels):
    records = as_records(data[0], labels=labels)
    assert_array_equal(pipeline.predict(records), pipeline.predict(as_records(data[0])))


def test_labels_in_another_order_are_cleaned_in_that_of_fit(data, pipeline):
    X, weak, trusted = data
    cleaner = pipeline[0]
    expected = cleaner.transform(as_records(X, labels=weak, trusted=trusted))
    swapped = cleaner.transform(as_records(X, labels=weak[["PVC", "AF"]], trusted=trusted))
    assert isinstance(swapped, CleanedRecords) and swapped.label_names.tolist() == NAMES
    assert_array_equal(swapped.labels, expected.labels)
    assert_array_equal(swapped.trusted, trusted)


def test_a_scaler_after_the_cleaner_is_told_its_place(data):
    X, weak, trusted = data
    pipeline = make_pipeline(
        AFPLabelCleaner(max_iter=1, random_state=0),
        StandardScaler(),
        OnCleanedLabels(LogisticRegression()),
    )
    with pytest.raises(TypeError, match=r"before the cleaner or with the classifier.*scaler"):
        pipeline.fit(X, weak, afplabelcleaner__trusted=trusted)
    cured = make_pipeline(
        StandardScaler(),
        AFPLabelCleaner(max_iter=1, random_state=0),
        OnCleanedLabels(make_pipeline(StandardScaler(), LogisticRegression())),
    )
    assert cured.fit(X, weak, afplabelcleaner__trusted=trusted).score(X, weak) > 0.8


@pytest.fixture(scope="module")
def readers():
    """Three readers of 90 records who sometimes err or are silent, but not of the last record."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, size=(90, 2))
    said = {}
    for name, rate in {"machine": 0.3, "resident": 0.2, "report": 0.1}.items():
        labels = np.where(rng.random((90, 2)) < rate, 1 - truth, truth)
        labels[rng.random((90, 2)) < 0.2] = -1
        labels[-1] = truth[-1]
        said[name] = pd.DataFrame(labels, IDS, NAMES)
    return said, pd.DataFrame(truth, IDS, NAMES)


def count_votes(said):
    """The majority of those that speak, by counting one label after another."""
    votes = np.full((90, 2), -1)
    for record, label in np.ndindex(90, 2):
        answers = [int(table.iloc[record, label]) for table in said.values()]
        if answers.count(1) != answers.count(0):
            votes[record, label] = answers.count(1) > answers.count(0)
    return votes


def check(y, trusted=None, *, none_too=True):
    X = pd.DataFrame(np.zeros((90, 1)), IDS)
    trusted = np.zeros(90, dtype=bool) if trusted is None else trusted
    return check_input(X, y, trusted, None, n_records=90, none_too=none_too)


def test_several_sources_vote(readers):
    said, _ = readers
    found = check(said)
    assert found.labels.dtype == np.int8 and found.sources.dtype == np.float32
    assert_array_equal(found.labels, count_votes(said))
    assert set(np.unique(found.labels)) == {-1, 0, 1}
    expected = np.stack([table.to_numpy() for table in said.values()], axis=2)
    assert_array_equal(found.sources, np.where(expected == -1, np.nan, expected))
    assert found.source_names.tolist() == ["machine", "resident", "report"]
    for stacked in (expected, np.ma.masked_equal(expected, -1), expected.tolist()):
        as_array = check(stacked)
        assert_array_equal(as_array.sources, found.sources)
        assert_array_equal(as_array.labels, found.labels)
        assert as_array.source_names.tolist() == ["0", "1", "2"]


def test_order_of_sources_records_and_labels_changes_no_vote(readers):
    said, _ = readers
    expected = check(said)
    moved = {
        "report": said["report"][["PVC", "AF"]].sample(frac=1, random_state=0),
        "machine": said["machine"].sample(frac=1, random_state=1),
        "resident": said["resident"][["PVC", "AF"]],
    }
    found = check(moved)
    assert found.label_names.tolist() == ["PVC", "AF"]
    assert_array_equal(found.labels[:, ::-1], expected.labels)
    assert_array_equal(found.sources[:, ::-1][:, :, [1, 2, 0]], expected.sources)
    renamed = {f"{name} 2": table.add_suffix("!") for name, table in said.items()}
    assert_array_equal(check(renamed).labels, expected.labels)


def test_a_source_says_nothing_of_labels_that_it_lacks(readers):
    said, _ = readers
    said = said | {"machine": said["machine"][["AF"]], "report": said["report"].assign(LBBB=1)}
    found = check(said)
    assert found.label_names.tolist() == ["AF", "PVC", "LBBB"]
    assert np.isnan(found.sources[:, 1:, 0]).all() and np.isnan(found.sources[:, 2, 1]).all()
    assert (found.labels[:, 2] == 1).all()


def test_soft_labels_are_evidence_and_vote_above_one_half():
    soft = np.resize([0, 0.2, 0.5, 0.51, 1, -1, np.nan, np.nan], (90, 2))
    found = check(soft)
    assert_array_equal(found.sources[..., 0], np.where(soft == -1, np.nan, soft).astype("f4"))
    expected = np.resize([0, 0, 0, 1, 1, -1, -1, -1], (90, 2))
    assert_array_equal(found.labels, expected)
    assert_array_equal(check(pd.DataFrame(soft, IDS, dtype=object)).labels, expected)
    assert_array_equal(check(pd.DataFrame(soft, IDS).astype("Float32")).labels, expected)


def test_trusted_labels_are_what_all_sources_say(readers):
    said, truth = readers
    trusted = np.zeros((90, 2), dtype=bool)
    trusted[5], trusted[6, 1] = True, True
    told = {name: table.mask(trusted, truth) for name, table in said.items()}
    told["machine"].iloc[5, 0] = -1
    found = check(told, trusted, none_too=False)
    assert_array_equal(found.labels[trusted], truth.to_numpy()[trusted])
    # What a source said of a trusted label before it was corrected, nobody knows.
    assert np.isnan(found.sources[trusted]).all()
    assert_array_equal(found.sources[~trusted], check(said).sources[~trusted])
    told["report"].iloc[6, 1] = 1 - truth.iloc[6, 1]
    right, wrong = truth.iloc[6, 1], told["report"].iloc[6, 1]
    message = (
        f"PVC of the trusted record r6 source machine says {right}, .*source report says {wrong}"
    )
    with pytest.raises(ValueError, match=message + r" \(and 0 other.*y\['truth'\]"):
        check(told, trusted)
    with pytest.raises(ValueError, match=r"label 1 of the trusted record 2 y says 0\.7 "):
        soft = np.zeros((90, 2))
        soft[2, 1] = 0.7
        check_input(np.zeros((90, 1)), soft, True, None, n_records=90)


def test_the_truth_apart_leaves_what_sources_say(readers):
    said, truth = readers
    known = truth.where(np.arange(180).reshape(90, 2) % 5 == 0, -1)
    found = check_input(
        pd.DataFrame(np.zeros((90, 1)), IDS), {"truth": known} | said, None, None, n_records=90
    )
    assert_array_equal(found.trusted, known != -1)
    assert_array_equal(found.labels, np.where(known == -1, count_votes(said), truth))
    assert_array_equal(found.sources, check(said).sources)
    assert found.source_names.tolist() == list(said)
    trusted = (known != -1).to_numpy(copy=True)
    assert_array_equal(check(said | {"truth": known}, trusted).labels, found.labels)
    trusted[0, 0] = False
    with pytest.raises(ValueError, match=r"y\['truth'\] holds label AF of record r0 \(and 0"):
        check(said | {"truth": known}, trusted)
    with pytest.raises(ValueError, match=r"trusted record r0 y\['truth'\] says 0\.5"):
        check(said | {"truth": known.where(known == -1, 0.5)}, known != -1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda said: {}, "y is a dict without a weak source"),
        (lambda said: {"truth": said["machine"]}, "y is a dict without a weak source"),
        (
            lambda said: said["machine"].to_dict("list"),
            r"y\['AF'\] is a single column.*DataFrame\(y",
        ),
        (lambda said: said | {"machine": said["machine"] * 0 - 1}, "source machine has no labels"),
        (
            lambda said: said | {"report": said["report"][:80]},
            r"y\['report'\] does not name the 90",
        ),
        (lambda said: said | {"x": np.ones((90, 2))}, r"y\['x'\] has 2 labels without names, but"),
        (
            lambda said: {"a": np.ones((90, 2)), "b": np.ones((90, 3))},
            r"y\['b'\] has 3 labels without names, but y\['a'\] 2 without",
        ),
        (lambda said: np.ones((90, 2, 0)), r"shape \(90, 2, 0\), without a source"),
        (lambda said: np.ones((80, 2, 3)), r"y\[:, :, 0\] has labels for 80 records"),
        (lambda said: np.ones((90, 2, 3, 1)), r"y must be .* shape \(90, 2, 3, 1\)"),
        (lambda said: said | {"machine": said["machine"] * 80}, r"machine'\] .* got -?80 .*by 100"),
        (lambda said: np.full((90, 2), -1), "y is unknown .* for all labels"),
        (lambda said: np.full((90, 2), "AF"), "got 'AF' for record r0, label 0"),
    ],
)
def test_sources_that_cannot_be_used_are_named(readers, change, message):
    with pytest.raises(ValueError, match=message):
        check(change(readers[0]), np.arange(90) == 89, none_too=False)


@pytest.mark.parametrize("found", [2, -0.5, np.inf, 1.01], ids=str)
def test_values_that_are_no_labels_are_named_with_record_and_label(readers, found):
    said = readers[0] | {"report": readers[0]["report"].astype(float)}
    said["report"].loc["r7", "PVC"] = found
    with pytest.raises(ValueError, match=rf"y\['report'\] .* got {found}.* record r7, label PVC"):
        check(said)


@pytest.mark.parametrize("cleaner", CLEANERS, ids=lambda cleaner: type(cleaner).__name__)
def test_cleaners_take_several_sources(data, cleaner):
    X, weak, trusted = data
    flipped = weak.where(trusted | (np.arange(90) % 7 > 0), 1 - weak, axis=0)
    said = {"a": weak, "b": weak, "c": flipped}
    expected = cleaner.fit(X, weak, trusted=trusted).labels_.copy()
    single = cleaner.clean(X, weak)
    cleaner.fit(X, said, trusted=trusted)
    assert cleaner.source_names_.tolist() == ["a", "b", "c"]
    cleaned = cleaner.clean(X, {"c": flipped, "a": weak, "b": weak})
    assert_array_equal(cleaned.weak_labels, weak)
    if not isinstance(cleaner, AFPLabelCleaner):  # filters see the vote alone
        assert_array_equal(cleaner.labels_, expected)
        assert_array_equal(cleaned.labels, single.labels)
    with pytest.raises(
        ValueError, match=r"y has 2 .*, a, b, but the cleaner was fitted to 3: a, b"
    ):
        cleaner.clean(X, {"a": weak, "b": weak})
    with pytest.raises(ValueError, match=r"y has 3 .*, a, b, d, but"):
        cleaner.clean(X, {"a": weak, "b": weak, "d": flipped})
    with pytest.raises(ValueError, match=r"y has 1 .*but the cleaner was fitted to 3"):
        cleaner.clean(X, weak)


class SourceSpy(AFPLabelCleaner):
    """Keeps the sources that it is handed."""

    def _fit(self, table, labels, trusted, answered, groups, sources):
        self.of_fit = sources
        return super()._fit(table, labels, trusted, answered, groups, sources)

    def _clean(self, table, weak, sources):
        self.of_clean = sources
        return super()._clean(table, weak, sources)


def test_sources_reach_the_method_for_measured_records_in_the_order_of_fit(data):
    X, weak, trusted = data
    X = X.copy()
    X.iloc[3] = np.nan
    other = weak.sample(frac=1, random_state=0).set_axis(IDS)
    said = {"a": weak, "b": other, "truth": weak.where(trusted, -1, axis=0)}
    cleaner = SourceSpy(max_iter=1, random_state=0).fit(X, said)
    expected = np.delete(np.stack([weak, other], axis=2), 3, axis=0)
    assert_array_equal(cleaner.of_fit, expected)
    cleaner.clean(X, {"b": other, "a": weak})
    assert_array_equal(cleaner.of_clean, expected)
    cleaner.clean(X, np.stack([weak, other], axis=2))
    assert_array_equal(cleaner.of_clean, expected)


def test_a_pipeline_of_several_sources_recalls_and_predicts(data):
    X, weak, trusted = data
    said = {"a": weak, "b": weak, "truth": weak.where(trusted, -1, axis=0)}
    records = as_records(X, labels=weak, trusted=trusted)
    cleaner = AFPLabelCleaner(Features(), max_iter=1, random_state=0)
    pipeline = make_pipeline(cleaner, OnCleanedLabels(LogisticRegression(), features=Features()))
    pipeline.fit(records, said)
    assert_array_equal(cleaner.transform(records).labels, cleaner.labels_)
    others = as_records(X + 0.01, labels=weak)
    cleaned = cleaner.transform(others)
    assert_array_equal(cleaned.labels, weak)
    assert (cleaned.provenance == "undecided").all()
    assert_array_equal(pipeline.predict(others), pipeline.predict(as_records(X + 0.01)))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["1.5", "x"] * 60, r"'b' holds 'x' for record r1"),
        (pd.Categorical(["x", "y"] * 60), "'b' holds 'x' for record r0"),
        (pd.date_range("2020", periods=120), "'b' holds Timestamp"),
        (np.ones(120) * 1j, "Complex data"),
    ],
)
def test_features_that_are_no_numbers_are_named(column, message, rng):
    X = pd.DataFrame({"a": rng.normal(size=120)}, index=[f"r{i}" for i in range(120)])
    y = rng.integers(0, 2, (120, 1))
    with pytest.raises(ValueError, match=message):
        DensityLabelCleaner().fit(X.assign(b=column), y, trusted=True)
    with pytest.raises(ValueError, match="more than one column 'a'"):
        DensityLabelCleaner().fit(pd.concat([X, X], axis=1), y, trusted=True)
    with pytest.raises(TypeError, match=r"X must be ECGRecords.*got dict"):
        DensityLabelCleaner().fit({}, y, trusted=True)


def test_equal_features_in_any_form_are_cleaned_alike(rng):
    truth = rng.integers(0, 2, (120, 1))
    X = pd.DataFrame(rng.normal(2 * truth, 1, size=(120, 3)), columns=list("abc"))
    weak, trusted = truth.copy(), np.arange(120) < 50
    weak[60:66] = 1 - weak[60:66]
    expected = CrossValidationLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    values = X.to_numpy()
    for form in (
        X.astype(object),
        X.astype(str),
        X.astype("Float64"),
        X.astype(pd.SparseDtype(float)),
        values.astype(">f8"),
        np.asfortranarray(values),
        values.astype(object),
        np.ma.masked_array(values, np.zeros(values.shape, bool)),
    ):
        cleaner = CrossValidationLabelCleaner(random_state=0).fit(form, weak, trusted=trusted)
        np.testing.assert_array_equal(cleaner.confidence_, expected.confidence_)
