"""Where the label of a segment came from: places on the face, and what was different in the voice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Reference = Literal["speaker", "training"]
"""What a voice is held against: the speaker's own average in the clip, or that of the training data."""

WORDS: Final[Mapping[str, tuple[str, str] | None]] = {
    "loudness": ("louder", "quieter"),
    "pitch": ("higher", "lower"),
    "pitch variation": ("more varied in pitch", "more even in pitch"),
    "tempo": ("faster", "slower"),
    "tension": ("more tense", "more relaxed"),
    "voice quality": ("clearer", "more breathy or rough"),
    "brightness": ("brighter", "darker"),
    "timbre": None,
}
"""Groups of descriptors, and what more and less of each is called; timbre has no direction."""

_WORTH_SAYING = 0.05
_WORTH_NAMING = 0.1
_SAID = 3
_A_DIFFERENCE = 0.1


@dataclass(frozen=True, slots=True)
class FaceReasons:
    """Where on the aligned face the face network saw the label: Grad-CAM, averaged over ticks.

    Examples:
        >>> reasons = explained.segments[0].explanation.face
        >>> max(reasons.regions, key=reasons.regions.get)
        'nose'

    Attributes:
        grid: Rows of the map, from the top. The maximum is 1; all values are 0 if nothing supports the label.
        regions: Share of the map in each region of the face. The shares sum to 1, or are all 0.
        ticks: Number of ticks averaged.
        time_s: Time of the tick at which the face network is most confident of the label, in seconds.
        corners: Corners of the aligned face at that tick, in pixels of the displayed frame: x and y of the
            upper left, upper right and lower left corner.
    """

    grid: tuple[tuple[float, ...], ...]
    regions: Mapping[str, float]
    ticks: int
    time_s: float
    corners: tuple[tuple[float, float], ...]

    @property
    def sentence(self) -> str:
        """Summary: the regions with the largest shares."""
        ranked = sorted(self.regions.items(), key=lambda pair: -pair[1])
        said = [f"{name} {percent(share)}" for name, share in ranked[:_SAID] if share >= _WORTH_NAMING]
        return ", ".join(said) or "no region supported it"


@dataclass(frozen=True, slots=True)
class VoiceEffect:
    """What one group of descriptors did.

    Examples:
        >>> effect = explained.segments[0].explanation.voice.effects[0]
        >>> effect.group
        'loudness'

    Attributes:
        group: Group of descriptors.
        effect: Drop in the log-odds of the label when the group is set to the reference. Above 0, the group
            supported the label.
        z: Distance of the segment from the reference, in standard deviations. Missing if the group has no
            direction or the distance is unknown.
    """

    group: str
    effect: float
    z: float | None

    @property
    def words(self) -> str:
        """Say how the voice differs: `louder`."""
        words = WORDS[self.group]
        if words is None or self.z is None or abs(self.z) < _A_DIFFERENCE:
            return self.group
        return words[self.z < 0]


@dataclass(frozen=True, slots=True)
class VoiceReasons:
    """What in the voice moved the voice networks' decision.

    Examples:
        >>> explained.segments[0].explanation.voice.against  # the clip is too short for its own average
        'training'

    Attributes:
        against: Reference: `speaker` (the speaker's average in the clip) or `training` (the training data).
        log_odds: Log-odds of the label for the voice alone: mean over the segment's ticks with speech.
        effects: Effect of each group of descriptors, the strongest first.
    """

    against: Reference
    log_odds: float
    effects: tuple[VoiceEffect, ...]

    @property
    def sentence(self) -> str:
        """Summary: how confident the voice alone is, and what in it supported or opposed the label."""
        than = "the speaker's average" if self.against == "speaker" else "the average of the training data"
        strong = [e for e in self.effects if abs(e.effect) >= _WORTH_SAYING][:_SAID]
        said = (
            _said([e for e in strong if e.effect > 0], "for"),
            _said([e for e in strong if e.effect < 0], "against"),
        )
        parts = ", ".join(filter(None, said)) or "little in it mattered"
        alone = 1 / (1 + math.exp(-self.log_odds))
        return f"voice alone: {percent(alone)}; compared with {than}: {parts}"


def _said(effects: Sequence[VoiceEffect], side: str) -> str:
    *others, last = [f"{effect.words} ({effect.effect:+.1f})" for effect in effects] or [""]
    words = f"{', '.join(others)} and {last}" if others else last
    return f"{words} {side} it" if words else ""


def percent(share: float) -> str:
    """Write a share as people read it: `46 %`."""
    return f"{share * 100:.0f} %"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where the label of a segment came from.

    Examples:
        >>> explained = analyze("clip.mp4", end_s=1.0, explain=True)
        >>> explained.segments[0].explanation.face is not None
        True

    Attributes:
        face: Explanation of the face. Missing if no face was found.
        voice: Explanation of the voice. Missing if nobody speaks.
    """

    face: FaceReasons | None
    voice: VoiceReasons | None
