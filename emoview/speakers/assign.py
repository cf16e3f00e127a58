"""Whose voice is whose face, by how lips move while each voice is heard."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.speakers.clusters import unit
from emoview.speakers.movement import apart
from emoview.speakers.turns import NOBODY
from emoview.speakers.windows import Cut
from emoview.timeline.clock import TICK_HZ

Talking = Mapping[int, NDArray[np.float64]]
"""By face, the log-odds of each tick that it speaks, `(ticks,)`, NaN where it is not seen: see `talking`."""

MOVES: Final = 0.4
"""Mean log-odds over all that is heard of a voice, from which on lips surely move with it."""
# Likewise, below which they surely do not.
_STILL: Final = -0.3
# So much more must the lips move in another voice for this one to be held against it.
_CONTRAST: Final = 1.0
# Beside another voice of the face: how much a like voice makes up for still lips, and what is usual.
_VOICE, _USUAL_LIKENESS, _STRANGER = 2.0, 0.45, -0.5
_UNLIKE: Final = 0.3
# Behind the camera there is seldom more than one: voices there need not be as alike to be one.
_LIKE: Final = 0.4
# Lips of a listener who nods or chews move, too, but less than in the own voice: by so much at least, and the
# more, the more the voice is like that one.
_LESS, _ANOTHERS = 0.4, -1.2
_LEAST_SEEN: Final = TICK_HZ
_LEAST_BESIDE: Final = 4 * TICK_HZ
# A voice that nothing can be held against must be heard for longer before it is nobody's.
_LEAST_ALONE: Final = 6 * TICK_HZ


@dataclass(frozen=True)
class Owned:
    """Voices, and whose they are.

    Attributes:
        voices: `(ticks,)`, numbers of voices in the order of their first words; `NOBODY` without speech.
        faces: By voice, its faces, the best first; none for a voice of nobody in the picture.
    """

    voices: NDArray[np.int64]
    faces: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class _Evidence:
    """Mean log-odds of voices and faces, ticks behind each, how alike the voices are, and who follows.

    And, by face, the others that are never seen with it.
    """

    mean: Mapping[int, Mapping[int, float]]
    seen: Mapping[int, Mapping[int, int]]
    alike: NDArray[np.float32]
    follow: Collection[int]
    elsewhen: Mapping[int, Collection[int]]


def owners(
    voices: NDArray[np.int64],
    talks: Talking,
    main: int | None,
    alike: NDArray[np.float32],
    follow: Collection[int] | None = None,
) -> Owned:
    """Give each voice its face: the one whose lips move most while it is heard.

    Where lips tell nothing, the voice belongs to the main face, unless it is unlike that face's voice, and to
    others that are never seen with it: a person who was lost and found again has several tracks.  Voices of
    one face become one, and so do voices off screen that are alike.

    Args:
        voices: `(ticks,)`, see `voices_of`.
        talks: By face.
        main: The face that is taken for the speaker where lips tell nothing.
        alike: `(voices, voices)` cosines, see `likeness`.
        follow: Faces whose lips follow the loudness of all that is said; None for all.
    """
    heard = {int(voice): voices == voice for voice in np.unique(voices[voices != NOBODY])}
    evidence = _evidence(heard, talks, alike, set(talks) if follow is None else follow)
    faces = {voice: _faces_of(voice, evidence, talks, main) for voice in heard}
    return _together(voices, faces, alike if talks else np.eye(len(alike), dtype=np.float32))


def likeness(
    voices: NDArray[np.int64], cuts: list[Cut], embeddings: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Tell how alike voices are: `(voices, voices)` cosines of their means over windows.

    Args:
        voices: `(ticks,)`.
        cuts: Of the windows.
        embeddings: `(windows, n)`.
    """
    count = int(voices.max(initial=NOBODY)) + 1
    sums = np.zeros((count, embeddings.shape[1]), np.float32)
    for (first, last), point in zip(cuts, unit(embeddings), strict=True):
        own = np.bincount(voices[first:last][voices[first:last] != NOBODY], minlength=count)
        if own.sum():
            sums[own.argmax()] += point
    points = unit(sums)
    return np.asarray(points @ points.T, np.float32)


def _evidence(
    heard: Mapping[int, NDArray[np.bool_]],
    talks: Talking,
    alike: NDArray[np.float32],
    follow: Collection[int],
) -> _Evidence:
    means: dict[int, dict[int, float]] = {}
    counts: dict[int, dict[int, int]] = {}
    for voice, ticks in heard.items():
        said = {face: odds[ticks & ~np.isnan(odds)] for face, odds in talks.items()}
        means[voice] = {face: float(values.mean()) for face, values in said.items() if len(values)}
        counts[voice] = {face: len(values) for face, values in said.items()}
    elsewhen = {
        face: [other for other in talks if other != face and apart(talks[face], talks[other])]
        for face in talks
    }
    return _Evidence(means, counts, alike, follow, elsewhen)


def _faces_of(voice: int, evidence: _Evidence, talks: Talking, main: int | None) -> tuple[int, ...]:
    seen = {face: evidence.mean[voice][face] for face, n in evidence.seen[voice].items() if n >= _LEAST_SEEN}
    if not seen:
        return () if main is None or _is_unlike(voice, main, evidence) else (main,)
    best = max(seen, key=lambda face: (seen[face], -face))
    if all(_is_anothers(voice, face, evidence) for face in seen):
        return ()
    if seen[best] < MOVES:
        if all(_is_still(voice, face, evidence) for face in seen):
            return ()
        if main in seen and not _is_still(voice, main, evidence):
            best = main
    faces = [best]
    for face in sorted(seen, key=lambda face: -seen[face]):
        elsewhen = all(apart(talks[face], talks[other]) for other in faces)
        if face not in faces and seen[face] > _STILL and elsewhen:
            faces.append(face)
    return tuple(faces)


def _is_unlike(voice: int, face: int, evidence: _Evidence) -> bool:
    """Tell whether a voice that is heard without the face is unlike those with which its lips surely move."""
    own = [
        other
        for other, means in evidence.mean.items()
        if other != voice and evidence.seen[other][face] >= _LEAST_SEEN and means[face] >= MOVES
    ]
    return bool(own) and max(float(evidence.alike[voice, other]) for other in own) < _UNLIKE


def _is_anothers(voice: int, face: int, evidence: _Evidence) -> bool:
    """Tell whether a voice is not that of a face, whose lips move so much more with others unlike it.

    It may be, if they move about as much as with these, beside still others.
    """
    mean = evidence.mean[voice][face]
    others = {
        other: means[face]
        for other, means in evidence.mean.items()
        if other != voice and evidence.seen[other][face] >= _LEAST_SEEN
    }
    most = max(others.values(), default=-np.inf)
    # How the lips of this face look while others speak, as far as it is known.
    least = min(others.values(), default=mean)
    if mean - least > most - mean:
        return False
    own = [other for other, moved in others.items() if moved >= most - _LESS and moved - mean >= _LESS]
    if most < MOVES or not own:
        return False
    nearest = max(float(evidence.alike[voice, other]) for other in own)
    return nearest < _UNLIKE and mean - most + _VOICE * (nearest - _USUAL_LIKENESS) < _ANOTHERS


def _is_still(voice: int, face: int, evidence: _Evidence) -> bool:
    """Tell whether the lips of a face surely do not move with a voice."""
    mean, count = evidence.mean[voice][face], evidence.seen[voice][face]
    others = [
        other for other in evidence.mean if other != voice and evidence.seen[other][face] >= _LEAST_SEEN
    ]
    own = [other for other in others if evidence.mean[other][face] - mean >= _CONTRAST]
    if own:
        nearest = max(float(evidence.alike[voice, other]) for other in own)
        strange = mean + _VOICE * (nearest - _USUAL_LIKENESS) < _STRANGER
        # It may be the same person who was lost and found again, and whose lips are still then, too.
        count += sum(
            evidence.seen[voice][other]
            for other in evidence.elsewhen[face]
            if evidence.mean[voice].get(other, 0.0) < _STILL
        )
        return strange and (count >= _LEAST_BESIDE or nearest < _UNLIKE)
    # Lips that move a little, but not with the words, do so for another reason.
    least = _STILL if face in evidence.follow else MOVES
    # What several voices have in common counts together.
    count += sum(evidence.seen[other][face] for other in others if evidence.mean[other][face] < least)
    return count >= _LEAST_ALONE and mean < least


def _together(
    voices: NDArray[np.int64], faces: Mapping[int, tuple[int, ...]], alike: NDArray[np.float32]
) -> Owned:
    """Make one voice of those of a face, and of like ones off screen; number what is left by first words."""
    first_of: dict[int, int] = {}
    joined: dict[int, int] = {}
    for voice, own in faces.items():
        like = [other for other in joined if not own and not faces[other] and alike[voice, other] >= _LIKE]
        joined[voice] = joined[like[0]] if like else voice
        if own:
            joined[voice] = first_of.setdefault(own[0], voice)
    kept = sorted(set(joined.values()))
    number = {voice: kept.index(kept_as) for voice, kept_as in joined.items()}
    result = voices.copy()
    for voice, new in number.items():
        result[voices == voice] = new
    return Owned(result, {number[voice]: faces[voice] for voice in kept})
