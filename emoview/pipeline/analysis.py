"""`analyze`: one call from a file to an `Analysis`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from emoview.common.files import sha256_of
from emoview.common.text import shown
from emoview.errors import InputError
from emoview.media.probe import WHOLE, Media, Stretch, probe
from emoview.media.source import opened
from emoview.pipeline import given, lost
from emoview.pipeline import warnings as warn
from emoview.pipeline.check import check
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.pipeline.loading import Loader, import_branches
from emoview.pipeline.timings import Timings
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, Row

if TYPE_CHECKING:
    from emoview.explain.seen import Seen
    from emoview.fusion.baseline import Baseline
    from emoview.pipeline.evidence import Collector, FaceHook, Faces, Floats, Logits, Voice
    from emoview.pipeline.keep import Keeper


def analyze(
    path: str | os.PathLike[str],
    *,
    options: Options | None = None,
    stretch: Stretch = WHOLE,
    on_event: EventHook = ignore,
    on_face: FaceHook | None = None,
    keep: Keeper | None = None,
    allow_network: bool = False,
    seconds: float | None = None,
) -> Analysis:
    """Turn a video, or a sound file, into an emotion timeline.

    Args:
        path: Any file that ffmpeg can read; or what `emoview.media.source.opened` makes one of.
        options: How; the defaults are those of the command.
        stretch: The part of the file to analyse; times count from its start.
        on_event: Told of every step forward, from several threads.
        on_face: Told of every face that was found, for those who want to see them.
        keep: Given the faces and features on the way.
        allow_network: Whether ffmpeg may open an address.
        seconds: How much of an address is recorded; None for all of it, at most six hours.

    Returns:
        The timeline, one row per tick of 40 ms and face, and labels for the whole.

    Raises:
        InputError: The file cannot be analysed, or does not hold what the options ask for.
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    options = options or Options()
    check(options)
    with opened(path, rate=options.rate, allow_network=allow_network, seconds=seconds) as source:
        result = _analysis(source.path, options, stretch, on_event, on_face, keep, source.warnings)
    return result if source.name == str(source.path) else _named(result, source.name)


def _named(result: Analysis, name: str) -> Analysis:
    return replace(result, media=replace(result.media, path=shown(name)))


def _analysis(
    path: Path,
    options: Options,
    stretch: Stretch,
    on_event: EventHook,
    on_face: FaceHook | None,
    keep: Keeper | None,
    warnings_of_source: Sequence[str],
) -> Analysis:
    """Analyse a file, of which something is known already."""
    timings = Timings()
    seen = _seen(options)
    with timings.measure("total"), ThreadPoolExecutor(2, thread_name_prefix="emoview") as pool:
        # While ffmpeg looks at the file there is nothing else to do.
        pool.submit(import_branches, options, path)
        with timings.measure("probe"):
            media = probe(path, stretch, capture_rate=options.capture_rate, audio_track=options.audio_track)
        hashed = pool.submit(sha256_of, media.path)
        warnings = [*warnings_of_source, *warn.of_modality(media, options)]
        baseline = _baseline_for(media, options)
        loader = Loader(options)
        if options.causal:
            if keep is not None:
                raise InputError("causal analysis keeps no faces or features: leave out --causal")
            result = _causal(media, options, loader, baseline, warnings, timings, on_event, on_face)
        else:
            collectors = [one for one in (keep, seen) if one is not None]
            faces, voice = _run_branches(media, options, loader, timings, on_event, on_face, collectors)
            warnings += _stream_warnings(media, options, faces, voice)
            faces, voice = _found(media, faces, voice)
            result = _joined(media, options, loader, faces, voice, baseline, warnings, timings, on_event)
            if seen is not None:
                from emoview.explain.segments import explained

                with timings.measure("explain"):
                    result = explained(result, seen, loader(), on_event)
        result = replace(result, media=replace(result.media, sha256=hashed.result()))
    return replace(result, timings=dict(sorted(timings.seconds.items())))


def _joined(
    media: Media,
    options: Options,
    loader: Loader,
    faces: Faces | None,
    voice: Voice | None,
    baseline: Baseline | None,
    warnings: list[str],
    timings: Timings,
    on_event: EventHook,
) -> Analysis:
    """Join what the branches found."""
    from emoview.pipeline.join import Join

    on_event(Progress("fusion", 0, 1))
    with timings.measure("fusion"):
        join = Join(media, options, faces, voice, loader(), baseline)
        warnings += warn.of_networks(loader()) if faces is not None else ()
        result = join.analysis(warnings, loader.device_used)
    on_event(Progress("fusion", 1, 1))
    return result


def _causal(
    media: Media,
    options: Options,
    loader: Loader,
    baseline: Baseline | None,
    warnings: list[str],
    timings: Timings,
    on_event: EventHook,
    on_face: FaceHook | None,
) -> Analysis:
    """Analyse a file as a live stream is analysed: nothing looks ahead."""
    from emoview.live.causal.file import watch_file

    watched = watch_file(
        media, options, loader, baseline, timings=timings, on_event=on_event, on_face=on_face
    )
    warnings += _stream_warnings(media, options, watched.faces, watched.voice)
    _found(media, watched.faces, watched.voice)
    return watched.analysis(warnings, loader.device_used, {})


def stream(
    path: str | os.PathLike[str], *, options: Options, stretch: Stretch = WHOLE, warnings: list[str]
) -> Iterator[tuple[Row, ...]]:
    """Analyse a file causally, and give the rows of each tick at once: memory does not grow with its length.

    Arguments and errors are those of `analyze`; a decoder that gave up, and a face that was not there, are
    told behind the last rows.  `warnings` gets those of the result.
    """
    from emoview.live.causal.file import about_to_watch, rows_of_file

    options = replace(options, causal=True)
    check(options)
    with opened(path, rate=options.rate, allow_network=False) as source:
        media = probe(
            source.path, stretch, capture_rate=options.capture_rate, audio_track=options.audio_track
        )
        warnings += [*source.warnings, *warn.of_modality(media, options)]
        timings = Timings()
        watched = about_to_watch(
            media, options, Loader(options), _baseline_for(media, options), timings=timings
        )
        yield from rows_of_file(watched, timings=timings)
        warnings += _stream_warnings(media, options, watched.faces, watched.voice)
        _found(media, watched.faces, watched.voice)
        warnings += watched.warnings()


@dataclass(frozen=True)
class Told:
    """What the networks say of a whole file.

    Attributes:
        logits: `(7,)` of each network of the voice; empty where nobody speaks.
        stretches: `(stretches, n)` mean embeddings of the face; none where none was found.
        warnings: What a user should know of what was lost, and of the choice of the channels and the face.
    """

    logits: Mapping[str, Logits]
    stretches: Sequence[Floats]
    warnings: Sequence[str]


def told_of(path: str | os.PathLike[str], *, options: Options, stretch: Stretch = WHOLE) -> Told:
    """Ask the networks about a whole file, as `analyze` does.

    Raises:
        InputError: The file cannot be analysed, or does not hold what the options ask for.
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    media = probe(path, stretch, capture_rate=options.capture_rate, audio_track=options.audio_track)
    warn.of_modality(media, options)
    loader = Loader(options)
    faces, voice = _run_branches(media, options, loader, Timings(), ignore, None, [])
    warnings = _stream_warnings(media, options, faces, voice)
    faces, voice = _found(media, faces, voice)
    from emoview.pipeline.join import Join

    join = Join(media, options, faces, voice, loader())
    warnings += () if voice is None else voice.notes
    return Told(join.logits(), join.stretches(), [*warnings, *join.warnings_of_choice()])


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
    found = _decoded(faces, voice)
    warnings: list[str] = []
    for kind, of in found.items():
        lost.check_end(media, kind, of.log, of.ticks)
        warnings += lost.of_stream(media, kind, of.log, of.ticks)
    cut_off = any(of.log.cut_off for of in found.values())
    ticks = {kind: of.ticks for kind, of in found.items()}
    warnings += lost.of_length(media, ticks, cut_off=cut_off)
    level_db = None if voice is None else voice.level_db
    return [
        *warnings,
        *given.of_tracks(media, options, level_db, heard=voice is not None and voice.ticks > 0),
    ]


def _decoded(faces: Faces | None, voice: Voice | None) -> dict[str, Faces | Voice]:
    found: dict[str, Faces | Voice | None] = {"pictures": faces, "sound": voice}
    return {kind: of for kind, of in found.items() if of is not None}


def _found(media: Media, faces: Faces | None, voice: Voice | None) -> tuple[Faces | None, Voice | None]:
    """Leave out the branch that got nothing.

    Raises:
        DecodeError: That is both.
    """
    found = _decoded(faces, voice)
    if not any(of.ticks for of in found.values()):
        raise lost.nothing_decoded(media, {kind: of.log for kind, of in found.items()})
    return faces if faces and faces.ticks else None, voice if voice and voice.ticks else None


def _run_branches(
    media: Media,
    options: Options,
    loader: Loader,
    timings: Timings,
    on_event: EventHook,
    on_face: FaceHook | None,
    keep: Sequence[Collector],
) -> tuple[Faces | None, Voice | None]:
    """Run both branches side by side."""
    seen: Future[Faces | None] = Future()
    with ThreadPoolExecutor(2, thread_name_prefix="emoview") as pool:
        voice: Future[Voice] | None = None
        if media.audio is not None and options.modality != "face":
            voice = pool.submit(_voice_of, media, options, loader, timings, on_event, keep, seen.result)
        seeing = media.video is not None and options.modality != "voice"
        # The device is checked, and the models are built, while the first pictures are decoded.
        ready = pool.submit(loader, faces=seeing)
        faces = None
        if seeing:

            def keep_embeddings() -> bool:
                return voice is not None and loader().fusion_for(options) == "early"

            try:
                faces = _faces_of(media, options, loader, keep_embeddings, timings, on_event, on_face, keep)
            finally:
                # Whoever waits for the faces is not to wait for ever.
                seen.set_result(faces)
        else:
            seen.set_result(None)
        ready.result()
        heard = voice.result() if voice else None
    return faces, heard


def _faces_of(
    media: Media,
    options: Options,
    loader: Loader,
    keep_embeddings: Callable[[], bool],
    timings: Timings,
    on_event: EventHook,
    on_face: FaceHook | None,
    keep: Sequence[Collector],
) -> Faces:
    """Feed the pictures of a file to the face branch."""
    from emoview.media.process import DecodeLog
    from emoview.pipeline.faces import FaceBranch
    from emoview.pipeline.finding import find_faces
    from emoview.pipeline.stage import Stage
    from emoview.pipeline.stand_ins import roles

    total = None if media.duration_s is None else round(media.duration_s * TICK_HZ)
    branch = FaceBranch(
        loader, keep_embeddings=keep_embeddings, timings=timings, keep=keep, measure=options.measured
    )
    log = DecodeLog()
    cuts: list[int] = []
    affect = roles(options.runs).get("affect")
    search = find_faces(
        media, max_faces=options.max_faces, timings=timings, log=log, square=affect.size if affect else None,
        cuts=cuts, aspect=options.aspect,
    )  # fmt: skip
    for tick, found in Stage(search):
        if on_face is not None:
            for face in found:
                on_face(face)
        branch.add(tick, found)
        on_event(Progress("face", tick + 1, total))
    return branch.end(log, cuts)


def _voice_of(
    media: Media,
    options: Options,
    loader: Loader,
    timings: Timings,
    on_event: EventHook,
    keep: Sequence[Collector],
    seen: Callable[[], Faces | None],
) -> Voice:
    """Feed the sound of a file to the voice branch; `seen` waits for the faces."""
    from emoview.pipeline.channels import sound_of
    from emoview.pipeline.voice import VoiceBranch
    from emoview.voice.features import VoiceFeatures

    features = VoiceFeatures(options.voice_features)
    branch = VoiceBranch(
        loader, described_by=features, timings=timings, on_event=on_event, keep=keep, measure=options.measured
    )
    with timings.measure("sound"):
        sound, notes = sound_of(media, options, seen)
    with sound:
        return replace(branch.hear(sound), notes=notes)
