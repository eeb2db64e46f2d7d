"""A classifier's network and its inputs, as explanations use them."""

from contextlib import contextmanager
from copy import copy

from sklearn_ecg.network._device import half_the_cores


@contextmanager
def explained(classifier):
    """Yield a net whose ``infer`` evaluates the classifier's network in full precision.

    The classifier itself stays as it is.
    """
    net = copy(classifier.net_)
    net.precision = "float32"
    was_training = net.module_.training
    net.module_.eval()
    try:
        with half_the_cores(net.device):
            yield net
    finally:
        net.module_.train(was_training)


def record_inputs(classifier, X):
    """Return what the net's ``infer`` takes, one tensor each with a row per record.

    These are standardised signals of shape (n_records, n_leads, n_times), and lengths.
    """
    records = classifier.reader_.check(X, type(classifier).__name__)
    if not len(records):
        raise ValueError("There are no records to be explained.")
    reading = classifier.reader_.read(records)
    for row, reason in reading.reasons.items():
        raise ValueError(f"Record {records.ids[row]} cannot be explained: {reason}")
    return reading.dataset.signals, reading.dataset.lengths
