"""Which of a file's channels are leads, where several have one name."""

from sklearn_ecg.utils import is_known_lead


class DamagedError(Exception):
    """What is wrong with a file: a phrase that goes on after its name."""


def each_once(names, ranks, remarks):
    """Choose channels so that each name stands for one.

    Of a known lead that is there several times, the one of highest rank is chosen, or none where
    several are: it would be a guess. Other channels of one name are numbered.

    Parameters
    ----------
    names : list of str
    ranks : list
        Such as the length of each.
    remarks : list of (str, str)
        To which is added what had to be chosen.

    Returns
    -------
    list of (int, str)
        Places of the channels chosen, and their names.
    """
    places = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    chosen = []
    for name, several in places.items():
        if len(several) == 1:
            chosen.append((several[0], name))
        elif not is_known_lead(name):
            chosen += [(place, f"{name} {i}") for i, place in enumerate(several, start=1)]
        else:
            best = [place for place in several if ranks[place] == max(ranks[p] for p in several)]
            used = "the longest" if len(best) == 1 else "none"
            chosen += [(place, name) for place in best if len(best) == 1]
            remarks.append((f"holds lead {name} {len(several)} times", f"Of these {used} is used."))
    if not chosen:
        raise DamagedError(f"holds each of its leads several times: {', '.join(places)}")
    return chosen
