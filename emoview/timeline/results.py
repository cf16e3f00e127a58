"""What an analysis gives: a tree of frozen values that writers take as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from emoview.timeline.clock import time_of
from emoview.timeline.explanation import Explanation
from emoview.timeline.labels import GROUPS, LABELS, LabelCount, Naming
from emoview.timeline.options import Options

if TYPE_CHECKING:
    import pandas

AffectSource = Literal["derived", "estimated"]

SCHEMA_VERSION: Final = "1.5"
"""Version of the JSON form; its first number changes when a reader would break."""

Probabilities = tuple[float, ...]
"""Seven numbers in the order of `LABELS` that sum to 1."""

_SEVEN: Final = Naming()


@dataclass(frozen=True, slots=True)
class FaceBox:
    """Where a face is.

    Attributes:
        x: Left edge of the face box, in pixels of the displayed frame.
        y: Top edge of the face box, in pixels.
        width: Width of the face box, in pixels.
        height: Height of the face box, in pixels.
    """

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Row:
    """One tick of one face.

    Attributes:
        tick: Number of the tick, starting at 0. A tick is 40 ms.
        face_id: Track number of the face. Missing if no face was found.
        box: Face box: left, top, width and height. Missing if no face was found.
        face: Prediction from the face alone. Missing if no face was found.
        voice: Prediction from the voice alone. Missing if nobody speaks.
        fused: Prediction from face and voice together. Missing if there is neither.
        valence: From -1 (unpleasant) to 1 (pleasant). Missing if there is neither face nor voice.
        arousal: From -1 (calm) to 1 (excited). Missing if there is neither face nor voice.
        naming: How its label is chosen.
    """

    tick: int
    face_id: int | None = None
    box: FaceBox | None = None
    face: Probabilities | None = None
    voice: Probabilities | None = None
    fused: Probabilities | None = None
    valence: float | None = None
    arousal: float | None = None
    naming: Naming = field(default=_SEVEN, repr=False)

    @property
    def time_s(self) -> float:
        """Start of the tick, in seconds."""
        return time_of(self.tick)

    @property
    def label(self) -> str | None:
        """Most probable label of face and voice together, or `uncertain`. Missing if there is neither."""
        return self.said("fused")

    @property
    def confidence(self) -> float | None:
        """Probability of `label`; if it is `uncertain`, of the most probable label."""
        return None if self.fused is None else self.naming.decide(self.fused)[1]

    def said(self, modality: str) -> str | None:
        """Name the label of one of `MODALITIES`; None where it says nothing."""
        values: Probabilities | None = getattr(self, modality)
        return None if values is None else self.naming.decide(values)[0]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one label.

    Attributes:
        start_s: Start, in seconds.
        end_s: End, in seconds.
        face_id: Track number of the face. Missing for voice alone.
        label: A label, a label group if groups were requested, or `uncertain`.
        confidence: Mean probability of the label over the segment; if it is `uncertain`, of the most
            probable label.
        explanation: Where the label came from. Missing without `--explain`.
    """

    start_s: float
    end_s: float
    face_id: int | None
    label: str
    confidence: float
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A label for the whole clip, with the probabilities behind it.

    Attributes:
        label: Label of the whole clip, a label group, or `uncertain`.
        confidence: Probability of the label; if it is `uncertain`, of the most probable label.
        probabilities: Probabilities of the seven labels.
    """

    label: str
    confidence: float
    probabilities: Probabilities

    @classmethod
    def of(cls, probabilities: Probabilities, naming: Naming = _SEVEN) -> Verdict:
        """Let the most probable label win."""
        return cls(*naming.decide(probabilities), probabilities)


@dataclass(frozen=True, slots=True)
class Overall:
    """The verdicts over the whole clip.

    Attributes:
        fused: Result from face and voice together. Missing if there is neither.
        face: Result from the face alone. Missing if no face was found.
        voice: Result from the voice alone. Missing if nobody speaks.
    """

    fused: Verdict | None
    face: Verdict | None
    voice: Verdict | None


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What was analysed.

    Attributes:
        path: Input path or address, as given.
        duration_s: Length of the timeline, in seconds: of what could be decoded.
        ticks: Number of ticks.
        width: Width of the displayed frame, in pixels. Missing without video.
        height: Height of the displayed frame, in pixels. Missing without video.
        frame_rate: Nominal frame rate of the file, in Hz. Missing without video or if unknown.
        rotation: Degrees by which frames were rotated for display.
        video_codec: Video codec. Missing without video.
        audio_codec: Audio codec. Missing without sound.
        audio_rate: Sampling rate of the file, in Hz. Missing without sound.
        audio_channels: Channel layout, such as `stereo`. Missing without sound.
        audio_level_db: Mean sound level, in dB below full scale. Missing if silent.
        face_share: Share of ticks with a face, from 0 to 1.
        speech_share: Share of ticks with speech, from 0 to 1.
        faces: Number of face tracks.
        start_s: Where the timeline starts in the file, in seconds. 0 unless a stretch was requested.
    """

    path: str
    duration_s: float
    ticks: int
    width: int | None
    height: int | None
    frame_rate: float | None
    rotation: int
    video_codec: str | None
    audio_codec: str | None
    audio_rate: int | None
    audio_channels: str | None
    audio_level_db: float | None
    face_share: float
    speech_share: float
    faces: int
    start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class WeightUsed:
    """A weight file that took part.

    Attributes:
        name: File name.
        sha256: SHA-256 of the content.
    """

    name: str
    sha256: str


@dataclass(frozen=True)
class Analysis:
    """The emotions of one clip.

    Attributes:
        media: Facts about the input.
        overall: Result for the whole clip.
        segments: Stretches of one label, by face and time.
        timeline: One row per tick and face, by tick and face.
        options: Options of the analysis.
        fusion_used: `late`, `early`, or `none` if there was a single modality.
        device_used: Where the networks ran, such as `cpu`.
        weights: Weight files used, and the baseline if there was one.
        warnings: What a user should know about this result.
        timings: Wall time by stage, in seconds, including `total`. Nothing else differs between two runs.
        affect: Where valence and arousal of rows with a face come from: `derived` from the probabilities, or
            `estimated` by a network. Rows without a face always have derived values.
    """

    media: MediaFacts
    overall: Overall
    segments: tuple[Segment, ...]
    timeline: tuple[Row, ...]
    options: Options
    fusion_used: str
    device_used: str
    weights: tuple[WeightUsed, ...]
    warnings: tuple[str, ...]
    timings: Mapping[str, float]
    affect: AffectSource = "derived"

    @property
    def naming(self) -> Naming:
        """How the labels were chosen."""
        return self.options.naming

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the CSV: `COLUMNS`, and those of the groups where groups were asked for."""
        return (*COLUMNS, *group_columns(self.options.labels))

    def to_dataframe(self) -> pandas.DataFrame:
        """Give the timeline as a table with the columns of the CSV; what is missing is NaN."""
        import pandas

        return pandas.DataFrame([self.record(row) for row in self.timeline], columns=self.columns)

    def record(self, row: Row) -> dict[str, Any]:
        """Flatten a row to the columns of the CSV; what is missing is None."""
        flat: dict[str, Any] = {
            "tick": row.tick,
            "time_s": row.time_s,
            "face_id": row.face_id,
            "label": row.label,
            "confidence": row.confidence,
            "valence": row.valence,
            "arousal": row.arousal,
        }
        for modality in MODALITIES:
            values = getattr(row, modality) or (None,) * len(LABELS)
            flat.update((f"{modality}_{name}", v) for name, v in zip(LABELS, values, strict=True))
        box = row.box
        flat["box_x"], flat["box_y"] = (box.x, box.y) if box else (None, None)
        flat["box_width"], flat["box_height"] = (box.width, box.height) if box else (None, None)
        groups = group_columns(self.options.labels)
        if groups:
            none = (None,) * len(self.naming.groups)
            said = (getattr(row, modality) for modality in MODALITIES)
            sums = [p for values in said for p in (none if values is None else self.naming.sums(values))]
            flat.update(zip(groups, sums, strict=True))
        return flat


MODALITIES: Final = ("face", "voice", "fused")

COLUMNS: Final[tuple[str, ...]] = (
    "tick", "time_s", "face_id", "label", "confidence", "valence", "arousal",
    *(f"{modality}_{label}" for modality in MODALITIES for label in LABELS),
    "box_x", "box_y", "box_width", "box_height",
)  # fmt: skip
"""Columns of the CSV, in their order."""

# `face_neutral` is that of the seven labels.
_GROUP_COLUMNS: Final = {"neutral": "neutral_surprise"}


def group_columns(count: LabelCount, modalities: Sequence[str] = MODALITIES) -> tuple[str, ...]:
    """Name the columns of the probabilities of groups, such as `face_positive`; none of the seven labels."""
    if count == 7:
        return ()
    names = [_GROUP_COLUMNS.get(group, group) for group in GROUPS[count]]
    return tuple(f"{modality}_{name}" for modality in modalities for name in names)


def winner(probabilities: Probabilities) -> str:
    """Name the most probable label; of equals, the first."""
    return LABELS[max(range(len(LABELS)), key=lambda i: probabilities[i])]


def main_rows(analysis: Analysis) -> tuple[Row, ...]:
    """Give the rows of the face that has most of them, and those without a face: one a tick."""
    counts = Counter(row.face_id for row in analysis.timeline if row.face_id is not None)
    main = counts.most_common(1)[0][0] if counts else None
    return tuple(row for row in analysis.timeline if row.face_id in (main, None))
