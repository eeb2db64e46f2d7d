"""R peaks that someone has corrected, given to the extractor."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features import detect_r_peaks
from sklearn_ecg.records import LazySignals


@pytest.fixture(scope="module")
def records():
    return make_ecg_records(6, labels=("Normal", "PVC"), leads=("II", "V1"), random_state=0)


@pytest.fixture(scope="module")
def found(records):
    return [detect_r_peaks(signal, 500) for signal in records.signals]


@pytest.fixture(scope="module")
def fitted(records):
    return ECGFeatureExtractor().set_output(transform="pandas").fit(records)


def rate(r_peaks, sampling_rate=500):
    return 60 * sampling_rate * (len(r_peaks) - 1) / (r_peaks[-1] - r_peaks[0])


def without_every_second(found):
    return [r_peaks[::2] for r_peaks in found]


def test_peaks_as_they_are_found_change_next_to_nothing(records, fitted, found):
    expected = fitted.transform(records)
    features = fitted.transform(records, r_peaks=found)
    assert_array_equal(features["n_beats"], expected["n_beats"])
    for name in ("RR_mean_ms", "QRS_duration_ms", "QT_interval_ms", "II_R_amplitude_mV"):
        assert_allclose(features[name], expected[name], rtol=0.02, err_msg=name)
    assert_array_equal(fitted.transform(records, r_peaks=[None] * 6), expected)
    assert_array_equal(fitted.transform(records, r_peaks={}), expected)


def test_rhythm_follows_the_given_peaks(records, fitted, found):
    given = without_every_second(found)
    features = fitted.transform(records, r_peaks=given)
    for (_, row), own in zip(features.iterrows(), given, strict=True):
        assert row["n_beats"] == len(own)
        assert row["RR_mean_ms"] == pytest.approx(np.diff(own).mean() * 2, abs=4)
    assert (features["QRS_duration_ms"].between(60, 200)).all()


@pytest.mark.parametrize("sampling_rate", [100, 250, 360, 500, 1000])
def test_peaks_are_samples_of_the_record(sampling_rate):
    records, beats = make_ecg_records(
        3, labels=("Normal",), sampling_rate=sampling_rate, random_state=1, return_beats=True
    )
    onsets = {record: own["qrs_onset_s"].to_numpy() for record, own in beats.groupby("id")}
    given = {record: s[(s > 0.3) & (s < 9.5)] + 0.04 for record, s in onsets.items()}
    features = ECGFeatureExtractor().set_output(transform="pandas").fit_transform(
        records, r_peaks={record: s * sampling_rate for record, s in given.items()}
    )  # fmt: skip
    for record, seconds in given.items():
        assert features.loc[record, "n_beats"] == len(seconds)
        assert features.loc[record, "RR_mean_ms"] == pytest.approx(
            np.diff(seconds).mean() * 1000, abs=4
        )


@pytest.mark.parametrize("sampling_rate", [100, 250, 360, 500, 1000])
def test_intervals_are_those_of_the_given_peaks(sampling_rate, rng):
    """Between samples, to the last sample, at every rate."""
    n_times = 10 * sampling_rate
    peaks = np.append(np.cumsum(rng.uniform(0.5, 1.2, 7)) * sampling_rate, n_times - 1)
    signal = rng.normal(size=(1, 1, n_times))
    extractor = ECGFeatureExtractor(sampling_rate, groups=["rhythm"])
    table = extractor.set_output(transform="pandas").fit_transform(signal, r_peaks=[peaks])
    rr = np.diff(peaks) * 1000 / sampling_rate
    assert_allclose(table["RR_SD_ms"], rr.std(ddof=1))
    assert_allclose(table["RR_range_ms"], np.ptp(rr))
    assert_allclose(table["RR_RMSSD_ms"], np.sqrt((np.diff(rr) ** 2).mean()))


def test_some_records_are_corrected_and_the_others_detected(records, fitted, found):
    expected = fitted.transform(records)
    given = {records.ids[4]: found[4][::2], records.ids[1]: found[1][1::2]}
    as_list = [None, found[1][1::2], None, None, found[4][::2], None]
    as_series = pd.Series(as_list, index=records.ids)
    features = fitted.transform(records, r_peaks=given)
    assert_array_equal(features.iloc[[0, 2, 3, 5]], expected.iloc[[0, 2, 3, 5]])
    assert features["n_beats"].iloc[4] == len(found[4][::2])
    assert features["n_beats"].iloc[1] == len(found[1][1::2])
    for same in (as_list, as_series, as_series.sample(frac=1, random_state=0), tuple(as_list)):
        assert_array_equal(fitted.transform(records, r_peaks=same), features)
    numbered = ECGRecords(records.signals, 500, lead_names=records.lead_names, ids=np.arange(7, 13))
    by_text = fitted.transform(numbered, r_peaks={"8": found[1][1::2], 11: found[4][::2]})
    assert_array_equal(by_text, features)


def test_a_matrix_of_as_many_beats_in_each_record(records, fitted, found):
    given = np.stack([r_peaks[:8] for r_peaks in found])
    assert_array_equal(fitted.transform(records, r_peaks=given)["n_beats"], 8)
    assert_array_equal(
        fitted.transform(records, r_peaks=given + 0.25),
        fitted.transform(records, r_peaks=list(given + 0.25)),
    )


def test_no_beats_and_beats_side_by_side(records, fitted, found):
    given = [[], [1000], [1000, 1000.2, 1000.4], found[3], found[4], found[5]]
    with pytest.warns(UserWarning, match="no beats found"):
        features = fitted.transform(records, r_peaks=given)
    assert_array_equal(features["n_beats"].iloc[:3], [0, 1, 1])
    assert np.isnan(features["RR_mean_ms"].iloc[0])


def test_a_flat_record_stays_unmeasured(records, fitted, found):
    signals = records.signals.copy()
    signals[0] = 0.5
    with pytest.warns(UserWarning, match="no lead recorded"):
        features = fitted.transform(records.with_signals(signals), r_peaks=found)
    assert np.isnan(features["QRS_duration_ms"].iloc[0])


@pytest.mark.parametrize("kind", ["ragged", "lazy", "lazy of unknown lengths", "array"])
def test_every_kind_of_signals(records, found, kind):
    signals = records.signals
    if kind == "ragged":
        signals = [signal[:, : 5000 - 100 * i] for i, signal in enumerate(signals)]
    elif kind.startswith("lazy"):
        shape = signals.shape if kind == "lazy" else signals.shape[:2]
        signals = LazySignals(list(signals).__getitem__, shape)
    given = [r_peaks[:6] for r_peaks in found]
    X = signals if kind == "array" else ECGRecords(signals, 500)
    extractor = ECGFeatureExtractor(sampling_rate=500)
    names = list(extractor.fit(X).get_feature_names_out())
    n_beats = extractor.fit_transform(X, r_peaks=given)[:, names.index("n_beats")]
    assert_array_equal(n_beats, 6)
    with pytest.raises(ValueError, match=r"r_peaks of record .*5.* must lie in the record's"):
        extractor.transform(X, r_peaks=[*given[:5], [10, 5000]])


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ([300, 200], "must be in ascending order.*got 300 before 200"),
        ([100, 5000], "must lie in the record's 5000 samples"),
        ([-1, 5], "must lie in the record's 5000 samples"),
        ([np.nan, 5], "must be finite"),
        ([[1, 2]], "must be an array of samples"),
        ("100", "must be an array of samples"),
        (7, "must be an array of samples"),
    ],
)
def test_an_error_names_the_record(records, fitted, own, message):
    given = [None, None, own, None, None, None]
    with pytest.raises(ValueError, match=f"r_peaks of record {records.ids[2]} {message}"):
        fitted.transform(records, r_peaks=given)
    with pytest.raises(ValueError, match=f"r_peaks of record {records.ids[2]} {message}"):
        fitted.quality_report(records, r_peaks={records.ids[2]: own})


def test_what_is_no_list_of_peaks(records, fitted, found):
    with pytest.raises(ValueError, match="r_peaks holds 5 entries for 6 records"):
        fitted.transform(records, r_peaks=found[:5])
    with pytest.raises(ValueError, match=r"for 1 records: .* pass \[r_peaks\]"):
        fitted.transform(records[:1], r_peaks=found[0])
    with pytest.raises(ValueError, match=r"names the record 'X9', which X does not have \(1 such"):
        fitted.transform(records, r_peaks={"X9": found[0], records.ids[0]: found[0]})
    with pytest.raises(ValueError, match="index of r_peaks does not name the 6 records"):
        fitted.transform(records, r_peaks=pd.Series(found, index=[*records.ids[:5], "X9"]))
    for wrong in ("peaks", 5, pd.DataFrame({"a": [1] * 6})):
        with pytest.raises(TypeError, match="r_peaks must be a sequence or Series"):
            fitted.transform(records, r_peaks=wrong)


def test_memory_tells_given_from_found(records, found, tmp_path):
    cached = ECGFeatureExtractor(memory=str(tmp_path))

    def n_stored():
        return len(list(tmp_path.rglob("*.npz")))

    plain = cached.fit_transform(records)
    given = cached.transform(records, r_peaks=without_every_second(found))
    assert n_stored() == 2 and not np.array_equal(plain, given, equal_nan=True)
    assert_array_equal(cached.transform(records, r_peaks=without_every_second(found)), given)
    as_lists = [list(map(float, own)) for own in without_every_second(found)]
    assert_array_equal(cached.transform(records, r_peaks=as_lists), given)
    cached.quality_report(records, r_peaks=as_lists)
    assert_array_equal(cached.transform(records, r_peaks=[None] * 6), plain)
    assert n_stored() == 2
    cached.transform(records, r_peaks=[own + 1 for own in without_every_second(found)])
    assert n_stored() == 3


def test_workers_agree(records, fitted, found):
    many = records[np.tile(np.arange(6), 6)]
    given = without_every_second(found) * 6
    alone = ECGFeatureExtractor().fit(many).transform(many, r_peaks=given)
    with joblib.parallel_config("threading"):  # which needs no new processes
        shared = ECGFeatureExtractor(n_jobs=2).fit(many).transform(many, r_peaks=given)
    assert_array_equal(alone, shared)


def test_fit_transform_and_frames(records, found):
    extractor = ECGFeatureExtractor(groups=["rhythm"]).set_output(transform="pandas")
    frame = extractor.fit_transform(records, r_peaks=found)
    assert list(frame.index) == list(records.ids) and frame.index.name == "id"
    pd.testing.assert_frame_equal(frame, extractor.transform(records, r_peaks=found))


def test_a_pipeline_hands_them_on_by_name(records, found):
    pipe = make_pipeline(
        ECGFeatureExtractor(), SimpleImputer(), LogisticRegression(max_iter=10_000)
    )
    y = records.labels[:, 1]
    pipe.fit(records, y, ecgfeatureextractor__r_peaks=without_every_second(found))
    assert pipe.predict(records).shape == (6,)


def test_metadata_routing_splits_them_with_the_records(records, found):
    many = records[np.tile(np.arange(6), 4)]
    y = np.arange(24) % 2
    given = without_every_second(found) * 4
    seen = []
    transform = ECGFeatureExtractor.transform

    class Noting(ECGFeatureExtractor):
        def transform(self, X, r_peaks=None):
            seen.append((len(X), [len(own) for own in r_peaks]))
            return transform(self, X, r_peaks)

    with sklearn.config_context(enable_metadata_routing=True):
        extractor = Noting(groups=["rhythm"]).set_transform_request(r_peaks=True)
        pipe = make_pipeline(extractor, SimpleImputer(), LogisticRegression(max_iter=10_000))
        pipe.fit(many, y, r_peaks=given).predict(many, r_peaks=given)
        assert seen == [(24, [len(own) for own in given])] * 2
        seen.clear()
        cross_validate(pipe, many, y, params={"r_peaks": given}, cv=2, error_score="raise")
        assert [n for n, _ in seen] == [12] * 4
        assert all(len(lengths) == n for n, lengths in seen)
