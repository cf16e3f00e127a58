"""`emoview live` from start to end: a source, a session, and maybe a recording and a page."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from emoview.common.text import counted
from emoview.errors import InputError
from emoview.live.blur import blurred
from emoview.live.causal.core import CausalAnalysis
from emoview.live.causal.result import StreamFacts, result_of
from emoview.live.causal.tally import Tally
from emoview.live.inbox import Shot
from emoview.live.record import Recorder, finish_left
from emoview.live.session import Recording, Session
from emoview.live.settings import EMOVIEW, Settings
from emoview.live.sources import Feed, FileFeed, open_feed
from emoview.media.tape import Tape
from emoview.pipeline.check import check
from emoview.pipeline.loading import models_for
from emoview.pipeline.models import Models
from emoview.pipeline.stand_ins import roles
from emoview.pipeline.warnings import of_modality
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, FaceBox, Row
from emoview.voice.features import VoiceFeatures


@dataclass(frozen=True)
class Plan:
    """What was asked for.

    Attributes:
        source: Number of a camera, address, `-`, or a file; None where only browsers' cameras are analysed.
        options: How to analyse.
        settings: What viewers may change.
        realtime: Play a file at its own rate.
        loop: Begin again at its end.
        retry: Go on trying a source that does not answer.
        microphone: Device for the sound; None for the sound of the source.
        sound: Whether sound is wanted.
        record: Folder for CSV and JSON; None stores nothing.
        video: Whether to record the pictures, too.
        blur: Whether faces are blurred wherever pictures are shown or recorded.
        calibrate_s: The first seconds to be taken as the person's zero; None for none.
    """

    source: str | None
    options: Options
    settings: Settings = EMOVIEW
    realtime: bool = False
    loop: bool = False
    retry: bool = False
    microphone: str | None = None
    sound: bool = True
    record: Path | None = None
    video: bool = False
    blur: bool = False
    calibrate_s: float | None = None


class Program:
    """A session with what belongs to it; closed as a context manager.

    Attributes:
        session: It; None where only browsers' cameras are analysed.
        options: How it analyses.
        recovered: Files of earlier recordings that a crash left and that were finished now.

    Raises:
        InputError: The source, or an option, cannot be used.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # So that a recording says over how long it was smoothed.
        smoothed = plan.settings.smoothing_s
        smooth = None if smoothed == EMOVIEW.smoothing_s else smoothed
        self.options = replace(plan.options, causal=True, smooth=smooth)
        check(self.options)
        _check_live(self.options)
        if plan.calibrate_s is not None:
            _check_calibration(self.options)
        _check_sound(plan)
        if plan.record is not None and plan.source is None:
            raise InputError("a recording needs a source: name a camera, a stream or a file before --record")
        if plan.video and plan.record is None:
            raise InputError("--video records pictures beside the rows: add --record DIR")
        if plan.blur and plan.options.modality == "voice":
            raise InputError("--blur needs faces that are looked for: leave out --modality voice")
        self.device = "cpu"
        self._started_at = time.monotonic()
        self.recovered = [] if plan.record is None else finish_left(plan.record)
        self.session: Session | None = None
        feed = None if plan.source is None else self.open(plan.source)
        self._file = feed if isinstance(feed, FileFeed) else None
        self._given = [] if self._file is None else of_modality(self._file.media, self.options)
        if plan.loop and feed is not None and self._file is None:
            raise InputError("--loop plays a file again and again: leave it out")
        self._recorder: Recorder | None = None
        self._tape: Tape | None = None
        self.device, _ = models_for(self.options)
        if feed is not None:
            self.session = self._started(feed)

    def load(self) -> Models:
        """Give the models."""
        return models_for(self.options)[1]

    def open(self, name: str) -> Feed:
        """Open a source by its name.

        Raises:
            InputError: There is none.
        """
        plan = self.plan
        # Once it runs, a source that does not answer is no reason to end.
        retry = plan.retry or self.session is not None
        return open_feed(
            name, realtime=plan.realtime, loop=plan.loop, retry=retry, microphone=plan.microphone,
            sound=self.listens,
            pictures=plan.options.modality != "voice",
        )  # fmt: skip

    def _started(self, feed: Feed) -> Session:
        plan = self.plan
        session = Session(
            self.load, self.options, settings=replace_camera(plan.settings, plan.source or ""),
            record=self._recording(feed), open_feed=self.open,
        )  # fmt: skip
        self._calibrate(session)
        # What networks and libraries need to start is not to be taken for delay.
        warm_up(self.load(), self.options)
        session.start(feed)
        return session

    @property
    def listens(self) -> bool:
        """Whether sound is wanted."""
        return self.plan.sound and self.options.modality != "face"

    def browser_session(self) -> Session:
        """Make a session, not started, for a browser's own camera, which nothing records."""
        # It is none of the cameras that the settings name.
        settings = replace_camera(self.plan.settings, "")
        options = self.options if self.plan.sound else replace(self.options, modality="face")
        session = Session(self.load, options, settings=settings)
        self._calibrate(session)
        return session

    def _calibrate(self, session: Session) -> None:
        if self.plan.calibrate_s is not None:
            session.calibrate(self.plan.calibrate_s)

    def _recording(self, feed: Feed) -> Recording | None:
        plan = self.plan
        if plan.record is None:
            return None
        is_file = plan.source is not None and Path(plan.source).is_file()
        stem = Path(plan.source or "").stem if is_file else time.strftime("live-%Y%m%d-%H%M%S")
        self._recorder = Recorder(
            plan.record, stem, self.options, facts=lambda: feed.state.facts,
            weights=lambda: {w.name: w.sha256 for w in self._analysis([], []).weights},
            device=self.device,
        )  # fmt: skip
        if plan.video:
            self._tape = Tape(self._recorder.csv.with_suffix(".mkv"))
        return _Both(self._recorder, self._tape, blur=plan.blur)

    def _analysis(self, rows: list[Row], warnings: list[str]) -> Analysis:
        """Make the result of what the session counted."""
        session, facts = self.session, StreamFacts(self.plan.source or "")
        tally = Tally(self.load)
        if session is not None:
            tally = session.core.tally
            facts = replace(session.facts(), widened=session.core.widened)
            dropped = session.inbox.dropped
            given = [] if self._file is None else [*self._given, *self._file.warnings]
            said = [*session.core.lacking(), *session.lost(), *session.core.warnings()]
            warnings = [*warnings, *given, *said]
            if dropped:
                warnings.append(
                    f"{counted(dropped, 'picture')} came faster than could be analysed: where one is "
                    "missing, ticks hold the answer before it, for up to half a second"
                )
        return result_of(
            facts, tally, rows, self.options, self.load(),
            device=self.device, warnings=warnings,
            timings={"total": round(time.monotonic() - self._started_at, 3)},
            baseline=None if session is None else session.baseline,
        )  # fmt: skip

    def warnings(self) -> tuple[str, ...]:
        """Tell what a user should know at the end of a session that nothing records."""
        return self._analysis([], []).warnings

    def finish(self) -> tuple[Analysis | None, list[Path]]:
        """End the session, and the recording; give its result and files where there is one.

        Raises:
            EmoviewError: What went wrong in the session.
        """
        if self.session is not None:
            self.session.stop()
        failure = None if self.session is None else self.session.failure
        written: list[Path] = []
        results: list[Analysis] = []
        if self._recorder is not None and failure is not None and not self._recorder.rows:
            self._recorder.discard()
        elif self._recorder is not None:

            def finish(rows: list[Row], notes: list[str]) -> Analysis:
                results.append(self._analysis(rows, notes))
                return results[-1]

            written = self._recorder.close(finish)
            if self._tape is not None:
                written += self._tape.close()
        if failure is not None:
            raise failure
        return (results[-1] if results else None), written


def _check_live(options: Options) -> None:
    """Refuse what is about recordings, which nothing here would do.

    Raises:
        InputError: Such an option.
    """
    usual = Options()
    for name in ("rate", "capture_rate", "clock", "audio_track", "channel"):
        if getattr(options, name) != getattr(usual, name):
            option = name.replace("_", "-")
            raise InputError(f"emoview live takes no --{option}: leave it out, or analyze a recording")


def _check_sound(plan: Plan) -> None:
    """Refuse a microphone that nobody would listen to, and a voice without any sound.

    Raises:
        InputError: Such a plan.
    """
    modality, camera = plan.options.modality, plan.source is not None and plan.source.isdecimal()
    silent = "--no-sound" if not plan.sound else "--modality face" if modality == "face" else None
    if plan.microphone is not None and silent is not None:
        raise InputError(f"nobody listens to --microphone with {silent}: leave out one of the two")
    if plan.microphone is not None and plan.source is None:
        raise InputError("--microphone goes with a source: browsers bring their own, so leave it out")
    if modality == "voice" and not plan.sound:
        raise InputError("--no-sound leaves nothing to --modality voice: leave out one of the two")
    if modality == "voice" and camera and plan.microphone is None:
        raise InputError("a camera has no sound: add --microphone pulse:default to --modality voice")


def without_zero(options: Options) -> str | None:
    """Name the option with which a personal zero would change nothing; None where it changes something.

    It is taken away from what the face networks that ship say, where that decides.
    """
    for option, given in (
        ("--modality voice", options.modality == "voice"),
        ("--baseline", options.baseline is not None),
        ("a run for the face (--weights)", "face" in roles(options.runs)),
    ):
        if given:
            return option
    return None


def _check_calibration(options: Options) -> None:
    """Refuse a personal zero that would change nothing.

    Raises:
        InputError: It would change nothing.
    """
    if option := without_zero(options):
        raise InputError(
            f"--calibrate changes what the face networks that ship say, and {option} does without: leave "
            "out one of the two"
        )


class _Both(Recording):
    """Writes rows, and pictures where they are wanted."""

    def __init__(self, rows: Recorder, tape: Tape | None, *, blur: bool) -> None:
        self._rows, self._tape, self._blur = rows, tape, blur

    def add(self, rows: list[Row], shot: Shot | None, boxes: tuple[FaceBox, ...]) -> None:
        """Write the rows of a tick, and its picture."""
        self._rows.add(rows)
        if self._tape is None:
            return
        picture = None if shot is None else shot.picture
        if picture is not None and shot is not None and self._blur:
            picture = blurred(picture, boxes, shot.scale)
        self._tape.add(picture)

    def note(self, sentence: str) -> None:
        """Keep what a user should know."""
        self._rows.note(sentence)


def replace_camera(settings: Settings, name: str) -> Settings:
    """Give settings with this camera."""
    return settings.changed({"camera": name})


def warm_up(models: Models, options: Options) -> None:
    """Have the networks and libraries loaded, by asking them once."""
    with CausalAnalysis(lambda: models, options) as core:
        core.hear(np.zeros(1600, np.float32))
        core.see(0, np.zeros((64, 64, 3), np.uint8))
    if options.modality != "voice" and "face" not in models.stand_ins:
        models.face_cnn.predict_on_batch(np.zeros((1, 48, 48, 1), np.float32))
        models.face_gru  # noqa: B018
    if options.modality != "face" and "voice" not in models.stand_ins:
        rng = np.random.default_rng(0)
        noise = (0.01 * rng.standard_normal(16000)).astype(np.float32)
        VoiceFeatures(options.voice_features).of_windows(noise, [(0, 16000)])
        models.voice_tcn, models.voice_clip  # noqa: B018
