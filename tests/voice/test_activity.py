"""Where somebody speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sample_speech import speech_of

from emoview.voice.activity import level_db, voice_activity
from emoview.voice.descriptors import (
    tick_features,
)


def test_voice_activity_finds_the_sentences(sample: Path):
    samples = speech_of(sample)
    active = voice_activity(level_db(samples), tick_features(samples))
    assert not active[:12].any()
    assert active[20:40].mean() > 0.8
    assert not voice_activity(level_db(np.zeros(16000, np.float32)), np.zeros((25, 65), np.float32)).any()
