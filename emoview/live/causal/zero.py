"""A personal zero: what a face at rest says is taken for the person, not for a feeling.

The first seconds, or those after a press of a button, are taken as this person at rest.  What the face
networks say then, beyond what they say of people at rest in general, is taken away from then on.  The voice
is left alone: with it the labels of clips got worse (docs/live.md).  A baseline (`emoview baseline`) is
another thing: it holds the mean over all that a person shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.pipeline.evidence import Logits
from emoview.timeline.clock import TICK_HZ

# Ticks that people at rest in general count for, beside those of this person.
_PRIOR: Final = 10.0 * TICK_HZ
_LEAST: Final = TICK_HZ
AT_REST: Final[Mapping[str, tuple[float, ...]]] = {
    "face_cnn": (1.175, -0.431, -0.362, -0.743, -0.603, -0.122, 1.086),
    "face_gru": (1.350, 0.346, -1.698, -0.005, -0.714, 0.307, 0.416),
}
"""By network, mean logits `(7,)` over 32 neutral clips of eight people, less their own mean."""


class PersonalZero:
    """Learns what the face networks say of a person at rest, and takes it away.

    Attributes:
        failed: Whether the last one that was asked for could not be taken: no face was seen for a second.
    """

    def __init__(self) -> None:
        self.failed = False
        self._until: int | None = None
        self._asked_ticks: int | None = None
        self._sums: dict[str, NDArray[np.float64]] = {}
        self._counts: dict[str, int] = {}
        self._offsets: dict[str, NDArray[np.float64]] = {}

    def ask(self, seconds: float) -> None:
        """Take the next seconds as this person at rest; what was taken before is forgotten."""
        self._asked_ticks = max(1, round(seconds * TICK_HZ))

    def left_s(self, tick: int) -> float | None:
        """Tell how many seconds are still to be taken; None where none are."""
        if self._asked_ticks is not None:
            return self._asked_ticks / TICK_HZ
        return None if self._until is None else max(0.0, (self._until - tick) / TICK_HZ)

    @property
    def known(self) -> bool:
        """Whether something is taken away."""
        return bool(self._offsets)

    def learn(self, tick: int, face: Mapping[str, Logits]) -> None:
        """Take what the networks say at a tick, where it is one of those that were asked for."""
        if self._asked_ticks is not None:
            self._until, self._asked_ticks = tick + self._asked_ticks, None
            self._sums, self._counts, self._offsets = {}, {}, {}
            self.failed = False
        if self._until is None:
            return
        if tick < self._until:
            for name, logits in face.items():
                self._sums[name] = self._sums.get(name, np.zeros(7)) + _level(logits)
                self._counts[name] = self._counts.get(name, 0) + 1
            return
        self._until = None
        for name, total in self._sums.items():
            count = self._counts[name]
            if count >= _LEAST and name in AT_REST:
                beyond = total / count - np.array(AT_REST[name])
                self._offsets[name] = beyond * count / (count + _PRIOR)
        self.failed = not self._offsets

    def removed(self, logits: Mapping[str, Logits]) -> dict[str, Logits]:
        """Take it away from `(7,)` logits of each network."""
        return {
            name: np.asarray(values - self._offsets[name], np.float32) if name in self._offsets else values
            for name, values in logits.items()
        }


def _level(logits: Logits) -> NDArray[np.float64]:
    """Bring logits to mean 0, since only their differences say something."""
    return np.asarray(logits - logits.mean(), np.float64)
