"""The parts by themselves."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import Make

from emoview import Analysis, InputError, OutputError, analyze
from emoview.common.files import write_whole
from emoview.explain.seen import Seen
from emoview.face.align import CROP_SIZE, Proportions, align
from emoview.face.find import LANDMARKS, FaceFinder
from emoview.face.follow import FaceFollower
from emoview.fusion.late import fit_late_fusion, softmax
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.media.process import DecodeLog
from emoview.media.sound import Sound, read_sound
from emoview.metrics.labels import calibration_error, unweighted_average_recall
from emoview.networks.weights import shipped, weights_folder
from emoview.output.json import to_json
from emoview.output.read import read_json
from emoview.pipeline.evidence import Found
from emoview.pipeline.faces import FaceBranch
from emoview.pipeline.finding import find_faces
from emoview.pipeline.inference import nearest, run_sequence, run_speech
from emoview.pipeline.models import Models
from emoview.pipeline.timings import Timings
from emoview.pipeline.voice import describe_windows, heard_ticks
from emoview.timeline.clock import SAMPLES_PER_TICK, ticks_of, time_of
from emoview.timeline.labels import LABELS, Naming, group_of, valence_arousal
from emoview.timeline.results import FaceBox, Row, segments_of
from emoview.voice.activity import level_db, voice_activity
from emoview.voice.descriptors import (
    FeatureSet,
    functional_names,
    functionals,
    tick_features,
    window_functionals,
    windows,
)
from emoview.voice.mfcc import mel_filters, mfcc


def test_clock():
    assert time_of(3) == 0.12
    assert ticks_of(0) == 0
    assert ticks_of(1) == ticks_of(640) == 1
    assert ticks_of(641) == 2


def test_happiness_alone_is_positive_and_surprise_is_neutral():
    assert [group_of(label, 3) for label in LABELS] == [
        "neutral", "negative", "negative", "negative", "positive", "negative", "neutral",
    ]  # fmt: skip
    assert [group_of(label, 2) for label in LABELS] == ["other"] * 4 + ["positive"] + ["other"] * 2
    assert group_of("sad", 7) == "sad"


def test_affect_of_certain_labels():
    affect = valence_arousal(np.eye(7))
    assert affect[LABELS.index("happy"), 0] > 0.5
    assert affect[LABELS.index("sad"), 1] < 0 < affect[LABELS.index("anger"), 1]
    assert (affect[0] == 0).all()


def _row(tick: int, label: str, face_id: int = 0) -> Row:
    fused = tuple(0.4 if name == label else 0.1 for name in LABELS)
    return Row(tick, face_id, fused=fused)


def test_segments_join_and_swallow_flickers():
    labels = ["happy"] * 20 + ["sad"] * 2 + ["happy"] * 10 + ["anger"] * 10
    found = segments_of(tuple(_row(i, label) for i, label in enumerate(labels)))
    assert [(s.label, s.start_s, s.end_s) for s in found] == [
        ("happy", 0.0, 1.28),
        ("anger", 1.28, 1.68),
    ]
    # Flickers that nothing precedes, at the beginning and behind a gap.
    labels = ["fear", "sad", *["happy"] * 10, "", *["sad"] * 4, *["anger"] * 5, ""] + ["sad"] * 4
    found = segments_of(tuple(_row(i, label) for i, label in enumerate(labels) if label))
    assert [(s.label, s.start_s, s.end_s) for s in found] == [
        ("happy", 0.0, 0.48),
        ("anger", 0.52, 0.88),
        ("sad", 0.92, 1.08),
    ]


def test_pictures_and_sound_share_one_clock(sample: Path):
    media = probe(sample)
    with PictureDecoder(media, longest_side=320) as decoder:
        ticks = [tick for tick, picture in decoder if picture.shape == (320, 320, 3)]
    assert ticks == list(range(200))
    with read_sound(media) as sound:
        assert abs(len(sound) - 200 * SAMPLES_PER_TICK) <= SAMPLES_PER_TICK
        assert sound.log.complaints == 0


def test_aligned_face_is_upright_whatever_the_tilt(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = next(iter(decoder))[1]
    faces = []
    for angle in (0, 25):
        turn = cv2.getRotationMatrix2D((240, 240), angle, 1)
        with FaceFinder(max_faces=1) as finder:
            turned = cv2.warpAffine(picture, turn, (480, 480))
            (points,) = finder.find(turned)
        assert points.shape == (LANDMARKS, 3)
        faces.append(align(turned, points).astype(float))
    assert faces[0].shape == (CROP_SIZE, CROP_SIZE, 3)
    assert faces[0][0, 0].sum() == 0
    assert (faces[0].sum(axis=2) > 0).mean() > 0.5
    both = (faces[0].sum(axis=2) > 0) & (faces[1].sum(axis=2) > 0)
    alike = np.corrcoef(faces[0][both].ravel(), faces[1][both].ravel())[0, 1]
    assert alike > 0.9


def test_a_squeezed_video_is_widened_and_another_is_not(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = next(iter(decoder))[1]
    faces, factors = [], []
    for width in (480, 360):
        proportions = Proportions()
        with FaceFinder(max_faces=1) as finder:
            shown = cv2.resize(picture, (width, 480), interpolation=cv2.INTER_AREA)
            (points,) = finder.find(shown)
        factors.append(proportions.widening([points]))
        faces += [
            cv2.cvtColor(align(shown, points, widen=widen), cv2.COLOR_RGB2GRAY) for widen in (1, factors[-1])
        ]
    assert factors == [1, 4 / 3]
    true, _, narrow, widened = faces
    outline, likeness = [], []
    for one in (narrow, widened):
        both = (one > 0) & (true > 0)
        outline.append(((one > 0) == (true > 0)).mean())
        likeness.append(np.corrcoef(one[both], true[both])[0, 1])
    assert outline[1] > outline[0] + 0.03
    assert likeness[1] > likeness[0] + 0.1
    assert likeness[1] > 0.85
    # What a face does in one picture is not taken for the shape of all.
    usual = points * [4 / 3, 1, 1]
    assert [proportions.widening([usual]) for _ in range(2)][-1] == 1
    assert proportions.widening([points]) == 1
    assert proportions.widening([]) == 1


def test_an_explanation_lies_where_a_widened_face_was_cut_out(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = cv2.resize(next(iter(decoder))[1], (360, 480), interpolation=cv2.INTER_AREA)
    with FaceFinder(max_faces=1) as finder:
        (points,) = finder.find(picture)
    face = align(picture, points, widen=4 / 3)
    seen = Seen()
    seen.add_faces(
        [Found(0, 0, FaceBox(0, 0, 1, 1), points, face, 1.0, 4 / 3)], np.zeros((1, 256), np.float32)
    )
    aligned = np.array([[0, 0], [CROP_SIZE, 0], [0, CROP_SIZE]], np.float32)
    back = cv2.getAffineTransform(seen.faces[0, 0].corners, aligned)
    there = cv2.warpAffine(picture, back, (CROP_SIZE, CROP_SIZE))
    assert np.corrcoef(there[face > 0], face[face > 0])[0, 1] > 0.98


def test_a_face_that_fills_a_large_picture_is_not_sampled_but_averaged(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = next(iter(decoder))[1]
    with FaceFinder(max_faces=1) as finder:
        (points,) = finder.find(picture)
    large = cv2.resize(picture, (1920, 1920), interpolation=cv2.INTER_LINEAR)
    noise = np.random.default_rng(0).integers(-60, 61, large.shape)
    noisy = np.clip(large.astype(int) + noise, 0, 255).astype(np.uint8)
    clean, seen_through = align(large, points * 4).astype(int), align(noisy, points * 4).astype(int)
    assert np.abs(align(picture, points).astype(int) - clean).mean() < 3
    # Of one pixel in sixteen, the mean deviation would stay 30.
    assert np.abs(clean - seen_through)[clean > 0].mean() < 15


def test_small_faces_are_found_and_large_ones_again(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        _, picture = next(iter(decoder))
    empty = np.full((360, 640, 3), 128, np.uint8)
    small, large = empty.copy(), empty.copy()
    # The face is a third of the sample's width.
    small[60:180, 200:320] = cv2.resize(picture, (120, 120), interpolation=cv2.INTER_AREA)
    large[:, 100:460] = cv2.resize(picture, (360, 360), interpolation=cv2.INTER_AREA)

    def widths(*pictures: np.ndarray) -> list[list[int]]:
        with FaceFinder(max_faces=4) as finder:
            return [[round(float(np.ptp(face[:, 0]))) for face in finder.find(one)] for one in pictures]

    found = widths(*[small] * 3, *[large] * 8, *[empty] * 2, *[small] * 6)
    assert all(len(faces) == 1 and 32 < faces[0] < 46 for faces in found[:3])
    # The mesh is followed where the last one was, until that is no face any more.
    assert all(len(faces) == 1 and 100 < faces[0] < 135 for faces in found[6:11])
    assert found[11:13] == [[], []]
    assert any(faces and 32 < faces[0] < 46 for faces in found[13:])
    assert found[-1]


def test_small_faces_are_cut_out_of_larger_pictures(made: Make):
    size = "w='if(lt(t,0.6),900,240)':h=-1:eval=frame"
    clip = made("mixed.mp4", "-vf", f"scale={size},pad=1920:1080:600:60:gray:eval=frame", seconds=1.2)
    found = list(find_faces(probe(clip), max_faces=2, timings=Timings(), log=DecodeLog()))
    assert [tick for tick, _ in found] == list(range(30))
    for tick, faces in found:
        # The face is a third of 900 or 240 pixels wide; the picture was scaled down to a third.
        if faces and tick < 15:
            assert faces[0].scale == 3
            assert 250 < faces[0].box.width < 340
        elif faces and tick > 20:
            assert faces[0].scale == 1
            assert 65 < faces[0].box.width < 95
            assert np.ptp(faces[0].landmarks[:, 0]) == pytest.approx(faces[0].box.width, abs=0.1)
    assert all(faces for tick, faces in found if tick < 15 or tick > 20)


def test_tracks_survive_a_loss_and_a_neighbour():
    def face(x: float) -> np.ndarray:
        points = np.random.default_rng(0).uniform(0, 100, (468, 3)).astype(np.float32)
        return points + np.array([x, 0, 0], np.float32)

    follower = FaceFollower()
    assert follower.follow(0, [face(0), face(300)]) == [0, 1]
    assert follower.follow(1, [face(305), face(5)]) == [1, 0]
    assert follower.follow(2, [face(310)]) == [1]
    assert follower.follow(20, [face(20), face(312)]) == [0, 1]
    assert follower.follow(80, [face(20)]) == [2]


def _speech(sample: Path) -> np.ndarray:
    with read_sound(probe(sample)) as sound:
        return sound[:]


def test_sound_reads_the_same_from_disk(sample: Path, monkeypatch: pytest.MonkeyPatch):
    samples = _speech(sample)
    monkeypatch.setattr("emoview.media.sound._SOUND_IN_MEMORY", 1)
    with read_sound(probe(sample)) as sound:
        assert len(sound) == len(samples)
        np.testing.assert_array_equal(sound[5000:70_000], samples[5000:70_000])
        np.testing.assert_array_equal(sound[len(samples) - 10 : len(samples) + 10], samples[-10:])
        np.testing.assert_array_equal(tick_features(sound), tick_features(samples))
        assert not len(sound[len(samples) :])


def test_the_mean_level_is_that_of_the_whole(sample: Path, monkeypatch: pytest.MonkeyPatch):
    samples = _speech(sample)
    expected = 10 * np.log10(np.square(samples, dtype=np.float64).mean())
    for ticks in (1500, 30):
        monkeypatch.setattr("emoview.pipeline.voice.BLOCK_TICKS", ticks)
        level = analyze(sample, modality="voice").media.audio_level_db
        assert level == pytest.approx(expected, abs=0.1)


def test_tracks_end_when_their_face_is_lost():
    rng = np.random.default_rng(0)
    points = np.zeros((468, 3), np.float32)
    crops = rng.integers(0, 255, (200, 112, 112, 3), dtype=np.uint8)
    faces = {0: range(40), 1: range(80, 120), 2: range(90, 200)}

    def found() -> Iterator[tuple[int, list[Found]]]:
        for tick in range(200):
            yield (
                tick,
                [
                    Found(tick, face_id, FaceBox(1, 2, 30 + face_id, 40), points, crops[tick], 1.0, 1.0)
                    for face_id, ticks in faces.items()
                    if tick in ticks
                ],
            )

    models = Models()
    kept = {}
    for keep in (False, True):
        branch = FaceBranch(lambda: models, keep_embeddings=lambda keep=keep: keep, timings=Timings())
        for tick, some in found():
            branch.add(tick, some)
        result = branch.end(DecodeLog())
        assert result.ticks == 200
        assert list(result.tracks) == [0, 1, 2]
        for face_id, track in result.tracks.items():
            assert track.ticks.tolist() == list(faces[face_id])
            assert track.weight == len(faces[face_id]) * (30 + face_id) * 40
            assert track.gru is not None
            assert track.gru.ticks.shape == (len(track.ticks), 7)
        kept[keep] = result.tracks
    assert kept[False][2].embeddings is None
    embeddings = kept[True][2].embeddings
    assert embeddings is not None
    again = run_sequence(models.face_gru, embeddings)
    np.testing.assert_allclose(again.ticks, kept[False][2].gru.ticks, atol=1e-5)


def test_a_full_temporary_folder_is_said(sample: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("emoview.media.sound._SOUND_IN_MEMORY", 1)
    monkeypatch.setattr(
        "emoview.media.sound.tempfile.SpooledTemporaryFile",
        lambda **_: Path("/dev/full").open("wb"),  # noqa: SIM115
    )
    with pytest.raises(OutputError, match="cannot hold the sound"):
        read_sound(probe(sample))
    # So little that the file takes it, and fails when it is asked to hand it on.
    with Sound(DecodeLog()) as sound:
        sound.add(bytes(4000))
        with pytest.raises(OutputError, match="No space left"):
            sound.flush()


def test_descriptors_do_not_depend_on_the_blocks(sample: Path, monkeypatch: pytest.MonkeyPatch):
    samples = _speech(sample)
    whole = tick_features(samples)
    assert whole.shape == (200, FeatureSet.BOTH.width)
    monkeypatch.setattr("emoview.voice.blocks.BLOCK_TICKS", 75)
    parts = tick_features(samples)
    scale = whole.std(axis=0) + 1e-6
    share = (np.abs(parts - whole) / scale > 0.05).mean()
    assert share < 0.01


def test_feature_sets_and_functionals(sample: Path):
    samples = _speech(sample)[:32000]
    both = tick_features(samples)
    np.testing.assert_array_equal(both[:, :65], tick_features(samples, FeatureSet.OPENSMILE))
    np.testing.assert_array_equal(both[:, 65:], tick_features(samples, FeatureSet.MFCC))
    summary = functionals(samples)
    assert summary.shape == (6373,)
    assert np.isfinite(summary).all()
    assert np.isfinite(functionals(np.zeros(100, np.float32))).all()


def test_functionals_of_windows_are_those_of_their_sound_but_for_pitch_at_the_borders(sample: Path):
    samples = _speech(sample)[:80000]
    cuts = [(0, 48000), (24000, 72000), (32000, 80000)]
    together = window_functionals(samples, cuts)
    apart = np.stack([functionals(samples[first:last]) for first, last in cuts])
    assert together.shape == (3, 6373)
    # Pitch and what is told of voiced frames alone runs on over a border; all else hardly notices it.
    voiced = ("F0", "voicing", "jitter", "shimmer", "logHNR")
    others = np.array([not name.startswith(voiced) for name in functional_names()])
    assert others.sum() > 5500
    scale = apart.std(axis=0) + 1e-6

    def near(values: np.ndarray) -> float:
        return float((np.abs(values - apart) / scale < 0.25)[:, others].mean())

    assert near(together) > 0.75
    assert near(together[[1, 2, 0]]) < 0.3


def test_windows_with_silence_between_them_are_described_apart(sample: Path):
    speech = _speech(sample)[:96000]
    samples = np.concatenate([speech, np.zeros(64000, np.float32), speech])
    cuts = [(0, 75), (38, 113), (75, 150), (250, 325), (288, 363)]
    together = describe_windows(samples, cuts)
    np.testing.assert_array_equal(together[:3], describe_windows(samples[:97600], cuts[:3]))
    np.testing.assert_array_equal(together[3:], describe_windows(samples, cuts[3:]))


def test_windows_of_silence_and_short_ones_are_described(sample: Path):
    samples = np.concatenate([np.zeros(32000, np.float32), _speech(sample)[:16000]])
    summaries = window_functionals(samples, [(0, 16000), (8000, 24000), (32000, 32640), (46400, 48000)])
    assert summaries.shape == (4, 6373)
    assert np.isfinite(summaries).all()
    np.testing.assert_array_equal(summaries[0], summaries[1])
    assert np.abs(summaries[2] - summaries[0]).max() > 0


def test_windows_cover_every_tick():
    for ticks in (1, 50, 100, 101, 400, 1234):
        cuts = windows(ticks)
        covered = np.zeros(ticks, bool)
        for a, b in cuts:
            assert 0 <= a < b <= ticks
            covered[a:b] = True
        assert covered.all()
    assert windows(0) == []


def test_voice_activity_finds_the_sentences(sample: Path):
    samples = _speech(sample)
    active = voice_activity(level_db(samples), tick_features(samples))
    assert not active[:12].any()
    assert active[20:40].mean() > 0.8
    assert not voice_activity(level_db(np.zeros(16000, np.float32)), np.zeros((25, 65), np.float32)).any()


def test_the_midst_of_a_long_pause_is_not_heard():
    heard = []

    def say(batch: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values, mask = batch
        heard.extend(values[mask][:, 0].astype(int))
        return values[:, 0], values

    speech = np.zeros(120, bool)
    # A pause of 24 ticks stays, of one of 50 the midst is left out.
    for first, last in ((3, 10), (34, 40), (90, 100)):
        speech[first:last] = True
    features = np.arange(120, dtype=np.float32)[:, None]
    answer = run_speech(SimpleNamespace(predict_on_batch=say), features, heard_ticks(speech), 120)
    assert heard == [*range(3, 52), *range(78, 100)]
    assert answer.ticks[:, 0].tolist() == [
        *[3] * 3, *range(3, 52), *[51] * 13, *[78] * 13, *range(78, 100), *[99] * 20,
    ]  # fmt: skip


def test_ticks_of_no_speech_get_the_nearest_answer():
    answers = np.array([[1.0], [2.0], [3.0]], np.float32)
    spread = nearest(answers, np.array([2, 3, 8]), 11)
    assert spread[:, 0].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]


def test_late_fusion_learns_whom_to_trust():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 600)
    good = rng.normal(0, 1, (600, 7)) + 3 * np.eye(7)[labels]
    noise = rng.normal(0, 3, (600, 7))
    rule = fit_late_fusion({"good": good, "noise": noise}, labels, [*"abcdef"] * 100)
    assert rule.weights["good"].mean() > 5 * abs(rule.weights["noise"].mean())
    probabilities = softmax(rule({"good": good, "noise": noise}))
    assert unweighted_average_recall(probabilities, labels) > 85
    assert calibration_error(probabilities, labels) < 0.06


def test_late_fusion_shares_its_weights_where_labels_tell_no_difference():
    """Of few people's chance differences between labels nothing is learned; what all of them show is."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 160)
    people = [str(i % 8) for i in range(160)]
    logits = rng.normal(0, 1, (160, 7)) + 2 * np.eye(7)[labels]
    weights = fit_late_fusion({"one": logits}, labels, people).weights["one"]
    assert weights.std() < 0.05 * weights.mean()
    # The second half of the labels is silent: its logits are noise, and must count for less.
    logits[:, 4:] = rng.normal(0, 1, (160, 3))
    weights = fit_late_fusion({"one": logits}, labels, people).weights["one"]
    assert weights[:4].mean() > 1.2 * weights[4:].mean()


def test_a_label_without_examples_keeps_a_say():
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 3, 4, 5, 6], 300)
    logits = rng.normal(0, 1, (300, 7)) + 3 * np.eye(7)[labels]
    rule = fit_late_fusion({"one": logits}, labels, [*"abc"] * 100)
    disgusted = 5 * np.eye(7)[LABELS.index("disgust")]
    assert softmax(rule({"one": disgusted})).argmax() == LABELS.index("disgust")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "result.csv"
    target.write_text("before")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_whole(target, "after")
    assert target.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["result.csv"]


def test_shipped_weights_are_what_the_manifest_says():
    names = ("face_cnn", "face_votes", "face_gru", "voice_tcn", "voice_clip", "early_fusion")
    files = [shipped(f"{name}.weights.h5").path for name in names] + [shipped("fusion.json").path]
    assert sum(file.stat().st_size for file in files) < 40e6
    assert weights_folder() == files[0].parent


def test_mediapipe_and_tensorflow_load_in_either_order():
    import subprocess
    import sys

    for order in ("mediapipe, tensorflow", "tensorflow, mediapipe"):
        subprocess.run(
            [sys.executable, "-c", f"import {order}"], check=True, capture_output=True, timeout=120
        )


def test_a_result_read_back_is_the_same(result: Analysis, tmp_path: Path):
    file = tmp_path / "result.json"
    file.write_text(to_json(result), encoding="utf-8")
    again = read_json(file)
    assert to_json(again) == to_json(result)
    assert again.media == result.media
    file.write_text("{}")
    with pytest.raises(InputError, match="not a result"):
        read_json(file)


def test_coefficients_are_those_of_librosa():
    import librosa

    samples = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    samples *= np.linspace(0, 1, 16_000, dtype=np.float32) ** 4
    expected = librosa.feature.mfcc(
        y=samples, sr=16_000, n_mfcc=40, n_mels=64, n_fft=512, win_length=400, hop_length=160, center=False
    ).T
    np.testing.assert_allclose(mfcc(samples, count=40), expected, atol=2e-3)
    filters = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=64)
    np.testing.assert_allclose(mel_filters(), filters, atol=1e-6)


def test_a_group_has_the_sum_of_its_labels():
    probabilities = (0.1, 0.2, 0.0, 0.2, 0.3, 0.1, 0.1)
    assert Naming(3).sums(probabilities) == (0.3, 0.2, 0.5)
    assert Naming(3).decide(probabilities) == ("negative", 0.5)
    assert Naming(2).decide(probabilities) == ("other", 0.7)
    assert Naming(7).decide(probabilities) == ("happy", 0.3)
    assert Naming(7, 0.3).decide(probabilities) == ("happy", 0.3)
    assert Naming(7, 0.31).decide(probabilities) == ("uncertain", 0.3)
