"""How many features stay the same when a record is resampled.

Records of LUDB (500 Hz, twelve leads), every fourth, are resampled by `Resampler` and measured
again. A value is the same if it is within a share of its feature's standard deviation over the
records; it counts if it is known at both rates.
"""

import argparse
import warnings

import numpy as np
import pandas as pd

from benchmarks._data import data_folder
from benchmarks._report import explanation, write_results
from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import load_ludb
from sklearn_ecg.preprocessing import Resampler

_RATES = (100, 250, 360, 1000)
_SHARES = (0.1, 0.25)


def main():
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    records = load_ludb(data_folder("ludb"))[:: 40 if arguments.quick else 4]
    extractor = ECGFeatureExtractor()
    original = extractor.fit_transform(records)
    spread = np.nanstd(original, axis=0)
    rows = {}
    for rate in _RATES:
        other = extractor.transform(Resampler(rate).fit_transform(records))
        apart = np.abs(other - original)
        known = ~np.isnan(apart)
        rows[f"{rate} Hz"] = {
            **{
                f"within {share} SD, %": 100 * (apart <= share * spread)[known].mean()
                for share in _SHARES
            },
            "known at one rate alone, %": 100 * (np.isnan(original) != np.isnan(other)).mean(),
        }
    table = pd.DataFrame(rows).round(1)
    text = f"{explanation(__doc__)}\n{table.to_markdown()}\n"
    page = f"feature_rates{'_quick' * arguments.quick}"
    write_results(page, "Features at other sampling rates", text, rows, command="feature_rates")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="every fortieth record")
    return parser.parse_args()


if __name__ == "__main__":
    main()
