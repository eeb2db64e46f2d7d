"""Signals as arrays: records, preprocessing, features and mixtures."""

from functools import partial

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, floating_dtypes, integer_dtypes

from faults import make
from faults.cases import Area, is_clear, unanswered
from sklearn_ecg import CleanedRecords, ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features import delineate, detect_r_peaks, to_neurokit
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineFilter,
    FixedLength,
    GapFiller,
    LeadScaler,
    PowerlineFilter,
    Resampler,
    bandpass,
    notch,
)
from sklearn_ecg.records import PROVENANCES, LazySignals, as_records, concatenate

AREA = Area("arrays")
S = make.signals()
OBJECT = object()

# What is no signals at all, or none that can be worked on.
NO_SIGNALS = {
    "None": None,
    "a number": 3.0,
    "text": "s.npy",
    "an array of text": np.full((6, 2, 400), "1"),
    "an array of objects": np.full((6, 2, 400), OBJECT),
    "complex numbers": S + 1j,
    "times": np.zeros((6, 2, 400), "M8[s]"),
    "four axes": S[np.newaxis],
    "no axis": np.array(1.0),
    "no leads": S[:, :0],
    "no samples": S[:, :, :0],
    "axes in the order of other packages": S.transpose(0, 2, 1),
    "lists of different lengths": [[[1.0, 2.0], [1.0]]],
}


def _records(signals=S, rate=make.RATE, **fields):
    return ECGRecords(signals, rate, **fields)


AREA.errors(
    "records.ECGRecords",
    {name: partial(_records, value) for name, value in NO_SIGNALS.items()}
    | {
        "records of different leads": lambda: _records([S[0], S[1, :1]]),
        "a rate of 0": lambda: _records(rate=0),
        "a negative rate": lambda: _records(rate=-1),
        "a rate that is NaN": lambda: _records(rate=np.nan),
        "an infinite rate": lambda: _records(rate=np.inf),
        "a rate that is text": lambda: _records(rate="100"),
        "a rate that is true": lambda: _records(rate=True),
        "two leads of one name": lambda: _records(lead_names=["I", "I"]),
        "names of too few leads": lambda: _records(lead_names=["I"]),
        "ids of too few records": lambda: _records(ids=["a"]),
        "two records of one id": lambda: _records(ids=["a"] * 6),
        "an id that is missing": lambda: _records(ids=["a", "b", None, "d", "e", "f"]),
        "an id that is NaN": lambda: _records(ids=[1.0, 2.0, np.nan, 4.0, 5.0, 6.0]),
        "patients of too few records": lambda: _records(groups=[1, 2]),
        "a patient that is missing": lambda: _records(groups=[1, 2, None, 3, 4, 5]),
        "labels of too few records": lambda: _records(labels=make.labels()[:3]),
        "names of too few labels": lambda: _records(labels=make.labels(), label_names=["AF"]),
        "two labels of one name": lambda: _records(labels=make.labels(), label_names=["AF", "AF"]),
        "a label of 2": lambda: _records(labels=make.labels() + 1),
        "a label of 0.5": lambda: _records(labels=make.labels() / 2),
        "labels of text": lambda: _records(labels=make.labels().astype(str)),
        "trust of numbers": lambda: _records(labels=make.labels(), trusted=np.arange(6)),
        "trust of too few records": lambda: _records(labels=make.labels(), trusted=[True]),
        "labels of other records": lambda: _records(
            ids=make.ids(), labels=make.frame(make.labels())
        ),
    },
)


@AREA.case("records.ECGRecords", "a table of labels in another order", "right", "error")
def _():
    table = pd.DataFrame(make.labels(), index=make.ids())
    found = _records(ids=make.ids(), labels=table.iloc[::-1])
    np.testing.assert_array_equal(found.labels, make.labels())
    return "right"


@AREA.case("records.ECGRecords", "patients and trust as Series in another order", "right", "error")
def _():
    series = pd.Series(make.ids(), index=make.ids()).iloc[::-1]
    found = _records(
        ids=make.ids(),
        groups=series,
        labels=make.labels(),
        trusted=series.isin(["r0", "r1"]),
    )
    assert found.groups.tolist() == make.ids()
    assert np.flatnonzero(found.trusted).tolist() == [0, 1]
    return "right"


@AREA.case("records.ECGRecords", "masked labels and samples", "right")
def _():
    mask = np.zeros((6, 2), bool)
    mask[3, 1] = True
    found = _records(
        np.ma.masked_array(S, np.broadcast_to(mask[:, :, np.newaxis], S.shape)),
        labels=np.ma.masked_array(make.labels(), mask),
    )
    assert found.labels[3, 1] == -1 and (found.labels == -1).sum() == 1
    assert np.isnan(found.signals[3][1]).all() and np.isnan(np.asarray(found.signals)).sum() == 400
    return "right"


@AREA.case("records.ECGRecords", "ids of 17 digits as floats", "error", "right")
def _():
    ids = [10.0**16 + number for number in range(6)]  # of which pairs are one float
    assert len(set(_records(ids=ids).ids)) == 6
    return "right"


@AREA.case("records.ECGRecords", "ids of mixed types", "right", "error")
def _():
    ids = np.array([1, "1", 2.5, "a b", "NA", ("x",)], dtype=object)
    found = _records(ids=ids, labels=make.labels())
    assert len({str(type(id)) + str(id) for id in found.ids}) == 6
    return "right"


def _layout(signals):
    """Arrays of another layout or type give the same features."""
    plain = np.array(signals(), dtype=float, order="C")
    expected = ECGFeatureExtractor(groups=("rhythm",)).fit_transform(_records(plain))
    found = ECGFeatureExtractor(groups=("rhythm",)).fit_transform(_records(signals()))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    return "right"


for _name, _signals in {
    "big-endian numbers": lambda: S.astype(">f8"),
    "numbers of 2 bytes": lambda: S.astype("f2"),
    "Fortran's order": lambda: np.asfortranarray(S),
    "every other sample of an array": lambda: np.repeat(S, 2, axis=2)[:, :, ::2],
    "an array that may not be written to": lambda: np.frombuffer(S.tobytes()).reshape(S.shape),
    "a list of lists": lambda: S.tolist(),
}.items():
    AREA.case("records.ECGRecords", _name, "right")(partial(_layout, _signals))

R = make.labelled()
AREA.errors(
    "records.ECGRecords",
    {
        "with_labels of too few": lambda: R.with_labels(make.labels()[:2]),
        "with_labels of other records": lambda: R.with_labels(make.frame(make.labels())),
        "with_signals of other leads": lambda: R.with_signals(S[:, :1]),
        "with_signals of too few": lambda: R.with_signals(S[:2]),
        "select_leads that are not there": lambda: R.select_leads(["V9"]),
        "select_leads twice": lambda: R.select_leads(["I", "I"]),
        "select_leads without names": lambda: _records().select_leads(["I"]),
        "a mask of too few": lambda: R[[True, False]],
        "an index by text": lambda: R["r0"],
        "an index by halves": lambda: R[[0.5]],
    },
)


def _out_of_bounds(records):
    """An index that there is not is an IndexError, as of any sequence."""
    try:
        return records[[0, 99]]
    except IndexError as error:
        assert "99" in str(error)
        return "error"


AREA.case("records.ECGRecords", "an index beyond the records", "error")(lambda: _out_of_bounds(R))
AREA.case("records.LazySignals", "an index beyond the records", "error")(
    lambda: _out_of_bounds(LazySignals(S.__getitem__, S.shape))
)


def _cleaned(**changes):
    fields = {
        "labels": make.labels(),
        "weak_labels": make.labels(),
        "provenance": np.zeros((6, 2), dtype=np.int8),
        "confidence": np.ones((6, 2)),
    }
    return CleanedRecords(S, make.RATE, **fields | changes)


AREA.errors(
    "records.CleanedRecords",
    {
        "no labels": lambda: _cleaned(labels=None),
        "weak labels of another shape": lambda: _cleaned(weak_labels=make.labels()[:, :1]),
        "an unknown provenance": lambda: _cleaned(provenance=np.full((6, 2), 99)),
        "provenance of another shape": lambda: _cleaned(provenance=np.zeros((2, 6), np.int8)),
        "confidence of 2": lambda: _cleaned(confidence=np.full((6, 2), 2.0)),
        "confidence of another shape": lambda: _cleaned(confidence=np.ones(6)),
        "features of too few records": lambda: _cleaned(features=np.ones((2, 3))),
        "labels that are replaced": lambda: _cleaned().with_labels(make.labels()),
    },
)
AREA.errors(
    "records.PROVENANCES",
    {"a name that there is not": lambda: _cleaned(provenance=np.full((6, 2), len(PROVENANCES)))},
)
AREA.errors(
    "records.as_records",
    {name: partial(as_records, value, make.RATE) for name, value in NO_SIGNALS.items()}
    | {"another rate than the records'": lambda: as_records(R, 250)},
)
AREA.errors(
    "records.concatenate",
    {
        "nothing": lambda: concatenate([]),
        "arrays": lambda: concatenate([S, S]),
        "one id twice": lambda: concatenate([R, R]),
        "other rates": lambda: concatenate([R, ECGRecords(S, 250, lead_names=["I", "II"])]),
        "other leads": lambda: concatenate([R, _records(lead_names=["V1", "V2"])]),
        "too few keys": lambda: concatenate([R, R], keys=["a"]),
        "one key twice": lambda: concatenate([R, R], keys=["a", "a"]),
        "a collection of None": lambda: concatenate([R, None]),
    },
)

# Preprocessing.

FILTERS = {
    BandpassFilter: {"low": 0.5},
    BaselineFilter: {},
    FixedLength: {"n_times": 300},
    GapFiller: {},
    LeadScaler: {},
    PowerlineFilter: {"frequency": 30.0},
    Resampler: {"new_rate": 50},
}


def _transformed(kind, signals=S, **parameters):
    options = dict(FILTERS[kind]) | parameters
    if "sampling_rate" in kind().get_params() if kind is not Resampler else True:
        options.setdefault("sampling_rate", make.RATE)
    return kind(**options).fit_transform(signals)


for _kind in FILTERS:
    AREA.errors(
        f"preprocessing.{_kind.__name__}",
        {
            name: partial(_transformed, _kind, NO_SIGNALS[name])
            for name in ("None", "text", "complex numbers", "four axes", "no samples", "no leads")
        },
    )

    def _one_gap(kind=_kind):
        """One missing sample is told, or filled, and no other record is changed by it."""
        signals = S.copy()
        signals[3, 0, 100:110] = np.nan
        expected = np.delete(_transformed(kind), 3, axis=0)
        found = np.delete(_transformed(kind, signals), 3, axis=0)
        if kind is not LeadScaler:
            np.testing.assert_allclose(found, expected, atol=1e-6)
        assert np.isfinite(found).all()
        return "right"

    AREA.case(f"preprocessing.{_kind.__name__}", "missing samples in one record", "right", "error")(
        _one_gap
    )

AREA.errors(
    "preprocessing.Resampler",
    {
        "a rate of 0": lambda: _transformed(Resampler, new_rate=0),
        "a rate that is NaN": lambda: _transformed(Resampler, new_rate=np.nan),
        "an infinite rate": lambda: _transformed(Resampler, new_rate=np.inf),
        "a rate of 1e-9": lambda: _transformed(Resampler, new_rate=1e-9),
        "a rate of 1e15": lambda: _transformed(Resampler, new_rate=1e15),
        "an unknown rate": lambda: Resampler(50).fit_transform(S),
        "another rate than the records'": lambda: Resampler(50, sampling_rate=7).fit_transform(R),
    },
)
AREA.errors(
    "preprocessing.PowerlineFilter",
    {
        "a frequency of 0.01": lambda: _transformed(PowerlineFilter, frequency=0.01),
        "a frequency beyond half the rate": lambda: _transformed(PowerlineFilter, frequency=60.0),
        "a bandwidth of 0": lambda: _transformed(PowerlineFilter, bandwidth=0),
        "a negative number of harmonics": lambda: _transformed(PowerlineFilter, n_harmonics=-1),
    },
)
AREA.errors(
    "preprocessing.BandpassFilter",
    {
        "bounds in reverse": lambda: _transformed(BandpassFilter, low=40.0, high=0.5),
        "a bound that is NaN": lambda: _transformed(BandpassFilter, low=np.nan),
        "a negative bound": lambda: _transformed(BandpassFilter, low=-1.0),
    },
)
AREA.errors(
    "preprocessing.BaselineFilter",
    {
        "windows of no time": lambda: _transformed(BaselineFilter, windows_s=(0, 0)),
        "windows of 1e12 s": lambda: _transformed(BaselineFilter, windows_s=(1e12, 1e12)),
        "windows of text": lambda: _transformed(BaselineFilter, windows_s="wide"),
    },
)
AREA.errors(
    "preprocessing.FixedLength",
    {
        "no length": lambda: FixedLength().fit_transform(S),
        "two lengths": lambda: _transformed(FixedLength, duration_s=1.0),
        "a negative length": lambda: _transformed(FixedLength, n_times=-1),
        "10^13 samples": lambda: _transformed(FixedLength, n_times=10**13),
        "an unknown align": lambda: _transformed(FixedLength, align="middle"),
    },
)
AREA.errors(
    "preprocessing.GapFiller",
    {"a missing lead by text": lambda: GapFiller(missing_lead="mean").fit_transform(S)},
)
AREA.errors(
    "preprocessing.LeadScaler",
    {
        "other leads than those of fit": lambda: LeadScaler().fit(S).transform(S[:, :1]),
        "robust by text": lambda: LeadScaler(robust="yes").fit_transform(S),
        "transform before fit": lambda: LeadScaler().transform(S),
    },
)
AREA.errors(
    "preprocessing.bandpass",
    {
        "no bounds at all": lambda: bandpass(S, 0, 0.5, 40),
        "bounds in reverse": lambda: bandpass(S, make.RATE, 40, 0.5),
        "text": lambda: bandpass("signal", make.RATE, 0.5),
        "a new rate of 0": lambda: bandpass(S, make.RATE, 0.5, new_rate=0),
    },
)
AREA.errors(
    "preprocessing.notch",
    {
        "a frequency of 0.01": lambda: notch(S, make.RATE, 0.01),
        "a frequency that is NaN": lambda: notch(S, make.RATE, np.nan),
        "a rate of 0": lambda: notch(S, 0, 50),
        "text": lambda: notch("signal", make.RATE, 30),
    },
)

# Features.


def _features(signals=S, rate=make.RATE, **parameters):
    return ECGFeatureExtractor(rate, **parameters).fit_transform(signals)


AREA.errors(
    "features.ECGFeatureExtractor",
    {name: partial(_features, value) for name, value in NO_SIGNALS.items()}
    | {
        "an unknown group": lambda: _features(groups=("rhythms",)),
        "no groups": lambda: _features(groups=()),
        "a rate of 0": lambda: _features(rate=0),
        "an unknown rate": lambda: _features(rate=None),
        "memory that is a number": lambda: _features(memory=3),
        "jobs by text": lambda: _features(n_jobs="all"),
        "transform before fit": lambda: ECGFeatureExtractor().transform(R),
        "other leads than those of fit": lambda: (
            ECGFeatureExtractor().fit(R).transform(_records(lead_names=["V1", "V2"]))
        ),
        "R peaks of too few records": lambda: ECGFeatureExtractor().fit_transform(
            R, r_peaks=[[10]]
        ),
        "R peaks beyond the record": lambda: ECGFeatureExtractor().fit_transform(
            R, r_peaks=[[10, 10**6]] * 6
        ),
        "R peaks that are NaN": lambda: ECGFeatureExtractor().fit_transform(
            R, r_peaks=[[np.nan, 100]] * 6
        ),
    },
)


def _beside(value, place=(3, 0, slice(100, 150))):
    """Bad samples in one record change nothing in the others."""
    signals = S.copy()
    signals[place] = value
    extractor = ECGFeatureExtractor().fit(R)
    expected = np.delete(extractor.transform(R), 3, axis=0)
    found = np.delete(extractor.transform(R.with_signals(signals)), 3, axis=0)
    np.testing.assert_array_equal(found, expected)
    return "right"


for _name, _value in {
    "NaN": np.nan,
    "infinite": np.inf,
    "1e30 mV": 1e30,
    "1e300 mV": 1e300,
    "constant": 0.0,
    "a lead of NaN": None,
}.items():
    _place = (3, 0) if _value is None else (3, 0, slice(100, 150))
    AREA.case("features.ECGFeatureExtractor", f"samples that are {_name}", "right", "error")(
        partial(_beside, np.nan if _value is None else _value, _place)
    )


@AREA.case("features.ECGFeatureExtractor", "a record whose reading fails", "nan")
def _():
    def read(row):
        if row == 3:
            raise ValueError("r3.dat is damaged")
        return S[row]

    lazy = ECGRecords(LazySignals(read, S.shape), make.RATE, ids=make.ids(), lead_names=make.LEADS)
    extractor = ECGFeatureExtractor().fit(R)
    return unanswered(lambda: extractor.transform(lazy), 3, "r3")


@AREA.case("features.ECGFeatureExtractor", "a rate of 1 Hz", "right", "error")
def _():
    found = _features(rate=1, groups=("intervals",))
    assert np.isnan(found).all()
    return "right"


@AREA.case("features.ECGFeatureExtractor", "any array of numbers", "right")
def _():
    """Features of what hypothesis makes up are of the right shape, or a clear error."""

    @make.made_up(max_examples=25)
    @given(
        arrays(
            st.one_of(floating_dtypes(), integer_dtypes()),
            array_shapes(min_dims=1, max_dims=4, max_side=40),
        )
    )
    def try_it(values):
        try:
            found = _features(values, groups=("rhythm", "intervals"))
        except Exception as error:
            assert is_clear(error), f"{values.dtype} {values.shape}: {error!r}"
        else:
            assert len(found) == (1 if values.ndim == 1 else len(values))

    try_it()
    return "right"


LEAD = make.signal(3)[1]
AREA.errors(
    "features.detect_r_peaks",
    {
        "None": lambda: detect_r_peaks(None, make.RATE),
        "text": lambda: detect_r_peaks("ecg", make.RATE),
        "three axes": lambda: detect_r_peaks(S, make.RATE),
        "complex numbers": lambda: detect_r_peaks(LEAD + 1j, make.RATE),
        "no samples": lambda: detect_r_peaks(LEAD[:0], make.RATE),
        "a rate of 0": lambda: detect_r_peaks(LEAD, 0),
        "a rate that is NaN": lambda: detect_r_peaks(LEAD, np.nan),
        "an unknown method": lambda: detect_r_peaks(LEAD, make.RATE, method="pan"),
    },
)
AREA.case("features.detect_r_peaks", "NaN throughout", "right", "error")(
    lambda: "right" if len(detect_r_peaks(LEAD * np.nan, make.RATE)) == 0 else "beats"
)
AREA.case("features.detect_r_peaks", "a flat line", "right")(
    lambda: "right" if len(detect_r_peaks(LEAD * 0, make.RATE)) == 0 else "beats"
)
AREA.case("features.detect_r_peaks", "one sample", "right", "error")(
    lambda: "right" if len(detect_r_peaks(LEAD[:1], make.RATE)) == 0 else "beats"
)
AREA.errors(
    "features.delineate",
    {
        "None": lambda: delineate(None, make.RATE),
        "text": lambda: delineate("ecg", make.RATE),
        "no samples": lambda: delineate(LEAD[:0], make.RATE),
        "a rate of 0": lambda: delineate(LEAD, 0),
        "an unknown method": lambda: delineate(LEAD, make.RATE, method="guess"),
        "R peaks beyond the record": lambda: delineate(LEAD, make.RATE, r_peaks=[10**9]),
        "negative R peaks": lambda: delineate(LEAD, make.RATE, r_peaks=[-5, 50]),
        "R peaks that are NaN": lambda: delineate(LEAD, make.RATE, r_peaks=[np.nan]),
        "R peaks of text": lambda: delineate(LEAD, make.RATE, r_peaks=["a"]),
        "R peaks in reverse": lambda: delineate(LEAD, make.RATE, r_peaks=[300, 100]),
    },
)
AREA.errors(
    "features.to_neurokit",
    {
        "no waves": lambda: to_neurokit(None, make.RATE),
        "a table of something else": lambda: to_neurokit(pd.DataFrame({"a": [1]}), make.RATE),
        "a lead that is not there": lambda: to_neurokit(
            delineate(S[0], make.RATE), make.RATE, lead=9
        ),
        "a rate of 0": lambda: to_neurokit(delineate(S[0], make.RATE), 0),
    },
)
AREA.errors(
    "datasets.make_ecg_records",
    {
        "no records": lambda: make_ecg_records(0),
        "half a record": lambda: make_ecg_records(0.5),
        "an unknown label": lambda: make_ecg_records(2, labels=["VT?"]),
        "an unknown lead": lambda: make_ecg_records(2, leads=["X9"]),
        "a rate of 0": lambda: make_ecg_records(2, sampling_rate=0),
        "no time": lambda: make_ecg_records(2, duration_s=0),
        "a time that is NaN": lambda: make_ecg_records(2, duration_s=np.nan),
        "a year of records of 1 MHz": lambda: make_ecg_records(
            2, sampling_rate=1e6, duration_s=3e7
        ),
        "negative noise": lambda: make_ecg_records(2, noise=-1.0),
        "leads off with a chance of 2": lambda: make_ecg_records(2, lead_off=2.0),
        "a random state of text": lambda: make_ecg_records(2, random_state="seed"),
    },
)

# Mixtures.

X = make.table()[0]


def _mixture(values=X, **parameters):
    return DirichletProcessGaussianMixture(random_state=0, **parameters).fit(values)


def _with(value):
    values = X.copy()
    values[5, 1] = value
    return values


AREA.errors(
    "mixture.DirichletProcessGaussianMixture",
    {
        "NaN": lambda: _mixture(_with(np.nan)),
        "an infinite number": lambda: _mixture(_with(np.inf)),
        "one axis": lambda: _mixture(X[:, 0]),
        "no rows": lambda: _mixture(X[:0]),
        "no columns": lambda: _mixture(X[:, :0]),
        "no components": lambda: _mixture(n_components=0),
        "unknown inference": lambda: _mixture(inference="mcmc"),
        "unknown covariance": lambda: _mixture(covariance_type="round"),
        "a negative concentration": lambda: _mixture(weight_concentration=-1.0),
        "a prior of another shape": lambda: _mixture(covariance_prior=np.ones(99)),
        "predict before fit": lambda: DirichletProcessGaussianMixture().predict(X),
        "other columns than those of fit": lambda: _mixture().predict(X[:, :2]),
    },
)


@AREA.case("mixture.DirichletProcessGaussianMixture", "numbers of 1e150", "right", "error")
def _():
    assert np.isfinite(_mixture(X * 1e150).score_samples(X * 1e150)).all()
    return "right"


@AREA.case("mixture.DirichletProcessGaussianMixture", "equal rows", "right", "error")
def _():
    assert np.isfinite(_mixture(np.ones((50, 3))).score_samples(np.ones((2, 3)))).all()
    return "right"
