"""`analyze`: one call from a file to an `Analysis`."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emoview.errors import DecodeError, InputError
from emoview.fusion.late import softmax
from emoview.media.probe import WHOLE, Media, Stretch, probe
from emoview.pipeline import warnings as warn
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.pipeline.speaker import Speaker, find_speaker
from emoview.pipeline.timings import Timings
from emoview.text import name_of, shown
from emoview.timeline.clock import TICK_HZ, time_of
from emoview.timeline.labels import valence_arousal
from emoview.timeline.results import (
    Analysis,
    FaceBox,
    MediaFacts,
    Options,
    Overall,
    Probabilities,
    Row,
    Verdict,
    WeightUsed,
    check_choices,
    segments_of,
)

if TYPE_CHECKING:
    from emoview.explain.seen import Seen
    from emoview.fusion.baseline import Baseline
    from emoview.pipeline.keep import Collector, Keeper
    from emoview.pipeline.models import Logits, Models
    from emoview.pipeline.stages import FaceHook, Faces, FaceTrack, Voice

_DECIMALS = 6
# What the network for valence and arousal is called among those that took part.
_AFFECT = "affect"


def analyze(
    path: str | os.PathLike[str],
    *,
    options: Options | None = None,
    stretch: Stretch = WHOLE,
    on_event: EventHook = ignore,
    on_face: FaceHook | None = None,
    keep: Keeper | None = None,
) -> Analysis:
    """Turn a video, or a sound file, into an emotion timeline.

    Args:
        path: Any file that ffmpeg can read.
        options: How; the defaults are those of the command.
        stretch: The part of the file to analyse; times count from its start.
        on_event: Told of every step forward, from several threads.
        on_face: Told of every face that was found, for those who want to see them.
        keep: Given the faces and features on the way.

    Returns:
        The timeline, one row per tick of 40 ms and face, and labels for the whole.

    Raises:
        InputError: The file cannot be analysed, or does not hold what the options ask for.
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    options = options or Options()
    check(options)
    timings = Timings()
    seen = _seen(options)
    with timings.measure("total"):
        with timings.measure("probe"):
            media = probe(path, stretch)
        warnings = warn.of_modality(media, options)
        baseline = _baseline_for(media, options)
        loader = _Loader(options)
        collectors = [one for one in (keep, seen) if one is not None]
        faces, voice = _run_stages(media, options, loader, timings, on_event, on_face, collectors)
        warnings += _stream_warnings(media, options, faces, voice)
        faces, voice = _found(media, faces, voice)
        on_event(Progress("fusion", 0, 1))
        with timings.measure("fusion"):
            result = _Join(media, options, faces, voice, loader, baseline).analysis(warnings)
        on_event(Progress("fusion", 1, 1))
        if seen is not None:
            from emoview.explain.segments import explained

            with timings.measure("explain"):
                result = explained(result, seen, loader(), on_event)
    return replace(result, timings=dict(sorted(timings.seconds.items())))


def logits_of(
    path: str | os.PathLike[str], *, options: Options, stretch: Stretch = WHOLE
) -> tuple[dict[str, Logits], list[str]]:
    """Ask the networks about a whole file, as `analyze` does.

    Returns:
        `(7,)` logits of each model that found something to speak of, and what a user should know of the
        choice of the face.

    Raises:
        InputError: The file cannot be analysed, or does not hold what the options ask for.
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    media = probe(path, stretch)
    warn.of_modality(media, options)
    loader = _Loader(options)
    faces, voice = _run_stages(media, options, loader, Timings(), ignore, None, [])
    faces, voice = _found(media, faces, voice)
    return _Join(media, options, faces, voice, loader).logits()


class _Loader:
    """Gives the models, loading them at the first need; several stages may ask at once."""

    def __init__(self, options: Options) -> None:
        self._asked = options.device, options.runs, options.voice_features
        self._lock = threading.Lock()
        self.device_used = "cpu"

    def __call__(self) -> Models:
        with self._lock:
            self.device_used, models = _models(*self._asked)
            return models

    def fusion(self, options: Options) -> str:
        """Name the fusion that is meant, `late` or `early`."""
        if options.fusion != "auto":
            return options.fusion
        return self().automatic_fusion if options.baseline is None else "late"


@functools.cache
def _models(device: str, runs: tuple[str, ...], features: str) -> tuple[str, Models]:
    """Keep the models between calls: building them anew for each file costs time and memory."""
    from emoview.pipeline.device import Device, select_device

    used, engine = select_device(Device(device))
    from emoview.pipeline.models import Models
    from emoview.voice.features import VoiceFeatures

    return used, Models(runs, engine, VoiceFeatures(features))


def check(options: Options) -> None:
    """Refuse what cannot be done, whatever the file.

    Raises:
        InputError: The options exclude each other, or name what is not there.
    """
    check_choices(options)
    if type(options.max_faces) is not int or options.max_faces < 1:
        raise InputError("max_faces must be a whole number, 1 or more")
    if options.face not in ("largest", "speaking", "all") and not str(options.face).isdecimal():
        raise InputError(f"face must be largest, speaking, all or a track id, not {options.face!r}")
    least = options.least_confidence
    known = least is None or (isinstance(least, int | float) and not isinstance(least, bool))
    if not known or (least is not None and not 0 <= least <= 1):
        raise InputError(f"least_confidence must be a number from 0 to 1, not {least!r}")
    replaced = _labels_replaced(options)
    if replaced and options.fusion == "early":
        raise InputError("early fusion was trained with the networks that ship: use late with other weights")
    if replaced and options.explain:
        raise InputError("only the networks that ship can be explained: leave out --explain or --weights")
    if options.voice_features != "opensmile":
        _check_features(options)
    if options.baseline is not None:
        if replaced:
            raise InputError("a baseline is of the networks that ship: leave out --baseline or --weights")
        if options.fusion == "early":
            raise InputError("early fusion knows no baseline: use late")
        if options.face == "all":
            raise InputError("a baseline is of one person: choose a face, or leave out --baseline")
        from emoview.pipeline.models import read_baseline

        # A wrong file is to cost nothing but this.
        read_baseline(options.baseline)


def _labels_replaced(options: Options) -> bool:
    """Tell whether networks of runs tell the labels: a run of valence and arousal leaves these alone."""
    if not options.runs:
        return False
    from emoview.pipeline.stand_ins import chosen

    try:
        return any(chosen(Path(run))[0] != "affect" for run in options.runs)
    except InputError:
        # What is no run is refused when it is to be loaded.
        return True


def _check_features(options: Options) -> None:
    """Refuse what goes with openSMILE's features alone."""
    for option, given in (
        ("--weights", _labels_replaced(options)),
        ("--explain", options.explain),
        ("--baseline", options.baseline is not None),
        ("--fusion early", options.fusion == "early"),
    ):
        if given:
            raise InputError(
                f"{option} was made for openSMILE's features: leave it out, or --voice-features builtin"
            )


def _seen(options: Options) -> Seen | None:
    """Give what collects for explanations, where they are asked for."""
    if not options.explain:
        return None
    from emoview.explain.seen import Seen

    return Seen()


def _baseline_for(media: Media, options: Options) -> Baseline | None:
    """Read the baseline, and refuse one that lacks what is going to be analysed, before any work is done."""
    if options.baseline is None:
        return None
    from emoview.pipeline.models import read_baseline

    baseline = read_baseline(options.baseline)
    if media.video is not None and options.modality != "voice":
        baseline.require("face")
    if media.audio is not None and options.modality != "face":
        baseline.require("voice")
    return baseline


def _stream_warnings(media: Media, options: Options, faces: Faces | None, voice: Voice | None) -> list[str]:
    """Tell what was lost of the pictures and the sound.

    Raises:
        DecodeError: A decoder was ended, or gave up before the end.
    """
    found = {kind: of for kind, of in (("pictures", faces), ("sound", voice)) if of is not None}
    warnings: list[str] = []
    for kind, of in found.items():
        warn.check_end(media, kind, of.log, of.ticks)
        warnings += warn.of_stream(kind, of.log, of.ticks)
    return [*warnings, *warn.of_length(media, options, {kind: of.ticks for kind, of in found.items()})]


def _found(media: Media, faces: Faces | None, voice: Voice | None) -> tuple[Faces | None, Voice | None]:
    """Leave out the branch that got nothing.

    Raises:
        DecodeError: That is both.
    """
    faces = faces if faces is not None and faces.ticks else None
    voice = voice if voice is not None and voice.ticks else None
    if faces is None and voice is None:
        raise DecodeError(
            f"nothing could be decoded from {name_of(media.path)}: it may be truncated or damaged; "
            "try to play it, or export it again as mp4"
        )
    return faces, voice


def _run_stages(
    media: Media,
    options: Options,
    loader: _Loader,
    timings: Timings,
    on_event: EventHook,
    on_face: FaceHook | None,
    keep: Sequence[Collector],
) -> tuple[Faces | None, Voice | None]:
    from emoview.pipeline.stages import run_face_stage, run_voice_stage
    from emoview.pipeline.stand_ins import roles
    from emoview.voice.features import VoiceFeatures

    total = None if media.duration_s is None else round(media.duration_s * TICK_HZ)
    with ThreadPoolExecutor(2, thread_name_prefix="emoview") as pool:
        voice: Future[Voice] | None = None
        if media.audio is not None and options.modality != "face":
            voice = pool.submit(
                run_voice_stage, media, loader, timings=timings, on_event=on_event, keep=keep,
                described_by=VoiceFeatures(options.voice_features),
            )  # fmt: skip
        # The device is checked, and the models are built, while the first pictures are decoded.
        ready = pool.submit(loader)
        faces = None
        if media.video is not None and options.modality != "voice":
            affect = roles(options.runs).get("affect")
            faces = run_face_stage(
                media, loader, max_faces=options.max_faces, total=total, timings=timings,
                keep_embeddings=lambda: voice is not None and loader.fusion(options) == "early",
                on_event=on_event, on_face=on_face, keep=keep, square=affect.size if affect else None,
            )  # fmt: skip
        ready.result()
        heard = voice.result() if voice else None
    return faces, heard


@dataclass(frozen=True)
class _Answer:
    """Probabilities of a stretch: of the whole, `(7,)`, and of its ticks, `(ticks, 7)`."""

    whole: NDArray[np.float64]
    ticks: NDArray[np.float64]


class _Join:
    """Joins what the stages found into rows and verdicts."""

    def __init__(
        self,
        media: Media,
        options: Options,
        faces: Faces | None,
        voice: Voice | None,
        loader: _Loader,
        baseline: Baseline | None = None,
    ) -> None:
        self._media, self._options = media, options
        self._naming = options.naming
        self._faces, self._voice = faces, voice
        self._loader = loader
        self._models = loader()
        self._tracks = dict(faces.tracks) if faces else {}
        self._ticks = max(faces.ticks if faces else 0, voice.ticks if voice else 0)
        self._baseline = baseline
        self._speaker = self._find_speaker()
        self._main = self._main_face()
        self._used: set[str] = set()

    def analysis(self, warnings: list[str]) -> Analysis:
        chosen = self._chosen_faces()
        voice_models = self._voice_models()
        speech = np.zeros(self._ticks, bool)
        if self._voice is not None:
            speech[: self._voice.ticks] = self._voice.speech
        voice = self._late("voice", *voice_models) if voice_models else None
        rows: list[Row] = []
        faces: dict[int, _Answer] = {}
        fused: dict[int, _Answer] = {}
        used = "none"
        for face_id in chosen:
            track = self._tracks[face_id]
            whole, ticks = self._face_models(track)
            faces[face_id] = self._late("face", whole, ticks, track.ticks)
            if voice_models and face_id == self._main:
                used = self._loader.fusion(self._options)
                fused[face_id] = self._fuse(used, track, (whole, ticks), voice_models, speech)
            else:
                fused[face_id] = faces[face_id]
            rows += self._face_rows(face_id, track, faces[face_id], fused[face_id], voice, speech)
        rows += self._rows_without_face(chosen, voice, speech)
        rows.sort(key=lambda row: (row.tick, -1 if row.face_id is None else row.face_id))
        main = self._main if self._main in faces else next(iter(faces), None)
        timeline = tuple(rows)
        return Analysis(
            media=self._facts(speech),
            overall=Overall(
                fused=self._verdict(fused[main] if main is not None else voice),
                face=self._verdict(faces[main]) if main is not None else None,
                voice=self._verdict(voice),
            ),
            segments=segments_of(timeline),
            timeline=timeline,
            options=self._options,
            fusion_used=used,
            device_used=self._loader.device_used,
            weights=self._weights(),
            warnings=(*warnings, *self._warnings(speech)),
            timings={},
            affect="estimated" if _AFFECT in self._used else "derived",
        )

    def _weights(self) -> tuple[WeightUsed, ...]:
        from emoview.pipeline.models import FUSION_FILE, STAND_INS
        from emoview.weights import shipped

        names = sorted(self._used - {*STAND_INS.values(), _AFFECT})
        files = [*map(self._models.weight, names), shipped(FUSION_FILE)] if names else []
        used = [WeightUsed(file.name, file.sha256) for file in files]
        for role, stand_in in self._models.stand_ins.items():
            if STAND_INS.get(role, _AFFECT) in self._used:
                used.append(WeightUsed(stand_in.name, stand_in.sha256))
        if self._options.baseline is not None:
            file = Path(self._options.baseline)
            used.append(WeightUsed(file.name, hashlib.sha256(file.read_bytes()).hexdigest()))
        return tuple(used)

    def _find_speaker(self) -> Speaker | None:
        """Whose lips move with the voice; looked for where it makes a difference."""
        asked = self._options.face
        wanted = asked == "speaking" or (asked == "all" and len(self._tracks) > 1)
        if not wanted or self._voice is None:
            return None
        lips = {i: (t.ticks, t.lips) for i, t in self._tracks.items()}
        return find_speaker(lips, self._voice.speech, self._voice.tick_level_db)

    def _main_face(self) -> int | None:
        """The face that the voice is taken to belong to.

        The one asked for, the one that speaks, or the largest over time.
        """
        asked = self._options.face
        if asked.isdecimal():
            return int(asked)
        if self._speaker is not None:
            return self._speaker.face_id
        if not self._tracks:
            return None
        return max(self._tracks, key=lambda i: (self._tracks[i].weight, -i))

    def _chosen_faces(self) -> list[int]:
        if self._options.face == "all":
            return sorted(self._tracks)
        if self._main is None:
            return []
        if self._main not in self._tracks:
            found = ", ".join(map(str, sorted(self._tracks))) or "none"
            raise InputError(
                f"{name_of(self._media.path)} has no face {self._main}: the faces found are {found}"
            )
        return [self._main]

    def _face_models(self, track: FaceTrack) -> tuple[dict[str, Logits], dict[str, Logits]]:
        from emoview.pipeline.models import STAND_INS

        logits, gru = track.logits, track.gru
        if gru is None:
            return {STAND_INS["face"]: logits.mean(axis=0)}, {STAND_INS["face"]: logits}
        whole = {"face_cnn": logits.mean(axis=0), "face_gru": gru.whole}
        return self._without_baseline(whole), self._without_baseline(
            {"face_cnn": logits, "face_gru": gru.ticks}
        )

    def _voice_models(self) -> tuple[dict[str, Logits], dict[str, Logits]] | None:
        from emoview.pipeline.models import STAND_INS, seven_labels

        voice, stand_in = self._voice, self._models.stand_ins.get("voice")
        if voice is None or voice.clip is None:
            return None
        if stand_in is not None:
            name = STAND_INS["voice"]
            ticks = _extended(seven_labels(stand_in.voices(voice.clip.ticks)), self._ticks)
            return {name: seven_labels(stand_in.voices(voice.clip.whole))}, {name: ticks}
        assert voice.tcn is not None
        whole = {
            "voice_tcn": seven_labels(voice.tcn.whole),
            "voice_clip": seven_labels(voice.clip.whole),
        }
        per_tick = {
            "voice_tcn": seven_labels(voice.tcn.ticks),
            "voice_clip": seven_labels(voice.clip.ticks),
        }
        extended = {name: _extended(values, self._ticks) for name, values in per_tick.items()}
        return self._without_baseline(whole), self._without_baseline(extended)

    def _without_baseline(self, logits: dict[str, Logits]) -> dict[str, Logits]:
        return logits if self._baseline is None else self._baseline.removed(logits)

    def logits(self) -> tuple[dict[str, Logits], list[str]]:
        """Give what each model says of the whole, `(7,)`, and warnings about the choice of the face."""
        voice = self._voice_models()
        found = dict(voice[0]) if voice else {}
        for face_id in self._chosen_faces():
            found |= self._face_models(self._tracks[face_id])[0]
        speech = np.zeros(0, bool) if self._voice is None else self._voice.speech
        return found, self._warnings_of_choice(speech)

    def _late(
        self,
        rule: str,
        whole: Mapping[str, Logits],
        ticks: Mapping[str, Logits],
        at: NDArray[np.int64] | None = None,
    ) -> _Answer:
        from emoview.pipeline.models import smooth

        fusion = self._models.late_fusion(rule, with_baseline=self._baseline is not None)
        self._used |= set(whole)
        return _Answer(softmax(fusion(whole)), softmax(smooth(fusion(ticks), at)))

    def _fuse(
        self,
        used: str,
        track: FaceTrack,
        face: tuple[dict[str, Logits], dict[str, Logits]],
        voice: tuple[dict[str, Logits], dict[str, Logits]],
        speech: NDArray[np.bool_],
    ) -> _Answer:
        """Fuse a track with the voice, for each tick of the track."""
        from emoview.pipeline.models import smooth

        ticks = track.ticks
        if used == "late":
            both_whole = {**face[0], **voice[0]}
            both_ticks = {**face[1], **{name: v[ticks] for name, v in voice[1].items()}}
            answer = self._late("both", both_whole, both_ticks, ticks)
        else:
            answer = self._early(track, speech)
        # Where nobody speaks, the face speaks alone; what was said fades out, and in, rather than that each
        # pause between two words changes the label.
        alone = self._late("face", *face, ticks)
        heard = smooth(speech[:, None].astype(np.float64))[ticks]
        return _Answer(answer.whole, heard * answer.ticks + (1 - heard) * alone.ticks)

    def _early(self, track: FaceTrack, speech: NDArray[np.bool_]) -> _Answer:
        from emoview.fusion.early import early_input
        from emoview.pipeline.models import run_sequence, smooth

        assert self._voice is not None
        assert self._voice.tcn is not None
        assert track.embeddings is not None
        present = track.ticks
        embeddings = np.zeros((self._ticks, track.embeddings.shape[1]), np.float32)
        embeddings[present] = track.embeddings
        has_face = np.zeros(self._ticks, bool)
        has_face[present] = True
        voice = _extended(self._voice.tcn.ticks, self._ticks)
        values = early_input(embeddings, has_face, voice, speech)
        answer = run_sequence(self._models.early_fusion, values)
        self._used.add("early_fusion")
        scale = self._models.early_scale
        return _Answer(softmax(scale * answer.whole), softmax(scale * smooth(answer.ticks))[present])

    def _face_rows(
        self,
        face_id: int,
        track: FaceTrack,
        face: _Answer,
        fused: _Answer,
        voice: _Answer | None,
        speech: NDArray[np.bool_],
    ) -> list[Row]:
        heard = voice is not None and face_id == self._main
        affect = self._affect_of(track, fused)
        return [
            Row(
                tick, face_id, FaceBox(*box), _values(face.ticks[i]),
                _values(voice.ticks[tick]) if heard and voice and speech[tick] else None,
                _values(fused.ticks[i]), *affect[i], self._naming,
            )
            for i, (tick, box) in enumerate(zip(track.ticks.tolist(), track.boxes.tolist(), strict=True))
        ]  # fmt: skip

    def _affect_of(self, track: FaceTrack, fused: _Answer) -> list[tuple[float, float]]:
        """Give valence and arousal of each tick: estimated where a network of a run does so, else derived."""
        if track.affect is None:
            return [_affect(probabilities) for probabilities in fused.ticks]
        from emoview.pipeline.models import smooth

        self._used.add(_AFFECT)
        return [_pair(values) for values in smooth(track.affect, track.ticks).astype(np.float64)]

    def _rows_without_face(
        self, chosen: list[int], voice: _Answer | None, speech: NDArray[np.bool_]
    ) -> list[Row]:
        seen = {tick for face_id in chosen for tick in self._tracks[face_id].ticks.tolist()}
        rows = []
        for tick in range(self._ticks):
            if tick in seen:
                continue
            if voice is not None and speech[tick]:
                said = _values(voice.ticks[tick])
                affect = _affect(voice.ticks[tick])
                rows.append(Row(tick, None, None, None, said, said, *affect, self._naming))
            else:
                rows.append(Row(tick, naming=self._naming))
        return rows

    def _verdict(self, answer: _Answer | None) -> Verdict | None:
        return None if answer is None else Verdict.of(_values(answer.whole), self._naming)

    def _facts(self, speech: NDArray[np.bool_]) -> MediaFacts:
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
            speech_share=round(float(speech.mean()), 4),
            faces=len(self._tracks),
            start_s=self._media.stretch.start_s,
        )

    def _warnings(self, speech: NDArray[np.bool_]) -> list[str]:
        return [
            *([] if self._faces is None else warn.of_faces(self._faces)),
            *([] if self._voice is None else warn.of_voice(self._voice)),
            *self._warnings_of_choice(speech),
        ]

    def _warnings_of_choice(self, speech: NDArray[np.bool_]) -> list[str]:
        return warn.of_choice(
            self._options.face, len(self._tracks), self._main, self._speaker, speech=bool(speech.any())
        )


def _values(probabilities: NDArray[np.float64]) -> Probabilities:
    return tuple(round(float(p), _DECIMALS) for p in probabilities)


def _affect(probabilities: NDArray[np.float64]) -> tuple[float, float]:
    return _pair(valence_arousal(probabilities))


def _pair(affect: NDArray[np.float64]) -> tuple[float, float]:
    valence, arousal = affect
    return round(float(valence), _DECIMALS), round(float(arousal), _DECIMALS)


def _extended(values: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    """Repeat the last entry up to `ticks`: the sound may end before the pictures do."""
    if len(values) >= ticks:
        return values[:ticks]
    return np.pad(values, ((0, ticks - len(values)), (0, 0)), mode="edge")
