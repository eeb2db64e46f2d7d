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

    These are standardised signals of shape (n_records, n_leads, n_times), and lengths.
    """
    records = classifier._check_input(X)
    no_labels = np.empty((len(records), 0))
    inputs, _ = classifier._dataset_of(classifier._prepare(records), labels=no_labels)[:]
    return inputs
