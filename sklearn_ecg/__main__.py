"""Run the command ``sklearn-ecg`` by ``python -m sklearn_ecg``."""

from sklearn_ecg.command import main

if __name__ == "__main__":
    main(prog_name="python -m sklearn_ecg")
