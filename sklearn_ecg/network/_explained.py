"""A classifier's network and its inputs, as explanations use them."""

from contextlib import contextmanager
from copy import copy

import numpy as np

from sklearn_ecg.network._device import half_the_cores


@contextmanager
def explained(classifier):
    """Yield a net whose ``infer`` evaluates the classifier's module in full precision.

    The classifier itself stays as it is.
    """
    net = copy(classifier)
    net.precision = "float32"
    was_training = net.module_.training
    net.module_.eval()
    try:
        with half_the_cores(net.device_):
            yield net
    finally:
        net.module_.train(was_training)


def record_inputs(classifier, X):
    """Return what the classifier's ``infer`` takes, one tensor each with a row per record.

    Standardised signals of shape (n_records, n_leads, n_times) come first, then lengths and
    features, which explanations hold as they are.
    """
    records = classifier._check_input(X)
    signals, features = classifier._prepare(records), classifier._read_features(records)
    no_labels = np.empty((len(records), 0))
    inputs, _ = classifier._dataset_of(signals, features, labels=no_labels)[:]
    return inputs


def rows_of(inputs, record, n_rows):
    """Return one record's inputs, repeated in n_rows rows."""
    return tuple(part[record].expand(n_rows, *part.shape[1:]) for part in inputs)
