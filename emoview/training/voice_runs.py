"""The voice networks of a run folder: described speech, trained or read back, and asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import keras
import numpy as np

from emoview.networks.saved import load_weights, save_whole
from emoview.networks.shipped import BUILTIN_BRANCHES, build_voice_clip, build_voice_tcn
from emoview.training import voice
from emoview.training.recipes import ANEW, note_recipe, note_recordings
from emoview.training.speech import (
    MOST_ALIKE,
    TAUGHT,
    SpeechFeatures,
    Variant,
    describe_speech,
    joined,
    speech_folders,
)
from emoview.training.systems.events import OnEvent
from emoview.training.voice_folds import VoiceAnswers
from emoview.voice.features import VoiceFeatures

_RECIPE = "voice_recipe.json"


def keep_recipe(run: Path, recipe: voice.VoiceRecipe, features: VoiceFeatures) -> None:
    """Note the recipe of a run folder, so that nothing of another one is taken for its result.

    Raises:
        InputError: The folder holds networks of another recipe.
    """
    noted = {**asdict(recipe), "variants": TAUGHT}
    noted["local"] = noted.pop("branches")
    if features is not VoiceFeatures.OPENSMILE:
        noted["features"] = features
    fresh = not (run / _RECIPE).exists() and not any(run.glob("voice_*.weights.h5"))
    note_recipe(run / _RECIPE, noted, fresh=fresh)


def keep_recordings(run: Path, speech: SpeechFeatures) -> None:
    """Note what the networks of a run folder learn from; see `note_recordings`."""
    note_recordings(
        run / "voice_recordings.sha256", speech.utterances, fresh=not any(run.glob("voice_*.weights.h5"))
    )


def recipe_of(features: VoiceFeatures) -> voice.VoiceRecipe:
    """Give the recipe of the networks of these features."""
    if features is VoiceFeatures.OPENSMILE:
        return voice.VoiceRecipe()
    return voice.VoiceRecipe(branches=BUILTIN_BRANCHES)


def _voice_networks(
    features: VoiceFeatures,
) -> dict[str, tuple[Callable[[], keras.Model], Callable[..., keras.Model]]]:
    """Tell how each voice network is built, and trained."""
    tcn = partial(build_voice_tcn, features.descriptors, recipe_of(features).branches)
    return {
        "voice_clip": (partial(build_voice_clip, features.functionals), voice.train_clip),
        "voice_tcn": (tcn, voice.train_ticks),
    }


def networks_of(
    run: Path, ending: str, speech: SpeechFeatures, recipe: voice.VoiceRecipe, features: VoiceFeatures
) -> dict[str, keras.Model]:
    """Train both voice networks, or read back what an earlier call trained."""
    return {
        name: _trained(run / f"{name}{ending}.weights.h5", build, fit, speech, recipe)
        for name, (build, fit) in _voice_networks(features).items()
    }


def described_speech(
    data: Path,
    run: Path,
    on_event: OnEvent,
    features: VoiceFeatures,
    variants: Sequence[Variant] = TAUGHT,
) -> SpeechFeatures:
    """Describe the utterances of all folders of speech that are there: of each variant, all of them."""
    folders, on_file = speech_folders(data), every(500, "utterances described", on_event)
    return joined([
        describe_speech(
            folder, run / "features", most=MOST_ALIKE, variants=(variant,), features=features, on_file=on_file
        )
        for variant in variants
        for folder in folders
    ])  # fmt: skip


def asked(networks: Mapping[str, keras.Model], speech: SpeechFeatures, fold: int) -> VoiceAnswers:
    """Ask both voice networks about utterances."""
    clip, tcn = networks["voice_clip"], networks["voice_tcn"]
    people = np.array([u.person for u in speech.utterances])
    return VoiceAnswers(
        people, np.array([u.language for u in speech.utterances]), speech.labels, np.full(len(people), fold),
        voice_clip=voice.predict_clip(clip, speech),
        voice_tcn=voice.predict_ticks(tcn, speech),
    )  # fmt: skip


def _trained(
    file: Path,
    build: Callable[[], keras.Model],
    fit: Callable[[SpeechFeatures, voice.VoiceRecipe], keras.Model],
    speech: SpeechFeatures,
    recipe: voice.VoiceRecipe,
) -> keras.Model:
    """Read back what an earlier call trained, or train it."""
    model = build()
    if file.exists():
        load_weights(model, file, ANEW)
        return model
    model.set_weights(fit(speech, recipe).get_weights())
    save_whole(model, file)
    model.load_weights(file)
    return model


def of_fold(run: Path, name: str, fold: int) -> Path:
    """Name the file of a network that was trained without a fold of speakers."""
    return run / f"{name}_fold_{fold}.weights.h5"


def every(count: int, what: str, on_event: OnEvent) -> Callable[[int, int], None]:
    """Tell of each so many done, and of the last."""

    def on_file(done: int, total: int) -> None:
        if done % count == 0 or done == total:
            on_event({what: f"{done}/{total}"})

    return on_file
