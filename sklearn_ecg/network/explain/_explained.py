"""A classifier's network and its inputs, for explanations."""

from contextlib import contextmanager
from copy import copy

from sklearn_ecg.network._device import half_the_cores


@contextmanager
def explained(classifier):
    """Yield a net whose ``infer`` runs the classifier's network in full precision.

    The classifier itself does not change.
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
    """Return the inputs of the net's ``infer``: tensors with a row per record.

    They are standardised signals of shape (n_records, n_leads, n_times), and lengths.
    """
    records = classifier.reader_.check(X, type(classifier).__name__)
    if not len(records):
        raise ValueError("There are no records to explain.")
    reading = classifier.reader_.read(records)
    for row, reason in reading.reasons.items():
        raise ValueError(f"Record {records.ids[row]} cannot be explained: {reason}")
    return reading.dataset.signals, reading.dataset.lengths
