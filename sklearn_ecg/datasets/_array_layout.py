"""Order of records, leads and times in arrays."""

import itertools

import numpy as np

AXES = ("records", "leads", "times")


def check_axes(axes):
    """Return the names of the axes in a text such as "records times leads"."""
    names = tuple(axes.split()) if isinstance(axes, str) else ()
    if len(set(names)) < len(names) or set(names) not in (set(AXES), {"records", "times"}):
        raise ValueError(
            "axes must name each axis of signals once: 'records leads times', 'records times "
            f"leads' or another order, or 'records times' for a single lead; got {axes!r}."
        )
    return names


def turned(array, axes):
    """Return a view of shape (n_records, n_leads, n_times)."""
    array = array.transpose([axes.index(axis) for axis in AXES if axis in axes])
    return array if "leads" in axes else array[:, np.newaxis]


def check_shape(shape, axes, n_names):
    """Check the shape of an array against its axes, and suggest the probable axes.

    Parameters
    ----------
    shape : tuple of int
    axes : tuple of str
    n_names : int or None
        Number of lead names.
    """
    if len(shape) != len(axes):
        expected = ", ".join(f"n_{axis}" for axis in axes)
        hint = " Name its axes, such as axes='records times'." if len(shape) == 2 else ""
        raise ValueError(
            f"signals must have shape ({expected}), by axes={' '.join(axes)!r}; got an array of "
            f"shape {shape}.{hint}"
        )
    if _is_possible(shape, axes, n_names):
        return
    others = [axes, *itertools.permutations(AXES)] if len(axes) == len(AXES) else []
    # Orders with records in the same place come first.
    others.sort(key=lambda other: other.index("records") != axes.index("records"))
    for other in others:
        if _is_possible(shape, other, n_names):
            n_leads, n_times = (shape[axes.index(axis)] for axis in ("leads", "times"))
            named = "" if n_names is None else f", and lead_names has {n_names} names"
            raise ValueError(
                f"signals of shape {shape} would be {n_leads} leads of {n_times} samples, by axes="
                f"{' '.join(axes)!r}{named}. The axes are probably axes={' '.join(other)!r}."
            )


def _is_possible(shape, axes, n_names):
    sizes = dict(zip(axes, shape, strict=True))
    n_leads = sizes.get("leads", 1)
    return not sizes["records"] or (n_leads <= sizes["times"] and n_names in (None, n_leads))
