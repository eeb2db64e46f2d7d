"""Import matplotlib, which is optional."""


def import_pyplot():
    """Return matplotlib.pyplot, or say how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Plots need matplotlib, which is not installed: pip install sklearn_ecg[plotting]."
        ) from error
    return pyplot
