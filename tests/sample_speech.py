"""What is said in the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emoview.media.probe import probe
from emoview.media.sound import read_sound


def speech_of(sample: Path) -> np.ndarray:
    with read_sound(probe(sample)) as sound:
        return sound[:]
