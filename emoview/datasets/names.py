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
    "contempt": ("contemptuous",),
}
# A damaged table can have thousands of parts, with names of any length.
_MOST_WORDS, _MOST_LETTERS = 15, 40
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
    """Join words for a sentence, as in `a, b and c`; of many, the first."""
    words = [word if len(word) <= _MOST_LETTERS else f"{word[:_MOST_LETTERS]}…" for word in words]
    if len(words) > _MOST_WORDS:
        words = [*words[:_MOST_WORDS], f"{len(words) - _MOST_WORDS} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
