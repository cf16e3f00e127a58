"""Who is left out of the training of the voice networks, and what they are asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emoview.training.speech import SpeechFeatures, Utterance, Variant
from emoview.training.voice_splits import RAVDESS_FOLDS, corpora_left_out, folds_of_all_corpora


def _speech(utterances: list[Utterance], variants: np.ndarray) -> SpeechFeatures:
    ticks = (np.zeros((2, 105), np.float32),) * len(utterances)
    return SpeechFeatures(tuple(utterances), ticks, np.zeros((len(utterances), 3), np.float32), variants)


def test_no_speaker_on_both_sides():
    people = [("ravdess", actor) for fold in RAVDESS_FOLDS for actor in fold]
    people += [("emodb", f"{i:02d}") for i in range(8)] + [("tess", "OAF"), ("tess", "YAF")]
    utterances = [Utterance(Path(f"{p}"), *p, "happy") for p in people for _ in range(3)]
    altered = np.arange(len(utterances)) % 3 == 2
    speech = _speech(utterances, altered.astype(int))
    tested = []
    for actors, (train, test) in zip(RAVDESS_FOLDS, folds_of_all_corpora(speech), strict=True):
        one, other = ({utterances[i].person for i in np.flatnonzero(side)} for side in (train, test))
        assert not one & other
        assert {person for person in other if person.startswith("ravdess")} == {
            f"ravdess/{a}" for a in actors
        }
        assert not speech.altered[test].any()
        assert speech.altered[train].any()
        tested += sorted(other)
    assert sorted(tested) == sorted("/".join(person) for person in people)


def test_what_the_words_give_away_is_learned_and_not_asked_about():
    said = {"anger": ("a1", "common"), "sad": ("s1", "common"), "happy": ("",)}
    utterances = [
        Utterance(Path("x"), "one", f"{speaker}", label, sentence=sentence)
        for speaker in range(5)
        for label, sentences in said.items()
        for sentence in sentences
    ]
    # Of another corpus, in which the same name is that of another sentence.
    utterances += [Utterance(Path("x"), "other", "0", label, sentence="a1") for label in ("anger", "sad")]
    speech = _speech(utterances, np.zeros(len(utterances), int))
    learned, tested = set(), []
    for train, test in folds_of_all_corpora(speech):
        assert not (train & test).any()
        learned |= {u.sentence for u in speech.select(train).utterances}
        tested += [(u.corpus, u.sentence) for u in speech.select(test).utterances]
    assert learned == {"a1", "s1", "common", ""}
    assert sorted(set(tested)) == [("one", ""), ("one", "common"), ("other", "a1")]
    assert len(tested) == 5 * 3 + 2


def test_a_corpus_left_out_is_asked_about_what_others_teach():
    labels = {"one": ("anger", "sad", "boredom"), "two": ("anger", "sad"), "three": ("sad", "calm")}
    utterances = [Utterance(Path("x"), corpus, "0", label) for corpus, has in labels.items() for label in has]
    variants = np.repeat([Variant.AS_RECORDED, Variant.ALTERED], len(utterances))
    speech = _speech(utterances * 2, variants)
    splits = corpora_left_out(speech)
    assert set(splits) == set(labels)
    for corpus, (train, test) in splits.items():
        assert {u.corpus for u in speech.select(train).utterances} == set(labels) - {corpus}
        asked = speech.select(test)
        assert not asked.altered.any()
        assert {u.corpus for u in asked.utterances} == {corpus}
        assert {u.label for u in asked.utterances} == {*labels[corpus]} & {"anger", "sad"}
