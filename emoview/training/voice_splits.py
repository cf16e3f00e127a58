"""Who is left out of the training of the voice networks, and what they are then asked about."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emoview.training.speech import SpeechFeatures

RAVDESS_FOLDS = (
    ("02", "05", "14", "15", "16"),
    ("03", "06", "07", "13", "18"),
    ("10", "11", "12", "19", "20"),
    ("08", "17", "21", "23", "24"),
    ("01", "04", "09", "22"),
)
"""Actors of each fold, after Luna-Jimenez et al. (2021), Sensors 21, 7665."""

RAVDESS_LABELS = ("neutral", "calm", "happy", "sad", "anger", "fear", "disgust", "surprise")


def folds_of_all_corpora(speech: SpeechFeatures) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Split by speaker: for each of five folds `(train, test)`, `(n,)` each.

    Each fold tests one of `RAVDESS_FOLDS` and every fifth speaker of each other corpus, by `asked_about`.
    """
    people = np.array([u.person for u in speech.utterances])
    corpora = {u.person: u.corpus for u in speech.utterances if u.corpus != "ravdess"}
    others = [sorted(p for p, c in corpora.items() if c == corpus) for corpus in sorted({*corpora.values()})]
    asked = asked_about(speech)
    for number, actors in enumerate(RAVDESS_FOLDS):
        tested = [f"ravdess/{actor}" for actor in actors]
        tested += [person for speakers in others for person in speakers[number :: len(RAVDESS_FOLDS)]]
        test = np.isin(people, tested)
        yield ~test, test & asked


def corpora_left_out(speech: SpeechFeatures) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Split by corpus: of each corpus, where no other is learned from it, `(train, test)`, `(n,)` each.

    Tested are, by `asked_about`, the labels that other corpora have.
    """
    corpora = np.array([u.corpus for u in speech.utterances])
    labels, asked = speech.labels, asked_about(speech)
    left_out = {corpus: corpora == corpus for corpus in np.unique(corpora).tolist()}
    return {corpus: (~own, own & asked & np.isin(labels, labels[~own])) for corpus, own in left_out.items()}


def asked_about(speech: SpeechFeatures) -> NDArray[np.bool_]:
    """Tell what may be tested, `(n,)`: as it was recorded, and where the words do not give away the label.

    They do where a corpus has a sentence with one label alone.
    """
    labels: dict[tuple[str, str], set[str]] = {}
    for u in speech.utterances:
        labels.setdefault((u.corpus, u.sentence), set()).add(u.label)
    tells = [bool(u.sentence) and len(labels[u.corpus, u.sentence]) == 1 for u in speech.utterances]
    return ~speech.altered & ~np.array(tells, bool)
