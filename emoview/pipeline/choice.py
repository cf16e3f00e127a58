"""Which faces are measured, and which of them the voice belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emoview.errors import InputError
from emoview.pipeline.evidence import FaceTrack, Voice, joined
from emoview.pipeline.persons import is_still, persons_of
from emoview.pipeline.speaker import Speaker, Turns, find_speaker, find_turns
from emoview.timeline.options import Options


@dataclass(frozen=True)
class Choice:
    """Faces chosen among those found.

    Attributes:
        main: The person that the voice is taken to belong to; None without faces.
        measured: The faces that are measured, by person, each with all tracks of the person; or, under
            `main`, those of whoever speaks.
        persons: The person of each track.
        moving: All faces that move, or all where none does, by person, each with all tracks of the person.
        still: Persons whose face does not move at all.
        speaker: Whose lips move with the voice; None where that made no difference, or was not found.
        turns: Who speaks when; None unless the speaking one was asked for, and there are several.
    """

    main: int | None
    measured: Mapping[int, FaceTrack]
    persons: Mapping[int, int]
    moving: Mapping[int, FaceTrack]
    still: frozenset[int] = field(default_factory=frozenset)
    speaker: Speaker | None = None
    turns: Turns | None = None


def choose(
    options: Options,
    tracks: Mapping[int, FaceTrack],
    cuts: tuple[int, ...],
    voice: Voice | None,
    *,
    file: str,
) -> Choice:
    """Choose the faces to measure.

    Args:
        options: Which face is asked for: `largest`, `speaking`, `all`, or a person; and who is one.
        tracks: By id.
        cuts: Ticks at which a shot begins.
        voice: What was heard.
        file: How an error names the input.

    Raises:
        InputError: There is no such face.
    """
    asked = options.face
    persons = persons_of(tracks, split=options.split, merge=options.merge, file=file)
    own: dict[int, list[FaceTrack]] = {}
    for i in sorted(tracks):
        own.setdefault(persons[i], []).append(tracks[i])
    faces = {person: _whole(parts) for person, parts in sorted(own.items())}
    still = frozenset(person for person, parts in own.items() if is_still(parts))
    moving = {person: face for person, face in faces.items() if person not in still} or faces
    if asked == "speaking" and voice is not None and len(moving) > 1:
        alive = {i: track for i, track in tracks.items() if persons[i] in moving}
        turns = find_turns(
            {i: (track.ticks, track.lips, track.boxes[:, 2:].prod(axis=1)) for i, track in alive.items()},
            cuts, voice.speech,
        )  # fmt: skip
        if turns is not None:
            first, seen = _spoken(turns, alive, persons)
            return Choice(first, {first: seen}, persons, moving, still, turns=turns)
    speaker = _speaker(asked, moving, voice)
    main = _main(asked, moving, speaker)
    if asked == "all":
        return Choice(main, faces, persons, moving, still, speaker)
    if main is not None and main not in faces:
        found = ", ".join(map(str, faces)) or "none"
        raise InputError(f"{file} has no face {main}: the faces found are {found}")
    return Choice(main, {} if main is None else {main: faces[main]}, persons, moving, still, speaker)


def _whole(parts: list[FaceTrack]) -> FaceTrack:
    return joined([(track, np.ones(len(track.ticks), bool)) for track in parts])


def _spoken(
    turns: Turns, tracks: Mapping[int, FaceTrack], persons: Mapping[int, int]
) -> tuple[int, FaceTrack]:
    """Give the person that speaks most, and the faces shown of whoever speaks, as one."""
    masks: dict[int, NDArray[np.bool_]] = {i: turns.shown[t.ticks] == i for i, t in tracks.items()}
    seen = joined([(tracks[i], mask) for i, mask in masks.items() if mask.any()])
    counts: dict[int, int] = {}
    for i, count in zip(*np.unique(turns.speaking[turns.speaking >= 0], return_counts=True), strict=True):
        counts[persons[int(i)]] = counts.get(persons[int(i)], 0) + int(count)
    return max(counts, key=lambda person: (counts[person], -person)), seen


def _speaker(asked: str, faces: Mapping[int, FaceTrack], voice: Voice | None) -> Speaker | None:
    """Find whose lips move with the voice, where it makes a difference."""
    wanted = asked == "speaking" or (asked == "all" and len(faces) > 1)
    if not wanted or voice is None:
        return None
    lips = {i: (track.ticks, track.lips) for i, track in faces.items()}
    return find_speaker(lips, voice.speech, voice.tick_level_db)


def _main(asked: str, faces: Mapping[int, FaceTrack], speaker: Speaker | None) -> int | None:
    """Give the face asked for, the one that speaks, or the largest over time."""
    if asked.isdecimal():
        return int(asked)
    if speaker is not None:
        return speaker.face_id
    return max(faces, key=lambda i: (faces[i].weight, -i)) if faces else None
