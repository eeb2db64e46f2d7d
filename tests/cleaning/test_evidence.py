import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning._evidence import LabelContrast, describe_feature
from sklearn_ecg.mixture import DirichletProcessGaussianMixture

CLEANER = AFPLabelCleaner(
    mixture=DirichletProcessGaussianMixture(n_components=2), min_confidence=0.95, random_state=0
)


def make_rhythms():
    """AF in the place of SR, and the reverse, in the first ten of 200 weak records."""
    rng = np.random.default_rng(0)
    has_af = rng.random(400) < 0.4
    X = pd.DataFrame(
        {
            "V1_P_amplitude_mV": np.where(has_af, 0.0, 0.1) + rng.normal(0, 0.01, 400),
            "RR_CV": np.where(has_af, 0.2, 0.1) + rng.normal(0, 0.04, 400),
            "potassium": rng.normal(4, 0.5, 400),
        },
        index=[f"r{i:03d}" for i in range(400)],
    )
    truth = pd.DataFrame({"SR": ~has_af, "AF": has_af}, X.index).astype(int)
    weak = truth.copy()
    weak.iloc[:10] = 1 - truth.iloc[:10]
    return X, truth, weak, np.arange(400) >= 200


@pytest.fixture(scope="module")
def rhythms():
    X, truth, weak, trusted = make_rhythms()
    return X, truth, weak, trusted, clone(CLEANER).fit(X, weak, trusted=trusted)


def of_kind(evidence, kind):
    return [piece for piece in evidence if piece["kind"] == kind]


def asked_of(ids, label):
    return pd.DataFrame({"id": ids, "label": label})


def test_a_swapped_label_has_all_kinds_of_evidence(rhythms):
    X, truth, _, trusted, cleaner = rhythms
    record = X.index[:10][truth["AF"].to_numpy()[:10] == 1][0]
    (evidence,) = cleaner.evidence(asked_of([record], "AF"), rules=True)
    assert evidence[:2] == [
        {"kind": "decision", "provenance": "added", "label": 1},
        {"kind": "weak", "said": 0},
    ]
    assert of_kind(evidence, "belief")[0]["probability"] > 0.9
    assert of_kind(evidence, "swap") == [{"kind": "swap", "with": "SR", "speaks": "for"}]
    (measured, *_) = [m for m in of_kind(evidence, "measurement") if m["lead"] == "V1"]
    assert measured["feature"] == "V1_P_amplitude_mV" and measured["unit"] == "mV"
    assert measured["normal"] == ""  # the catalogue has what is normal in II, and not in V1
    assert measured["value"] == X.at[record, "V1_P_amplitude_mV"] and measured["score"] > 0.5
    is_af = truth["AF"].to_numpy() == 1
    for side, where in (("usual_with", is_af), ("usual_without", ~is_af)):
        expected = np.quantile(X.loc[trusted & where, "V1_P_amplitude_mV"], [0.05, 0.95])
        assert measured[side] == pytest.approx(expected.tolist())
    (similar,) = of_kind(evidence, "similar")
    for side, has_it in (("with_label", 1), ("without_label", 0)):
        assert len(similar[side]) == 3
        assert (truth.loc[similar[side], "AF"] == has_it).all()
        assert trusted[X.index.get_indexer(similar[side])].all()


def test_both_sides_are_heard_of_decided_labels(rhythms):
    X, _, weak, _, cleaner = rhythms
    # A record that looks like both, whose label is decided all the same.
    X = X.copy()
    X.loc["r050", ["V1_P_amplitude_mV", "RR_CV"]] = (0.0, 0.08)
    cleaner = clone(CLEANER).set_params(min_confidence=0.5).fit(X, weak, trusted=cleaner._trusted)
    (evidence,) = cleaner.evidence(asked_of(["r050"], "AF"))
    assert evidence[0]["provenance"] != "undecided"
    scores = {m["feature"]: m["score"] for m in of_kind(evidence, "measurement")}
    assert scores["V1_P_amplitude_mV"] > 0.2 and scores["RR_CV"] < -0.2
    # The sentence tells those of the decision alone.
    told = cleaner.reasons(asked_of(["r050"], "AF"))["measurements"][0]
    assert ("P amplitude" in told) == (evidence[0]["label"] == 1)
    assert ("RR intervals" in told) == (evidence[0]["label"] == 0)


def test_rules_speak_for_and_against(rhythms):
    _, _, _, _, cleaner = rhythms
    removed = cleaner.changes().query("label == 'AF' and clean == 0")
    for evidence in cleaner.evidence(removed, rules=True):
        (rule,) = of_kind(evidence, "rule")
        assert (rule["rule"], rule["by"], rule["speaks"]) == ("excludes", "SR", "against")
        assert 0.9 < rule["accuracy"] <= 1
    assert not any(of_kind(evidence, "rule") for evidence in cleaner.evidence(removed))


def test_evidence_is_plain_and_goes_through_json(rhythms):
    X, _, weak, trusted, cleaner = rhythms
    by_number = clone(CLEANER).fit(X.to_numpy(), weak.to_numpy(), trusted=trusted)
    for one in (cleaner, by_number):
        evidence = one.evidence(one.changes(), rules=True)
        assert json.loads(json.dumps(evidence, allow_nan=False)) == evidence


def test_trusted_and_answered_labels(rhythms):
    _, truth, _, _, cleaner = rhythms
    asked = asked_of(["r000", "r300"], "AF")
    answered = asked.head(1).assign(answer=truth.at["r000", "AF"])
    answered, trusted = cleaner.with_answers(answered).evidence(asked)
    assert answered[0]["provenance"] == "answered" and trusted[0]["provenance"] == "trusted"
    assert not of_kind(answered + trusted, "belief") + of_kind(answered + trusted, "swap")
    assert of_kind(answered, "weak") and not of_kind(trusted, "weak")
    for evidence, own in ((answered, "r000"), (trusted, "r300")):
        (similar,) = of_kind(evidence, "similar")
        assert own not in similar["with_label"] + similar["without_label"]


def test_each_source_says_what_it_said(rhythms):
    X, truth, weak, trusted, _ = rhythms
    soft = truth.astype(float)
    soft.iloc[0] = [0.25, -1]
    sources = {"machine": weak, "resident": soft}
    cleaner = clone(CLEANER).fit(X, sources, trusted=trusted)
    for label, expected in (("SR", 0.25), ("AF", -1)):
        (evidence,) = cleaner.evidence(asked_of(["r000"], label))
        said = of_kind(evidence, "weak")[0]["said"]
        assert said == {"machine": weak.at["r000", label], "resident": expected}


@pytest.mark.filterwarnings("ignore:Too few examples")
def test_what_could_not_be_judged_says_so(rhythms):
    X, _, weak, trusted, _ = rhythms
    X, weak = X.copy(), weak.assign(VF=0, VT=0)
    X.iloc[0] = np.nan
    weak.iloc[1:12, 3] = 1
    cleaner = clone(CLEANER).set_params(max_iter=1).fit(X, weak, trusted=trusted)
    unmeasured, unlearned = cleaner.evidence(
        pd.concat([asked_of("r000", ["SR"]), asked_of("r001", ["VF"])])
    )
    assert {"kind": "unmeasured"} in unmeasured and not of_kind(unmeasured, "similar")
    assert {"kind": "unlearned"} in unlearned and {"kind": "uncompared"} in unlearned
    assert not of_kind(unmeasured + unlearned, "belief") + of_kind(unlearned, "measurement")


def test_a_feature_that_one_side_never_has_tells_nothing(rhythms):
    X, truth, weak, trusted, _ = rhythms
    # Most gaps, if filled by the median, would lie below the others.
    steps = np.where(np.random.default_rng(1).random(len(X)) < 0.51, 1.0, 5.0)
    X = X.assign(n_beats=np.where(truth["AF"] == 1, np.nan, steps))
    cleaner = clone(CLEANER).fit(X, weak, trusted=trusted)
    pieces = [p for e in cleaner.evidence(asked_of(X.index, "AF")) for p in e]
    told = {piece["feature"] for piece in of_kind(pieces, "measurement")}
    assert "RR_CV" in told and "n_beats" not in told


def test_asked_is_checked_and_may_be_empty(rhythms):
    *_, cleaner = rhythms
    assert cleaner.evidence(cleaner.changes().head(0)) == []
    with pytest.raises(ValueError, match="asked names the record 'r999'"):
        cleaner.evidence(asked_of(["r999"], "AF"))


def test_contrast_against_the_area_under_the_roc_curve():
    rng = np.random.default_rng(0)
    y = rng.random(300) < 0.3
    table = rng.normal(np.outer(y, [0, -1, 3, 0.5]), 1)
    contrast = LabelContrast.learn(table, y, ~y)
    expected = [2 * roc_auc_score(y, table[:, m]) - 1 for m in contrast.features]
    assert_allclose(contrast.separation, expected, atol=1e-12)
    assert contrast.features[:2].tolist() == [2, 1]


def test_scores_say_on_which_side_a_value_lies():
    rng = np.random.default_rng(0)
    y = np.arange(400) < 200
    table = rng.normal(3.0 * y, 1)[:, np.newaxis]
    contrast = LabelContrast.learn(table, y, ~y)
    values = np.array([[-9.0], [0.0], [1.5], [3.0], [9.0], [np.nan]])
    low, without, between, with_it, high, missing = contrast.scores(values)[:, 0]
    assert low == -high == pytest.approx(-contrast.separation[0])
    assert without < -0.8 and with_it > 0.8 and abs(between) < 0.1 and missing == 0
    # A label and its contrary see the same.
    assert_allclose(LabelContrast.learn(table, ~y, y).scores(values), -contrast.scores(values))


def test_gaps_and_few_examples():
    rng = np.random.default_rng(0)
    y = np.arange(100) < 40
    table = rng.normal(3.0 * np.c_[y, y, y], 1)
    table[:, 1] = np.nan
    table[rng.random(100) < 0.9, 2] = np.nan
    contrast = LabelContrast.learn(table, y, ~y)
    assert contrast.features[0] == 0
    assert (
        1
        not in contrast.features[
            contrast.choose(contrast.scores(table[:1, contrast.features])[0], 3)
        ]
    )
    assert LabelContrast.learn(table, np.arange(100) < 4, np.arange(100) >= 4) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("QRS_duration_ms", ("QRS duration", "ms", "70-110")),
        ("II_QRS_duration_ms", ("QRS duration in II", "ms", "below 110")),
        ("V2_ST_slope_mV_per_s", ("ST slope in V2", "mV/s", "")),
        ("QTc_Bazett_ms", ("QTc Bazett", "ms", "390-450 (men), 390-460 (women)")),
        ("potassium", ("potassium", "", "")),
    ],
)
def test_features_are_called_as_the_catalogue_has_them(name, expected):
    assert describe_feature(name) == expected


def test_the_number_of_records_compared_is_bounded(monkeypatch):
    monkeypatch.setattr("sklearn_ecg.cleaning._evidence._MOST_COMPARED", 50)
    y = np.arange(1000) < 400
    contrast = LabelContrast.learn(np.random.default_rng(0).normal(0, 1, (1000, 3)), y, ~y)
    assert len(contrast.rows_with) == len(contrast.rows_without) == 50
    assert_array_equal(contrast.rows_without[[0, -1]], [400, 999])
