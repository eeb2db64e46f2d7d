"""Any network trained by the recipe of `LabelCorrelationECGClassifier`."""

import inspect

from torch import nn

from sklearn_ecg.network import LabelCorrelationECGClassifier

# Parameters of our network, which other networks do not have.
_OURS = {
    "width",
    "backbone",
    "label_embedding",
    "decoder",
    "memory",
    "shortcut",
    "channel_identity",
    "dropout",
    "features",
}


class NetworkClassifier(LabelCorrelationECGClassifier):
    """`LabelCorrelationECGClassifier` with another network in it.

    Crops, windows, augmentation, loss, schedule, averaging, early stopping, calibration and
    thresholds are those of our classifier: what differs in a comparison is the network alone.

    See Also
    --------
    network_classifier : Makes one.
    """

    #: Called with n_leads and n_labels.
    network = None

    def initialize_module(self):
        """Make the network; skorch calls this once shapes and labels are known."""
        network = type(self).network(self.n_leads_in_, len(self.label_names_))
        self.module_ = _OfSignalsAlone(network)
        return self


class _OfSignalsAlone(nn.Module):
    """Called as our network is, which may be given ECG features too; here there are none."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, signals, features=None):
        # signals: (batch, leads, times); features: (batch, 0)
        return self.network(signals)


def network_classifier(network, **recipe):
    """Return an unfitted classifier that trains a network as ours is trained.

    Parameters
    ----------
    network : callable
        Makes an ``nn.Module`` from n_leads and n_labels, such as `XResNet1d101`, or a
        `functools.partial` of it.
    **recipe
        Parameters of `LabelCorrelationECGClassifier`, but for those of its network.

    Returns
    -------
    NetworkClassifier

    Examples
    --------
    >>> from benchmarks.networks import ResNet1dWang, network_classifier
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> records = make_ecg_records(12, duration_s=5.0, random_state=0)
    >>> classifier = network_classifier(ResNet1dWang, duration_s=2.0, max_epochs=1)
    >>> classifier.fit(records).predict_proba(records).shape == records.labels.shape
    True
    """
    known = set(inspect.signature(LabelCorrelationECGClassifier).parameters)
    for name in recipe:
        if name in _OURS or name.startswith("module__"):
            raise ValueError(
                f"'{name}' belongs to the network of LabelCorrelationECGClassifier. Give a network "
                "its own by functools.partial."
            )
        if "__" not in name and name not in known:
            raise TypeError(f"LabelCorrelationECGClassifier has no parameter '{name}'.")
    # A class of its own, so that clones have the network too.
    kind = type("NetworkClassifier", (NetworkClassifier,), {"network": staticmethod(network)})
    return kind(**recipe)
