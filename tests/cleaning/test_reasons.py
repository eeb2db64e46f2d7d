import numpy as np
import pandas as pd
import pytest
from simulated_tables import make_weak_table
from sklearn.base import clone

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning import DensityLabelCleaner
from sklearn_ecg.mixture import DirichletProcessGaussianMixture

CLEANER = AFPLabelCleaner(
    mixture=DirichletProcessGaussianMixture(n_components=2), min_confidence=0.95, random_state=0
)
COLUMNS = ["because", "swapped_with", "rule", "measurements", "similar_with", "similar_without"]


def make_rhythms(seed=0):
    """AF in the place of SR, and the reverse; one feature says it, one repeats it, others do not.

    Returns features, truth, weak labels and trust. In the first ten weak records the two labels
    were written in the place of one another.
    """
    rng = np.random.default_rng(seed)
    has_af = rng.random(400) < 0.4
    p_waves = np.where(has_af, 0.1, 0.95) + rng.normal(0, 0.05, 400)
    X = pd.DataFrame(
        {
            "heart_rate_bpm": rng.normal(75, 10, 400),
            "P_per_QRS": p_waves,
            "P_present_fraction": 100 * p_waves + rng.normal(0, 0.1, 400),
            "RR_CV": np.where(has_af, 0.2, 0.1) + rng.normal(0, 0.04, 400),
        },
        index=[f"r{i:03d}" for i in range(400)],
    )
    truth = pd.DataFrame({"SR": ~has_af, "AF": has_af}, X.index).astype(int)
    trusted = np.arange(400) >= 200
    weak = truth.copy()
    weak.iloc[:10] = 1 - truth.iloc[:10]
    return X, truth, weak, trusted


@pytest.fixture(scope="module")
def rhythms():
    X, truth, weak, trusted = make_rhythms()
    return X, truth, weak, trusted, clone(CLEANER).fit(X, weak, trusted=trusted)


@pytest.fixture(scope="module")
def noisy():
    X, _, weak, trusted = make_weak_table()
    X = X + np.random.default_rng(0).normal(0, 1.5, X.shape)
    return X, weak, trusted, clone(CLEANER).fit(X, weak, trusted=trusted)


def test_a_swap_is_told_with_what_shows_it(rhythms):
    X, _, _, _, cleaner = rhythms
    changes = cleaner.changes(reasons=True)
    assert list(changes["id"]) == list(np.repeat(X.index[:10], 2))
    for row in changes.itertuples():
        other = {"SR": "AF", "AF": "SR"}[row.label]
        wrong, right = (row.label, other) if row.weak == 1 else (other, row.label)
        assert row.swapped_with == other
        assert row.because.startswith(f"{wrong} written in the place of {right}; ")
        # The feature that repeats the number of P waves says nothing new.
        value = X.at[row.id, "P_per_QRS"]
        told = row.measurements.split("; ")
        assert len(told) <= 2 and sum("P wave" in one for one in told) == 1
        if f"P waves per beat {value:.3g} " in told[0]:
            assert told[0] in row.because


def test_ranges_are_the_middle_90_percent_of_trusted_records(rhythms):
    X, truth, _, trusted, cleaner = rhythms
    X_trusted, has_af = X[trusted], truth.loc[trusted, "AF"] == 1
    text = cleaner.changes(reasons=True).query("label == 'AF'")["measurements"].str.cat(sep="; ")
    low, high = np.quantile(X_trusted.loc[has_af, "RR_CV"], [0.05, 0.95])
    low_sr, high_sr = np.quantile(X_trusted.loc[~has_af, "RR_CV"], [0.05, 0.95])
    expected = f"(records with AF {low:.3g} to {high:.3g}, without {low_sr:.3g} to {high_sr:.3g})"
    assert expected in text


def test_similar_records_are_trusted_and_have_the_label_or_not(noisy):
    _, weak, trusted, cleaner = noisy
    found = cleaner.reasons(cleaner.undecided_)
    for column, value in (("similar_with", 1), ("similar_without", 0)):
        ids = found[column].str.split(", ", expand=True).astype(int).to_numpy()
        labels = found["label"].astype(int).to_numpy()[:, np.newaxis]
        assert ids.shape[1] == 3 and trusted[ids].all()
        assert (weak[ids, labels] == value).all()


def test_a_copy_of_a_trusted_record_finds_it(rhythms):
    X, truth, weak, trusted, _ = rhythms
    X, weak = X.copy(), weak.copy()
    twin = X.index[trusted][truth.loc[trusted, "AF"] == 1][0]
    X.iloc[0] = X.loc[twin]
    weak.iloc[0] = [1, 0]
    changes = clone(CLEANER).fit(X, weak, trusted=trusted).changes(reasons=True)
    added = changes.query("id == 'r000' and label == 'AF'")
    assert added["similar_with"].item().split(", ")[0] == twin


def test_no_record_is_similar_to_itself(noisy):
    _, _, trusted, cleaner = noisy
    ids = np.flatnonzero(trusted)[:50]
    asked = pd.DataFrame({"id": ids, "label": "1"})
    found = cleaner.reasons(asked)
    similar = (found["similar_with"] + ", " + found["similar_without"]).str.split(", ", expand=True)
    assert similar.shape[1] == 6
    assert not (similar.astype(int).to_numpy() == ids[:, np.newaxis]).any()
    assert (found["because"] == "1 is trusted in this record, and was not questioned").all()


def test_undecided_labels_have_reasons_on_both_sides(noisy):
    _, _, _, cleaner = noisy
    asked = cleaner.undecided_.head(40)
    found = cleaner.reasons(asked)
    pd.testing.assert_frame_equal(found[asked.columns], asked)
    assert list(found.columns) == [*asked.columns, *COLUMNS]
    text = found["because"]
    assert (text != "").all()
    assert text.str.contains("; against|^against").any() and text.str.contains("for [0-3]: ").any()
    swapped = found["swapped_with"] != ""
    assert swapped.any() and text[swapped].str.startswith("perhaps ").all()


def test_reasons_are_of_the_rows_that_are_asked_about_in_their_order(noisy):
    _, _, _, cleaner = noisy
    all_of_them = cleaner.changes(reasons=True)
    some = cleaner.changes().sample(15, random_state=0)
    found = cleaner.reasons(some)
    pd.testing.assert_frame_equal(found, all_of_them.loc[some.index])
    assert cleaner.reasons(some.head(0)).empty
    with pytest.raises(ValueError, match="asked names the record '600'"):
        cleaner.reasons(pd.DataFrame({"id": [600], "label": ["0"]}))
    with pytest.raises(TypeError, match="asked must be a DataFrame"):
        cleaner.reasons("changes")


def test_rules_are_named_where_they_are_asked_for(rhythms):
    _, _, _, _, cleaner = rhythms
    removed = cleaner.changes().query("label == 'AF' and clean == 0")
    found = cleaner.reasons(removed, rules=True)
    expected = r"SR excludes AF, as in at least 9\d % of trusted records"
    assert len(found) and found["rule"].str.fullmatch(expected).all()
    assert found["because"].str.contains(expected).all()
    added = cleaner.reasons(cleaner.changes().query("clean == 1"), rules=True)
    assert len(added) and (added["rule"] == "").all()
    assert (cleaner.reasons(removed)["rule"] == "").all()


def test_a_rule_that_decided_is_named_unasked(rhythms):
    X, truth, _, trusted, _ = rhythms
    weak = truth.copy()
    weak.iloc[:10] = 1  # labels that exclude each other, both given
    cleaner = clone(CLEANER).set_params(method="paper").fit(X, weak, trusted=trusted)
    by_rule = cleaner.changes(reasons=True).query("provenance == 'excluded'")
    assert len(by_rule) and by_rule["because"].str.contains("excludes").all()


def test_changes_are_those_of_the_cleaned_records(rhythms):
    X, _, weak, trusted, cleaner = rhythms
    cleaned = clone(CLEANER).fit_transform(X, weak, trusted=trusted)
    pd.testing.assert_frame_equal(cleaner.changes(), cleaned.changes())


def test_filters_have_reasons_too(noisy):
    X, weak, trusted, _ = noisy
    cleaner = DensityLabelCleaner().fit(X, weak, trusted=trusted)
    changes = cleaner.changes(reasons=True)
    assert len(changes) and (changes["because"] != "").all()
    assert (changes["swapped_with"] == "").all()
    assert (cleaner.reasons(cleaner.changes(), rules=True)["rule"] == "").all()


@pytest.mark.filterwarnings("ignore:Too few examples")
def test_what_could_not_be_judged_says_why(rhythms):
    X, _, weak, trusted, _ = rhythms
    X, weak = X.copy(), weak.assign(VF=0, VT=0)
    X.iloc[0] = np.nan
    weak.iloc[1:12, 3] = 1
    cleaner = clone(CLEANER).set_params(max_iter=1).fit(X, weak, trusted=trusted)
    asked = pd.DataFrame({"id": ["r000", "r001"], "label": ["SR", "VF"]})
    unmeasured, unlearned = cleaner.reasons(asked).itertuples()
    assert unmeasured.because == "None of the record's features could be measured"
    assert unmeasured.measurements == unmeasured.similar_with == unmeasured.swapped_with == ""
    assert unlearned.because == "Too few records with or without VF to learn it"
    unseen = cleaner.reasons(cleaner.changes().query("label == 'VT' and id != 'r000'"))
    assert unseen["because"].str.contains("too few trusted records with or without VT").all()
    assert len(unseen) and (unseen["similar_with"] == "").all()
    answered = cleaner.with_answers(asked.assign(answer=[0, 1])).reasons(asked)["because"]
    assert answered.tolist() == [
        "A person answered that SR is absent",
        "A person answered that VF is present",
    ]


def test_measurements_of_readers_come_before_others_that_tell_as_much(rhythms):
    X, _, weak, trusted, _ = rhythms
    X = X[["P_per_QRS"]].assign(shape=-X["P_per_QRS"])
    first = []
    for name in ("V1_main_beat_at_-48ms", "V1_P_area_mV_ms", "V1_P_amplitude_mV"):
        named = X.set_axis(["RR_entropy", name], axis="columns")
        cleaner = clone(CLEANER).fit(named, weak, trusted=trusted)
        first.append(cleaner.changes(reasons=True)["measurements"][0])
    assert first[0].startswith("Entropy") and first[1].startswith("Entropy")
    assert first[2].startswith("P amplitude in V1")
