"""Files that are written hold what the records hold, as other readers read them."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import CleanedRecords, ECGRecords
from sklearn_ecg.datasets import (
    join_labels,
    load_ecg_files,
    load_wfdb,
    make_ecg_records,
    write_ecg_files,
)
from sklearn_ecg.datasets.writers._edf import _data_records
from sklearn_ecg.datasets.writers._to_write import RecordToWrite

LEADS = ("I", "II", "V1")


def of_three(signals=None, **fields):
    """Three records of whole microvolts, of patients, with a label that is unknown once."""
    if signals is None:
        signals = np.random.default_rng(0).integers(-3000, 3000, (3, 3, 1000)) / 1000
    metadata = pd.DataFrame(
        {
            "age_years": [63.0, np.nan, 7.0],
            "sex": ["female", "", "male"],
            "recorded_at": np.array(["2021-03-04T05:06:07", "NaT", "1899-12-31"], "datetime64[s]"),
            "device": ["MAC 5500", "", "ELI"],
            "machine_statements": [("sinus rhythm", "scp:NORM"), (), ("paced",)],
        },
        index=["a/1", "a.2", "ü"],
    )
    arguments = {
        "lead_names": LEADS,
        "ids": metadata.index,
        "groups": ["p1", "p2", "p1"],
        "labels": [[1, 0], [0, -1], [1, 1]],
        "label_names": ["AF", "LBBB"],
        "trusted": [True, False, False],
        "metadata": metadata,
    }
    return ECGRecords(signals, 500, **arguments | fields)


def test_wfdb_reads_what_was_written(tmp_path):
    records = of_three()
    written = write_ecg_files(records, tmp_path)
    assert written.index.tolist() == ["a/1", "a.2", "ü"]
    assert written["file"].tolist() == ["a_1.hea", "a_2.hea", "record.hea"]

    again = load_wfdb(tmp_path)
    assert again.lead_names == LEADS
    np.testing.assert_allclose(np.asarray(again.signals), records.signals, atol=1e-7)
    header = (tmp_path / "a_1.hea").read_text()
    assert "# Labels: AF" in header.replace("#Labels", "# Labels")
    assert "05:06:07 04/03/2021" in header


def test_edf_reads_what_was_written(tmp_path):
    edfio = pytest.importorskip("edfio", reason="needs sklearn_ecg[hospital]")
    records = of_three()
    write_ecg_files(records, tmp_path, "edf")
    edf = edfio.read_edf(tmp_path / "a_1.edf")
    assert edf.labels == ("ECG I", "ECG II", "ECG V1")
    signals = np.array([signal.data for signal in edf.signals]) / 1000
    np.testing.assert_allclose(signals, records.signals[0], atol=1e-9)
    assert [note.text for note in edf.annotations] == ["AF"]
    assert (edf.patient.code, edf.patient.sex) == ("p1", "F")
    assert str(edf.startdatetime) == "2021-03-04 05:06:07"


@pytest.mark.parametrize("n_times", [1000, 4999, 5001])
@pytest.mark.parametrize("rate", [100, 249.5, 500])
def test_edf_keeps_every_sample_and_the_rate(tmp_path, rate, n_times):
    edfio = pytest.importorskip("edfio", reason="needs sklearn_ecg[hospital]")
    signals = np.random.default_rng(1).integers(-900, 900, (1, 1, n_times)) / 1000
    write_ecg_files(ECGRecords(signals, rate, lead_names=["II"]), tmp_path, "edf")
    signal = edfio.read_edf(tmp_path / "0.edf").signals[0]
    assert signal.sampling_frequency == pytest.approx(rate, rel=1e-6)
    np.testing.assert_allclose(signal.data / 1000, signals[0, 0], atol=1e-9)


def test_dicom_reads_what_was_written(tmp_path):
    pydicom = pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    records = of_three()
    write_ecg_files(records, tmp_path, "dicom")
    file = pydicom.dcmread(tmp_path / "a_1.dcm")
    np.testing.assert_allclose(file.waveform_array(0).T / 1000, records.signals[0], atol=1e-9)
    assert file.SOPClassUID.name == "12-lead ECG Waveform Storage"
    assert (file.PatientID, file.PatientAge, file.PatientSex) == ("p1", "063Y", "F")
    assert file.AcquisitionDateTime == "20210304050607"
    assert [note.UnformattedTextValue for note in file.WaveformAnnotationSequence] == ["AF"]
    (group,) = file.WaveformSequence
    sources = [lead.ChannelSourceSequence[0] for lead in group.ChannelDefinitionSequence]
    assert [source.CodeValue for source in sources] == ["2:1", "2:2", "2:3"]
    assert pydicom.dcmread(tmp_path / "record.dcm").StudyDate == "18991231"


def test_csv_reads_what_was_written(tmp_path):
    records = of_three()
    write_ecg_files(records, tmp_path, "csv")
    table = pd.read_csv(tmp_path / "a_1.csv")
    assert list(table) == ["time (s)", "I (mV)", "II (mV)", "V1 (mV)"]
    assert table["time (s)"].iloc[-1] == pytest.approx(999 / 500)
    np.testing.assert_allclose(table.iloc[:, 1:].T, records.signals[0], atol=1e-9)


def test_parquet_holds_signals_labels_and_metadata_in_rows(tmp_path):
    pytest.importorskip("pyarrow", reason="needs sklearn_ecg[parquet]")
    records = of_three()
    written = write_ecg_files(records, tmp_path, "parquet")
    assert written["file"].unique().tolist() == ["part-00000.parquet"]
    table = pd.read_parquet(tmp_path / "part-00000.parquet", dtype_backend="numpy_nullable")
    np.testing.assert_allclose(np.stack(table["signal"][1]), records.signals[1], atol=1e-6)
    assert table["id"].tolist() == ["a/1", "a.2", "ü"]
    assert table["lead_names"][0].tolist() == list(LEADS)
    assert table["LBBB"].tolist() == [0, pd.NA, 1]
    assert table["machine_statements"][0].tolist() == ["sinus rhythm", "scp:NORM"]
    assert table["patient"].tolist() == ["p1", "p2", "p1"]


@pytest.mark.parametrize("format", ["wfdb", "dicom", "csv"])
def test_files_and_the_table_beside_them_give_signals_and_labels_back(tmp_path, format):
    pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    records = of_three()
    write_ecg_files(records, tmp_path, format)
    again = join_labels(load_ecg_files(tmp_path), tmp_path / "labels.csv", id_column="file")
    suffix = {"wfdb": ".hea", "dicom": ".dcm", "csv": ".csv"}[format]
    assert again.ids.tolist() == [f"{name}{suffix}" for name in ("a_1", "a_2", "record")]
    np.testing.assert_array_equal(again.labels, records.labels)
    assert again.label_names.tolist() == ["AF", "LBBB"]
    signals = np.asarray(again.select_leads(LEADS).signals)
    np.testing.assert_allclose(signals, records.signals, atol=1e-6)
    if format != "csv":
        assert again.groups.tolist() == ["p1", "p2", "p1"]
        assert again.metadata["sex"].tolist() == ["female", "", "male"]
        known = records.metadata["recorded_at"]
        pd.testing.assert_series_equal(
            again.metadata["recorded_at"], known, check_index=False, check_names=False
        )


def test_a_table_holds_what_else_is_known(tmp_path):
    write_ecg_files(of_three(), tmp_path)
    table = pd.read_csv(tmp_path / "records.csv", index_col="id")
    assert table["patient"].tolist() == ["p1", "p2", "p1"]
    assert table["trusted"].tolist() == [True, False, False]
    assert table["machine_statements"].tolist()[0] == "sinus rhythm; scp:NORM"


def test_cleaned_records_say_where_a_label_comes_from(tmp_path):
    cleaned = CleanedRecords(
        np.zeros((2, 1, 500)),
        500,
        lead_names=["II"],
        labels=[[1], [-1]],
        weak_labels=[[0], [1]],
        provenance=[["added"], ["undecided"]],
        confidence=[[0.9], [0.5]],
        label_names=["AF"],
    )
    write_ecg_files(cleaned, tmp_path, "csv")
    assert pd.read_csv(tmp_path / "labels.csv")["AF"].isna().tolist() == [False, True]
    table = pd.read_csv(tmp_path / "records.csv")
    assert table["AF provenance"].tolist() == ["added", "undecided"]
    assert table["AF confidence"].tolist() == [0.9, 0.5]


@pytest.mark.parametrize("format", ["wfdb", "dicom", "csv", "parquet"])
def test_gaps_stay_gaps(tmp_path, format):
    pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    signals = np.random.default_rng(0).integers(-900, 900, (1, 3, 500)) / 1000
    signals[0, 1, 100:200] = np.nan
    write_ecg_files(ECGRecords(signals, 500, lead_names=LEADS), tmp_path, format)
    (again,) = _read_back(tmp_path, format)
    np.testing.assert_array_equal(np.isnan(again), np.isnan(signals[0]))


def _read_back(folder, format):
    if format == "wfdb":
        return np.asarray(load_wfdb(folder).signals)
    if format == "csv":
        return [pd.read_csv(folder / "0.csv").iloc[:, 1:].to_numpy().T]
    if format == "parquet":
        return [
            np.stack(signal) for signal in pd.read_parquet(folder / "part-00000.parquet")["signal"]
        ]
    pydicom = pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    (group,) = pydicom.dcmread(folder / "0.dcm").WaveformSequence
    samples = np.frombuffer(group.WaveformData, "<i2").reshape(-1, 3).T.astype(float)
    padding = int.from_bytes(group.WaveformPaddingValue, "little", signed=True)
    return [np.where(samples == padding, np.nan, samples)]


@pytest.mark.parametrize("format", ["wfdb", "edf", "dicom", "csv", "parquet"])
def test_a_record_that_cannot_be_written_is_named_and_the_others_are_there(tmp_path, format):
    pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    signals = np.zeros((3, 3, 500))
    signals[1] = np.nan
    with pytest.warns(UserWarning, match="1 of 3 records are not written. a.2: .* no sample"):
        written = write_ecg_files(of_three(signals), tmp_path, format)
    assert (written["file"] != "").tolist() == [True, False, True]
    assert "no sample" in written.loc["a.2", "problem"]
    assert pd.read_csv(tmp_path / "records.csv")["id"].tolist() == ["a/1", "ü"]
    assert len(pd.read_csv(tmp_path / "labels.csv")) == 2


def test_edf_divides_a_day_without_counting_its_samples():
    day = np.broadcast_to(np.float32(0), (3, 86_400_000))
    tracemalloc.start()
    record = RecordToWrite("day", day, 1000, ("X", "Y", "Z"), "", {}, {})
    assert _data_records(record) == (10, 1000)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("rate", [249.89, 1000 / 3])
@pytest.mark.parametrize("format", ["wfdb", "edf", "dicom", "csv"])
def test_odd_rates_are_those_of_all_records(tmp_path, format, rate):
    pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    rng = np.random.default_rng(2)
    signals = [rng.integers(-900, 900, (2, n_times)) / 1000 for n_times in (997, 1000, 1500)]
    write_ecg_files(ECGRecords(signals, rate, lead_names=["I", "II"]), tmp_path, format)
    again = load_ecg_files(tmp_path)
    assert again.sampling_rate == pytest.approx(rate, rel=1e-6)
    assert not again.report["problem"].str.contains("resampled").any()
    for own, given in zip(again.signals, signals, strict=True):
        np.testing.assert_allclose(own, given, atol=1e-6)


@pytest.mark.parametrize("format", ["edf", "dicom"])
def test_names_that_are_too_long_for_a_format_are_named(tmp_path, format):
    pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    records = of_three(lead_names=("I", "a name of 16 char", "V1"))
    with pytest.warns(UserWarning, match=r"3 of 3 records .* a/1: a/1 cannot be written: .*16"):
        assert (write_ecg_files(records, tmp_path, format)["file"] == "").all()
    records = of_three(lead_names=("I", "name of 12 c", "V1"))
    table = records.metadata.assign(device="x" * 100)
    write_ecg_files(records.with_metadata(table), tmp_path, format, overwrite=True)
    again = load_ecg_files(tmp_path)
    assert [name.removeprefix("ECG ") for name in again.lead_names] == [*records.lead_names]
    np.testing.assert_allclose(np.asarray(again.signals)[0], records.signals[0], atol=1e-6)


@pytest.mark.parametrize("format", ["wfdb", "edf", "dicom"])
def test_what_no_reader_takes_for_an_ecg_is_not_written(tmp_path, format):
    pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    signals = np.full((3, 3, 500), 0.5)
    signals[1] = 1e30
    signals[2, 1] = 9e3
    with pytest.warns(UserWarning, match="a.2: a.2 reaches 1e\\+30 mV, too much for an ECG"):
        write_ecg_files(of_three(signals), tmp_path, format)
    again = load_ecg_files(tmp_path)
    assert len(again) == 2
    np.testing.assert_allclose(np.asarray(again.signals), signals[[0, 2]], rtol=1e-4)


def test_edf_has_no_mark_for_missing_samples(tmp_path):
    pytest.importorskip("edfio", reason="needs sklearn_ecg[hospital]")
    signals = np.zeros((3, 3, 500))
    signals[0, 0, 5] = np.nan
    with pytest.warns(UserWarning, match="a/1: .*lacks samples, for which EDF has no mark"):
        write_ecg_files(of_three(signals), tmp_path, "edf")
    assert not (tmp_path / "a_1.edf").exists()


def test_what_goes_beyond_16_bits_is_written_in_larger_steps(tmp_path):
    signals = np.array([[[0.0, 100.0, -150.0] * 100]])
    write_ecg_files(ECGRecords(signals, 500, lead_names=["II"]), tmp_path)
    np.testing.assert_allclose(np.asarray(load_wfdb(tmp_path).signals), signals, atol=0.005)


def test_names_that_would_meet_in_one_file_differ(tmp_path):
    records = make_ecg_records(4, random_state=0)
    signals = np.asarray(records.signals)
    ids = ["../x", "x", "X", "CON:x"]
    records = ECGRecords(signals, records.sampling_rate, lead_names=records.lead_names, ids=ids)
    written = write_ecg_files(records, tmp_path / "inner")
    assert written["file"].tolist() == ["x.hea", "x_2.hea", "X_3.hea", "CON_x.hea"]
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]


def test_no_record_takes_the_name_of_a_table(tmp_path):
    written = write_ecg_files(
        of_three(ids=["labels", "Records", "c"], metadata=None), tmp_path, "csv"
    )
    assert written["file"].tolist() == ["labels_2.csv", "Records_2.csv", "c.csv"]
    assert len(load_ecg_files(tmp_path)) == 3


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_columns_of_one_name_stay_apart(tmp_path, format):
    records = of_three()
    table = records.metadata.assign(file="x.xml", patient="q")
    write_ecg_files(records.with_metadata(table), tmp_path, format)
    found = pd.read_csv(tmp_path / "records.csv")
    assert found["patient"].tolist() == ["p1", "p2", "p1"]
    assert found["metadata patient"].tolist() == ["q"] * 3
    assert found["metadata file"].tolist() == ["x.xml"] * 3
    for name in ("file", "age_years"):
        with pytest.raises(ValueError, match=rf"labels \['{name}'\] have names of other"):
            write_ecg_files(of_three(label_names=["AF", name]), tmp_path / "no", format)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("format", ["wfdb", "edf", "dicom", "csv", "parquet"])
def test_metadata_of_any_type(tmp_path, format):
    pytest.importorskip("pydicom", reason="needs sklearn_ecg[hospital]")
    times = pd.to_datetime(["2021-03-04T05:06:07+05:00"] * 3)
    table = pd.DataFrame(
        {
            "sex": pd.Categorical(["female", None, "other"]),
            "recorded_at": times,
            "device": [np.nan, None, 7],
            "age_years": pd.array([61, None, 0], dtype="Int64"),
        }
    )
    write_ecg_files(of_three(metadata=table), tmp_path, format)
    if format in ("wfdb", "dicom"):
        known = load_ecg_files(tmp_path).metadata
        assert known["recorded_at"].astype(str).tolist() == ["2021-03-04 05:06:07"] * 3
        assert known["sex"].tolist() == ["female", "", "other"]
        np.testing.assert_array_equal(known["age_years"], [61, np.nan, 0])


def test_parquet_needs_columns_of_one_type(tmp_path):
    records = of_three()
    table = records.metadata.assign(x=[1, "a", 2])
    with pytest.raises(ValueError, match=r"metadata cannot be written as Parquet: .*'a'"):
        write_ecg_files(records.with_metadata(table), tmp_path, "parquet")


@pytest.mark.parametrize("format", ["wfdb", "csv", "parquet"])
def test_no_records_are_written_as_tables_alone(tmp_path, format):
    records = ECGRecords(np.zeros((0, 1, 9)), 500, lead_names=["II"])
    assert write_ecg_files(records, tmp_path, format).empty
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv", "records.csv"]


def test_nothing_is_overwritten_unless_that_is_asked_for(tmp_path):
    records = of_three()
    write_ecg_files(records, tmp_path)
    before = (tmp_path / "a_1.dat").read_bytes()
    taken = r"already holds a_1\.hea, a_2\.hea, record\.hea and 2 more"
    with pytest.raises(FileExistsError, match=taken):
        write_ecg_files(of_three(records.signals + 1), tmp_path)
    assert (tmp_path / "a_1.dat").read_bytes() == before
    write_ecg_files(of_three(records.signals + 1), tmp_path, overwrite=True)
    assert (tmp_path / "a_1.dat").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lead_names": None}, "must have lead_names.* got None"),
        ({"sampling_rate": None}, "must have sampling_rate.* got None"),
    ],
)
def test_what_the_files_must_tell_is_asked_for(tmp_path, arguments, message):
    known = {"sampling_rate": 500, "lead_names": ["II"]} | arguments
    records = ECGRecords(np.zeros((1, 1, 500)), known.pop("sampling_rate"), **known)
    with pytest.raises(ValueError, match=message):
        write_ecg_files(records, tmp_path)


def test_an_unknown_format_and_a_table_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"'format' .*'edf'.* got 'mp3'"):
        write_ecg_files(of_three(), tmp_path, "mp3")
    with pytest.raises(TypeError, match="records must be ECGRecords of signals; got ndarray"):
        write_ecg_files(np.zeros((1, 1, 500)), tmp_path)
