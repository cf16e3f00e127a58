"""The join: from evidence to rows and verdicts.  Nothing here decodes a file or finds a face."""

from __future__ import annotations

import hashlib
from collections.abc import Set
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import name_of, shown
from emoview.fusion.baseline import Baseline
from emoview.media.probe import Media
from emoview.networks.weights import shipped
from emoview.pipeline import warnings as warn
from emoview.pipeline.answers import Answer, Answers
from emoview.pipeline.choice import choose
from emoview.pipeline.evidence import Faces, FaceTrack, Logits, Voice
from emoview.pipeline.models import FUSION_FILE, Models
from emoview.pipeline.stand_ins import AFFECT, STAND_INS
from emoview.timeline.clock import time_of
from emoview.timeline.labels import valence_arousal
from emoview.timeline.options import Options
from emoview.timeline.results import (
    Analysis,
    FaceBox,
    MediaFacts,
    Overall,
    Probabilities,
    Row,
    Verdict,
    WeightUsed,
)
from emoview.timeline.segments import segments_of

_DECIMALS = 6


class Join:
    """Joins what the branches found in a file.

    Args:
        media: The file.
        options: How it is analysed.
        faces: What was found in the pictures.
        voice: What was heard.
        models: The networks and rules.
        baseline: What is taken away from what the models say of the person.

    Raises:
        InputError: The face asked for is not there.
    """

    def __init__(
        self,
        media: Media,
        options: Options,
        faces: Faces | None,
        voice: Voice | None,
        models: Models,
        baseline: Baseline | None = None,
    ) -> None:
        self._media, self._options, self._models = media, options, models
        self._faces, self._voice = faces, voice
        self._tracks = dict(faces.tracks) if faces else {}
        self._ticks = max(faces.ticks if faces else 0, voice.ticks if voice else 0)
        self._choice = choose(options.face, self._tracks, voice, file=name_of(media.path))
        self._answers = Answers(models, voice, self._ticks, baseline)
        self._speech = self._answers.speech

    def logits(self) -> dict[str, Logits]:
        """Give what each model says of the whole, `(7,)`."""
        voice = self._answers.said_of_voice()
        found = {} if voice is None else dict(voice.whole)
        for face_id in self._choice.faces:
            found |= self._answers.said_of_face(self._tracks[face_id]).whole
        return found

    def analysis(self, warnings: list[str], device: str) -> Analysis:
        """Give the result; `warnings` are those of the file, `device` is what the networks ran on."""
        answers = self._answers
        heard = answers.said_of_voice()
        voice = None if heard is None else answers.voice(heard)
        rows: list[Row] = []
        verdicts: dict[int, tuple[Answer, Answer]] = {}
        used = "none"
        for face_id in self._choice.faces:
            track = self._tracks[face_id]
            said = answers.said_of_face(track)
            face = fused = answers.face(said, track)
            if heard is not None and face_id == self._choice.main:
                used = self._models.fusion_for(self._options)
                fused = answers.both(used, track, said, heard)
            verdicts[face_id] = face, fused
            rows += self._face_rows(face_id, track, face, fused, voice)
        rows += self._rows_without_face(voice)
        rows.sort(key=lambda row: (row.tick, -1 if row.face_id is None else row.face_id))
        main = self._choice.main if self._choice.main in verdicts else next(iter(verdicts), None)
        whole = (None, voice) if main is None else verdicts[main]
        timeline = tuple(rows)
        return Analysis(
            media=self._facts(),
            overall=Overall(
                face=self._verdict(whole[0]), fused=self._verdict(whole[1]), voice=self._verdict(voice)
            ),
            segments=segments_of(timeline),
            timeline=timeline,
            options=self._options,
            fusion_used=used,
            device_used=device,
            weights=weights_used(self._models, self._answers.used, self._options),
            warnings=(*warnings, *self._warnings()),
            timings={},
            affect="estimated" if AFFECT in answers.used else "derived",
        )

    def _face_rows(
        self, face_id: int, track: FaceTrack, face: Answer, fused: Answer, voice: Answer | None
    ) -> list[Row]:
        heard = voice if face_id == self._choice.main else None
        affect = self._answers.affect(track, fused)
        return [
            Row(
                tick, face_id, FaceBox(*box), _values(face.ticks[i]),
                None if heard is None or not self._speech[tick] else _values(heard.ticks[tick]),
                _values(fused.ticks[i]), *_pair(affect[i]), self._options.naming,
            )
            for i, (tick, box) in enumerate(zip(track.ticks.tolist(), track.boxes.tolist(), strict=True))
        ]  # fmt: skip

    def _rows_without_face(self, voice: Answer | None) -> list[Row]:
        seen = {tick for face_id in self._choice.faces for tick in self._tracks[face_id].ticks.tolist()}
        naming = self._options.naming
        rows = []
        for tick in (tick for tick in range(self._ticks) if tick not in seen):
            if voice is not None and self._speech[tick]:
                said = _values(voice.ticks[tick])
                rows.append(Row(tick, None, None, None, said, said, *_affect(voice.ticks[tick]), naming))
            else:
                rows.append(Row(tick, naming=naming))
        return rows

    def _verdict(self, answer: Answer | None) -> Verdict | None:
        return None if answer is None else Verdict.of(_values(answer.whole), self._options.naming)

    def _facts(self) -> MediaFacts:
        video, audio = self._media.video, self._media.audio
        with_face = np.zeros(self._ticks, bool)
        for track in self._tracks.values():
            with_face[track.ticks] = True
        return MediaFacts(
            path=shown(self._media.path),
            duration_s=time_of(self._ticks),
            ticks=self._ticks,
            width=video.width if video else None,
            height=video.height if video else None,
            frame_rate=video.rate if video else None,
            rotation=video.rotation if video else 0,
            video_codec=video.codec if video else None,
            audio_codec=audio.codec if audio else None,
            audio_rate=audio.rate if audio else None,
            audio_channels=audio.channels if audio else None,
            audio_level_db=self._voice.level_db if self._voice else None,
            face_share=round(float(with_face.mean()), 4),
            speech_share=round(float(self._speech.mean()), 4),
            faces=len(self._tracks),
            start_s=self._media.stretch.start_s,
        )

    def _warnings(self) -> list[str]:
        return [
            *([] if self._faces is None else warn.of_faces(self._faces)),
            *([] if self._voice is None else warn.of_voice(self._voice)),
            *self.warnings_of_choice(),
        ]

    def warnings_of_choice(self) -> list[str]:
        """Say what a user should know of the choice of the face."""
        choice, speech = self._choice, bool(self._speech.any())
        return warn.of_choice(
            self._options.face, len(self._tracks), choice.main, choice.speaker, speech=speech
        )


def weights_used(models: Models, used: Set[str], options: Options) -> tuple[WeightUsed, ...]:
    """Name the files behind the models that were asked, and that of the baseline."""
    names = sorted(used - {*STAND_INS.values(), AFFECT})
    files = [*map(models.weight, names), shipped(FUSION_FILE)] if names else []
    weights = [WeightUsed(file.name, file.sha256) for file in files]
    for role, stand_in in models.stand_ins.items():
        if STAND_INS.get(role, AFFECT) in used:
            weights.append(WeightUsed(stand_in.name, stand_in.sha256))
    if options.baseline is not None:
        file = Path(options.baseline)
        weights.append(WeightUsed(file.name, hashlib.sha256(file.read_bytes()).hexdigest()))
    return tuple(weights)


def _values(probabilities: NDArray[np.float64]) -> Probabilities:
    return tuple(round(float(p), _DECIMALS) for p in probabilities)


def _affect(probabilities: NDArray[np.float64]) -> tuple[float, float]:
    return _pair(valence_arousal(probabilities))


def _pair(affect: NDArray[np.float64]) -> tuple[float, float]:
    valence, arousal = affect
    return round(float(valence), _DECIMALS), round(float(arousal), _DECIMALS)
