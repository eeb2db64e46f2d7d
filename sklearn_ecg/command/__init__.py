"""The command `sklearn-ecg`: from a folder of exports to labels, without Python code."""

from sklearn_ecg.command._main import main

__all__ = ["main"]
