"""The join: from evidence to rows and verdicts.  Nothing here decodes a file or finds a face."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Set
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview import __version__
from emoview.common.text import name_of, shown
from emoview.fusion.baseline import Baseline
from emoview.fusion.personal import FACE_PERSONAL
from emoview.media.probe import Media
from emoview.media.tool import tool
from emoview.networks.weights import shipped
from emoview.pipeline import warnings as warn
from emoview.pipeline.answers import Answer, Answers
from emoview.pipeline.choice import choose, of_who_speaks
from emoview.pipeline.evidence import Faces, FaceTrack, Logits, Voice, joined
from emoview.pipeline.measures import FaceMeasures, RowMeasures, measured
from emoview.pipeline.models import FUSION_FILE, Models
from emoview.pipeline.own import fact_of, own_baseline
from emoview.pipeline.stand_ins import AFFECT, STAND_INS
from emoview.pipeline.who import Who
from emoview.timeline.clock import time_of
from emoview.timeline.labels import valence_arousal
from emoview.timeline.measures import Values
from emoview.timeline.options import Options
from emoview.timeline.results import (
    Analysis,
    FaceBox,
    FaceFound,
    MediaFacts,
    Overall,
    OwnBaseline,
    Probabilities,
    Row,
    Verdict,
    WeightUsed,
)
from emoview.timeline.segments import segments_of
from emoview.timeline.shares import summed_up

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
        choice = choose(options, self._tracks, voice, file=name_of(media.path))
        self._answers = Answers(models, voice, self._ticks, baseline, options.smooth)
        self._speech = self._answers.speech
        self._who = who = Who(options.voice, choice.moving, voice, choice.likely, self._ticks)
        who.check(file=name_of(media.path))
        speaks = {person: who.speaks(person) & who.heard for person in choice.moving}
        self._choice = of_who_speaks(choice, options.face, self._tracks, cuts, speaks, int(who.heard.sum()))
        self._own: list[OwnBaseline] = []

    @functools.cached_property
    def _measured(self) -> dict[int, FaceMeasures]:
        """Give what is measured on each person."""
        choice = self._choice
        found = {person: measured(track, choice.persons) for person, track in choice.measured.items()}
        return {person: one for person, one in found.items() if one is not None}

    @functools.cached_property
    def _row_measures(self) -> RowMeasures | None:
        if not self._options.measured:
            return None
        return RowMeasures(self._measured, self._voice.measures if self._voice else None)

    @functools.cached_property
    def _speaks(self) -> dict[int, NDArray[np.bool_]]:
        """Tell by person where they speak, `(ticks,)` each."""
        return {one: self._who.speaks(one) for one in set(self._choice.persons.values())}

    def _measures_of(self, person: int | None, tick: int) -> Values | None:
        return None if self._row_measures is None else self._row_measures.of(person, tick)

    def _by_quality(self, person: int, track: FaceTrack) -> tuple[FaceTrack | None, FaceTrack | None]:
        """Part a face by the quality that was asked for: the ticks that are read, and the others."""
        least, measures = self._options.min_quality, self._measured.get(person)
        if least is None or measures is None or (measures.quality >= least).all():
            return track, None
        good = measures.quality >= least
        return joined([(track, good)]) if good.any() else None, joined([(track, ~good)])

    def logits(self) -> dict[str, Logits]:
        """Give what each network of the voice says of the whole, `(7,)`."""
        voice = self._answers.said_of_voice(self._measured_voice())
        return {} if voice is None else dict(voice.whole)

    def stretches(self) -> list[NDArray[np.float32]]:
        """Give mean embeddings `(stretches, n)` of the measured face, if there is one."""
        measured = self._choice.measured.values()
        return [track.moments.stretches for track in measured if track.moments is not None]

    def analysis(self, warnings: list[str], device: str) -> Analysis:
        """Give the result; `warnings` are those of the file, `device` is what the networks ran on."""
        answers = self._answers
        # What is heard in each tick, whoever speaks, and what is said of the measured person.
        anybody, own = answers.said_of_voice(), answers.said_of_voice(self._measured_voice())
        voice = None if anybody is None else answers.voice(anybody)
        spoken = None if own is None else answers.voice(own)
        rows: list[Row] = []
        verdicts: dict[int, tuple[Answer, Answer]] = {}
        used = "none"
        for person, track in self._choice.measured.items():
            good, poor = self._by_quality(person, track)
            rows += self._rows_of_poor(person, poor, voice)
            if good is None:
                continue
            track = good
            face, fused, used = self._of_person(person, track, used)
            verdicts[person] = face, fused
            rows += self._face_rows(person, track, face, fused, voice)
        rows += self._rows_without_face(voice)
        rows.sort(key=lambda row: (row.tick, -1 if row.face_id is None else row.face_id))
        # Without a face, or one that can be read, the voice is all there is.
        main = self._choice.main
        whole = (None, spoken) if main is None or main not in verdicts else verdicts[main]
        timeline = tuple(rows)
        return summed_up(Analysis(
            media=self._facts(),
            overall=Overall(
                face=self._verdict(whole[0]), fused=self._verdict(whole[1]), voice=self._verdict(spoken)
            ),
            segments=segments_of(timeline, shortest_s=self._options.min_segment),
            timeline=timeline,
            options=self._options,
            fusion_used=used,
            device_used=device,
            weights=weights_used(self._models, self._answers.used, self._options),
            warnings=(*warnings, *self._warnings()),
            timings={},
            affect="estimated" if AFFECT in answers.used else "derived",
            cuts=tuple(time_of(cut) for cut in self._faces.cuts) if self._faces else (),
            faces=self._all_faces(),
            baseline_clips=clips_of(self._baseline),
            version=__version__,
            speakers=self._who.speakers,
            own_baselines=tuple(self._own),
        ))  # fmt: skip

    def _of_person(self, person: int, track: FaceTrack, used: str) -> tuple[Answer, Answer, str]:
        """Give the answers for a face, for it with its voice, and the fusion so far."""
        # Tracks of whoever speaks are of several people.
        own = None if self._choice.turns else own_baseline(track, self._models, self._options)
        answers = self._answers if own is None else self._answers.relative_to(own)
        said = answers.said_of_face(track)
        face = fused = answers.face(said, track)
        speaks = self._joins(person)
        heard = answers.said_of_voice(speaks)
        if heard is not None:
            used = self._models.fusion_for(self._options) if own is None else "late"
            fused = answers.both(used, track, said, heard, speaks)
        if own is not None:
            # Over all of it a person shows what that person usually shows.
            face, fused = face.over_time, fused.over_time
            self._own.append(fact_of(person, track, self._models))
        return face, fused, used

    def _joins(self, person: int) -> NDArray[np.bool_]:
        """Tell where the voice joins a measured person, `(ticks,)`."""
        turns = self._choice.turns
        if turns is None or self._who.asked != "face":
            return self._who.of_face(person, self._choice.main)
        return np.asarray(turns.speaking >= 0, bool)

    def _carries(self, person: int) -> NDArray[np.bool_]:
        """Tell in which ticks the rows of a measured person have the voice, whosever it is, `(ticks,)`."""
        choice = self._choice
        if choice.turns is not None:
            return self._who.heard
        return np.asarray(self._who.carriers(choice.measured, choice.main) == person, bool)

    def _measured_voice(self) -> NDArray[np.bool_]:
        """Tell where the voice is that of the measured person, or of whoever was asked for, `(ticks,)`."""
        main = self._choice.main
        return self._who.heard if main is None else self._joins(main)

    def _face_rows(
        self, person: int, track: FaceTrack, face: Answer, fused: Answer, voice: Answer | None
    ) -> list[Row]:
        who, choice = self._who, self._choice
        affect = self._answers.affect(track, fused)
        carries = self._carries(person)
        ids, persons, speaks = track.ids.tolist(), choice.persons, self._speaks
        naming = self._options.naming
        return [
            Row(
                tick, ids[i], FaceBox(*box), _values(face.ticks[i]),
                None if voice is None or not carries[tick] else _values(voice.ticks[tick]),
                _values(fused.ticks[i]), *_pair(affect[i]), naming, persons[ids[i]],
                who.voice_at(tick), bool(speaks[persons[ids[i]]][tick]), bool(who.off_screen[tick]),
                self._measures_of(person, tick),
            )
            for i, (tick, box) in enumerate(zip(track.ticks.tolist(), track.boxes.tolist(), strict=True))
        ]  # fmt: skip

    def _rows_of_poor(self, person: int, track: FaceTrack | None, voice: Answer | None) -> list[Row]:
        """Give rows of ticks in which the face is too poor to be read: the voice alone counts."""
        if track is None:
            return []
        who, persons, joins = self._who, self._choice.persons, self._joins(person)
        carries = self._carries(person)
        rows = []
        for tick, i, box in zip(track.ticks.tolist(), track.ids.tolist(), track.boxes.tolist(), strict=True):
            row = Row(
                tick, i, FaceBox(*box), naming=self._options.naming, person=persons[i],
                voice_id=who.voice_at(tick), speaking=bool(self._speaks[persons[i]][tick]),
                off_screen=bool(who.off_screen[tick]), measures=self._measures_of(person, tick),
            )  # fmt: skip
            if voice is not None and carries[tick]:
                row = replace(row, voice=_values(voice.ticks[tick]))
            if voice is not None and joins[tick]:
                valence, arousal = _affect(voice.ticks[tick])
                row = replace(row, fused=_values(voice.ticks[tick]), valence=valence, arousal=arousal)
            rows.append(row)
        return rows

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
        naming, who, own = self._options.naming, self._who, self._measured_voice()
        rows = []
        for tick in (tick for tick in range(self._ticks) if tick not in seen):
            row = Row(
                tick, naming=naming, voice_id=who.voice_at(tick), off_screen=bool(who.off_screen[tick]),
                measures=self._measures_of(None, tick),
            )  # fmt: skip
            if voice is not None and who.heard[tick]:
                said = _values(voice.ticks[tick])
                row = replace(row, voice=said)
                if own[tick]:
                    valence, arousal = _affect(voice.ticks[tick])
                    row = replace(row, fused=said, valence=valence, arousal=arousal)
            rows.append(row)
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

    @property
    def _both(self) -> bool:
        return bool(self._choice.measured) and bool(self._speech.any())

    def _stand_ins_used(self) -> dict[str, str]:
        return {
            role: stand_in.name.removesuffix(".keras")
            for role, stand_in in self._models.stand_ins.items()
            if STAND_INS.get(role) in self._answers.used
        }

    def _warnings(self) -> list[str]:
        return [
            *([] if self._faces is None else warn.of_faces(self._faces, self._media, self._options)),
            *([] if self._voice is None else warn.of_voice(self._media, self._voice)),
            *warn.of_voices(len(self._who.speakers), len(self._tracks), int(self._speech.sum())),
            *self.warnings_of_choice(),
            *warn.of_baseline(self._choice, self._options),
            *warn.of_own_baselines(self._own),
            *warn.of_quality(self._measured, self._options, self._choice),
            *warn.of_stand_ins(self._stand_ins_used(), self._options, both=self._both),
        ]

    def warnings_of_choice(self) -> list[str]:
        """Say what a user should know of the choice of the face."""
        choice, who, heard = self._choice, self._who, self._measured_voice()
        speech = None if self._voice is None else bool(self._speech.any())
        main = choice.main
        sure = main is not None and main in choice.moving and who.moves(main)
        chosen = warn.of_choice(
            self._options.face, choice, speech=speech, speaks=bool(heard.any()), sure=sure, voice=who.asked
        )
        if main is None or who.asked != "face":
            return chosen
        chosen += warn.of_doubts(who.doubts())
        if choice.turns is not None:
            return chosen
        return [
            *chosen, *warn.of_others(main, int(heard.sum()), int(self._speech.sum()), who.others(main)),
        ]  # fmt: skip


def clips_of(baseline: Baseline | None) -> dict[str, int]:
    """Tell how many recordings a baseline was made from, by `face` and `voice`."""
    counts = {} if baseline is None else baseline.recordings
    return {
        kind: max(count for model, count in counts.items() if model.startswith(kind))
        for kind in ("face", "voice")
        if any(model.startswith(kind) for model in counts)
    }


def weights_used(models: Models, used: Set[str], options: Options) -> tuple[WeightUsed, ...]:
    """Name the files behind the models that were asked, and that of the baseline."""
    behind = {"face_cnn" if name == FACE_PERSONAL else name for name in used}
    names = sorted(behind - {*STAND_INS.values(), AFFECT})
    files = [*map(models.weight, names), shipped(FUSION_FILE)] if names else []
    weights = [WeightUsed(file.name, file.sha256) for file in files]
    for role, stand_in in models.stand_ins.items():
        if STAND_INS.get(role, AFFECT) in used:
            # Networks of several runs may be called alike.
            weights.append(WeightUsed(f"{role}/{stand_in.name}", stand_in.sha256))
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
