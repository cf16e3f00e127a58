"""The form of a result's JSON, as `analysis.schema.json` has it: what is read is checked against it.

Fields that later versions added may be missing; what else there is does not matter.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from emoview.timeline.options import MOST_SMOOTH_S

Name = Literal[
    "neutral", "anger", "disgust", "fear", "happy", "sad", "surprise", "positive", "negative", "other",
    "uncertain",
]  # fmt: skip
"""A label, a group of labels, or that none was probable enough."""
OverallName = Name | Literal["mixed"]
"""Of a long recording, it may be that none lasts long enough."""
Region = Literal["forehead", "brows", "eyes", "nose", "mouth", "cheeks and jaw"]
Group = Literal[
    "loudness", "pitch", "pitch variation", "tempo", "tension", "voice quality", "brightness", "timbre"
]

Share = Annotated[float, Meta(ge=0, le=1)]
Affect = Annotated[float, Meta(ge=-1, le=1)]
# A file of four months is none; beyond, numbers only fill memory.
Seconds = Annotated[float, Meta(ge=0, le=1e7)]
Rate = Annotated[float, Meta(gt=0, le=1e9)]
Place = Annotated[float, Meta(ge=-1e6, le=1e6)]
Extent = Annotated[float, Meta(ge=0, le=1e6)]
Count = Annotated[int, Meta(ge=0, lt=2**31)]
Positive = Annotated[int, Meta(ge=1, lt=2**31)]
Pixels = Annotated[int, Meta(ge=1, le=1_000_000)]
Decibels = Annotated[float, Meta(ge=-1000, le=1000)]
# Beyond, its probability is 0 or 1 to the last digit, and its exponential no number.
LogOdds = Annotated[float, Meta(ge=-700, le=700)]
Path = Annotated[str, Meta(min_length=1, max_length=2**15)]
# As `datetime.isoformat` writes it, and far from the year 9999, in which times end.
Moment = Annotated[str, Meta(pattern=r"^[1-8]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?([+-]\d\d:\d\d)?$")]
GridRow = Annotated[tuple[Share, ...], Meta(min_length=1, max_length=256)]


class Version(Struct):
    """What tells a result from other JSON."""

    schema_version: str | None = None


Any = Version | list[object] | str | float | bool | None
"""What JSON can be."""


class Seven(Struct, gc=False):
    """Probabilities of the seven labels, in their order."""

    neutral: Share
    anger: Share
    disgust: Share
    fear: Share
    happy: Share
    sad: Share
    surprise: Share


class Row(Struct, gc=False):
    """A tick of a face."""

    tick: Count
    time_s: Seconds
    face_id: Count | None
    label: Name | None
    confidence: Share | None
    valence: Affect | None
    arousal: Affect | None
    face: Seven | None
    voice: Seven | None
    fused: Seven | None
    box: tuple[Place, Place, Extent, Extent] | None
    person: Count | None = None
    voice_id: Count | None = None
    speaking: bool = False
    off_screen: bool = False
    measures: Annotated[tuple[Place | None, ...], Meta(max_length=200)] | None = None


class Verdict(Struct):
    """Of a modality, over the whole clip."""

    label: OverallName | None
    confidence: Share | None
    probabilities: Seven | None


class Overall(Verdict):
    """The verdicts."""

    face: Verdict | None
    voice: Verdict | None


class FaceReasons(Struct):
    """Where on the face."""

    regions: dict[Region, Share]
    grid: Annotated[tuple[GridRow, ...], Meta(min_length=1, max_length=256)]
    ticks: Positive
    time_s: Seconds
    corners: tuple[tuple[Place, Place], tuple[Place, Place], tuple[Place, Place]]


class Effect(Struct):
    """Of a group of descriptors."""

    group: Group
    effect: Place
    z: Place | None


class VoiceReasons(Struct):
    """What in the voice."""

    against: Literal["speaker", "training"]
    log_odds: LogOdds
    effects: tuple[Effect, ...]


class Explanation(Struct):
    """Where a label came from."""

    face: FaceReasons | None
    voice: VoiceReasons | None


class Segment(Struct):
    """A stretch of one label."""

    start_s: Seconds
    end_s: Seconds
    face_id: Count | None
    label: Name
    confidence: Share
    explanation: Explanation | None = None
    person: Count | None = None


class Media(Struct):
    """What was analysed."""

    path: Path
    duration_s: Seconds
    ticks: Count
    width: Pixels | None
    height: Pixels | None
    frame_rate: Rate | None
    rotation: Annotated[int, Meta(ge=-360, le=360)]
    video_codec: str | None
    audio_codec: str | None
    audio_rate: Positive | None
    audio_channels: str | None
    audio_level_db: Decibels | None
    face_share: Share
    speech_share: Share
    faces: Count
    start_s: Seconds = 0.0
    created: Moment | None = None
    capture_rate: Rate | None = None
    ffmpeg: Annotated[str, Meta(max_length=200)] | None = None
    persons: Count | None = None
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    widened: Annotated[float, Meta(ge=0.01, le=100)] = 1.0


class FaceFound(Struct):
    """A face track."""

    face_id: Count
    person: Count
    start_s: Seconds
    end_s: Seconds
    ticks: Positive
    still: bool


class Options(Struct):
    """How it was asked for."""

    fusion: Literal["late", "early", "auto"]
    modality: Literal["both", "face", "voice"]
    max_faces: Positive
    face: Annotated[str, Meta(pattern=r"^(largest|speaking|all|[0-9]{1,9})$")]
    labels: Literal[7, 3, 2]
    device: Literal["auto", "cpu", "gpu"]
    weights: str | Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)] | None = None
    explain: bool = False
    baseline: str | None = None
    voice_features: Literal["opensmile", "builtin"] = "opensmile"
    least_confidence: Share | None = None
    rate: Rate | None = None
    capture_rate: Rate | None = None
    clock: bool = False
    audio_track: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None
    channel: Literal["mix", "left", "right"] = "mix"
    merge: Annotated[
        tuple[Annotated[tuple[Count, ...], Meta(min_length=2, max_length=10_000)], ...],
        Meta(max_length=10_000),
    ] = ()
    split: bool = False
    min_segment: Annotated[float, Meta(ge=0, le=3600)] = 0.5
    aspect: Annotated[str, Meta(max_length=32)] = "auto"
    voice: Annotated[str, Meta(pattern=r"^(face|all|[0-9]{1,9})$")] = "face"
    causal: bool = False
    self_baseline: bool = True
    # Not the default of the options: earlier versions measured nothing.
    measure: bool | None = None
    min_quality: Share | None = None
    smooth: Annotated[float, Meta(ge=0, le=MOST_SMOOTH_S)] | None = None


class OwnBaseline(Struct):
    """A person for whom the recording itself was the baseline."""

    person: Count
    seconds: Seconds
    variety: Annotated[float, Meta(ge=0, le=1e6)]


class Speaker(Struct):
    """A voice that is heard."""

    voice_id: Count
    seconds: Seconds
    person: Count | None


class Weight(Struct):
    """A file that took part."""

    name: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class NameOfMedia(Struct):
    """Of which file it is."""

    path: Path
    sha256: str | None = None


class OfFile(Struct):
    """A result, of which nothing else is looked at."""

    media: NameOfMedia
    source: str | None = None


class WithFaces(Struct):
    """A result, of which only the faces are looked at."""

    faces: list[FaceFound] = []


class Result(Struct):
    """The whole."""

    media: Media
    overall: Overall
    segments: list[Segment]
    timeline: list[Row]
    options: Options
    fusion_used: Literal["late", "early", "none"]
    device_used: str
    weights: list[Weight]
    warnings: list[str]
    timings: dict[str, Annotated[float, Meta(ge=0, le=1e9)]]
    valence_arousal: Literal["derived", "estimated"] = "derived"
    cuts: list[Seconds] = []
    faces: list[FaceFound] = []
    baseline_clips: dict[Literal["face", "voice"], Count] = {}
    version: Annotated[str, Meta(max_length=100)] | None = None
    speakers: list[Speaker] = []
    own_baselines: list[OwnBaseline] = []
    measures: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=200)] = []
    source: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
