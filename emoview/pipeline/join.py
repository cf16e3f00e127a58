"""The join: from evidence to rows and verdicts.  Nothing here decodes a file or finds a face."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview import __version__
from emoview.common.text import name_of, shown
from emoview.fusion.baseline import Baseline
from emoview.media.probe import Media
from emoview.media.tool import tool
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
    FaceFound,
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
        self._media, self._options, self._models, self._baseline = media, options, models, baseline
        self._faces, self._voice = faces, voice
        self._tracks = dict(faces.tracks) if faces else {}
        self._ticks = max(faces.ticks if faces else 0, voice.ticks if voice else 0)
        cuts = faces.cuts if faces else ()
        self._choice = choose(options, self._tracks, cuts, voice, file=name_of(media.path))
        self._answers = Answers(models, voice, self._ticks, baseline)
        self._speech = self._answers.speech

    def logits(self) -> dict[str, Logits]:
        """Give what each model says of the whole, `(7,)`."""
        voice = self._answers.said_of_voice()
        found = {} if voice is None else dict(voice.whole)
        for face in self._choice.measured.values():
            found |= self._answers.said_of_face(face).whole
        return found

    def analysis(self, warnings: list[str], device: str) -> Analysis:
        """Give the result; `warnings` are those of the file, `device` is what the networks ran on."""
        answers = self._answers
        heard = answers.said_of_voice()
        voice = None if heard is None else answers.voice(heard)
        rows: list[Row] = []
        verdicts: dict[int, tuple[Answer, Answer]] = {}
        used = "none"
        for person, track in self._choice.measured.items():
            said = answers.said_of_face(track)
            face = fused = answers.face(said, track)
            if heard is not None and person == self._choice.main:
                used = self._models.fusion_for(self._options)
                fused = answers.both(used, track, said, heard, self._heard)
            verdicts[person] = face, fused
            rows += self._face_rows(person, track, face, fused, voice)
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
            segments=segments_of(timeline, shortest_s=self._options.min_segment),
            timeline=timeline,
            options=self._options,
            fusion_used=used,
            device_used=device,
            weights=self._weights(),
            warnings=(*warnings, *self._warnings()),
            timings={},
            affect="estimated" if AFFECT in answers.used else "derived",
            cuts=tuple(time_of(cut) for cut in self._faces.cuts) if self._faces else (),
            faces=self._all_faces(),
            baseline_clips=self._baseline_clips(),
            version=__version__,
        )

    @property
    def _heard(self) -> NDArray[np.bool_]:
        """Where the voice is that of the face: `(ticks,)`."""
        turns = self._choice.turns
        if turns is None:
            return self._speech
        speaking = np.zeros(self._ticks, bool)
        speaking[: len(turns.speaking)] = turns.speaking[: self._ticks] >= 0
        return np.asarray(speaking & self._speech, bool)

    def _face_rows(
        self, person: int, track: FaceTrack, face: Answer, fused: Answer, voice: Answer | None
    ) -> list[Row]:
        heard = voice if person == self._choice.main else None
        affect = self._answers.affect(track, fused)
        speaks, persons = self._heard, self._choice.persons
        ids = track.ids.tolist()
        return [
            Row(
                tick, ids[i], FaceBox(*box), _values(face.ticks[i]),
                None if heard is None or not speaks[tick] else _values(heard.ticks[tick]),
                _values(fused.ticks[i]), *_pair(affect[i]), self._options.naming, persons[ids[i]],
            )
            for i, (tick, box) in enumerate(zip(track.ticks.tolist(), track.boxes.tolist(), strict=True))
        ]  # fmt: skip

    def _all_faces(self) -> tuple[FaceFound, ...]:
        """List the tracks with their persons."""
        choice = self._choice
        return tuple(
            FaceFound(
                i, choice.persons[i], time_of(int(track.ticks[0])), time_of(int(track.ticks[-1]) + 1),
                len(track.ticks), choice.persons[i] in choice.still,
            )
            for i, track in self._tracks.items()
        )  # fmt: skip

    def _rows_without_face(self, voice: Answer | None) -> list[Row]:
        seen = {tick for face in self._choice.measured.values() for tick in face.ticks.tolist()}
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
            persons=len(set(self._choice.persons.values())),
            start_s=self._media.stretch.start_s,
            created=self._media.created,
            capture_rate=self._media.capture_rate,
            ffmpeg=tool().version,
            widened=1.0 if self._faces is None else round(self._faces.widened, 4),
        )

    def _baseline_clips(self) -> dict[str, int]:
        counts = {} if self._baseline is None else self._baseline.recordings
        return {
            kind: max(count for model, count in counts.items() if model.startswith(kind))
            for kind in ("face", "voice")
            if any(model.startswith(kind) for model in counts)
        }

    @property
    def _both(self) -> bool:
        return bool(self._choice.measured) and bool(self._speech.any())

    def _stand_ins_used(self) -> dict[str, str]:
        return {
            role: stand_in.name.removesuffix(".keras")
            for role, stand_in in self._models.stand_ins.items()
            if STAND_INS.get(role) in self._answers.used
        }

    def _weights(self) -> tuple[WeightUsed, ...]:
        """Name the files behind the models that were asked."""
        names = sorted(self._answers.used - {*STAND_INS.values(), AFFECT})
        files = [*map(self._models.weight, names), shipped(FUSION_FILE)] if names else []
        used = [WeightUsed(file.name, file.sha256) for file in files]
        for role, stand_in in self._models.stand_ins.items():
            if STAND_INS.get(role, AFFECT) in self._answers.used:
                used.append(WeightUsed(stand_in.name, stand_in.sha256))
        if self._options.baseline is not None:
            file = Path(self._options.baseline)
            used.append(WeightUsed(file.name, hashlib.sha256(file.read_bytes()).hexdigest()))
        return tuple(used)

    def _warnings(self) -> list[str]:
        return [
            *([] if self._faces is None else warn.of_faces(self._faces, self._options)),
            *([] if self._voice is None else warn.of_voice(self._media, self._voice)),
            *self.warnings_of_choice(),
            *warn.of_stand_ins(self._stand_ins_used(), self._options, both=self._both),
        ]

    def warnings_of_choice(self) -> list[str]:
        """Say what a user should know of the choice of the face."""
        return warn.of_choice(self._options.face, self._choice, speech=bool(self._speech.any()))


def _values(probabilities: NDArray[np.float64]) -> Probabilities:
    return tuple(round(float(p), _DECIMALS) for p in probabilities)


def _affect(probabilities: NDArray[np.float64]) -> tuple[float, float]:
    return _pair(valence_arousal(probabilities))


def _pair(affect: NDArray[np.float64]) -> tuple[float, float]:
    valence, arousal = affect
    return round(float(valence), _DECIMALS), round(float(arousal), _DECIMALS)
