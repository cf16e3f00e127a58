"""A file through the causal core, tick by tick, as if it were live."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from emoview.common.text import name_of, numbered, shown
from emoview.errors import InputError
from emoview.fusion.baseline import Baseline
from emoview.live.causal.core import CausalAnalysis
from emoview.live.causal.moment import rows_of
from emoview.live.causal.result import StreamFacts, result_of
from emoview.media.decode import Picture, PictureDecoder
from emoview.media.probe import Media
from emoview.media.process import DecodeLog
from emoview.media.sound import Sound, read_sound
from emoview.pipeline import warnings as warn
from emoview.pipeline.channels import Notes, of_mix, sound_of
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.pipeline.evidence import FaceHook, Faces, Voice
from emoview.pipeline.finding import LONGEST_SIDE
from emoview.pipeline.models import Models
from emoview.pipeline.stage import Stage
from emoview.pipeline.timings import Timings
from emoview.timeline.clock import SAMPLES_PER_TICK, TICK_HZ, ticks_of
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, Row

if TYPE_CHECKING:
    from collections.abc import Mapping


def facts_of(media: Media) -> StreamFacts:
    """Say what is known of a file."""
    video, audio = media.video, media.audio
    return StreamFacts(
        shown(media.path),
        video.width if video else None, video.height if video else None, video.rate if video else None,
        video.rotation if video else 0, video.codec if video else None,
        audio.codec if audio else None, audio.rate if audio else None, audio.channels if audio else None,
        media.stretch.start_s, media.created, media.capture_rate,
    )  # fmt: skip


@dataclass
class Watched:
    """A file that went through the causal core.

    Attributes:
        media: It.
        options: How it was analysed.
        models: The networks.
        core: What it went through.
        baseline: What was taken away.
        rows: The timeline.
        faces: What is known of the pictures; None without.
        voice: What is known of the sound; None without.
    """

    media: Media
    options: Options
    models: Models
    core: CausalAnalysis
    baseline: Baseline | None = None
    rows: list[Row] = field(default_factory=list)
    faces: Faces | None = None
    voice: Voice | None = None

    def analysis(self, warnings: Sequence[str], device: str, timings: Mapping[str, float]) -> Analysis:
        """Give the result.

        Raises:
            InputError: The face asked for was not there.
        """
        facts = replace(facts_of(self.media), widened=self.core.widened)
        return result_of(
            facts, self.core.tally, self.rows, self.options, self.models, device=device,
            warnings=[*warnings, *self.warnings()], timings=timings, baseline=self.baseline,
        )  # fmt: skip

    def warnings(self) -> list[str]:
        """Say what a user should know of what was found.

        Raises:
            InputError: The face asked for was not there.
        """
        asked, ids = self.options.face, [face.face_id for face in self.core.tally.found]
        if asked.isdecimal() and self.faces is not None and int(asked) not in ids:
            raise InputError(
                f"{name_of(self.media.path)} has no face {asked}: it has {numbered('face', ids)}"
            )
        said = self.core.warnings()
        if self.voice is not None:
            speech = self.core.tally.with_speech > 0
            said += [*self.voice.notes, *warn.of_sound(self.media, self.voice.level_db, speech=speech)]
        return said


def watch_file(
    media: Media,
    options: Options,
    load: Callable[[], Models],
    baseline: Baseline | None,
    *,
    timings: Timings,
    on_event: EventHook,
    on_face: FaceHook | None,
) -> Watched:
    """Send a file through the causal core.

    Raises:
        InputError: An option needs the whole recording.
    """
    watched = about_to_watch(media, options, load, baseline, timings=timings)
    for rows in rows_of_file(watched, timings=timings, on_event=on_event, on_face=on_face):
        watched.rows += rows
    return watched


def about_to_watch(
    media: Media,
    options: Options,
    load: Callable[[], Models],
    baseline: Baseline | None,
    *,
    timings: Timings,
) -> Watched:
    """Make ready to send a file through the causal core.

    Raises:
        InputError: An option needs the whole recording.
    """
    core = CausalAnalysis(
        load, options, baseline=baseline, timings=timings,
        pictures=media.video is not None and options.modality != "voice",
        sound=media.audio is not None and options.modality != "face",
    )  # fmt: skip
    return Watched(media, options, load(), core, baseline)


def rows_of_file(
    watched: Watched, *, timings: Timings, on_event: EventHook = ignore, on_face: FaceHook | None = None
) -> Iterator[tuple[Row, ...]]:
    """Give the rows of each tick of a file as it goes through the core; nothing but the core remembers them.

    At the end `watched` knows what its decoders said.
    """
    media, options, core = watched.media, watched.options, watched.core
    pictures = media.video is not None and options.modality != "voice"
    log = DecodeLog()
    total = None if media.duration_s is None else round(media.duration_s * TICK_HZ)
    with ExitStack() as stack:
        stack.enter_context(core)
        heard, reached = None, 0
        notes: Notes = ()
        if media.audio is not None and options.modality != "face":
            heard, notes = _sound(media, options)
            stack.enter_context(heard)
        ticks = ticks_of(len(heard)) if heard is not None else 0
        for tick, picture, scale in _ticks(media, pictures=pictures, ticks=ticks, log=log):
            if heard is not None:
                core.hear(_samples(heard, tick))
            moment, found = core.see(tick, picture, scale)
            for face in found if on_face is not None else ():
                if on_face is not None:
                    on_face(face)
            if picture is not None:
                reached = tick + 1
            on_event(Progress("face" if pictures else "voice", tick + 1, total))
            yield tuple(rows_of(moment, options.naming))
        notes += () if heard is None else of_mix(heard)
    if pictures:
        watched.faces = Faces(reached, {}, log, widened=core.widened)
        timings.add("decode", log.busy_s)
    if heard is not None:
        watched.voice = Voice(
            ticks, np.zeros(ticks, bool), np.zeros(0, np.float32), core.tally.mean_level_db, None, None,
            heard.log, notes=notes,
        )  # fmt: skip


def _sound(media: Media, options: Options) -> tuple[Sound, Notes]:
    """Decode the sound; which of several channels to take is chosen by the whole of it, so all are mixed."""
    sound, notes = (
        (read_sound(media), ()) if options.channel == "mix" else sound_of(media, options, lambda: None)
    )
    # That of the whole is not known yet.
    sound.offset[:] = 0
    return sound, notes


def _ticks(
    media: Media, *, pictures: bool, ticks: int, log: DecodeLog
) -> Iterator[tuple[int, Picture | None, float]]:
    """Give every tick of the file, with its picture where it has one."""
    done = 0
    if pictures:
        with PictureDecoder(media, longest_side=LONGEST_SIDE, log=log) as decoder:
            for tick, picture in Stage(iter(decoder)):
                yield from ((empty, None, 1.0) for empty in range(done, tick))
                yield tick, picture, decoder.scale
                done = tick + 1
    yield from ((empty, None, 1.0) for empty in range(done, ticks))


def _samples(sound: Sound, tick: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Give the samples of a tick."""
    return sound[tick * SAMPLES_PER_TICK : (tick + 1) * SAMPLES_PER_TICK]
