"""Voices measured: what ships trained anew for a protocol, and labels that corpora share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trained import quiet

from emoview.datasets.speech import Utterance
from emoview.evaluation.voices import _shared, evaluate_voices
from emoview.training import voice
from emoview.training.speech import TAUGHT, SpeechFeatures
from emoview.training.voice import VoiceRecipe
from emoview.training.voice_splits import RAVDESS_FOLDS


@pytest.mark.usefixtures("small_voices")
def test_what_ships_is_trained_anew_for_a_protocol(speech: Path, monkeypatch: pytest.MonkeyPatch):
    taught: list[SpeechFeatures] = []

    def train_ticks(features: SpeechFeatures, recipe: VoiceRecipe) -> Any:
        taught.append(features)
        return voice.train_ticks(features, recipe)

    monkeypatch.setattr(
        "emoview.evaluation.voices.VoiceRecipe",
        lambda: VoiceRecipe(clip_epochs=20, rooms=(True,), tick_epochs=2, batch=8),
    )
    monkeypatch.setattr("emoview.evaluation.voices.train_ticks", train_ticks)
    monkeypatch.setattr("emoview.evaluation.voices.RAVDESS_FOLDS", RAVDESS_FOLDS[:2])
    figures = evaluate_voices("shipped", speech, "ravdess-folds", seed=1, on_event=quiet)
    assert figures["ravdess-folds"].examples == 24
    # Loud tones of three heights: any network that has learned from its training part tells them apart.
    assert figures["ravdess-folds, voice_clip alone"].accuracy.value > 60
    assert figures["ravdess-folds"].accuracy.value > 60
    # Each as it is and altered, and nobody's of the fold that is asked about.
    folds = [{f"ravdess/{actor}" for actor in actors} for actors in RAVDESS_FOLDS[:2]]
    everybody = {f"ravdess/{actor:02d}" for actor in range(1, 7)}
    left_out = [everybody & fold for fold in folds if everybody & fold]
    assert [{u.person for u in part.utterances} for part in taught] == [everybody - out for out in left_out]
    assert [len(part.utterances) / (~part.altered).sum() for part in taught] == [len(TAUGHT)] * len(left_out)


def test_labels_of_one_corpus_are_not_asked_across_corpora():
    said = [("a", "happy"), ("a", "calm"), ("b", "happy"), ("b", "sad"), ("c", "sad"), ("c", "boredom")]
    every = tuple(Utterance(Path(f"{i}.wav"), corpus, "1", label) for i, (corpus, label) in enumerate(said))
    assert [u.label for u in _shared(every)] == ["happy", "happy", "sad", "sad"]
