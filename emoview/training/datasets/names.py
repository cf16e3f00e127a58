"""The words that data sets use for the labels."""

from __future__ import annotations

from collections.abc import Sequence

from emoview.timeline.labels import LABELS

_SYNONYMS = {
    "neutral": ("neutrality", "neutral face"),
    "anger": ("angry",),
    "disgust": ("disgusted",),
    "fear": ("fearful", "afraid", "scared"),
    "happy": ("happiness", "joy"),
    "sad": ("sadness",),
    "surprise": ("surprised", "pleasant surprise"),
    "boredom": ("bored",),
}
_LABEL_OF = {word: label for label, words in _SYNONYMS.items() for word in words}


def label_named(word: str, labels: Sequence[str] = LABELS) -> str | None:
    """Give the label that `word` means, or None where it means none of `labels`.

    Upper and lower case, underscores and hyphens make no difference.

    >>> label_named("Happiness")
    'happy'
    """
    plain = word.strip().lower().replace("_", " ").replace("-", " ")
    label = _LABEL_OF.get(plain, plain)
    return label if label in labels else None


def listed(words: Sequence[str]) -> str:
    """Join words for a sentence, as in `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
