"""The two ways to describe a voice: by openSMILE, and without it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from emoview.networks.sizes import (
    BUILTIN_DESCRIPTORS,
    BUILTIN_FUNCTIONALS,
    DESCRIPTORS,
    FUNCTIONALS,
)
from emoview.voice import builtin, descriptors
from emoview.voice.blocks import Samples

Floats = NDArray[np.float32]


class VoiceFeatures(str, Enum):
    """What the voice networks are given; each has networks of its own."""

    OPENSMILE = "opensmile"
    BUILTIN = "builtin"

    @property
    def suffix(self) -> str:
        """What the names of the networks' files end in."""
        return "" if self is VoiceFeatures.OPENSMILE else f"_{self.value}"

    @property
    def descriptors(self) -> int:
        """Values a tick."""
        return DESCRIPTORS if self is VoiceFeatures.OPENSMILE else BUILTIN_DESCRIPTORS

    @property
    def functionals(self) -> int:
        """Values a window."""
        return FUNCTIONALS if self is VoiceFeatures.OPENSMILE else BUILTIN_FUNCTIONALS

    def of_ticks(self, samples: Samples) -> Floats:
        """Describe every tick of 16 kHz mono: `(ticks, descriptors)`, the second of which tells voicing."""
        if self is VoiceFeatures.OPENSMILE:
            return descriptors.tick_features(samples)
        return builtin.tick_features(samples)

    def of_windows(self, samples: Floats, cuts: Sequence[tuple[int, int]]) -> Floats:
        """Summarise windows, from a sample to another, in order: `(windows, functionals)`."""
        if self is VoiceFeatures.OPENSMILE:
            return descriptors.window_functionals(samples, cuts)
        return builtin.window_functionals(samples, cuts)

    def of_utterance(self, samples: Floats) -> tuple[Floats, Floats]:
        """Describe the ticks of an utterance, and all of it: `(ticks, descriptors)`, `(functionals,)`."""
        if self is VoiceFeatures.OPENSMILE:
            return descriptors.tick_features(samples), descriptors.functionals(samples)
        return builtin.describe(samples)
