"""A person's baseline: made, taken away, refused where it does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import run
from conftest import Make

from emoview import LABELS, Analysis, InputError, analyze
from emoview.batch.baseline import baseline_of
from emoview.batch.inputs import Clip
from emoview.batch.record import Records, Wanted
from emoview.fusion.baseline import PRIOR, Baseline, general
from emoview.fusion.personal import FACE_PERSONAL, Person
from emoview.media.process import DecodeLog
from emoview.networks.weights import shipped
from emoview.pipeline import analysis
from emoview.pipeline.analysis import told_of
from emoview.pipeline.evidence import Faces
from emoview.pipeline.models import FUSION_FILE, Models
from emoview.timeline.options import Options
from emoview.training.fusion_rules import RULES, VOICES, ClipLogits, measure
from emoview.training.personal import PersonalFaces, Shown
from tests.made_up import made_up_run


@pytest.fixture(scope="module")
def person(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline of who is in the sample."""
    file = tmp_path_factory.mktemp("person") / "person.json"
    made, warnings = baseline_of([Clip(sample, "sample")] * 4)
    assert not warnings
    file.write_text(made.text)
    return file


def test_few_recordings_say_less_of_a_person_than_many():
    usual = np.zeros(7)
    told = np.arange(7.0)
    assert np.array_equal(general([], usual), usual)
    one, many = (general([told] * count, usual) for count in (1, 100))
    np.testing.assert_allclose(one, told / (1 + PRIOR))
    assert np.abs(many - told).max() < 0.2


def test_what_is_said_of_a_person_is_taken_away(sample: Path, result: Analysis, person: Path):
    told = analyze(sample, baseline=person)
    assert [row.face_id for row in told.timeline] == [row.face_id for row in result.timeline]
    assert told.options.baseline == str(person)
    assert told.weights[-1].name == person.name
    assert told.fusion_used == "late"
    # What the person always shows says nothing any more.
    for name in ("fused", "face", "voice"):
        before, after = (np.array(getattr(r.overall, name).probabilities) for r in (result, told))
        assert after.max() < before.max(), name
        assert after.argmax() != before.argmax() or after.max() < 0.75, name
    # Four times the recording itself, and what is usual counting for two more.
    models = Models()
    stored = json.loads(person.read_text())["logits"]
    assert set(stored) == set(VOICES)
    rest = {name: (np.array(v) - models.usual[name]) / 4 * PRIOR for name, v in stored.items()}
    made = Baseline.read(person, shipped(FUSION_FILE).sha256)
    assert made.face is not None
    stretches = told_of(sample, options=Options()).stretches[0]
    mean = stretches.mean(axis=0)
    personal = models.personal_face
    rest[FACE_PERSONAL] = personal(mean, personal.people.person(np.concatenate([stretches] * 4)))
    fused = models.late_fusion("both", made)(rest)
    expected = np.exp(fused) / np.exp(fused).sum()
    assert told.overall.fused is not None
    # Stretches are as long as each other but for a tick.
    np.testing.assert_allclose(told.overall.fused.probabilities, expected, atol=5e-3)


def test_the_voice_is_explained_without_the_baseline(sample: Path, person: Path):
    told = analyze(sample, baseline=person, modality="voice", explain=True)
    segment = max(told.segments, key=lambda s: s.end_s - s.start_s)
    assert segment.explanation is not None
    assert segment.explanation.voice is not None
    position = LABELS.index(segment.label)
    rows = [row for row in told.timeline if segment.start_s <= row.time_s < segment.end_s and row.voice]
    p = np.array([row.voice[position] for row in rows if row.voice is not None])
    assert segment.explanation.voice.log_odds == pytest.approx(np.log(p / (1 - p)).mean(), abs=0.1)


def test_the_commands_make_and_take_a_baseline(made: Make, tmp_path: Path):
    clip = made("short.mp4", seconds=1.5)
    done = run("baseline", clip, "-o", "person.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "baseline: face from 1 and voice from 1 recording" in done.stderr
    assert "few recordings" in done.stderr
    done = run("batch", clip, "-o", "out", "--baseline", "person.json", "--face", "all", cwd=tmp_path)
    assert done.returncode == 1
    assert "a baseline is for one person" in done.stderr
    assert not (tmp_path / "out").exists()
    done = run("batch", clip, "-o", "out", "--baseline", "person.json", "--workers", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stored = json.loads((tmp_path / "out" / "short.json").read_text())
    assert stored["options"]["baseline"] == "person.json"
    assert stored["weights"][-1]["name"] == "person.json"


def test_a_batch_tells_baselines_apart_by_their_content(made: Make, person: Path, tmp_path: Path):
    clip = Clip(made("short.mp4", seconds=1.5), "short")
    file = tmp_path / "person.json"
    keys = []
    for text in (person.read_text(), person.read_text().replace('"voice_tcn": 4', '"voice_tcn": 3')):
        file.write_text(text)
        keys.append(Records(tmp_path, Wanted(Options(baseline=str(file)), ("json",))).key(clip))
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no JSON", "is not JSON .*make one with emoview baseline"),
        ("[]", "is damaged .*make one with emoview baseline"),
        (
            '{"kind": "emoview baseline", "weights": "", "recordings": {}, "logits": {"face_cnn": [1]}}',
            "is damaged at",
        ),
        ('{"kind": "emoview baseline", "weights": "other", "recordings": {}, "logits": {}}', "other weights"),
    ],
)
def test_what_is_no_baseline_is_refused(sample: Path, tmp_path: Path, text: str, complaint: str):
    file = tmp_path / "person.json"
    file.write_text(text)
    with pytest.raises(InputError, match=complaint):
        analyze(sample, baseline=file)


def test_a_baseline_of_another_modality_is_refused(made: Make, sample: Path, tmp_path: Path):
    silent = made("silent.mp4", "-an", seconds=1.5)
    file = tmp_path / "face.json"
    file.write_text(baseline_of([Clip(silent, "silent")])[0].text)
    assert analyze(silent, baseline=file).overall.face is not None
    with pytest.raises(InputError, match="the baseline holds no voice"):
        analyze(sample, baseline=file)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"fusion": "early"}, "early fusion"),
        ({"face": "all"}, "for one person"),
        ({"weights": "run"}, "leave out"),
    ],
)
def test_what_knows_no_baseline_is_refused(
    sample: Path, person: Path, options: dict[str, str], complaint: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    made_up_run(tmp_path / "run", "face", "pictures")
    with pytest.raises(InputError, match=complaint):
        analyze(sample, baseline=person, **options)  # type: ignore[arg-type]


def test_a_recording_that_fails_is_left_out_and_named(made: Make, tmp_path: Path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    clips = [Clip(broken, "broken"), Clip(made("silent.mp4", "-an", seconds=1.5), "silent")]
    found, warnings = baseline_of(clips)
    assert found.recordings == {FACE_PERSONAL: 1}
    assert len(warnings) == 1
    assert "left out" in warnings[0]
    assert "broken.mp4" in warnings[0]
    with pytest.raises(InputError, match="no recording could be analysed; left out"):
        baseline_of(clips[:1])
    with pytest.raises(InputError, match="for one person"):
        baseline_of(clips, options=Options(face="all"))


def test_a_recording_of_which_a_part_was_decoded_is_left_out(sample: Path, monkeypatch: pytest.MonkeyPatch):
    faces = Faces(5, {}, DecodeLog(seen=True, failure="it was ended", killed=True), widened=1.0)
    monkeypatch.setattr(analysis, "_run_branches", lambda *_: (faces, None))
    with pytest.raises(InputError, match=r"left out .*: decoding the pictures of .* stopped at 0.2 s"):
        baseline_of([Clip(sample, "sample")])


def test_a_file_of_a_baseline_is_what_was_made(tmp_path: Path):
    logits = {"voice_tcn": np.linspace(-1, 1, len(LABELS))}
    sha256 = shipped(FUSION_FILE).sha256
    file = tmp_path / "person.json"
    face = Person(np.array([0.5, -1.0]), np.array([1.0, 0.25]), 3)
    file.write_text(Baseline(sha256, {"voice_tcn": 3}, logits, face).text)
    assert json.loads(file.read_text())["labels"] == list(LABELS)
    read = Baseline.read(file, sha256)
    assert read.recordings == {"voice_tcn": 3}
    np.testing.assert_allclose(read.logits["voice_tcn"], logits["voice_tcn"], atol=1e-5)
    left = read.removed({"voice_tcn": np.ones((2, 7))})["voice_tcn"]
    np.testing.assert_allclose(left, np.ones((2, 7)) - logits["voice_tcn"], atol=1e-5)
    assert read.face is not None
    np.testing.assert_allclose([read.face.mean, read.face.scale], [face.mean, face.scale], atol=1e-6)
    assert read.face.stretches == 3


def test_files_of_earlier_and_later_versions_are_told_apart(tmp_path: Path):
    sha256, file = shipped(FUSION_FILE).sha256, tmp_path / "person.json"
    stored = json.loads(Baseline(sha256, {"voice_tcn": 3}, {"voice_tcn": np.zeros(7)}).text)
    del stored["version"]
    file.write_text(json.dumps(stored))
    assert Baseline.read(file, sha256).face is None
    for change in ({"version": 3}, {"face": {"mean": [0.0], "scale": [1.0, 1.0], "stretches": 1}}):
        file.write_text(json.dumps(stored | change))
        with pytest.raises(InputError, match="another version"):
            Baseline.read(file, sha256)


def test_knowing_people_helps_where_they_differ():
    """Eight people of whom every model says something that has nothing to do with the label."""
    rng = np.random.default_rng(0)
    labels = [0, 1, 3, 4, 5, 6] * 3
    answers = [
        ClipLogits(label, str(actor), {
            **{model: (own[model] + rng.normal(0, 1, 7) + 1.5 * np.eye(7)[label]).astype(np.float32)
               for model in RULES["both"]},
            "early": np.zeros(7, np.float32),
        }, (look + rng.normal(0, 1, (2, 16)) + 1.5 * np.eye(16)[label]).astype(np.float32))
        for actor in range(8)
        for own in [{model: rng.normal(0, 3, 7) for model in RULES["both"]}]
        for look in [rng.normal(0, 3, 16)]
        for label in labels
    ]  # fmt: skip
    shown = [Shown(a.actor, a.label, a.stretches) for a in answers]
    measured = measure(answers, PersonalFaces(shown, np.eye(16, 7)))
    figures = measured.models
    assert figures["late_both_baseline"].uar.value > figures["late_both"].uar.value + 15
    assert figures["late_face_baseline"].uar.value > figures["late_face"].uar.value + 15
    assert "late_both_face_baseline" in figures
    assert set(measured.gains) == {"late_both", "late_both_baseline", "early"}
    for name, gain in measured.gains.items():
        suffix = "_baseline" if name.endswith("_baseline") else ""
        singles = {rule: figures[rule].uar.value for rule in (f"late_face{suffix}", f"late_voice{suffix}")}
        assert gain.over == max(singles, key=singles.__getitem__)
        assert gain.uar.value == pytest.approx(figures[name].uar.value - singles[gain.over], abs=0.02)
        assert (gain.examples, gain.people) == (144, 8)


def test_a_face_of_another_width_is_refused(sample: Path, person: Path, tmp_path: Path):
    stored = json.loads(person.read_text())
    stored["face"] = {name: values[:9] for name, values in stored["face"].items() if name != "stretches"}
    file = tmp_path / "person.json"
    file.write_text(json.dumps(stored | {"face": {**stored["face"], "stretches": 3}}))
    with pytest.raises(InputError, match="damaged at face"):
        analyze(sample, baseline=file)
