"""Which faces are measured, and which of them the voice belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emoview.errors import InputError
from emoview.pipeline.evidence import FaceTrack, Voice
from emoview.pipeline.speaker import Speaker, find_speaker


@dataclass(frozen=True)
class Choice:
    """Tracks chosen among those found.

    Attributes:
        main: The track that the voice is taken to belong to; None without faces.
        faces: The tracks that are measured, in order.
        speaker: Whose lips move with the voice; None where that made no difference, or was not found.
    """

    main: int | None
    faces: tuple[int, ...]
    speaker: Speaker | None


def choose(asked: str, tracks: Mapping[int, FaceTrack], voice: Voice | None, *, file: str) -> Choice:
    """Choose the faces to measure.

    Args:
        asked: `largest`, `speaking`, `all`, or a track id.
        tracks: By id.
        voice: What was heard.
        file: How an error names the input.

    Raises:
        InputError: There is no such face.
    """
    speaker = _speaker(asked, tracks, voice)
    main = _main(asked, tracks, speaker)
    if asked == "all":
        return Choice(main, tuple(sorted(tracks)), speaker)
    if main is not None and main not in tracks:
        found = ", ".join(map(str, sorted(tracks))) or "none"
        raise InputError(f"{file} has no face {main}: the faces found are {found}")
    return Choice(main, () if main is None else (main,), speaker)


def _speaker(asked: str, tracks: Mapping[int, FaceTrack], voice: Voice | None) -> Speaker | None:
    """Find whose lips move with the voice, where it makes a difference."""
    wanted = asked == "speaking" or (asked == "all" and len(tracks) > 1)
    if not wanted or voice is None:
        return None
    lips = {i: (track.ticks, track.lips) for i, track in tracks.items()}
    return find_speaker(lips, voice.speech, voice.tick_level_db)


def _main(asked: str, tracks: Mapping[int, FaceTrack], speaker: Speaker | None) -> int | None:
    """Give the face asked for, the one that speaks, or the largest over time."""
    if asked.isdecimal():
        return int(asked)
    if speaker is not None:
        return speaker.face_id
    return max(tracks, key=lambda i: (tracks[i].weight, -i)) if tracks else None
