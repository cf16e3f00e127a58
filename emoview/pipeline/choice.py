"""Which faces are measured, and which of them the voice belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import numbered
from emoview.errors import InputError
from emoview.pipeline.evidence import FaceTrack, Voice, joined
from emoview.pipeline.persons import is_still, persons_of
from emoview.pipeline.speaker import Speaker, Turns, find_speaker, find_turns
from emoview.timeline.options import Options


@dataclass(frozen=True)
class Choice:
    """Faces chosen among those found.

    Attributes:
        main: The person whom the overall result is about; None without faces.
        measured: The faces that are measured, by person, each with all tracks of the person; or, under
            `main`, those of whoever speaks.
        persons: The person of each track.
        moving: All faces that move, or all where none does, by person, each with all tracks of the person.
        likely: The person taken for the speaker where lips tell nothing of a voice: the one whose lips follow
            the loudness of all voices most, or the largest; None without faces.
        still: Persons whose face does not move at all.
        turns: Who speaks when; None unless the speaking one was asked for, and there are several.
    """

    main: int | None
    measured: Mapping[int, FaceTrack]
    persons: Mapping[int, int]
    moving: Mapping[int, FaceTrack]
    likely: int | None = None
    still: frozenset[int] = field(default_factory=frozenset)
    turns: Turns | None = None


def choose(options: Options, tracks: Mapping[int, FaceTrack], voice: Voice | None, *, file: str) -> Choice:
    """Choose the faces to measure, as far as it does not hang on who speaks.

    Args:
        options: Which face is asked for: `largest`, `speaking`, `all`, or a person; and who is one.
        tracks: By id.
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
    largest = _largest(moving)
    speaker = _speaker(moving, voice)
    likely = largest if speaker is None else speaker.face_id
    main = int(asked) if asked.isdecimal() else largest if asked == "largest" else likely
    if main is not None and main not in faces:
        raise InputError(f"{file} has no face {main}: it has {numbered('face', faces)}")
    measured = faces if asked == "all" else {} if main is None else {main: faces[main]}
    return Choice(main, measured, persons, moving, likely, still)


def of_who_speaks(
    choice: Choice,
    asked: str,
    tracks: Mapping[int, FaceTrack],
    cuts: tuple[int, ...],
    speaks: Mapping[int, NDArray[np.bool_]],
    heard: int,
) -> Choice:
    """Let whoever speaks most be the main person, and be looked at in turn, where that is asked for.

    Of all faces it is the largest where none of them speaks.

    Args:
        choice: Made so far.
        asked: Which face is asked for.
        tracks: By id.
        cuts: Ticks at which a shot begins.
        speaks: By person of those that move, where they speak, `(ticks,)` each.
        heard: Ticks in which somebody speaks.
    """
    spoken = {person: int(mask.sum()) for person, mask in speaks.items() if mask.any()}
    if asked not in ("speaking", "all") or not spoken:
        # Of all faces it is the largest, and no guess: whoever reads the result has nothing but the rows.
        return replace(choice, main=_largest(choice.moving)) if asked == "all" else choice
    main = max(spoken, key=lambda person: (spoken[person], -person))
    if asked == "all" or len(choice.moving) < 2:
        return replace(choice, main=main)
    alive = {i: track for i, track in tracks.items() if choice.persons[i] in choice.moving}
    turns = find_turns(
        {i: (track.ticks, track.boxes[:, 2:].prod(axis=1)) for i, track in alive.items()},
        cuts,
        {i: speaks[choice.persons[i]] for i in alive},
        heard,
    )
    if turns is None:
        return replace(choice, main=main, measured={main: choice.moving[main]})
    masks: dict[int, NDArray[np.bool_]] = {i: turns.shown[t.ticks] == i for i, t in alive.items()}
    seen = joined([(alive[i], mask) for i, mask in masks.items() if mask.any()])
    return replace(choice, main=main, measured={main: seen}, turns=turns)


def _largest(faces: Mapping[int, FaceTrack]) -> int | None:
    return max(faces, key=lambda i: (faces[i].weight, -i), default=None)


def _whole(parts: list[FaceTrack]) -> FaceTrack:
    return joined([(track, np.ones(len(track.ticks), bool)) for track in parts])


def _speaker(faces: Mapping[int, FaceTrack], voice: Voice | None) -> Speaker | None:
    """Find whose lips follow the loudness of the voices, where there are several."""
    if len(faces) < 2 or voice is None:
        return None
    lips = {i: (track.ticks, track.lips) for i, track in faces.items()}
    return find_speaker(lips, voice.speech, voice.tick_level_db)
