"""Parquet: a row per record, as pandas, Polars and Hugging Face's `datasets` read it."""

import itertools

from sklearn_ecg.utils import whole_file

SUFFIX = ".parquet"
RECORDS_PER_FILE = 1000
_ROWS_AT_ONCE = 50
OF_SIGNALS = ("id", "signal", "sampling_rate", "lead_names")


def write_rows(read, rows, facts, path):
    """Write records into one file, some at a time.

    Parameters
    ----------
    read : callable
        ``read(row)`` returns a `RecordToWrite`, or None for a record that is left out.
    rows : iterable of int
    facts : DataFrame
        Indexed by id, a row per record: the columns beside those of the signal.
    path : Path
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        of_facts = pa.Schema.from_pandas(facts, preserve_index=False)
    except pa.ArrowException as error:
        raise ValueError(
            f"metadata cannot be written as Parquet: {error}. Make the values of each column of "
            "one type, with records.with_metadata."
        ) from error
    # The signal is a list per lead, in mV.
    types = pa.string(), pa.list_(pa.list_(pa.float32())), pa.float64(), pa.list_(pa.string())
    of_signals = pa.schema(list(zip(OF_SIGNALS, types, strict=True)))
    schema = pa.schema([*of_signals, *of_facts])
    with whole_file(path) as file, parquet.ParquetWriter(file, schema) as writer:
        rows = iter(rows)
        while batch := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            some = {row: read(row) for row in batch}
            some = {row: record for row, record in some.items() if record is not None}
            signals = [
                {
                    "id": record.id,
                    "signal": [lead.astype("float32") for lead in record.signal],
                    "sampling_rate": record.sampling_rate,
                    "lead_names": record.lead_names,
                }
                for record in some.values()
            ]
            left = pa.Table.from_pylist(signals, of_signals)
            right = pa.Table.from_pandas(facts.iloc[list(some)], of_facts, preserve_index=False)
            writer.write_table(pa.table([*left.columns, *right.columns], schema))
