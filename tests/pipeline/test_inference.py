"""Networks run on long sequences, and views of a face; labels and smoothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emoview.errors import InputError
from emoview.face.views import seen
from emoview.pipeline.answers import _extended
from emoview.pipeline.check import check
from emoview.pipeline.engines import Engine, load
from emoview.pipeline.inference import (
    STILL_VIEWS,
    VIEWS,
    SequenceRun,
    over_windows,
    run_faces,
    run_sequence,
    seven_labels,
    smooth,
)
from emoview.timeline.options import Options


def test_nine_labels_of_the_voice_become_seven():
    rng = np.random.default_rng(0)
    answer = run_sequence(load("voice_tcn", Engine.ONNX), rng.normal(size=(40, 105)).astype(np.float32))
    assert answer.ticks.shape == (40, 9)
    np.testing.assert_allclose(np.exp(seven_labels(answer.ticks)).sum(axis=1), 1, atol=1e-5)


def test_long_sequences_in_parts_agree_with_one(monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(0).normal(size=(500, 256)).astype(np.float32)
    network = load("face_gru", Engine.ONNX)
    whole = run_sequence(network, values)
    monkeypatch.setattr("emoview.pipeline.inference._LONGEST_SEQUENCE", 125)
    parts = run_sequence(network, values)
    np.testing.assert_allclose(parts.ticks, whole.ticks, atol=0.06)
    np.testing.assert_allclose(parts.whole, whole.whole, atol=0.06)
    # However the ticks come, they are cut into the same parts.
    run = SequenceRun(network)
    for piece in np.split(values, [1, 30, 31, 290, 290, 499]):
        run.add(piece)
    by_pieces = run.end()
    np.testing.assert_array_equal(by_pieces.ticks, parts.ticks)
    np.testing.assert_array_equal(by_pieces.whole, parts.whole)


def test_parts_of_long_speech_say_what_the_whole_does(monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(0).normal(size=(500, 105)).astype(np.float32)
    # Louder by and by, so that what is usual differs from part to part.
    values += np.linspace(0, 4, 500, dtype=np.float32)[:, None]
    network = load("voice_tcn", Engine.ONNX)
    whole = run_sequence(network, values)
    monkeypatch.setattr("emoview.pipeline.inference._LONGEST_SEQUENCE", 125)
    parts = run_sequence(network, values)
    assert whole.ticks.std(axis=0).min() > 0.01
    np.testing.assert_allclose(parts.ticks, whole.ticks, atol=1e-4)


def test_a_tick_gets_the_mean_of_its_windows_and_the_whole_that_of_the_spoken():
    speech = np.zeros(8, bool)
    speech[[1, 2, 3, 5]] = True
    logits = np.array([[1.0], [3.0]], np.float32)
    found = over_windows(logits, [(1, 4), (3, 6)], speech)
    # Tick 3 lies in both windows; those outside get the nearest answer.
    assert found.ticks[:, 0].tolist() == [1, 1, 1, 2, 3, 3, 3, 3]
    # Three of the spoken ticks lie in the first window, two in the second.
    assert found.whole[0] == pytest.approx((3 * 1 + 2 * 3) / 5)


def test_a_voice_that_ends_before_the_pictures_keeps_its_last_answer():
    said = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    assert _extended(said, 4).tolist() == [[1, 2], [3, 4], [3, 4], [3, 4]]
    assert _extended(said, 1).tolist() == [[1, 2]]


def test_nothing_is_averaged_across_a_gap():
    values = np.repeat([[0.0], [1.0]], 30, axis=0)
    assert 0.2 < smooth(values)[29, 0] < 0.5
    near, far = (np.arange(60) + gap * (np.arange(60) >= 30) for gap in (5, 50))
    np.testing.assert_array_equal(smooth(values, near), smooth(values))
    np.testing.assert_array_equal(smooth(values, far), values)


def test_a_face_is_seen_in_all_views_and_one_of_a_video_in_its_ticks_own():
    faces = list(np.random.default_rng(0).integers(0, 255, (40, 64, 64), dtype=np.uint8))
    network = load("face_cnn", Engine.ONNX)
    views = np.stack([run_faces(network, faces[:4], np.full(4, view))[1] for view in range(len(VIEWS))])
    assert np.abs(views - views[0]).max(axis=(1, 2))[1:].min() > 0.01
    every = run_faces(network, faces)[1]
    largest = [
        [network.predict_on_batch(seen(face, view)[None])[1][0] for face in faces[:4]]
        for view in STILL_VIEWS[len(VIEWS) :]
    ]
    np.testing.assert_allclose(every[:4], np.concatenate([views, largest]).mean(axis=0), atol=1e-4)
    ticks = np.arange(3, 43)
    one = run_faces(network, faces, ticks)[1]
    np.testing.assert_allclose(one[:4], [views[3 + i, i] for i in range(4)], atol=1e-4)
    # The second batch starts at tick 35.
    again = run_faces(network, faces[32:], ticks[32:])[1]
    np.testing.assert_allclose(one[32:], again, atol=1e-4)


def test_without_smoothing_ticks_stay_as_they_are():
    values = np.random.default_rng(0).normal(size=(9, 7)).astype(np.float32)
    ticks = np.array([0, 1, 2, 3, 60, 61, 62, 63, 64])
    np.testing.assert_array_equal(smooth(values, ticks, sigma=0), values)


@pytest.mark.parametrize("smooth_s", [-0.1, 10.5, True, "1", float("nan")])
def test_a_time_over_which_nothing_can_be_averaged_is_refused(smooth_s: Any):
    with pytest.raises(InputError, match="smooth must be seconds from 0 to 10"):
        check(Options(smooth=smooth_s))
