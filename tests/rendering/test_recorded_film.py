"""Films that a result is shown on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import made_up

from emoview import Options
from emoview.rendering.film import same_pictures


@pytest.mark.parametrize(
    ("size", "causal", "same"),
    [
        ((1280, 720), False, True), ((640, 360), False, False), ((640, 360), True, True),
        ((640, 358), True, True), ((640, 480), True, False), ((360, 640), True, False),
        ((1920, 1080), True, False), ((None, None), True, False),
    ],
)  # fmt: skip
def test_the_film_of_a_live_session_is_smaller_and_of_the_same_shape(size, causal, same):
    result = made_up()
    media = replace(result.media, width=1280, height=720)
    assert same_pictures(replace(result, media=media, options=Options(causal=causal)), *size) == same
    sound = replace(result, media=replace(media, width=None, height=None))
    assert same_pictures(sound, *size)
