"""Who speaks when: voices told apart by the network, and each given to a face, or to none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import numbered
from emoview.errors import InputError
from emoview.networks.sizes import SPEAKER_INPUTS
from emoview.pipeline.evidence import FaceTrack, Voice, Voices
from emoview.pipeline.speaker import correlation, loudness
from emoview.speakers.assign import MOVES, likeness, owners
from emoview.speakers.movement import lips_in, talking
from emoview.speakers.turns import NOBODY, voices_of
from emoview.speakers.windows import heard_in, windows_of
from emoview.timeline.clock import TICK_HZ, time_of
from emoview.timeline.results import Speaker

_BATCH: Final = 64
# Of other lips while a voice is heard: log-odds that tell of speech, and of how much of the voice at least.
_ALSO_MOVES: Final = 0.8
_LEAST_BOTH, _SHARE_BOTH = 2 * TICK_HZ, 0.2


def embedded(network: Any, descriptors: NDArray[np.float32], speech: NDArray[np.bool_]) -> Voices:
    """Ask about the voices of windows of speech.

    Args:
        network: Gives `(n, 128)` embeddings of `(n, ticks, 40)` MFCCs.
        descriptors: `(ticks, 40 or more)`, the MFCCs last.
        speech: `(ticks,)`, true somewhere.
    """
    cuts = windows_of(speech)
    mfccs = descriptors[:, -SPEAKER_INPUTS:]
    parts = [
        np.asarray(network.predict_on_batch(heard_in(mfccs, cuts[first : first + _BATCH])))
        for first in range(0, len(cuts), _BATCH)
    ]
    return Voices(cuts, np.concatenate(parts))


def _until(heard: NDArray[np.bool_], voices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Let each voice go on for as long as it is heard, `(ticks,)`."""
    spoken = np.flatnonzero(voices != NOBODY)
    if not len(spoken):
        return voices
    before = np.searchsorted(spoken, np.arange(len(voices)), "right") - 1
    return np.where(heard, voices[spoken[np.maximum(before, 0)]], NOBODY)


def _following(tracks: Mapping[int, FaceTrack], voice: Voice) -> set[int]:
    """Name the faces whose lips move with the loudness of what is said."""
    if not voice.speech.any():
        return set()
    course = loudness(voice.speech, voice.tick_level_db)
    return {face for face, one in tracks.items() if correlation(one.ticks, one.lips, course) is not None}


@dataclass(frozen=True)
class Doubt:
    """A voice that may be two people's, at once or in turn.

    Attributes:
        voice: Its number.
        face: Whose it was taken to be; None for nobody in the picture.
        other: Another face whose lips move, too.
        both_s: For so many seconds of it.
        of_s: For so long it is heard.
    """

    voice: int
    face: int | None
    other: int
    both_s: float
    of_s: float


class Who:
    """Whose the voice of each tick is.

    Args:
        asked: `face`, `all`, or the number of a voice.
        tracks: The faces.
        voice: What was heard.
        likely: The face that is taken for the speaker where lips tell nothing.
        ticks: Of the whole.
    """

    def __init__(
        self,
        asked: str,
        tracks: Mapping[int, FaceTrack],
        voice: Voice | None,
        likely: int | None,
        ticks: int,
    ) -> None:
        self.asked, self._faces = asked, bool(tracks)
        self.voices = np.full(ticks, NOBODY, np.int64)
        self._owners: Mapping[int, tuple[int, ...]] = {}
        self._talks = talks = {face: talking(one.ticks, one.lips, ticks) for face, one in tracks.items()}
        if voice is not None and voice.voices is not None:
            heard = voice.voices
            seen = lips_in(heard.cuts, talks)
            self.voices[: voice.ticks] = voices_of(heard.embeddings, heard.cuts, voice.speech, seen)
            alike = likeness(self.voices, heard.cuts, heard.embeddings)
            owned = owners(self.voices, talks, likely, alike, _following(tracks, voice))
            self.voices, self._owners = owned.voices, owned.faces
            self.voices[: voice.ticks] = _until(voice.heard, self.voices[: voice.ticks])

    def check(self, *, file: str) -> None:
        """Refuse a voice that is not heard.

        Raises:
            InputError: Such a voice.
        """
        if self.asked.isdecimal() and int(self.asked) not in self._owners:
            raise InputError(
                f"{file} has no voice {self.asked}: it has {numbered('voice', sorted(self._owners))}"
            )

    def others(self, main: int) -> list[str]:
        """Name the voices that are not of the main face, and whose they are."""
        return [
            f"voice {voice} ({f'face {faces[0]}' if faces else 'off screen'})"
            for voice, faces in self._owners.items()
            if main not in faces
        ]

    @cached_property
    def heard(self) -> NDArray[np.bool_]:
        """`(ticks,)`, where somebody speaks who is asked for."""
        speech: NDArray[np.bool_] = self.voices != NOBODY
        return self.voices == int(self.asked) if self.asked.isdecimal() else speech

    def carriers(self, faces: Mapping[int, FaceTrack], main: int | None) -> NDArray[np.int64]:
        """Name the face in whose row each tick's voice stands, `(ticks,)`: whose it is, or the main one.

        Where neither is seen, it is the first that is.

        Args:
            faces: Those that are measured.
            main: The main one of them.
        """
        result = np.full(len(self.voices), NOBODY, np.int64)
        for face in sorted(faces, key=lambda face: (face != main, face), reverse=True):
            result[faces[face].ticks] = face
        if self.asked == "face":
            for face, track in faces.items():
                seen = np.zeros(len(self.voices), bool)
                seen[track.ticks] = True
                result[seen & self.speaks(face)] = face
        return np.where(self.heard, result, NOBODY)

    def voice_at(self, tick: int) -> int | None:
        """Number the voice that is heard in a tick; None where nobody speaks."""
        voice = int(self.voices[tick])
        return None if voice == NOBODY else voice

    def of_face(self, face: int, main: int | None) -> NDArray[np.bool_]:
        """`(ticks,)`, where the voice joins a face: its own; what else is asked for joins `main`."""
        if self.asked != "face":
            return self.heard if face == main else np.zeros(len(self.voices), bool)
        return self.speaks(face)

    def speaks(self, face: int) -> NDArray[np.bool_]:
        """`(ticks,)`, where this face speaks."""
        own = [voice for voice, faces in self._owners.items() if face in faces]
        return np.isin(self.voices, own)

    def moves(self, face: int) -> bool:
        """Tell whether lips surely move while a face speaks, or whether it only is taken to speak.

        Only with the voice that was asked for.
        """
        odds = self._talks[face][self.speaks(face) & self.heard]
        odds = odds[~np.isnan(odds)]
        return len(odds) > 0 and float(odds.mean()) >= MOVES

    def doubts(self) -> list[Doubt]:
        """Name the voices during which other lips move as in speech for long."""
        found = []
        for voice, faces in self._owners.items():
            ticks = self.voices == voice
            for other in sorted(set(self._talks) - set(faces)):
                both = int((ticks & (self._talks[other] >= _ALSO_MOVES)).sum())
                if both >= max(_LEAST_BOTH, _SHARE_BOTH * ticks.sum()):
                    face = faces[0] if faces else None
                    found.append(Doubt(voice, face, other, time_of(both), time_of(int(ticks.sum()))))
        return found

    @cached_property
    def off_screen(self) -> NDArray[np.bool_]:
        """`(ticks,)`, where the voice is nobody's in the picture; nowhere without faces."""
        if not self._faces:
            return np.zeros(len(self.voices), bool)
        return np.isin(self.voices, [voice for voice, faces in self._owners.items() if not faces])

    @property
    def speakers(self) -> tuple[Speaker, ...]:
        """Each voice, for how long it is heard, and its face."""
        return tuple(
            Speaker(voice, time_of(int((self.voices == voice).sum())), faces[0] if faces else None)
            for voice, faces in self._owners.items()
        )
