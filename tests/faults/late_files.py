"""Files that change, shrink or vanish after they were opened: what reads them leaves out these."""

import warnings
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from faults import make
from faults.cases import Area, unanswered
from faults.hospital_folders import LATE, N_LATE, ROW, late
from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor
from sklearn_ecg.datasets import anonymise, load_ecg_files, write_ecg_files
from sklearn_ecg.plotting import save_contact_sheet
from sklearn_ecg.shards import MeasureFeatures, PredictLabels, run_shards


def _prepare():
    mpl.use("Agg")
    make.prepare_models()


AREA = Area("files that change late", _prepare)
RHYTHM = ECGFeatureExtractor(groups=("rhythm",))
# Of ids in their order, "bad" is the first.
BAD = 0


def _transformed(change):
    records = late(change)
    return unanswered(lambda: RHYTHM.fit(make.records()).transform(records), BAD, "bad")


def _fitted_and_transformed(change):
    records = late(change)
    return unanswered(lambda: RHYTHM.fit_transform(records), BAD, "bad")


def _predicted(change):
    records = late(change)
    return unanswered(lambda: make.classifier().predict_proba(records), BAD, "bad")


def _told_once(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    said = [str(warning.message) for warning in caught if "bad" in str(warning.message)]
    assert len(said) == 1, said
    return result


def _trained(change):
    """Training goes on without it."""
    records = late(change).with_labels(make.labels(N_LATE), make.LABELS)
    classifier = _told_once(lambda: make.small_classifier().fit(records))
    assert np.isfinite(classifier.predict_proba(make.records())).all()
    return "nan"


def _cleaned(change):
    """The labels of the record that cannot be read stay as they were, or are left to a person."""
    trusted = np.arange(N_LATE) != BAD
    records = late(change).with_labels(make.labels(N_LATE), make.LABELS, trusted=trusted)
    cleaner = _told_once(lambda: AFPLabelCleaner(RHYTHM, random_state=0).fit(records))
    assert np.isin(cleaner.labels_[BAD], (-1, *make.labels(N_LATE)[BAD])).all()
    return "nan"


def _by_shards(step, change):
    table = run_shards(step(), late(change), "night", shard_size=2)
    assert (table["problem"] != "").to_numpy().nonzero()[0].tolist() == [BAD]
    assert "bad" in table["problem"].iloc[BAD]
    values = table.drop(columns="problem")
    assert values.iloc[BAD].isna().all() and not values.drop("bad.xml").isna().all(axis=1).any()
    return "nan"


def _model():
    make.classifier().save("m")
    return PredictLabels("m")


def _written(format, change):
    written = _told_once(lambda: write_ecg_files(late(change), "out", format))
    assert (written["problem"] != "").to_numpy().nonzero()[0].tolist() == [BAD]
    if format != "parquet":
        signals = load_ecg_files("out").signals
        good = [make.signal(n) for n in range(N_LATE) if n != ROW]
        for found, signal in zip(signals, good, strict=True):
            np.testing.assert_allclose(found, signal, atol=1.1e-3)
    else:
        table = pd.read_parquet(sorted(Path("out").glob("*.parquet")))
        assert len(table) == N_LATE - 1
    return "nan"


def _drawn(change):
    assert save_contact_sheet(late(change), "sheet.pdf") == N_LATE
    assert Path("sheet.pdf").read_bytes().startswith(b"%PDF")
    return "right"


def _anonymised(change):
    """Reading is an error that tells no name of a file."""
    records = anonymise(late(change), key="kept in our safe")
    try:
        records.signals[BAD]
    except ValueError as error:
        assert "bad.xml" not in str(error), str(error)
        assert records.ids[BAD] in str(error), str(error)
        raise


CALLS = {
    ("features.ECGFeatureExtractor", "transforming"): (_transformed, "nan"),
    ("features.ECGFeatureExtractor", "fitting and transforming"): (_fitted_and_transformed, "nan"),
    ("network.LabelCorrelationECGClassifier", "predicting"): (_predicted, "nan"),
    ("network.LabelCorrelationECGClassifier", "training"): (_trained, "nan"),
    ("cleaning.AFPLabelCleaner", "cleaning"): (_cleaned, "nan"),
    ("shards.run_shards", "measuring"): (
        partial(_by_shards, lambda: MeasureFeatures(RHYTHM)),
        "nan",
    ),
    ("shards.run_shards", "predicting"): (partial(_by_shards, _model), "nan"),
    ("plotting.save_contact_sheet", "drawing"): (_drawn, "right"),
    ("datasets.anonymise", "reading anonymised"): (_anonymised, "error"),
} | {
    ("datasets.write_ecg_files", f"writing {format}"): (partial(_written, format), "nan")
    for format in ("wfdb", "edf", "dicom", "csv", "parquet")
}
for (_function, _what), (_call, _expected) in CALLS.items():
    for _name, _change in LATE.items():
        AREA.case(_function, f"{_what} of a file that {_name}", _expected)(partial(_call, _change))
