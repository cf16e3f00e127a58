"""What viewers may change while it runs, by the names of the network-camera demonstration.

`NETWORK_CAMERA` has the values that the Lund thesis on shallow and deep networks found good in its
demonstration (its sections 7.5 and 8.9): a label from 35 % on, a prediction every third image, a label every
ninth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from emoview.errors import InputError
from emoview.live.causal.core import SMOOTHING_S
from emoview.live.causal.moment import FaceNow, Moment
from emoview.timeline.labels import Naming


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings.

    Attributes:
        camera: Which of the cameras.
        spectra: Emotion spectra: 7 labels, 3 (positive, neutral, negative) or 2 (positive, other).
        prediction_sense: Percent; a label below it is `uncertain`.
        tracking_sense: Pixels that a face may move from one picture to the next; beyond, it is lost until the
            next label.  None follows faces by their motion.
        prediction_frequency: A prediction every so many pictures.
        label_frequency: A label every so many pictures, by the votes of the predictions between.
        smoothing_s: Seconds over which predictions are smoothed.
    """

    camera: Annotated[str, Meta(max_length=300)] = ""
    spectra: Literal[7, 3, 2] = 7
    prediction_sense: Annotated[int, Meta(ge=0, le=100)] = 0
    tracking_sense: Annotated[int, Meta(ge=1, le=4000)] | None = None
    prediction_frequency: Annotated[int, Meta(ge=1, le=50)] = 1
    label_frequency: Annotated[int, Meta(ge=1, le=250)] = 1
    smoothing_s: Annotated[float, Meta(ge=0, le=5)] = SMOOTHING_S

    @property
    def naming(self) -> Naming:
        """How labels are chosen."""
        return Naming(self.spectra, self.prediction_sense / 100 if self.prediction_sense else None)

    def changed(self, changes: object) -> Settings:
        """Give these settings with some changed.

        Raises:
            InputError: A setting is unknown, or its value none that it takes.
        """
        values = {**msgspec.structs.asdict(self), **(changes if isinstance(changes, Mapping) else {})}
        try:
            return msgspec.convert(values, Settings)
        except msgspec.ValidationError as error:
            raise InputError(f"this setting cannot be: {error}") from None


EMOVIEW: Final = Settings()
NETWORK_CAMERA: Final = Settings(
    prediction_sense=35, tracking_sense=50, prediction_frequency=3, label_frequency=9, smoothing_s=0.0
)
PRESETS: Final[Mapping[str, Settings]] = {"emoview": EMOVIEW, "network camera": NETWORK_CAMERA}
"""By the name that viewers see."""


@dataclass
class _Votes:
    """What was predicted of a face since the last label."""

    centre: tuple[float, float]
    votes: list[str] = field(default_factory=list)
    lost: bool = False
    label: str | None = None
    seen: int = 0


class Labels:
    """Presents a label a face, every so many pictures, by the votes of the predictions between."""

    def __init__(self) -> None:
        self._faces: dict[int, _Votes] = {}
        self._pictures = 0
        self._settings: Settings | None = None

    def show(self, moment: Moment, settings: Settings) -> dict[int, str | None]:
        """Take what is known at a tick with a picture; give the label of each face in it, None for none."""
        if settings != self._settings:
            self._settings, self._pictures, self._faces = settings, 0, {}
        predicts = self._pictures % settings.prediction_frequency == 0
        self._pictures += 1
        for face in moment.faces:
            votes = self._met(face, settings)
            if predicts and not votes.lost:
                votes.votes.append(settings.naming.decide(face.fused)[0])
        if self._pictures % settings.label_frequency == 0:
            self._present(settings)
        return {face.face_id: self._faces[face.face_id].label for face in moment.faces}

    def _met(self, face: FaceNow, settings: Settings) -> _Votes:
        box = face.box
        centre = box.x + box.width / 2, box.y + box.height / 2
        votes = self._faces.setdefault(face.face_id, _Votes(centre))
        moved = ((centre[0] - votes.centre[0]) ** 2 + (centre[1] - votes.centre[1]) ** 2) ** 0.5
        if settings.tracking_sense is not None and moved > settings.tracking_sense:
            votes.lost = True
        votes.centre, votes.seen = centre, self._pictures
        return votes

    def _present(self, settings: Settings) -> None:
        """Let the label with most votes win, of equals the first; without enough votes there is none."""
        enough = max(1, settings.label_frequency // settings.prediction_frequency // 2)
        for face_id, face in list(self._faces.items()):
            if self._pictures - face.seen > settings.label_frequency:
                del self._faces[face_id]
                continue
            face.label = max(face.votes, key=face.votes.count) if len(face.votes) >= enough else None
            face.votes, face.lost = [], False
