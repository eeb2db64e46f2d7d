"""Cards: one page that describes a classifier or cleaned labels to others."""

from sklearn_ecg.cards._card import Card
from sklearn_ecg.cards._cleaning_card import cleaning_card
from sklearn_ecg.cards._model_card import model_card

__all__ = ["Card", "cleaning_card", "model_card"]
