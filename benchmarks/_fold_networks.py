"""For each patient the wave network that never saw a record of theirs."""

from pathlib import Path

from safetensors.numpy import load_file

from benchmarks import wave_network
from benchmarks.wave_network._patients import deal_out
from sklearn_ecg.features._wave_network import WaveNetwork, default_network

FOLDS = Path(wave_network.__file__).parent / "folds"


class FoldNetworks:
    """The networks of the folds, each for the patients that it was not trained on.

    A patient of no fold is one of none of the databases: the network that ships looks at them.

    Parameters
    ----------
    folder : path-like, default=FOLDS
        Holds the weights, fold0.safetensors and so on.
    """

    def __init__(self, folder=FOLDS):
        self._fold_of = deal_out()
        self._networks = {
            fold: WaveNetwork(load_file(Path(folder) / f"fold{fold}.safetensors"))
            for fold in set(self._fold_of.values())
        }

    def __call__(self, patient):
        return self._networks.get(self._fold_of.get(patient)) or default_network()


def add_network_options(parser):
    """Add the options that say whose waves are ours."""
    parser.add_argument(
        "--network",
        metavar="FILE",
        type=Path,
        help="weights (safetensors) of one network that looks at all records, instead of those "
        "of the folds, each at the patients that it never saw",
    )
    parser.add_argument(
        "--folds", metavar="FOLDER", type=Path, default=FOLDS, help="weights of the folds' networks"
    )
    parser.add_argument(
        "--ours-only", action="store_true", help="print our figures, and write no page"
    )


def chosen_networks(arguments):
    """Return a function of a patient that gives the network for their records."""
    if arguments.network is None:
        return FoldNetworks(arguments.folds)
    network = WaveNetwork(load_file(arguments.network))
    return lambda patient: network


def describe_networks(arguments):
    """Say whose waves are ours, for the page."""
    if arguments.network is None:
        return (
            "Our waves are out of fold: records of patients that training shows are looked at by a "
            "network that was trained on others, all others by the one that ships."
        )
    return f"Our waves are those of the network {arguments.network.name}."
