"""The stages: pictures to faces to embeddings, and sound to voice, each in threads of its own."""

from __future__ import annotations

import math
import queue
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from emoview.media.decode import PictureDecoder
from emoview.media.probe import Media
from emoview.media.process import DecodeLog
from emoview.media.sound import Sound, read_sound
from emoview.networks.sizes import FACE_SIZE
from emoview.pipeline.engines import Network
from emoview.pipeline.events import EventHook, Progress
from emoview.pipeline.keep import Collector
from emoview.pipeline.models import (
    FACE_BATCH,
    Models,
    SequenceLogits,
    SequenceRun,
    run_faces,
)
from emoview.pipeline.timings import Timings
from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ
from emoview.timeline.results import FaceBox
from emoview.voice.activity import level_db, trim, trimmed, voice_activity
from emoview.voice.blocks import BLOCK_TICKS, Samples
from emoview.voice.descriptors import mfcc_means, windows
from emoview.voice.features import VoiceFeatures

if TYPE_CHECKING:
    from emoview.face.align import Proportions
    from emoview.face.find import FaceFinder
    from emoview.face.follow import FaceFollower

LONGEST_SIDE = 640
"""Pictures are scaled to this while they are decoded: enough for the mesh, which sees 192 pixels."""
LONGEST_SIDE_OF_SMALL_FACES = 1920
"""From the first face on that would have fewer pixels than the face network sees, they are scaled to this."""

WINDOW_BATCH = 16
"""Most windows in one call of the network over functionals."""
# What openSMILE smooths and tracks over neighbouring frames has something to start from.
_LEAD_TICKS = TICK_HZ // 2
# So much of a pause belongs to the speech before it, and so much to that behind it: about half a second.
_BREATH_TICKS = TICK_HZ // 2

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


@dataclass(frozen=True)
class FaceTrack:
    """A face through the video, by the ticks in which it was found.

    Attributes:
        ticks: `(n,)`.
        boxes: `(n, 4)`, as in `FaceBox`.
        logits: `(n, 7)`, of the face network.
        lips: `(n,)`, how far they are open.
        gru: What the GRU over its embeddings says; None with a stand-in.
        affect: `(n, 2)`, valence and arousal as a network of a run estimates them; None without one.
        embeddings: `(n, 256)`, where they were asked for.
    """

    ticks: NDArray[np.int64]
    boxes: NDArray[np.float64]
    logits: NDArray[np.float32]
    lips: NDArray[np.float64]
    gru: SequenceLogits | None
    embeddings: NDArray[np.float32] | None
    affect: NDArray[np.float32] | None = None

    @property
    def weight(self) -> float:
        """Area summed over time: who is large for long is whom the video is about."""
        return float((self.boxes[:, 2] * self.boxes[:, 3]).sum())


class _TrackSoFar:
    """A track that grows; embeddings of which nobody asks go no further than the GRU."""

    def __init__(self, gru: Network | None, *, keep_embeddings: bool) -> None:
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._embeddings: list[NDArray[np.float32]] = []
        self._affect: list[NDArray[np.float32]] = []
        self._gru = None if gru is None else SequenceRun(gru)
        self._keep = keep_embeddings
        self.last_tick = 0

    def add(
        self,
        found: Sequence[Found],
        embeddings: NDArray[np.float32],
        logits: NDArray[np.float32],
        affect: NDArray[np.float32] | None,
    ) -> None:
        from emoview.face.lips import lip_opening

        ticks = np.array([one.tick for one in found])
        boxes = np.array([(one.box.x, one.box.y, one.box.width, one.box.height) for one in found])
        lips = np.array([lip_opening(one.landmarks) for one in found])
        self._parts.append((ticks, boxes, logits, lips))
        self.last_tick = found[-1].tick
        if self._gru is not None:
            self._gru.add(embeddings)
        if self._keep:
            self._embeddings.append(embeddings)
        if affect is not None:
            self._affect.append(affect)

    def end(self) -> FaceTrack:
        ticks, boxes, logits, lips = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        gru = None if self._gru is None else self._gru.end()
        return FaceTrack(
            ticks, boxes, logits, lips, gru,
            embeddings=np.concatenate(self._embeddings) if self._keep else None,
            affect=np.concatenate(self._affect) if self._affect else None,
        )  # fmt: skip


@dataclass
class Faces:
    """All that the face stage found.

    Attributes:
        ticks: Ticks that the pictures reach to.
        tracks: By track id.
        log: What the decoder complained of.
        squeezed: Whether most faces were seen in pictures that were made wider, see `Proportions`.
    """

    ticks: int
    tracks: dict[int, FaceTrack]
    log: DecodeLog
    squeezed: bool


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
        widen: How much wider the picture was made for it, see `Proportions`.
        square: `(side, side, 3)` RGB, cut as for valence and arousal; None where nobody estimates these.
    """

    tick: int
    face_id: int
    box: FaceBox
    landmarks: NDArray[np.float32]
    face: NDArray[np.uint8]
    scale: float
    widen: float
    square: NDArray[np.uint8] | None = None


FaceHook: TypeAlias = Callable[[Found], None]
"""Told of every face that was found, in order."""


def find_faces(
    media: Media, *, max_faces: int, timings: Timings, log: DecodeLog, square: int | None = None
) -> Iterator[tuple[int, list[Found]]]:
    """Give every tick that has a picture, with the faces found in it, upright and cut out.

    Where the side of a `square` is named, they are cut out as such, too.
    """
    small_from = None
    with ExitStack() as stack:
        try:
            with PictureDecoder(media, longest_side=LONGEST_SIDE, log=log) as decoder:
                # The first pictures are decoded while mediapipe is loaded.
                with timings.measure("start"):
                    from emoview.face.align import Proportions
                    from emoview.face.find import FaceFinder
                    from emoview.face.follow import FaceFollower

                    finder = stack.enter_context(FaceFinder(max_faces=max_faces))
                    state = finder, FaceFollower(), Proportions()
                yield from _faces_of(decoder, *state, timings, enlarge=decoder.scale > 1, square=square)
        except _SmallFaceError as small:
            small_from = small.tick
        if small_from is not None:
            log.forget()
            with PictureDecoder(
                media, longest_side=LONGEST_SIDE_OF_SMALL_FACES, from_tick=small_from, log=log
            ) as decoder:
                yield from _faces_of(decoder, *state, timings, enlarge=False, square=square)
    timings.add("decode", log.busy_s)


class _SmallFaceError(Exception):
    """A face is smaller than the network's pictures, from `tick` on."""

    def __init__(self, tick: int) -> None:
        super().__init__()
        self.tick = tick


def _faces_of(
    decoder: PictureDecoder,
    finder: FaceFinder,
    follower: FaceFollower,
    proportions: Proportions,
    timings: Timings,
    *,
    enlarge: bool,
    square: int | None,
) -> Iterator[tuple[int, list[Found]]]:
    """Find the faces in a decoder's pictures; if larger pictures can be had, `enlarge`, ask for them.

    Raises:
        _SmallFaceError: A face has fewer pixels than the network sees, and `enlarge` is set.
    """
    from emoview.face.align import align, box_of
    from emoview.face.square import square_of_mesh

    scale = decoder.scale
    for tick, picture in Stage(iter(decoder)):
        with timings.measure("find"):
            landmarks = finder.find(picture)
            if enlarge and any(min(box_of(points)[2:]) < FACE_SIZE for points in landmarks):
                raise _SmallFaceError(tick)
            ids = follower.follow(tick, [points * np.float32(scale) for points in landmarks])
        with timings.measure("align"):
            widen = proportions.widening(landmarks)
            found = [
                Found(tick, face_id, FaceBox(*(v * scale for v in box_of(points))), points,
                      align(picture, points, widen=widen), scale, widen,
                      None if square is None else square_of_mesh(picture, points, square))
                for face_id, points in zip(ids, landmarks, strict=True)
            ]  # fmt: skip
        yield tick, found


def run_face_stage(
    media: Media,
    load: Callable[[], Models],
    *,
    max_faces: int,
    total: int | None,
    keep_embeddings: Callable[[], bool],
    timings: Timings,
    on_event: EventHook,
    on_face: FaceHook | None = None,
    keep: Sequence[Collector] = (),
    square: int | None = None,
) -> Faces:
    """Find and follow the faces of a video, and run the face networks on them in batches.

    Whether to `keep_embeddings` is asked when there are some, since the models may have to say.  The side of
    a `square` is that of what the network for valence and arousal takes, where there is one.
    """
    from emoview.face.follow import MEMORY_TICKS

    ticks = faces = widened = 0
    log = DecodeLog()
    growing: dict[int, _TrackSoFar] = {}
    tracks: dict[int, FaceTrack] = {}
    waiting: list[Found] = []

    def flush() -> None:
        with timings.measure("start"):
            models = load()
            stand_in, feeling = models.stand_ins.get("face"), models.stand_ins.get("affect")
            network = None if stand_in else models.face_cnn
            gru = None if stand_in else models.face_gru
        with timings.measure("face_network"):
            if stand_in is not None:
                logits = stand_in.faces([f.face for f in waiting])
                embeddings = np.zeros((len(waiting), 0), np.float32)
            else:
                assert network is not None
                # A picture alone has no neighbours to be averaged with.
                own_ticks = np.array([f.tick for f in waiting]) if ticks > 1 else None
                embeddings, logits = run_faces(network, [f.face for f in waiting], own_ticks)
            squares = [f.square for f in waiting if f.square is not None]
            affect = None if feeling is None else feeling.affect(squares)
            ids = np.array([seen.face_id for seen in waiting])
            for face_id in np.unique(ids):
                own = np.flatnonzero(ids == face_id)
                if int(face_id) not in growing:
                    growing[int(face_id)] = _TrackSoFar(gru, keep_embeddings=keep_embeddings())
                growing[int(face_id)].add(
                    [waiting[i] for i in own], embeddings[own], logits[own],
                    None if affect is None else affect[own],
                )  # fmt: skip
            lost = [i for i, track in growing.items() if waiting[-1].tick - track.last_tick > MEMORY_TICKS]
            tracks.update((i, growing.pop(i).end()) for i in lost)
        for one in keep:
            one.add_faces(waiting, embeddings)
        waiting.clear()

    stage = Stage(find_faces(media, max_faces=max_faces, timings=timings, log=log, square=square))
    for tick, found in stage:
        ticks = tick + 1
        for one in found:
            faces, widened = faces + 1, widened + (one.widen > 1)
            if on_face is not None:
                on_face(one)
            waiting.append(one)
            if len(waiting) == FACE_BATCH:
                flush()
        on_event(Progress("face", tick + 1, total))
    if waiting:
        flush()
    with timings.measure("face_network"):
        tracks.update((i, track.end()) for i, track in growing.items())
    return Faces(ticks, dict(sorted(tracks.items())), log, squeezed=2 * widened > faces)


@dataclass(frozen=True)
class Voice:
    """All that the voice stage heard.

    Attributes:
        ticks: Ticks that the sound reaches to.
        speech: `(ticks,)`, where somebody speaks.
        tick_level_db: `(ticks,)`, level below full scale.
        level_db: Mean level below full scale; None for digital silence.
        tcn: What the network over ticks says, nine labels; None without speech, or with a stand-in.
        clip: What the network over windows says, nine labels or those of a stand-in; None without
            speech.
        log: What the decoder complained of.
    """

    ticks: int
    speech: NDArray[np.bool_]
    tick_level_db: NDArray[np.float32]
    level_db: float | None
    tcn: SequenceLogits | None
    clip: SequenceLogits | None
    log: DecodeLog


def run_voice_stage(
    media: Media,
    load: Callable[[], Models],
    *,
    timings: Timings,
    on_event: EventHook,
    keep: Sequence[Collector] = (),
    described_by: VoiceFeatures = VoiceFeatures.OPENSMILE,
) -> Voice:
    """Decode the sound of a file, find the speech in it, and run the voice networks."""
    with timings.measure("sound"):
        sound = read_sound(media)
    with sound:
        on_event(Progress("voice", 1, 4))
        with timings.measure("voice_features"):
            features = described_by.of_ticks(sound)
            level = level_db(sound)
            speech = voice_activity(level, features)
        for one in keep:
            one.add_voice(features, speech)
        on_event(Progress("voice", 2, 4))
        tcn = clip = None
        if speech.any():
            models = load()
            stand_in = models.stand_ins.get("voice")
            means = stand_in is not None and stand_in.network.takes == "mfcc-means"
            describe = mfcc_means if means else None
            network = stand_in.model if stand_in else models.voice_clip
            cuts = speech_windows(speech)
            logits = []
            for first in range(0, len(cuts), WINDOW_BATCH):
                some = cuts[first : first + WINDOW_BATCH]
                with timings.measure("voice_functionals"):
                    summaries = describe_windows(sound, some, describe, described_by=described_by)
                for one in keep:
                    one.add_windows(some, summaries)
                with timings.measure("voice_network"):
                    logits.append(run_functionals(network, summaries))
            on_event(Progress("voice", 3, 4))
            with timings.measure("voice_network"):
                clip = over_windows(np.concatenate(logits), cuts, speech)
                if not stand_in:
                    tcn = run_speech(models.voice_tcn, features, heard_ticks(speech), len(speech))
        on_event(Progress("voice", 4, 4))
        return Voice(len(speech), speech, level, _mean_level(sound), tcn, clip, sound.log)


def speech_range(speech: NDArray[np.bool_]) -> tuple[int, int]:
    """Give the first tick of speech and the tick after the last."""
    active = np.flatnonzero(speech)
    return int(active[0]), int(active[-1]) + 1


def speech_windows(speech: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Cut what is from the first speech to the last into windows, in ticks; give those with speech."""
    first, last = speech_range(speech)
    cuts = [(first + a, first + b) for a, b in windows(last - first)]
    return [(a, b) for a, b in cuts if speech[a:b].any()]


def describe_windows(
    samples: Samples,
    cuts: Sequence[tuple[int, int]],
    describe: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
    *,
    described_by: VoiceFeatures = VoiceFeatures.OPENSMILE,
) -> NDArray[np.float32]:
    """Describe windows, in ticks and in order, by their functionals, `(windows, n)`, or otherwise."""
    step = SAMPLES_PER_TICK
    if describe is not None:
        return np.stack([describe(trim(samples[a * step : b * step])) for a, b in cuts])
    parts = []
    for some in _together(cuts):
        start = max(0, some[0][0] - _LEAD_TICKS)
        spoken = []
        for a, b in some:
            first, last = trimmed(samples[a * step : b * step])
            spoken.append(((a - start) * step + first, (a - start) * step + last))
        sound = samples[start * step : (some[-1][1] + _LEAD_TICKS) * step]
        parts.append(described_by.of_windows(sound, spoken))
    return np.concatenate(parts)


def _together(cuts: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Give windows that touch, a few at a time: what lies between others is no work for openSMILE."""
    some: list[tuple[int, int]] = []
    for cut in cuts:
        if some and (cut[0] > some[-1][1] or len(some) == WINDOW_BATCH):
            yield some
            some = []
        some.append(cut)
    yield some


def run_windows(
    model: Any,
    cuts: Sequence[tuple[int, int]],
    summaries: NDArray[np.float32],
    speech: NDArray[np.bool_],
) -> SequenceLogits:
    """Run the network over functionals of all windows; a tick gets the mean of those that it lies in."""
    logits = [
        run_functionals(model, summaries[i : i + WINDOW_BATCH]) for i in range(0, len(cuts), WINDOW_BATCH)
    ]
    return over_windows(np.concatenate(logits), cuts, speech)


def run_functionals(model: Any, summaries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the logits `(windows, labels)` of up to `WINDOW_BATCH` windows."""
    padded = np.zeros((WINDOW_BATCH, summaries.shape[1]), np.float32)
    padded[: len(summaries)] = summaries
    return np.asarray(model.predict_on_batch(padded))[: len(summaries)]


def over_windows(
    logits: NDArray[np.float32], cuts: Sequence[tuple[int, int]], speech: NDArray[np.bool_]
) -> SequenceLogits:
    """Make logits of ticks and of the whole from those of windows; ticks outside get the nearest answer."""
    ticks = np.zeros((len(speech), logits.shape[1]), np.float32)
    cover = np.zeros(len(speech), np.float32)
    weights = np.array([speech[a:b].sum() for a, b in cuts], np.float32)
    for (a, b), answer in zip(cuts, logits, strict=True):
        ticks[a:b] += answer
        cover[a:b] += 1
    whole = (logits * weights[:, None]).sum(axis=0) / weights.sum()
    answered = np.flatnonzero(cover)
    mean = ticks[answered] / cover[answered, None]
    return SequenceLogits(whole.astype(np.float32), nearest(mean, answered, len(speech)))


def heard_ticks(speech: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Choose the ticks that the network over ticks is given: all from the first speech to the last.

    Of a pause of a second or more the middle is left out: the network learned from utterances, and holds what
    it hears against what is around.

    Args:
        speech: `(ticks,)`, true somewhere.
    """
    first, last = speech_range(speech)
    around = np.convolve(speech, np.ones(2 * _BREATH_TICKS + 1))[_BREATH_TICKS:][first:last]
    return first + np.flatnonzero(around)


def run_speech(
    model: Any, features: NDArray[np.float32], heard: NDArray[np.int64], count: int
) -> SequenceLogits:
    """Run the network over the ticks `heard`; the others of `count` get the nearest one's answer."""
    run = SequenceRun(model)
    for first in range(0, len(heard), BLOCK_TICKS):
        run.add(features[heard[first : first + BLOCK_TICKS]])
    answer = run.end()
    return SequenceLogits(answer.whole, nearest(answer.ticks, heard, count))


def nearest(values: NDArray[np.float32], ticks: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Give each of `count` ticks, of those that `values` are known of, the nearest one's."""
    places = np.interp(np.arange(count), ticks, np.arange(len(ticks)))
    return values[np.rint(places).astype(np.int64)]


def _mean_level(sound: Sound) -> float | None:
    with warnings.catch_warnings():
        # It looks for an ffmpeg on PATH, which nothing here needs it to have.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
    step = BLOCK_TICKS * SAMPLES_PER_TICK
    energy = 0.0
    for first in range(0, len(sound), step):
        pcm = sound.pcm(slice(first, first + step))
        part = AudioSegment(pcm.tobytes(), sample_width=2, frame_rate=SAMPLE_RATE, channels=1)
        energy += len(pcm) * (part.rms / part.max_possible_amplitude) ** 2
    return round(10 * math.log10(energy / len(sound)), 1) if energy else None
