"""A session whose source is changed while it runs."""

from __future__ import annotations

import threading

import pytest
from live_parts import until

from emoview import Options
from emoview.errors import InputError
from emoview.live.causal.result import StreamFacts
from emoview.live.inbox import Shot
from emoview.live.session import Session
from emoview.live.settings import EMOVIEW
from emoview.live.sources import SourceState
from emoview.pipeline.loading import models_for

OPTIONS = Options(modality="voice", causal=True)


class Feed:
    """Gives ticks without pictures until it is stopped."""

    def __init__(self, name: str) -> None:
        self.title = name
        created = "2026-05-01T10:00:00+00:00" if name == "one" else "2026-05-01T11:00:00+00:00"
        self.state = SourceState("live", "", StreamFacts(name, created=created))
        self._stopped = threading.Event()

    def run(self, inbox) -> None:
        tick = 0
        while not self._stopped.wait(0.01):
            inbox.put(Shot(tick, None, 1.0, 0.0))
            tick += 1

    def stop(self) -> None:
        self._stopped.set()


def opened(name: str) -> Feed:
    if name == "gone":
        raise InputError("there is no such camera")
    return Feed(name)


@pytest.fixture
def session():
    settings = EMOVIEW.changed({"camera": "one"})
    session = Session(lambda: models_for(OPTIONS)[1], OPTIONS, settings=settings, open_feed=opened)
    session.start(opened("one"))
    yield session
    session.stop()
    assert session.failure is None


def test_ticks_go_on_from_one_camera_to_the_next(session):
    until(lambda: session.latest and session.latest.moment.tick > 3)
    session.change(session.settings.changed({"camera": "two"}))
    until(lambda: session.state.facts.path == "two")
    # The first tick is that of the first camera.
    assert session.facts() == StreamFacts("two", created="2026-05-01T10:00:00+00:00")
    before = session.latest.moment.tick
    until(lambda: session.latest.moment.tick > before + 25)
    assert not session.done.is_set()


class Notes:
    """A recording of which nothing but what is noted is kept."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def add(self, rows, shot, moment) -> None:
        pass

    def note(self, sentence: str) -> None:
        self.said.append(sentence)


def test_a_recording_says_from_when_on_it_is_of_another_camera():
    notes, settings = Notes(), EMOVIEW.changed({"camera": "one"})
    session = Session(
        lambda: models_for(OPTIONS)[1], OPTIONS, settings=settings, record=notes, open_feed=opened
    )
    session.start(opened("one"))
    until(lambda: session.latest)
    session.change(session.settings.changed({"camera": "two"}))
    until(lambda: notes.said)
    session.stop()
    (said,) = notes.said
    assert said.startswith("from ")
    assert said.endswith(" s on: the source is two")


def test_a_camera_that_is_gone_leaves_the_one_before(session):
    until(lambda: session.latest)
    number = session.latest.number
    session.change(session.settings.changed({"camera": "gone"}))
    until(lambda: session.settings.camera == "one")
    until(lambda: session.latest.number > number + 5)
    assert session.state.facts.path == "one"


def test_what_goes_wrong_in_a_thread_ends_the_session_and_is_kept(session):
    def broken(*_):
        raise ValueError("a fault of ours")

    session.listen(broken)
    assert session.done.wait(10)
    assert isinstance(session.failure, ValueError)
    session.failure = None
