"""A recording as its own baseline: when, for whom, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from emoview import Analysis, Options
from emoview.media.process import DecodeLog
from emoview.pipeline.evidence import MOMENT_TICKS, Faces, FaceTrack, Moments, SequenceLogits, joined
from emoview.pipeline.faces import _GrowingMoments
from emoview.pipeline.join import Join
from emoview.pipeline.models import Models
from emoview.pipeline.own import LEAST_S, own_baseline

TICKS = 1500


@pytest.fixture(scope="module")
def models() -> Models:
    return Models()


def track(models: Models, *, ticks: int = TICKS, variety: float = 1.2) -> FaceTrack:
    """A face that shows something else every three seconds, as differently as asked."""
    rng = np.random.default_rng(0)
    people, kernel = models.personal_face.people, models.personal_face.kernel
    # One label after the other; of each, what the layer takes for it.
    shown = (kernel * np.sqrt(people.variance)[:, None]).T[np.arange(20) % 7]
    shown *= np.sqrt(variety / people.variety(shown))
    of = np.arange(ticks) // MOMENT_TICKS
    values = (people.mean + shown[np.arange(of[-1] + 1) // 15]).astype(np.float16)
    logits = rng.normal(size=(ticks, 7)).astype(np.float32)
    boxes = np.tile(np.array([10.0, 20.0, 30.0, 40.0]), (ticks, 1))
    return FaceTrack(
        np.arange(ticks), np.zeros(ticks, int), boxes, logits, np.zeros(ticks),
        SequenceLogits(logits.mean(axis=0), logits), None, moments=Moments(values, of),
    )  # fmt: skip


def analysis(models: Models, options: Options, *tracks: FaceTrack) -> Analysis:
    media: Any = SimpleNamespace(
        path="talk.mp4", video=None, audio=None, stretch=SimpleNamespace(start_s=0.0), created=None,
        capture_rate=None, sounds=(),
    )  # fmt: skip
    faces = Faces(TICKS, {i: replace(one, ids=one.ids + i) for i, one in enumerate(tracks)}, DecodeLog(), 1.0)
    return Join(media, options, faces, None, models).analysis([], "cpu")


def test_a_long_varied_recording_is_its_own_baseline(models: Models):
    face = track(models)
    result = analysis(models, Options(), face)
    assert [(one.person, one.seconds) for one in result.own_baselines] == [(0, 60.0)]
    assert result.own_baselines[0].variety == pytest.approx(1.2, abs=0.15)
    assert any("--no-self-baseline" in sentence for sentence in result.warnings)
    # Over all of it the face shows what it usually does: the verdict is the mean over time.
    assert result.overall.face is not None
    ticks = np.array([row.face for row in result.timeline])
    np.testing.assert_allclose(result.overall.face.probabilities, ticks.mean(axis=0), atol=1e-5)
    # What a person shows most of the time is no label: the others are told apart.
    assert len(set(ticks[37::75].argmax(axis=1))) >= 5
    left = analysis(models, Options(self_baseline=False), face)
    assert left.own_baselines == ()
    assert not any("--no-self-baseline" in sentence for sentence in left.warnings)
    assert left.options.asked()["self_baseline"] is False
    assert {used.name for used in result.weights} >= {"face_cnn.onnx", "fusion.json"}


def test_each_person_has_a_baseline_of_their_own(models: Models):
    calm = track(models, variety=0.3)
    result = analysis(models, Options(face="all", split=True), track(models), calm)
    assert [one.person for one in result.own_baselines] == [0]
    alone = analysis(models, Options(face="all", split=True), calm)
    of_calm = [row.face for row in result.timeline if row.person == 1]
    assert of_calm == [row.face for row in alone.timeline]


@pytest.mark.parametrize(
    ("made", "options"),
    [
        ({"ticks": round(LEAST_S * 25) - 1}, {}),
        ({"variety": 0.5}, {}),
        ({}, {"self_baseline": False}),
        ({}, {"baseline": "person.json"}),
        ({}, {"fusion": "early"}),
    ],
)
def test_others_are_not(models: Models, made: dict[str, Any], options: dict[str, Any]):
    assert own_baseline(track(models), models, Options()) is not None
    assert own_baseline(track(models, **made), models, Options(**options)) is None


def test_networks_of_runs_and_other_features_have_none(models: Models):
    face = track(models)
    for change in ({"stand_ins": {"face": None}}, {"features": "builtin"}):
        kept = {"stand_ins": {}, "features": models.features, "personal_face": models.personal_face}
        other: Any = SimpleNamespace(**(kept | change))
        assert own_baseline(face, other, Options()) is None


def _grown(ticks: NDArray[np.int64], embeddings: NDArray[np.float32], parts: list[int]) -> Moments:
    growing = _GrowingMoments()
    for one, other in zip(np.split(ticks, parts), np.split(embeddings, parts), strict=True):
        growing.add(one, other)
    return growing.end()


def test_moments_do_not_depend_on_how_ticks_come():
    rng = np.random.default_rng(0)
    ticks = np.array([0, 1, 2, 3, 4, 5, 6, 12, 13, 14, 15, 26, 27])
    embeddings = rng.normal(size=(len(ticks), 3)).astype(np.float32)
    whole = _grown(ticks, embeddings, [])
    assert whole.of.tolist() == [0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 4]
    np.testing.assert_allclose(whole.values[2], embeddings[7:10].mean(axis=0), atol=1e-3)
    parted = _grown(ticks, embeddings, [1, 3, 6, 9])
    np.testing.assert_array_equal(parted.of, whole.of)
    np.testing.assert_allclose(parted.values, whole.values, atol=2e-3)


def test_joined_tracks_keep_their_embeddings(models: Models):
    one = track(models, ticks=50)
    other = replace(track(models, ticks=50), ticks=np.arange(50, 100))
    marked = np.arange(50) % 2 == 0
    whole = joined([(other, marked), (one, np.ones(50, bool))])
    assert whole.moments is not None
    assert one.moments is not None
    expected = np.concatenate([one.moments.ticks, one.moments.ticks[marked]])
    np.testing.assert_array_equal(whole.moments.ticks, expected)
