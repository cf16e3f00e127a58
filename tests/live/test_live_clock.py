"""Streams on the clock: pictures and sound land on the ticks at which they came."""

from __future__ import annotations

import numpy as np

from emoview.live.clock import StreamClock
from emoview.live.inbox import Inbox, Shot

SECOND = np.ones(16_000, np.float32)


def test_pictures_are_numbered_by_the_time_at_which_they_came():
    clock = StreamClock()
    assert [clock.tick(at) for at in (10.0, 10.05, 10.051, 11.0)] == [0, 1, 2, 25]


def test_pictures_that_waited_and_come_all_at_once_do_not_put_the_clock_forward():
    clock = StreamClock()
    steady = [clock.tick(number / 25) for number in range(25)]
    assert steady == list(range(25))
    burst = [clock.tick(3.0) for _ in range(50)]
    assert burst == [75, 76, 77] + [None] * 47
    # A second later pictures are still beside the sound of their time, not two seconds ahead of it.
    later = [clock.tick(3.0 + number / 25 + 0.001) for number in range(1, 26)]
    assert later[-1] <= 102


def test_sound_alone_has_a_tick_every_40_ms_however_many_parts_it_comes_in():
    clock = StreamClock()
    ticks = [clock.tick(number * 1024 / 44_100, ahead=0) for number in range(431)]
    assert [tick for tick in ticks if tick is not None] == list(range(250))


def test_sound_that_starts_late_goes_on_at_its_tick():
    clock = StreamClock()
    clock.tick(10.0)
    from_tick, samples = clock.place(SECOND, 12.01)
    # It began at 1.01 s: in tick 25, 160 samples after it begins.
    assert from_tick == 25
    assert len(samples) == 16_160
    assert not samples[:160].any()
    assert samples[160:].all()


def test_sound_that_jitters_is_left_as_it_is():
    clock = StreamClock()
    clock.place(SECOND, 1.0)
    for at in (2.1, 2.95, 4.0):
        from_tick, samples = clock.place(SECOND, at)
        assert from_tick is None
        assert len(samples) == 16_000


def test_after_a_break_sound_goes_on_where_the_pictures_are():
    clock = StreamClock()
    clock.place(SECOND, 1.0)
    from_tick, samples = clock.place(SECOND, 5.0)
    assert from_tick == 100
    assert len(samples) == 16_000
    assert clock.tick(5.0) == 125


def test_sound_that_would_lie_before_the_clock_is_cut():
    clock = StreamClock()
    clock.tick(10.0)
    _, samples = clock.place(SECOND, 10.25)
    assert len(samples) == 4_000


def test_the_newest_picture_wins():
    inbox = Inbox()
    for tick in range(5):
        inbox.put(Shot(tick, np.zeros((2, 2, 3), np.uint8), 1.0, 0.0))
    assert inbox.take().tick == 4
    assert inbox.dropped == 4
    assert inbox.take(timeout=0.01) is None


def test_another_source_goes_on_behind_the_first():
    inbox = Inbox()
    inbox.put(Shot(7, None, 1.0, 0.0))
    inbox.put_sound(SECOND)
    inbox.begin(40)
    assert inbox.take(timeout=0.01) is None, "what waits is of the first"
    inbox.put(Shot(3, None, 1.0, 0.0))
    inbox.put_sound(SECOND)
    inbox.put_sound(SECOND)
    inbox.put_sound(SECOND, 100)
    assert inbox.take().tick == 43
    assert [inbox.take_sound()[0] for _ in range(3)] == [40, None, 140]


def test_sound_waits_in_order():
    inbox = Inbox()
    for number in range(3):
        inbox.put_sound(np.full(700, number, np.float32))
    assert [inbox.take_sound()[1][0] for _ in range(3)] == [0, 1, 2]
    inbox.close()
    assert inbox.take_sound() is None


def test_sound_that_nobody_takes_does_not_pile_up_and_keeps_its_place():
    inbox = Inbox()
    sound = np.arange(100 * 700, dtype=np.float32)
    for first in range(0, len(sound), 700):
        inbox.put_sound(sound[first : first + 700])
    from_tick, samples = inbox.take_sound()
    assert from_tick is not None
    assert from_tick * 640 > 16_000
    while samples is not None:
        assert samples[0] == from_tick * 640
        end = samples[-1]
        part = inbox.take_sound() if inbox._sound else (None, None)
        samples = part[1]
        from_tick = (end + 1) / 640
    assert end == len(sound) - 1
