"""The contact sheet: who is who, so that a person can pick a face by its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.results import FaceFound

_SHOWN: Final = 6
_KEPT: Final = 2 * _SHOWN
_MOST_ROWS: Final = 40
_SIDE: Final = 112
_TEXT_WIDTH: Final = 190
_GAP: Final = 6


@dataclass
class _Track:
    """A face's pictures, thinned out evenly as they become many."""

    seen: int = 0
    stride: int = 1
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, picture: NDArray[np.uint8]) -> None:
        if self.seen % self.stride == 0:
            self.pictures.append(picture)
            if len(self.pictures) > _KEPT:
                self.pictures = self.pictures[::2]
                self.stride *= 2
        self.seen += 1


class ContactSheet:
    """Collects the faces of a clip while it is analysed; its memory does not grow with the clip."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}

    def add(self, face_id: int, picture: NDArray[np.uint8]) -> None:
        """Take one face of one tick, an aligned RGB picture."""
        self._tracks.setdefault(face_id, _Track()).add(picture)
        carrying = [i for i, track in self._tracks.items() if track.pictures]
        if len(carrying) > 2 * _MOST_ROWS:
            # Of a crowd those who are seen least give way, but not the one who has just come.
            least = min((i for i in carrying if i != face_id), key=lambda i: self._tracks[i].seen)
            self._tracks[least].pictures.clear()

    def _of_persons(self, faces: Sequence[FaceFound]) -> dict[int, _Track]:
        persons: dict[int, list[_Track]] = {}
        for face in faces:
            if face.face_id in self._tracks:
                persons.setdefault(face.person, []).append(self._tracks[face.face_id])
        joined = {}
        for person, tracks in persons.items():
            # Each shot in its turn, as far as there is room.
            most = max(2, _KEPT // len(tracks))
            pictures = [one for track in tracks for one in _spread(track.pictures, most)]
            joined[person] = _Track(sum(track.seen for track in tracks), 1, pictures)
        return joined

    def png(self, ticks: int, faces: Sequence[FaceFound]) -> bytes:
        """Draw a row for each person that was seen most: number, share of `ticks`, and pictures.

        Args:
            ticks: Of the whole.
            faces: The tracks with their persons; what is none of them is left out.
        """
        import cv2

        persons = self._of_persons(faces)

        order = sorted((i for i, one in persons.items() if one.pictures), key=lambda i: -persons[i].seen)
        rows = [_row(i, persons[i], ticks) for i in sorted(order[:_MOST_ROWS])]
        if not rows:
            rows = [_text_row(["no face was found"])]
        done, data = cv2.imencode(".png", cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
        assert done
        return bytes(data.tobytes())


def _spread(pictures: list[NDArray[np.uint8]], most: int) -> list[NDArray[np.uint8]]:
    """Give at most so many of the pictures, evenly spread."""
    places = np.linspace(0, len(pictures) - 1, min(most, len(pictures))).round().astype(int)
    return [pictures[place] for place in places]


def _text_row(lines: list[str]) -> NDArray[np.uint8]:
    import cv2

    width = _TEXT_WIDTH + _SHOWN * (_SIDE + _GAP)
    row = np.full((_SIDE + _GAP, width, 3), 255, np.uint8)
    for i, line in enumerate(lines):
        place = (8, _SIDE // 2 - 4 + 24 * i)
        cv2.putText(row, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    return row


def _row(face_id: int, track: _Track, ticks: int) -> NDArray[np.uint8]:
    import cv2

    row = _text_row([f"face {face_id}", f"{track.seen / max(1, ticks):.0%} of the time"])
    for i, picture in enumerate(_spread(track.pictures, _SHOWN)):
        left = _TEXT_WIDTH + i * (_SIDE + _GAP)
        row[:_SIDE, left : left + _SIDE] = cv2.resize(picture, (_SIDE, _SIDE))
    return row
