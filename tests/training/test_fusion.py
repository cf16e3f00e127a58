"""Training of the fusion: rules without the actor, voices of strangers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emoview import InputError, WeightsError
from emoview.fusion.baseline import Baseline
from emoview.fusion.late import LateFusion
from emoview.fusion.personal import FACE_PERSONAL
from emoview.pipeline.models import Models
from emoview.training.fusion_rules import (
    RULES,
    RULES_WITH_BASELINE,
    ClipLogits,
    ClipTicks,
    fit_rule,
    measure,
    spoken,
)
from emoview.training.joined import lasting_of, measure_ticks
from emoview.training.personal import PersonalFaces, Shown
from emoview.training.ship import _described, _rules, ship_fusion
from emoview.training.voice_folds import VoiceAnswers


def _faces(answers: Sequence[ClipLogits]) -> PersonalFaces:
    return PersonalFaces([Shown(a.actor, a.label, a.stretches) for a in answers], np.zeros((7, 7)))


def test_measuring_fits_its_rules_without_the_actor():
    """Each actor's clips carry a mark that betrays the label within the actor only: it must not help."""
    rng = np.random.default_rng(0)
    answers = []
    models = ("face_cnn", "face_gru", "voice_tcn", "voice_clip", "early")
    for actor in range(8):
        shuffled = rng.permutation(7)
        for i in range(42):
            label = i % 7
            logits = {m: rng.normal(size=7).astype(np.float32) for m in models}
            marked = 5 * np.eye(7, dtype=np.float32)[shuffled[[label]]]
            logits["face_cnn"] = 5 * np.eye(7, dtype=np.float32)[shuffled[label]]
            answers.append(ClipLogits(label, str(actor), logits, marked))
    figures = measure(answers, _faces(answers)).models
    assert figures["late_both"].accuracy.value < 35
    assert figures["late_face_baseline"].accuracy.value < 35
    uar = figures["late_both"].uar
    assert uar.low < uar.value < uar.high


def test_the_rule_of_the_voice_is_fitted_on_other_voices(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(7), 20)
    speakers = ("javanese/1", "javanese/2", "ravdess/1", "ravdess/2")
    people = np.repeat(speakers, 35)
    clip, tcn = rng.normal(0, 1, (2, 140, 9)).astype(np.float32)
    voices = spoken(
        VoiceAnswers(people, np.full(140, "jv"), labels, np.zeros(140, int), clip, tcn), corpus="javanese"
    )
    assert [voice.label for voice in voices] == labels.tolist()
    np.testing.assert_allclose(np.exp(voices[3].logits["voice_tcn"]).sum(), 1, rtol=1e-5)
    clips = []
    for i in range(63):
        logits = {m: rng.normal(size=7).astype(np.float32) for m in (*RULES["both"], "early")}
        clips.append(ClipLogits(i % 7, str(i % 3 + 1), logits, rng.normal(size=(1, 7)).astype(np.float32)))
    learned_from = []

    def noted(answers: Sequence[ClipLogits], models: Sequence[str]) -> LateFusion:
        learned_from.append((tuple(models), len(answers), {a.actor for a in answers}))
        return fit_rule(answers, models)

    monkeypatch.setattr("emoview.training.fusion_rules.fit_rule", noted)
    measure(clips, _faces(clips), voices)
    rules = {*RULES.values(), *RULES_WITH_BASELINE.values()}
    by_rule = {models: [what for m, *what in learned_from if m == models] for models in rules}
    # Of each actor without a baseline, then with one.
    assert by_rule[RULES["voice"]][::2] == [
        [105, {"2", "ravdess/1", "ravdess/2"}],
        [105, {"1", "ravdess/1", "ravdess/2"}],
        [140, {"1", "2", "ravdess/1", "ravdess/2"}],
    ]
    from_clips = [[42, {"2", "3"}], [42, {"1", "3"}], [42, {"1", "2"}]]
    assert by_rule[RULES["voice"]][1::2] == from_clips
    assert by_rule[RULES["both"]] == by_rule[RULES["face"]] == from_clips
    assert by_rule[RULES_WITH_BASELINE["face"]] == from_clips
    # With a baseline of both, and of the face alone.
    assert by_rule[RULES_WITH_BASELINE["both"]] == [what for one in from_clips for what in (one, one)]


def test_no_voice_network_speaks_of_an_actor_it_has_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Loaded:
        name = ""

    def load(model: Loaded, file: Path, _: str) -> None:
        model.name = file.name

    def describe(clip: Any, _: Any, voice_clip: Loaded, tcn: Loaded) -> tuple[str, str, str]:
        return clip.actor, voice_clip.name, tcn.name

    monkeypatch.setattr("emoview.training.ship.build_voice_clip", Loaded)
    monkeypatch.setattr("emoview.training.ship.build_voice_tcn", Loaded)
    monkeypatch.setattr("emoview.training.ship.load_weights", load)
    monkeypatch.setattr("emoview.training.fusion.describe", describe)
    people = np.array(["javanese/01", "javanese/02", "ravdess/02", "javanese/03"])
    nothing = np.zeros((4, 9), np.float32)
    told = VoiceAnswers(people, np.full(4, "jv"), np.zeros(4, int), np.array([3, 0, 1, 3]), nothing, nothing)
    clips = [SimpleNamespace(actor=actor, file=SimpleNamespace(path="x")) for actor in ("01", "02", "03")]
    found: list[Any] = _described(clips, None, tmp_path, told)
    files = {i: (f"voice_clip_fold_{i}.weights.h5", f"voice_tcn_fold_{i}.weights.h5") for i in (0, 3)}
    assert sorted(found) == [("01", *files[3]), ("02", *files[0]), ("03", *files[3])]
    with pytest.raises(InputError, match="actor 04"):
        _described(
            [*clips, SimpleNamespace(actor="04", file=SimpleNamespace(path="x"))], None, tmp_path, told
        )
    with pytest.raises(InputError, match="train the voice there first"):
        ship_fusion(tmp_path, tmp_path, tmp_path, on_event=print)


def test_the_rules_that_are_stored_are_those_that_models_read():
    rng = np.random.default_rng(0)
    clips = []
    for i in range(42):
        logits = {m: rng.normal(size=7).astype(np.float32) for m in RULES["both"]}
        ticks = ClipTicks(np.ones(20, bool), {m: np.tile(values, (20, 1)) for m, values in logits.items()})
        stretches = rng.normal(size=(1, 5)).astype(np.float32)
        clips.append(ClipLogits(i % 7, str(i % 3), logits, stretches, ticks))
    nine = rng.normal(0, 1, (2, 14, 9)).astype(np.float32)
    told = VoiceAnswers(
        np.repeat(["a/1", "a/2"], 7), np.full(14, "jv"), np.tile(np.arange(7), 2), np.zeros(14, int), *nine
    )
    faces = PersonalFaces([Shown(c.actor, c.label, c.stretches) for c in clips], np.zeros((5, 7)))
    models = Models()
    models.__dict__["_fusion"] = json.loads(json.dumps(_rules(clips, faces, told)))
    person = models.personal_face.people.person(clips[0].stretches)
    whole = Baseline("", {}, dict.fromkeys(RULES["voice"], np.zeros(7)), person)
    face = Baseline("", {}, {}, person)
    voices = set(RULES["voice"])
    personal = {FACE_PERSONAL}
    for baseline, own in ((None, {"face_cnn", "face_gru"}), (whole, personal), (face, personal)):
        rules = {name: set(models.late_fusion(name, baseline).weights) for name in RULES}
        assert rules == {"face": own, "voice": voices, "both": own | voices}
    said = [models.late_fusion("both", baseline).weights["voice_tcn"] for baseline in (None, whole, face)]
    assert not np.array_equal(said[1], said[2])
    assert not np.array_equal(said[0], said[1])
    said = [models.late_fusion("voice", baseline).weights["voice_tcn"] for baseline in (None, whole, face)]
    assert np.array_equal(said[0], said[2])
    assert set(models.usual) == voices
    stretch = clips[0].stretches[0]
    expected = faces.without()(stretch, faces.without().people.person(clips[0].stretches))
    np.testing.assert_allclose(models.personal_face(stretch, person), expected, atol=1e-3)
    fitted = lasting_of(clips)
    assert fitted is not None
    assert models.lasting is not None
    assert astuple(models.lasting) == pytest.approx(astuple(fitted), rel=1e-3)


@pytest.mark.parametrize("stored", [{"weight": 0.1}, {"weight": 0, "change": 0.1, "scale": 1}, 3])
def test_a_damaged_model_of_time_is_refused_and_a_missing_one_is_none(stored: Any):
    models = Models()
    models.__dict__["_fusion"] = {}
    assert models.lasting is None
    models = Models()
    models.__dict__["_fusion"] = {"lasting": stored}
    with pytest.raises(WeightsError, match="damaged at lasting"):
        _ = models.lasting


def test_ticks_are_measured_on_actors_of_whom_nothing_was_learned(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    clips = []
    for i in range(28):
        label = i % 7
        logits = {m: 3 * np.eye(7, dtype=np.float32)[label] + rng.normal(size=7) for m in RULES["both"]}
        ticks = {m: v + rng.normal(size=(30, 7)).astype(np.float32) for m, v in logits.items()}
        none = np.zeros((0, 0), np.float32)
        clips.append(ClipLogits(label, str(i % 4), logits, none, ClipTicks(rng.random(30) > 0.2, ticks)))
    learned_from = []

    def noted(answers: Sequence[ClipLogits], models: Sequence[str]) -> LateFusion:
        learned_from.append("".join(sorted({a.actor for a in answers})))
        return fit_rule(answers, models)

    monkeypatch.setattr("emoview.training.joined.fit_rule", noted)
    found = measure_ticks(clips)
    assert found is not None
    # Seven clips of an actor make three pairs, in three orders.
    assert found.recordings == 36
    assert found.right.value > 80
    assert 0.9 < found.changes.value < 1.5
    of_all, of_three = learned_from[:8], learned_from[8:]
    assert set(of_all) == {"012", "013", "023", "123"}
    # Where one is asked, what is fitted on the others comes of pairs of them.
    assert all(len(actors) == 2 for actors in of_three)
    assert measure_ticks(clips[:2]) is None
    assert lasting_of([replace(one, label=0) for one in clips]) is None
