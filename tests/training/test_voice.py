"""Training of the voice networks: sequences, folds by speaker, and the rule."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from trained import said_by

from emoview import LABELS
from emoview.networks.shipped import build_voice_clip, build_voice_tcn
from emoview.networks.sizes import FUNCTIONALS
from emoview.networks.temporal import branch_outputs, set_normalisation
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.fusion import FusionRecipe, _Sequences
from emoview.training.precision import quick_precision
from emoview.training.speech import SpeechFeatures, Utterance, Variant, joined
from emoview.training.voice import (
    Drawing,
    SequenceBatches,
    VoiceRecipe,
    _drawing,
    pad,
    steadiness,
    train_clip,
    train_ticks,
)
from emoview.training.voice_folds import VoiceAnswers


def test_voices_are_normalised_precisely_whatever_a_training_computes_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("emoview.training.precision.policy", lambda: "mixed_bfloat16")
    with quick_precision():
        quick = build_voice_tcn()
    assert "bfloat16" in {layer.compute_dtype for layer in quick.layers}
    exact = build_voice_tcn()
    exact.set_weights(quick.get_weights())
    for network in (quick, exact):
        # In bfloat16, the nearest number to 1001 is 1000.
        set_normalisation(network, np.full(105, 1000.0), np.ones(105))
    values = 1000 + np.random.default_rng(0).standard_normal((2, 25, 105)).astype(np.float32)
    said, expected = (said_by(network, (values, np.ones((2, 25), bool))) for network in (quick, exact))
    for one, other in zip(said, expected, strict=True):
        assert other.std() > 0.1
        np.testing.assert_allclose(one, other, atol=0.1 * other.std())


@pytest.mark.usefixtures("small_voices")
def test_each_branch_of_the_voice_learns():
    rng = np.random.default_rng(0)
    labels = np.arange(96) % 2 * 4

    def utterance(label: int) -> np.ndarray:
        """Fast or slow waves, which are there whatever they are held against."""
        ticks = np.arange(rng.integers(25, 45))
        values = rng.normal(size=(len(ticks), 105))
        values[:, :40] += 2 * np.sin(ticks * (0.4 if label else 1.6) + rng.uniform(0, 6))[:, None]
        return values.astype(np.float32)

    utterances = [
        Utterance(Path(f"{i}"), "emodb", "01", VOICE_LABELS[label]) for i, label in enumerate(labels)
    ]
    speech = replace(
        _speech(utterances, np.zeros((96, 3)), np.zeros(96, bool)), ticks=tuple(map(utterance, labels))
    )
    network = train_ticks(speech, VoiceRecipe(tick_epochs=25, batch=16))
    unheard = pad([utterance(label) for label in labels])
    for whole, ticks in branch_outputs(network):
        said = said_by(keras.Model(network.input, [whole, ticks]), unheard)
        assert np.mean(np.asarray(said[0]).argmax(axis=1) == labels) > 0.9
        on_average = (np.asarray(said[1]) * unheard[1][:, :, None]).sum(axis=1)
        assert np.mean(on_average.argmax(axis=1) == labels) > 0.9


def test_sequences_of_two_clips_are_mixed_as_far_as_both_go():
    clips: list[Any] = [
        SimpleNamespace(label=label, embeddings=np.full((length, 256), value, np.float32))
        for label, length, value in ((1, 80, 1.0), (4, 30, 3.0))
    ]
    recipe = FusionRecipe(batch=2)
    sequences = _Sequences(clips, None, recipe, lambda clip, _: clip.embeddings, 256, mixing=1.0)
    lengths, shares = set(), []
    for _ in range(20):
        (values, mask), targets = sequences[0]
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
        for row, heard, target in zip(values, mask, targets, strict=True):
            lengths.add(int(heard.sum()))
            np.testing.assert_allclose(row[heard], target[1] + 3 * target[4], atol=1e-5)
            shares.append(target[1])
    assert lengths == {30, 80}
    assert 0.1 < np.std(shares) < 0.49


def test_training_sequences_are_changed_and_mixed():
    rng = np.random.default_rng(0)
    sequences = tuple(rng.normal(size=(int(n), 105)).astype(np.float32) for n in rng.integers(20, 60, 40))
    targets = np.eye(9, dtype=np.float32)[rng.integers(0, 9, 40)]
    recipe = VoiceRecipe(batch=12, longest=30)
    scale, drawing = np.ones(105, np.float32), Drawing(np.ones(40), 29)
    batches = SequenceBatches(sequences, targets, recipe, scale=scale, drawing=drawing, outputs=2)
    seen = 0
    for i in range(len(batches)):
        (values, mask), (whole, ticks) = batches[i]
        assert values.shape[:2] == mask.shape
        assert 15 <= mask.sum(axis=1).min() <= mask.sum(axis=1).max() <= 36
        np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(whole, ticks)
        # Batches of one size, less what does not fill another one.
        assert len(values) == 12
        seen += len(values)
    assert seen == 24
    one, other = (
        SequenceBatches(sequences, targets, recipe, scale=scale, drawing=drawing)[0][0][0] for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)


def test_small_corpora_are_drawn_more_readily_but_nothing_twice():
    weights = np.repeat([0.5, 1.0], [2000, 1000])
    drawing, rng = Drawing(weights, 900), np.random.default_rng(0)
    orders = [drawing.draw(rng) for _ in range(20)]
    assert all(len(np.unique(order)) == 900 for order in orders)
    assert not np.array_equal(np.sort(orders[0]), np.sort(orders[1]))
    # As many of both, less what the smaller runs out of.
    of_small = np.mean([(order >= 2000).mean() for order in orders])
    assert 0.44 < of_small < 0.49
    # In random order: those that are drawn readily do not come first.
    first, last = (np.mean([(part >= 2000).mean() for part in half]) for half in _halves(orders))
    assert abs(first - last) < 0.03


def _halves(orders: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [order[:450] for order in orders], [order[450:] for order in orders]


@pytest.mark.parametrize(("balance", "share"), [(0.0, 0.1), (0.5, 0.25), (1.0, 0.5)])
def test_corpora_are_evened_out_by_their_sizes(balance: float, share: float):
    utterances = [Utterance(Path("x"), "large" if i < 900 else "small", "1", "sad") for i in range(1000)]
    speech = _speech(utterances * 10, np.zeros((10000, 1)), np.arange(10000) >= 1000)
    drawing = _drawing(speech, VoiceRecipe(balance=balance))
    assert drawing.count == 1000
    drawn = drawing.draw(np.random.default_rng(0)) % 1000
    assert (drawn >= 900).mean() == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("ticks", [20, 60, 100])
def test_recordings_of_one_length_do_not_fix_the_length_of_all_batches(ticks: int):
    # Keras' data adapter takes what the first two batches have in common for the shape of all.
    sequences = tuple(np.ones((ticks, 105), np.float32) for _ in range(12))
    recipe = VoiceRecipe(batch=4)
    targets = np.eye(9, dtype=np.float32)[[0] * 12]
    batches = SequenceBatches(
        sequences, targets, recipe, scale=np.ones(105, np.float32), drawing=Drawing(np.ones(12), 12)
    )
    for _ in range(5):
        (first, known), _ = batches[0]
        (second, _), _ = batches[1]
        assert first.shape[1] != second.shape[1]
        assert known.shape == first.shape[:2]


def _speech(utterances: list[Utterance], functionals: np.ndarray, altered: np.ndarray) -> SpeechFeatures:
    ticks = (np.zeros((2, 105), np.float32),) * len(utterances)
    return SpeechFeatures(tuple(utterances), ticks, functionals.astype(np.float32), altered.astype(int))


@pytest.fixture(scope="module")
def voices() -> SpeechFeatures:
    """Functionals of three speakers in each of two corpora: what they are made of is in the test below."""
    rng = np.random.default_rng(0)
    utterances, rows = [], []
    for corpus in range(2):
        for speaker in range(3):
            whose = rng.normal(0, 2)
            for i in range(40):
                label = i % 2
                utterances.append(Utterance(Path("x"), f"c{corpus}", f"{speaker}", ("anger", "sad")[label]))
                side = 2 * label - 1
                row = rng.normal(0, 0.3, FUNCTIONALS)
                row[:1500] += side
                row[1500:3000] += side + whose
                row[3000:4500] += side * (1 - 2 * corpus)
                rows.append(row)
    return _speech(utterances, np.stack(rows), np.zeros(len(rows), bool))


def test_functionals_that_tell_of_strangers_count_for_more(voices: SpeechFeatures):
    values = voices.functionals
    found = steadiness(voices, values.mean(axis=0), values.std(axis=0))
    steady, of_speaker, of_corpus, noise = (
        part.mean() for part in (found[:1500], found[1500:3000], found[3000:4500], found[4500:])
    )
    assert 0.4 < steady < 0.6
    assert steady > 2 * of_speaker
    assert max(of_corpus, noise) < 0.05 < of_speaker
    # One corpus tells nothing of others, and one label nothing at all.
    first = voices.select(np.array([u.corpus == "c0" for u in voices.utterances]))
    assert steadiness(first, values.mean(axis=0), values.std(axis=0))[3000:4500].mean() > 0.3
    few = np.where(np.arange(FUNCTIONALS) < 200, values, 0).astype(np.float32)
    found = steadiness(_speech(list(voices.utterances), few, voices.altered), few.mean(0), few.std(0) + 1e-3)
    assert found[:200].min() > 0.5
    np.testing.assert_array_equal(found[200:], 0)
    angry = first.select(first.labels == first.labels[0])
    np.testing.assert_array_equal(steadiness(angry, values.mean(axis=0), values.std(axis=0)), 1)


def test_a_voice_network_is_the_mean_of_its_parts_with_what_counts_for_more_in_its_first_layer(
    voices: SpeechFeatures, monkeypatch: pytest.MonkeyPatch
):
    built, counted = [], []

    def noted(inputs: int, *, weights: np.ndarray | None = None, parts: int = 1) -> Any:
        built.append(build_voice_clip(inputs, weights=weights, parts=parts))
        counted.append(weights)
        return built[-1]

    monkeypatch.setattr("emoview.training.voice.build_voice_clip", noted)
    # Happiness is heard in rooms alone.
    happy = tuple(dataclasses.replace(u, label="happy") for u in voices.utterances)
    in_room = np.full(len(happy), Variant.ALTERED_IN_ROOM)
    rooms = dataclasses.replace(
        voices, utterances=happy, functionals=-2 * voices.functionals, variants=in_room
    )
    taught = joined([voices, rooms])
    network = train_clip(taught, VoiceRecipe(clip_epochs=4))
    *parts, one = built
    assert network is one
    says = [part.predict_on_batch(taught.functionals) for part in parts]
    says_happy = [
        (each[voices.functionals.shape[0] :].argmax(axis=1) == LABELS.index("happy")) for each in says
    ]
    assert not says_happy[0].any()
    assert says_happy[1].mean() > 0.3
    expected = np.mean(says, axis=0)
    np.testing.assert_allclose(network.predict_on_batch(taught.functionals), expected, atol=1e-4)
    assert np.ptp(expected) > 0.1
    assert [part.get_layer("hidden").units for part in built] == [160, 160, 320]
    assert counted[2] is None
    np.testing.assert_array_equal(counted[0], counted[1])
    assert np.square(counted[0]).mean() == pytest.approx(1, abs=1e-3)
    assert counted[0][:1500].mean() > 3 * counted[0][1500:3000].mean()
    train_clip(voices, VoiceRecipe(clip_epochs=1, steadiness=0.0))
    np.testing.assert_allclose(counted[3], 1)


def test_a_rule_for_voices_is_measured_on_other_speakers(tmp_path: Path):
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(9), 40)
    people = np.array([f"{('ravdess', 'emodb')[i // 9 % 2]}/{i // 18:02d}" for i in range(360)])
    people[labels == 8] = "emodb/00"
    languages = np.where(np.char.startswith(people, "ravdess"), "en", "de")
    clip, tcn = rng.normal(0, 1, (2, 360, 9)).astype(np.float32)
    clip[np.arange(360), labels] += 3
    told = VoiceAnswers(people, languages, labels, np.arange(360) // 72, clip, tcn)
    told.save(tmp_path / "told.npz")
    read = VoiceAnswers.read(tmp_path / "told.npz")
    told = VoiceAnswers.joined([read.select(read.folds < 2), read.select(read.folds >= 2)])
    np.testing.assert_array_equal(told.people, people)
    weights = told.rule().weights
    assert weights["voice_clip"].mean() > 5 * abs(weights["voice_tcn"].mean())
    figures = told.figures()
    assert figures["speakers"].examples == 360
    assert figures["speakers"].accuracy.value > 80
    assert figures["speakers"].labels == LABELS
    assert figures["speakers_emodb"].examples + figures["speakers_ravdess"].examples == 360
    by_language = figures["languages"]
    assert by_language.examples == 360
    assert set(by_language.uar) == {"de", "en"}
    assert (
        by_language.uar["en"].value
        == figures["language_en"].uar.value
        == figures["speakers_ravdess"].uar.value
    )
    assert by_language.mean_uar.value == pytest.approx(
        (figures["language_de"].uar.value + figures["language_en"].uar.value) / 2, abs=0.01
    )
    eight = figures["ravdess"]
    assert eight.labels == (*LABELS, "calm")
    assert eight.recalls["calm"].value > 60
    assert (
        figures["ravdess_voice_clip"].accuracy.value > 80 > 30 > figures["ravdess_voice_tcn"].accuracy.value
    )
    # Heard otherwise, the rule stays that of what was told: it counts on the network that tells nothing now.
    otherwise = VoiceAnswers(people, languages, labels, told.folds, tcn, clip)
    assert otherwise.figures()["speakers"].accuracy.value > 80
    assert otherwise.figures(told)["speakers"].accuracy.value < 40
    # Of a corpus never heard, the rule is fitted on the others.
    unheard = told.unheard(told)
    assert unheard["unheard"].examples == 360
    assert unheard["unheard_emodb"].accuracy.value > 80
    deaf = VoiceAnswers(
        people, languages, labels, told.folds, np.where(languages[:, None] == "en", tcn, clip), tcn
    )
    assert told.unheard(deaf)["unheard_ravdess"].accuracy.value > 80
    assert told.unheard(deaf)["unheard_emodb"].uar.value < 30
    # Where each half is told by another network, a rule from the other half knows nothing.
    half = np.arange(360) // 180
    noise = rng.normal(0, 1, (360, 9)).astype(np.float32)
    one, other = (np.where((half == i)[:, None], clip, noise) for i in range(2))
    turned = VoiceAnswers(people, languages, labels, half, one, other)
    assert turned.figures()["speakers"].accuracy.value < 40
