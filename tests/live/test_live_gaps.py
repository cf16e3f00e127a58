"""What a session lacks is told: where nothing was seen or heard, and what never came at all."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from live_parts import moment_of, until

from emoview import Options
from emoview.live.gaps import Gaps
from emoview.live.inbox import Shot
from emoview.live.session import Session
from emoview.live.wire import jpeg_of
from emoview.pipeline.loading import models_for
from emoview.timeline.results import FaceBox

OPTIONS = Options(causal=True)
BLACK = np.zeros((64, 64, 3), np.uint8)
SECOND = np.zeros(16_000, np.float32)


def told(gaps: Gaps, end: int) -> list[str]:
    return list(gaps.told("nothing came", "empty there", end))


def test_gaps_are_told_with_their_times_and_short_ones_are_not():
    gaps = Gaps(held=12)
    for tick in (0, 1, 2, 15, 16):
        gaps.fill(tick, tick + 1)
    assert told(gaps, 17) == [], "what was before is held over it"
    gaps.fill(125, 126)
    once = "nothing came from 1.2 to 5.0 s: empty there"
    assert told(gaps, 126) == [once]
    several = "nothing came in several places, 8.3 s in all, first from 1.2 to 5.0 s: empty there"
    assert told(gaps, 250) == [several]
    assert told(gaps, 126) == [once], "telling changes nothing"


def test_a_camera_of_a_picture_a_second_is_told():
    gaps = Gaps(held=12)
    for tick in range(0, 100, 25):
        gaps.fill(tick, tick + 1)
    assert told(gaps, 100) == [
        "nothing came in several places, 1.9 s in all, first from 0.5 to 1.0 s: empty there"
    ]


def test_what_begins_late_is_a_gap_and_what_never_came_is_none():
    gaps = Gaps(held=12)
    assert told(gaps, 1000) == []
    gaps.fill(50, 60)
    assert told(gaps, 60) == ["nothing came from 0.0 to 2.0 s: empty there"]


@pytest.fixture
def session(monkeypatch):
    """A session that neither finds faces nor listens."""
    session = Session(lambda: models_for(OPTIONS)[1], OPTIONS)

    def see(tick, *_):
        session.core.tally.add(moment_of(tick))
        return moment_of(tick), []

    monkeypatch.setattr(session.core, "see", see)
    monkeypatch.setattr(session.core, "hear", lambda _: None)
    session.start(None)
    yield session
    session.stop()
    assert session.failure is None


def test_a_source_that_was_away_is_told(session):
    for tick in (0, 100):
        session.inbox.put(Shot(tick, BLACK, 1.0, 0.0))
        until(lambda tick=tick: session.latest and session.latest.moment.tick == tick)
        session.inbox.put_sound(SECOND, tick or None)
        # A picture that came before it was heard would be told as too early for it.
        until(lambda tick=tick: session._samples == (tick + 25) * 640 and not session.inbox.unheard_ticks)
    assert list(session.lost()) == [
        "nothing was seen from 0.5 to 4.0 s: the face cells are empty there",
        "nothing was heard from 1.0 to 4.0 s: the voice cells are empty there",
    ]


def test_nobody_is_said_to_be_silent_where_nothing_was_heard(session):
    assert list(session.core.lacking()) == [
        "no pictures came: the face columns are empty", "no sound came: the voice columns are empty",
    ]  # fmt: skip
    assert not any("speech" in said for said in session.core.warnings())
    session.core._hearing._known = 25
    assert any("no speech was found" in said for said in session.core.warnings())


def test_a_zero_that_could_not_be_taken_is_told(session):
    notes = []
    session._record = SimpleNamespace(add=lambda *_: None, note=notes.append)
    session.core.zero.ask(1)
    for tick in (0, 24, 25, 26):
        session.core.zero.learn(tick, {})
        session.inbox.put(Shot(tick, BLACK, 1.0, 0.0))
        until(lambda tick=tick: session.latest and session.latest.moment.tick == tick)
        assert session.latest.zero_failed == (tick >= 25)
    assert notes == ["at 1.0 s: no zero was taken, since no face was seen for a second"]
    session.core.zero.ask(1)
    session.core.zero.learn(30, {})
    assert not session.core.zero.failed


def test_a_face_is_hidden_before_anything_is_known_of_it_and_while_it_is_missed(session, monkeypatch):
    box = FaceBox(8, 8, 32, 32)
    found = {0: [SimpleNamespace(face_id=0, box=box)], 10: [], 30: []}
    monkeypatch.setattr(session.core, "see", lambda tick, *_: (moment_of(tick), found[tick]))
    white = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    hidden = {}
    for tick in found:
        session.inbox.put(Shot(tick, white, 1.0, 0.0))
        until(lambda tick=tick: session.latest and session.latest.moment.tick == tick)
        seen = cv2.imdecode(np.frombuffer(jpeg_of(session.latest, blur=True), np.uint8), cv2.IMREAD_COLOR)
        hidden[tick] = bool(seen[16:32, 16:32].std() < 0.6 * white.std())
    assert hidden == {0: True, 10: True, 30: False}


def test_sound_that_is_analysed_too_late_is_told(session, monkeypatch):
    free = threading.Event()
    monkeypatch.setattr(session.core, "hear", lambda _: free.wait(20))
    for _ in range(2):
        session.inbox.put_sound(SECOND)
    until(lambda: session.inbox.unheard_ticks == 25)
    session.inbox.put(Shot(0, BLACK, 1.0, 0.0))
    until(lambda: session.latest)
    free.set()
    until(lambda: session.inbox.unheard_ticks == 0)
    session.inbox.put(Shot(1, BLACK, 1.0, 0.0))
    until(lambda: session.latest.moment.tick == 1)
    (said,) = session.lost()
    assert said == "the sound was analysed too late for 1 tick: the voice there is of the sound before"
