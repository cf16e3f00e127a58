"""Who is who: tracks of the same person, before and after a cut, get the same number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import numbered
from emoview.errors import InputError
from emoview.face.movement import STILL
from emoview.pipeline.evidence import FaceTrack
from emoview.timeline.clock import TICK_HZ

# To the cosine distance of what the faces say of who they are, Hellinger's distances of the colours above the
# face (hair) and below it (clothes) are added, beside its skin.  Colours never count as more alike, nor as
# more unlike, than this: two people may both wear black, and one may put on a hat or stand in the shade.  So
# faces .8 apart are of two people and faces .35 apart of one, whatever they wear; colours decide in between.
_ALIKE, _UNLIKE = 0.5, 0.75
_OF_HAIR, _OF_CLOTHES = 1.1, 0.7
_SAME: Final = 0.8 + (_OF_HAIR + _OF_CLOTHES) * _ALIKE
# What two people differ by on average in what is not known.
_UNKNOWN_IDENTITY, _UNKNOWN_COLOUR = 0.65, 0.6
_NEVER: Final = 1e9
# Share of both boxes together: so much have a face and the same face in a picture that stands still.
_SAME_PLACE: Final = 0.5
_SHORTEST_JUDGED: Final = TICK_HZ
_JUDGED_TICKS: Final = 3 * TICK_HZ
"""Less of a face says nothing about whether it moves: for a second people can be as calm as a photograph."""


def persons_of(
    tracks: Mapping[int, FaceTrack],
    *,
    split: bool = False,
    merge: Sequence[Sequence[int]] = (),
    file: str = "the file",
) -> dict[int, int]:
    """Tell whose each track is.

    Tracks are clustered by what they look like (average linkage); two that are seen at the same time are of
    two people.

    Args:
        tracks: By track id.
        split: Whether each track is a person of its own, with its number.
        merge: Persons that are one: the first number of each group stands for all.
        file: How an error names the input.

    Returns:
        For each track id a person, numbered from 0 in the order in which they appear.

    Raises:
        InputError: Persons to be merged are not there, or are seen at the same time.
    """
    ids = sorted(tracks)
    if split or len(ids) < 2:
        persons = {i: i if split else 0 for i in ids}
    else:
        persons = dict(zip(ids, _in_order(_clusters([tracks[i] for i in ids])), strict=True))
    # Numbers are those of before all groups: 0,1 and 1,2 are one person.
    now = {person: person for person in persons.values()}
    for group in merge:
        missing = [one for one in group if one not in now]
        if missing:
            raise InputError(
                f"{file} has no face {missing[0]} to merge: it has {numbered('face', sorted(now))}"
            )
        one = [now[person] for person in group]
        persons = _merged(persons, tracks, one, file)
        now = {person: one[0] if which in one else which for person, which in now.items()}
    return persons


def is_still(parts: Sequence[FaceTrack]) -> bool:
    """Tell whether none of a person's tracks moves: then it is a picture of a face."""
    judged = [(len(t.ticks), t.look.movement) for t in parts if t.look and len(t.ticks) >= _SHORTEST_JUDGED]
    seen = sum(ticks for ticks, _ in judged)
    return seen >= _JUDGED_TICKS and all(movement < STILL for _, movement in judged)


def _clusters(tracks: Sequence[FaceTrack]) -> list[int]:
    # They take a third of a second to import, and most clips show one face.
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    apart = _distances(tracks)
    return [int(one) for one in fcluster(linkage(squareform(apart), "average"), _SAME, "distance")]


def _distances(tracks: Sequence[FaceTrack]) -> NDArray[np.float64]:
    looks = [track.look for track in tracks]
    known = [look for look in looks if look is not None]
    apart = np.full((len(tracks), len(tracks)), _SAME + 1)
    if known:
        places = np.array([i for i, look in enumerate(looks) if look is not None])
        identities = np.stack([look.identity for look in known]).astype(np.float64)
        hair, clothes = np.stack([look.surroundings for look in known], axis=1).astype(np.float64)
        apart[np.ix_(places, places)] = (
            _cosine_distances(identities)
            + _OF_HAIR * _colour_distances(hair)
            + _OF_CLOTHES * _colour_distances(clothes)
        )
    still = np.array([is_still([track]) for track in tracks])
    judged = np.array([len(track.ticks) >= _JUDGED_TICKS for track in tracks])
    # Nobody becomes a photograph, but the picture of who is seen may stand still.
    elsewhere = _overlaps(tracks) < _SAME_PLACE
    apart[(still[:, None] != still) & judged[:, None] & judged & elsewhere] = _NEVER
    first = np.array([track.ticks[0] for track in tracks])
    last = np.array([track.ticks[-1] for track in tracks])
    for i, j in zip(*np.nonzero((first[:, None] <= last) & (first <= last[:, None])), strict=True):
        if i < j and _meet(tracks[i].ticks, tracks[j].ticks):
            apart[i, j] = apart[j, i] = _NEVER
    np.fill_diagonal(apart, 0.0)
    return apart


def _overlaps(tracks: Sequence[FaceTrack]) -> NDArray[np.float64]:
    """Give the intersection over the union of where each two tracks mostly are, `(n, n)`."""
    x, y, width, height = np.stack([np.median(track.boxes, axis=0) for track in tracks]).T
    across = np.minimum.outer(x + width, x + width) - np.maximum.outer(x, x)
    down = np.minimum.outer(y + height, y + height) - np.maximum.outer(y, y)
    shared = np.maximum(across, 0) * np.maximum(down, 0)
    area = width * height
    return np.asarray(shared / np.maximum(np.add.outer(area, area) - shared, 1e-12))


def _meet(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    if one[-1] < other[0] or other[-1] < one[0]:
        return False
    return bool(np.intersect1d(one, other, assume_unique=True).size)


def _cosine_distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(values, axis=1)
    unit = values / np.maximum(lengths, 1e-12)[:, None]
    known = lengths > 0
    distances = np.maximum(1 - unit @ unit.T, 0.0)
    return np.where(known[:, None] & known, (distances + distances.T) / 2, _UNKNOWN_IDENTITY)


def _colour_distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (values**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * (values @ values.T)
    known = squares > 0
    far = np.clip(np.sqrt(np.maximum((distances + distances.T) / 2, 0.0)), _ALIKE, _UNLIKE)
    return np.where(known[:, None] & known, far, _UNKNOWN_COLOUR)


def _in_order(clusters: Sequence[int]) -> list[int]:
    numbers: dict[int, int] = {}
    return [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]


def _merged(
    persons: dict[int, int], tracks: Mapping[int, FaceTrack], group: Sequence[int], file: str
) -> dict[int, int]:
    own = {one: [i for i, person in persons.items() if person == one] for one in group}
    for one, other in combinations(dict.fromkeys(group), 2):
        if any(_meet(tracks[i].ticks, tracks[j].ticks) for i in own[one] for j in own[other]):
            raise InputError(
                f"faces {one} and {other} of {file} are seen at the same time: they are not merged"
            )
    return {i: group[0] if person in group else person for i, person in persons.items()}
