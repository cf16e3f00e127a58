"""The stages: pictures to faces to embeddings, and sound to voice, each in threads of its own."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from emoview.media.decode import DecodeLog, PictureDecoder, read_sound
from emoview.media.probe import Media
from emoview.networks.sizes import FACE_SIZE
from emoview.pipeline.events import EventHook, Progress
from emoview.pipeline.keep import Collector
from emoview.pipeline.models import (
    FACE_BATCH,
    Models,
    SequenceLogits,
    run_faces,
    run_sequence,
)
from emoview.pipeline.timings import Timings
from emoview.timeline.clock import SAMPLES_PER_TICK, ticks_of
from emoview.timeline.results import FaceBox
from emoview.voice.activity import level_db, trim, voice_activity
from emoview.voice.descriptors import functionals, mfcc_means, tick_features, windows

if TYPE_CHECKING:
    from emoview.face.find import FaceFinder
    from emoview.face.follow import FaceFollower

LONGEST_SIDE = 640
"""Pictures are scaled to this while they are decoded: enough for the mesh, which sees 192 pixels."""
LONGEST_SIDE_OF_SMALL_FACES = 1920
"""From the first face on that would have fewer pixels than the face network sees, they are scaled to this."""

_QUEUE = 64

T = TypeVar("T")


class Stage(Generic[T]):
    """A thread that produces items into a bounded queue; its failure is raised at the reader."""

    _END = object()

    def __init__(self, items: Iterator[T]) -> None:
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=_QUEUE)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._produce, args=(items,), daemon=True)
        self._thread.start()

    def _produce(self, items: Iterator[T]) -> None:
        try:
            for item in items:
                if not self._put(item):
                    break
        except BaseException as error:
            self._error = error
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
            self._put(self._END)

    def _put(self, item: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def __iter__(self) -> Iterator[T]:
        try:
            while (item := self._queue.get()) is not self._END:
                yield item
            if self._error is not None:
                raise self._error
        finally:
            self._stop.set()
            self._thread.join()


@dataclass
class FaceTrack:
    """A face through the video: lists with one entry for each tick in which it was found."""

    ticks: list[int] = field(default_factory=list)
    boxes: list[FaceBox] = field(default_factory=list)
    embeddings: list[NDArray[np.float32]] = field(default_factory=list)
    logits: list[NDArray[np.float32]] = field(default_factory=list)
    lips: list[float] = field(default_factory=list)

    @property
    def weight(self) -> float:
        """Area summed over time: who is large for long is whom the video is about."""
        return sum(box.width * box.height for box in self.boxes)


@dataclass
class Faces:
    """All that the face stage found.

    Attributes:
        ticks: Ticks that the pictures reach to.
        tracks: By track id.
        log: What the decoder complained of.
    """

    ticks: int
    tracks: dict[int, FaceTrack]
    log: DecodeLog


@dataclass(frozen=True)
class Found:
    """A face in one picture, ready for the network.

    Attributes:
        tick: Of the picture.
        face_id: Its track.
        box: Where it is, in pixels of the picture as shown.
        landmarks: `(468, 3)`, in pixels of the picture as decoded.
        face: Aligned, RGB.
        scale: Pixels as shown for each pixel as decoded.
    """

    tick: int
    face_id: int
    box: FaceBox
    landmarks: NDArray[np.float32]
    face: NDArray[np.uint8]
    scale: float


FaceHook: TypeAlias = Callable[[Found], None]
"""Told of every face that was found, in order."""


def find_faces(
    media: Media, *, max_faces: int, timings: Timings, log: DecodeLog
) -> Iterator[tuple[int, list[Found]]]:
    """Give every tick that has a picture, with the faces found in it, upright and cut out."""
    small_from = None
    with ExitStack() as stack:
        try:
            with PictureDecoder(media, longest_side=LONGEST_SIDE) as decoder:
                # The first pictures are decoded while mediapipe is loaded.
                with timings.measure("start"):
                    from emoview.face.find import FaceFinder
                    from emoview.face.follow import FaceFollower

                    follower, finder = FaceFollower(), stack.enter_context(FaceFinder(max_faces=max_faces))
                yield from _faces_of(decoder, finder, follower, timings, enlarge=decoder.scale > 1)
        except _SmallFaceError as small:
            small_from = small.tick
        if small_from is not None:
            with PictureDecoder(
                media, longest_side=LONGEST_SIDE_OF_SMALL_FACES, from_tick=small_from
            ) as decoder:
                yield from _faces_of(decoder, finder, follower, timings, enlarge=False)
    timings.add("decode", decoder.log.busy_s)
    log.complaints, log.lines = decoder.log.complaints, decoder.log.lines


class _SmallFaceError(Exception):
    """A face is smaller than the network's pictures, from `tick` on."""

    def __init__(self, tick: int) -> None:
        super().__init__()
        self.tick = tick


def _faces_of(
    decoder: PictureDecoder, finder: FaceFinder, follower: FaceFollower, timings: Timings, *, enlarge: bool
) -> Iterator[tuple[int, list[Found]]]:
    """Find the faces in a decoder's pictures; if larger pictures can be had, `enlarge`, ask for them.

    Raises:
        _SmallFaceError: A face has fewer pixels than the network sees, and `enlarge` is set.
    """
    from emoview.face.align import align, box_of

    scale = decoder.scale
    for tick, picture in Stage(iter(decoder)):
        with timings.measure("find"):
            landmarks = finder.find(picture)
            if enlarge and any(min(box_of(points)[2:]) < FACE_SIZE for points in landmarks):
                raise _SmallFaceError(tick)
            ids = follower.follow(tick, [points * np.float32(scale) for points in landmarks])
        with timings.measure("align"):
            found = [
                Found(tick, face_id, FaceBox(*(v * scale for v in box_of(points))), points,
                      align(picture, points), scale)
                for face_id, points in zip(ids, landmarks, strict=True)
            ]  # fmt: skip
        yield tick, found


def run_face_stage(
    media: Media,
    load: Callable[[], Models],
    *,
    max_faces: int,
    total: int | None,
    timings: Timings,
    on_event: EventHook,
    on_face: FaceHook | None = None,
    keep: Sequence[Collector] = (),
) -> Faces:
    """Find and follow the faces of a video, and run the face network on them in batches."""
    from emoview.face.align import network_input
    from emoview.face.lips import lip_opening

    faces = Faces(0, {}, DecodeLog())
    waiting: list[Found] = []

    def flush() -> None:
        with timings.measure("start"):
            models = load()
            stand_in = models.stand_in if models.stand_in and models.stand_in.is_face else None
            network = None if stand_in else models.face_cnn
        with timings.measure("face_network"):
            if stand_in is not None:
                logits = stand_in.faces([f.face for f in waiting])
                embeddings = np.zeros((len(waiting), 0), np.float32)
            else:
                assert network is not None
                inputs = np.stack([network_input(f.face, FACE_SIZE) for f in waiting])
                embeddings, logits = run_faces(network, inputs)
        for seen, embedding, answer in zip(waiting, embeddings, logits, strict=True):
            track = faces.tracks.setdefault(seen.face_id, FaceTrack())
            track.ticks.append(seen.tick)
            track.boxes.append(seen.box)
            track.embeddings.append(embedding)
            track.logits.append(answer)
            track.lips.append(lip_opening(seen.landmarks))
        for one in keep:
            one.add_faces(waiting, embeddings)
        waiting.clear()

    stage = Stage(find_faces(media, max_faces=max_faces, timings=timings, log=faces.log))
    for tick, found in stage:
        faces.ticks = tick + 1
        for one in found:
            if on_face is not None:
                on_face(one)
            waiting.append(one)
            if len(waiting) == FACE_BATCH:
                flush()
        on_event(Progress("face", tick + 1, total))
    if waiting:
        flush()
    return faces


@dataclass(frozen=True)
class Voice:
    """All that the voice stage heard.

    Attributes:
        ticks: Ticks that the sound reaches to.
        speech: `(ticks,)`, where somebody speaks.
        tick_level_db: `(ticks,)`, level below full scale.
        level_db: Mean level below full scale; None for digital silence.
        gru: What the GRU over ticks says, nine labels; None without speech, or with a stand-in.
        clip: What the network over windows says, nine labels or those of a stand-in; None without
            speech.
        log: What the decoder complained of.
    """

    ticks: int
    speech: NDArray[np.bool_]
    tick_level_db: NDArray[np.float32]
    level_db: float | None
    gru: SequenceLogits | None
    clip: SequenceLogits | None
    log: DecodeLog


def run_voice_stage(
    media: Media,
    load: Callable[[], Models],
    *,
    timings: Timings,
    on_event: EventHook,
    keep: Sequence[Collector] = (),
) -> Voice:
    """Decode the sound of a file, find the speech in it, and run the voice networks."""
    with timings.measure("sound"):
        pcm, log = read_sound(media)
    ticks = ticks_of(len(pcm))
    on_event(Progress("voice", 1, 4))
    with timings.measure("voice_features"):
        samples = pcm.astype(np.float32) / 32768
        features = tick_features(samples) if ticks else np.zeros((0, 105), np.float32)
        speech = voice_activity(samples, features)
    for one in keep:
        one.add_voice(features, speech)
    on_event(Progress("voice", 2, 4))
    gru = clip = None
    if speech.any():
        models = load()
        stand_in = models.stand_in if models.stand_in and not models.stand_in.is_face else None
        with timings.measure("voice_functionals"):
            means = stand_in is not None and stand_in.network.takes == "mfcc-means"
            cuts, summaries = describe_windows(samples, speech, mfcc_means if means else functionals)
        for one in keep:
            one.add_windows(cuts, summaries)
        on_event(Progress("voice", 3, 4))
        with timings.measure("voice_network"):
            network = stand_in.model if stand_in else models.voice_clip
            clip = run_windows(network, cuts, summaries, speech)
            gru = None if stand_in else run_speech(models.voice_gru, features, speech)
    on_event(Progress("voice", 4, 4))
    return Voice(ticks, speech, level_db(samples), _level(pcm), gru, clip, log)


def speech_range(speech: NDArray[np.bool_]) -> tuple[int, int]:
    """Give the first tick of speech and the tick after the last."""
    active = np.flatnonzero(speech)
    return int(active[0]), int(active[-1]) + 1


def describe_windows(
    samples: NDArray[np.float32],
    speech: NDArray[np.bool_],
    describe: Callable[[NDArray[np.float32]], NDArray[np.float32]] = functionals,
) -> tuple[list[tuple[int, int]], NDArray[np.float32]]:
    """Describe every window with speech in it, by its functionals or otherwise.

    Returns:
        The windows, in ticks, and their descriptions, such as `(windows, 6373)`.
    """
    first, last = speech_range(speech)
    cuts = [(first + a, first + b) for a, b in windows(last - first)]
    cuts = [(a, b) for a, b in cuts if speech[a:b].any()]
    step = SAMPLES_PER_TICK
    return cuts, np.stack([describe(trim(samples[a * step : b * step])) for a, b in cuts])


def run_windows(
    model: Any,
    cuts: list[tuple[int, int]],
    summaries: NDArray[np.float32],
    speech: NDArray[np.bool_],
) -> SequenceLogits:
    """Run the network over functionals; a tick gets the mean of the windows that it lies in."""
    count = len(cuts)
    padded = np.zeros((-(-count // 8) * 8, summaries.shape[1]), np.float32)
    padded[:count] = summaries
    logits = np.concatenate(
        [np.asarray(model.predict_on_batch(padded[i : i + 8])) for i in range(0, len(padded), 8)]
    )[:count]
    ticks = np.zeros((len(speech), logits.shape[1]), np.float32)
    cover = np.zeros((len(speech), 1), np.float32)
    weights = np.array([speech[a:b].sum() for a, b in cuts], np.float32)
    for (a, b), answer in zip(cuts, logits, strict=True):
        ticks[a:b] += answer
        cover[a:b] += 1
    whole = (logits * weights[:, None]).sum(axis=0) / weights.sum()
    return SequenceLogits(whole.astype(np.float32), ticks / np.maximum(cover, 1))


def run_speech(model: Any, features: NDArray[np.float32], speech: NDArray[np.bool_]) -> SequenceLogits:
    """Run the GRU from the first speech to the last; ticks outside get zeros."""
    first, last = speech_range(speech)
    answer = run_sequence(model, features[first:last])
    ticks = np.zeros((len(speech), answer.ticks.shape[1]), np.float32)
    ticks[first:last] = answer.ticks
    return SequenceLogits(answer.whole, ticks)


def _level(pcm: NDArray[np.int16]) -> float | None:
    if not pcm.any():
        return None
    with warnings.catch_warnings():
        # It looks for an ffmpeg on PATH, which nothing here needs it to have.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
    sound = AudioSegment(pcm.tobytes(), sample_width=2, frame_rate=16_000, channels=1)
    return round(float(sound.dBFS), 1)
