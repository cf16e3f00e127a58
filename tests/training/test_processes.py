"""Work in processes of its own."""

from __future__ import annotations

import time

from emoview.training.processes import each


def slow(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_who_stops_need_not_wait_for_what_has_begun():
    results = each(slow, [0.0] * 8 + [60.0] * 100)
    assert next(results) == 0
    begun = time.monotonic()
    results.close()
    assert time.monotonic() - begun < 10
