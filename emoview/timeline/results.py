"""What an analysis gives: a tree of frozen values that writers take as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from emoview.timeline.clock import time_of
from emoview.timeline.explanation import Explanation
from emoview.timeline.facts import FaceFound as FaceFound
from emoview.timeline.facts import MediaFacts as MediaFacts
from emoview.timeline.facts import Speaker as Speaker
from emoview.timeline.facts import WeightUsed as WeightUsed
from emoview.timeline.labels import GROUPS, LABELS, LabelCount, Naming
from emoview.timeline.measures import MEASURE_COLUMNS, Values
from emoview.timeline.options import Options

if TYPE_CHECKING:
    import pandas

AffectSource = Literal["derived", "estimated"]

SCHEMA_VERSION: Final = "1.7"
"""Version of the JSON form; its first number changes when a reader would break."""

Probabilities = tuple[float, ...]
"""Seven numbers in the order of `LABELS` that sum to 1."""

_SEVEN: Final = Naming()


@dataclass(frozen=True, slots=True)
class FaceBox:
    """Where a face is.

    Examples:
        >>> box = result.timeline[0].box
        >>> 0 < box.x < box.x + box.width < result.media.width
        True

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

    Examples:
        >>> row = result.timeline[25]
        >>> row.time_s, row.label, row.speaking
        (1.0, 'happy', True)
        >>> dict(zip(LABELS, row.face))["happy"] > 0.5
        True

    Attributes:
        tick: Number of the tick, starting at 0. A tick is 40 ms.
        face_id: Track number of the face. A cut, or a second without the face, ends a track. Missing if no
            face was found.
        box: Face box: left, top, width and height. Missing if no face was found.
        face: Prediction from the face alone. Missing if no face was found.
        voice: Prediction from the voice alone. Missing if nobody speaks, and in all rows of a tick but one.
        fused: Prediction from face and voice together. Missing if there is neither.
        valence: From -1 (unpleasant) to 1 (pleasant). Missing if there is neither face nor voice.
        arousal: From -1 (calm) to 1 (excited). Missing if there is neither face nor voice.
        naming: How its label is chosen.
        person: Number of the person whose face it is, the same before and after a cut or an absence. Missing
            if no face was found.
        voice_id: Number of the voice heard, by first words. Missing if nobody speaks, or with `--causal`.
        speaking: Whether this face speaks.
        off_screen: Whether the voice belongs to nobody in the picture.
        measures: Measures, in the order of their columns. Missing without `--measure`.
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
    person: int | None = None
    voice_id: int | None = None
    speaking: bool = False
    off_screen: bool = False
    measures: Values | None = None

    def __post_init__(self) -> None:
        """Let a face of which no more is known be its own person."""
        if self.person is None:
            object.__setattr__(self, "person", self.face_id)

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

    Examples:
        >>> for segment in result.segments:
        ...     print(segment.start_s, segment.end_s, segment.label)
        0.0 2.0 happy

    Attributes:
        start_s: Start, in seconds.
        end_s: End, in seconds.
        face_id: Track number of the face. Missing for voice alone.
        label: A label, a label group if groups were requested, or `uncertain`.
        confidence: Mean probability of the label over the segment; if it is `uncertain`, of the most
            probable label.
        explanation: Where the label came from. Missing without `--explain`.
        person: Number of the person. Missing for voice alone.
    """

    start_s: float
    end_s: float
    face_id: int | None
    label: str
    confidence: float
    explanation: Explanation | None = None
    person: int | None = None

    def __post_init__(self) -> None:
        """Let a face of which no more is known be its own person."""
        if self.person is None:
            object.__setattr__(self, "person", self.face_id)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A label for the whole clip, with the probabilities behind it.

    Examples:
        >>> Verdict.of((0.1, 0.0, 0.0, 0.0, 0.7, 0.1, 0.1))
        Verdict(label='happy', confidence=0.7, probabilities=(0.1, 0.0, 0.0, 0.0, 0.7, 0.1, 0.1))

    Attributes:
        label: Label of the whole clip, a label group, or `uncertain`. Of a recording of over a minute the
            label that lasts longest, or `mixed` if none has 40 % of the time.
        confidence: Probability of the label; if it is `uncertain`, of the most probable label. Of a recording
            of over a minute the share of the time of the label that lasts longest.
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
    """The verdicts over the whole clip; `label`, `confidence` and `probabilities` are those of `fused`.

    Examples:
        >>> result.overall.label, result.overall.face.label, result.overall.voice.label
        ('happy', 'happy', 'happy')

    Attributes:
        fused: Result from face and voice together. Missing if there is neither.
        face: Result from the face alone. Missing if no face was found.
        voice: Result from the voice alone. Missing if nobody speaks.
    """

    fused: Verdict | None
    face: Verdict | None
    voice: Verdict | None

    @property
    def label(self) -> str | None:
        """Label of the whole clip, a label group, `uncertain` or `mixed`. Missing without face and voice."""
        return None if self.fused is None else self.fused.label

    @property
    def confidence(self) -> float | None:
        """Probability of the label; of a recording of over a minute a share of the time, see `Verdict`."""
        return None if self.fused is None else self.fused.confidence

    @property
    def probabilities(self) -> Probabilities | None:
        """Probabilities of the seven labels."""
        return None if self.fused is None else self.fused.probabilities


@dataclass(frozen=True, slots=True)
class OwnBaseline:
    """A person for whom the recording itself was the baseline of the face.

    Examples:
        >>> result.own_baselines  # recordings of a minute or more
        ()

    Attributes:
        person: Number of the person.
        seconds: For how long the person is seen.
        variety: Variance of the person's embeddings, as a share of that of people who show six labels alike.
    """

    person: int
    seconds: float
    variety: float


@dataclass(frozen=True)
class Analysis:
    """The emotions of one clip.

    Examples:
        >>> len(result.timeline), result.fusion_used, result.who(0)
        (50, 'late', 'face 0')
        >>> result.to_dataframe().groupby("label").valence.mean().round(1).to_dict()
        {'happy': 0.5}

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
        cuts: Where shots begin, but for the first, in seconds.
        faces: All face tracks that were found, those without rows, too.
        baseline_clips: Recordings that the baseline was made from, by `face` and `voice`. Empty without one.
        version: Version of emoview that analysed it. Missing in results of earlier versions.
        names: Names that people gave to faces, by person. They are kept beside the JSON, not in it.
        speakers: Voices, for how long each is heard, and its face.
        own_baselines: Persons for whom the recording itself was the baseline of the face.
        source: Program whose findings these are, such as `OpenFace`. Missing if it is emoview.
        action_units: Action units that this program gave, such as `au12`. Their values stand behind the
            measures of each row.
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
    cuts: tuple[float, ...] = ()
    faces: tuple[FaceFound, ...] = ()
    baseline_clips: Mapping[str, int] = field(default_factory=dict)
    version: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    speakers: tuple[Speaker, ...] = ()
    own_baselines: tuple[OwnBaseline, ...] = ()
    source: str | None = None
    action_units: tuple[str, ...] = ()

    def who(self, person: int | None) -> str:
        """Call a person by their name, or its number; `voice` where there is no face."""
        return "voice" if person is None else self.names.get(person, f"face {person}")

    @property
    def naming(self) -> Naming:
        """How the labels were chosen."""
        return self.options.naming

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the CSV: `COLUMNS`, and the time of day, groups and measures where there are any."""
        first = ("tick", "time_s", "clock") if self.options.clock else COLUMNS[:2]
        return (*first, *COLUMNS[2:], *group_columns(self.options.labels), *self.measure_columns)

    @property
    def measure_columns(self) -> tuple[str, ...]:
        """Columns of the measures of a row; none where nothing was measured."""
        return (*MEASURE_COLUMNS, *self.action_units) if self.options.measured else ()

    def clock_of(self, row: Row) -> str | None:
        """Give the time of day at the start of a row, in ISO 8601; None where the file knows no time."""
        if self.media.created is None:
            return None
        begun = datetime.fromisoformat(self.media.created)
        return (begun + timedelta(seconds=self.media.start_s + row.time_s)).isoformat(timespec="milliseconds")

    def to_dataframe(self) -> pandas.DataFrame:
        """Give the timeline as a table with the columns of the CSV; what is missing is NaN."""
        import pandas

        return pandas.DataFrame([self.record(row) for row in self.timeline], columns=self.columns)

    def record(self, row: Row) -> dict[str, Any]:
        """Flatten a row to the columns of the CSV; what is missing is None."""
        flat: dict[str, Any] = {
            "tick": row.tick,
            "time_s": row.time_s,
            **({"clock": self.clock_of(row)} if self.options.clock else {}),
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
        flat["person"] = row.person
        flat["voice_id"] = row.voice_id
        flat["speaking"], flat["off_screen"] = int(row.speaking), int(row.off_screen)
        groups = group_columns(self.options.labels)
        if groups:
            none = (None,) * len(self.naming.groups)
            said = (getattr(row, modality) for modality in MODALITIES)
            sums = [p for values in said for p in (none if values is None else self.naming.sums(values))]
            flat.update(zip(groups, sums, strict=True))
        if self.options.measured:
            names = self.measure_columns
            flat.update(zip(names, row.measures or (None,) * len(names), strict=True))
        return flat


MODALITIES: Final = ("face", "voice", "fused")

COLUMNS: Final[tuple[str, ...]] = (
    "tick", "time_s", "face_id", "label", "confidence", "valence", "arousal",
    *(f"{modality}_{label}" for modality in MODALITIES for label in LABELS),
    "box_x", "box_y", "box_width", "box_height", "person",
    "voice_id", "speaking", "off_screen",
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
    """Give the rows of the person that has most of them, or of whoever speaks, and those without a face.

    They are one a tick.  Causal analysis takes each track for a person, and the largest of each moment.
    """
    asked = analysis.options.face
    if asked == "speaking" or (analysis.options.causal and asked != "all"):
        return analysis.timeline
    counts = Counter(row.person for row in analysis.timeline if row.person is not None)
    main = min(counts, key=lambda one: (-counts[one], one), default=None)
    return tuple(row for row in analysis.timeline if row.person in (main, None))
