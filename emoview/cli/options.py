"""The options that analyze and batch share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from emoview.cli.complete import aspects_like, faces_like, formats_like
from emoview.cli.formats import chosen_formats
from emoview.pipeline.device import Device
from emoview.timeline.options import MOST_FACES, MOST_SMOOTH_S, is_number

if TYPE_CHECKING:
    pass


class Fusion(str, Enum):
    """How face and voice are joined."""

    LATE = "late"
    EARLY = "early"
    AUTO = "auto"


class Modality(str, Enum):
    """What is analysed."""

    BOTH = "both"
    FACE = "face"
    VOICE = "voice"


class LabelChoice(str, Enum):
    """How many labels are told apart."""

    SEVEN = "7"
    THREE = "3"
    TWO = "2"


class Channel(str, Enum):
    """Which channels of the sound are analysed."""

    MIX = "mix"
    LEFT = "left"
    RIGHT = "right"


class Features(str, Enum):
    """What describes the voice."""

    OPENSMILE = "opensmile"
    BUILTIN = "builtin"


class Truth(str, Enum):
    """Whose labels count, where FER+ votes lie beside the original ones."""

    ORIGINAL = "original"
    VOTES = "votes"


def _face(value: str) -> str:
    if value in ("largest", "speaking", "all") or is_number(value):
        return value
    raise typer.BadParameter("must be largest, speaking, all, or a face number")


def _groups(values: list[str] | None) -> list[str]:
    for value in values or []:
        numbers = value.split(",")
        if len(numbers) < 2 or not all(number.strip().isdecimal() for number in numbers):
            raise typer.BadParameter("must be face numbers with commas, such as 0,3")
    return values or []


def _aspect(value: str) -> str:
    from emoview.errors import InputError
    from emoview.timeline.options import ratio_of

    try:
        ratio_of(value)
    except InputError:
        raise typer.BadParameter("must be auto, keep, or a ratio such as 16:9") from None
    return value


def _voice(value: str) -> str:
    if value in ("face", "all") or is_number(value):
        return value
    raise typer.BadParameter("must be face, all, or the number of a voice")


FusionOption = Annotated[Fusion, typer.Option(help="How to combine face and voice (auto: late).")]
ModalityOption = Annotated[Modality, typer.Option(help="Analyse the face, the voice, or both.")]
MaxFacesOption = Annotated[
    int, typer.Option(min=1, max=MOST_FACES, help="Largest number of faces to follow in a frame.")
]
FaceOption = Annotated[
    str,
    typer.Option(
        metavar="largest|speaking|all|ID",
        callback=_face,
        autocompletion=faces_like,
        help="Faces to report: the largest over time, the speaking one, all, or the person with this number.",
    ),
]
MergeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID,ID",
        callback=_groups,
        help="Faces that are one person, such as 0,3: the first number stands for all. Repeat for several.",
    ),
]
SplitOption = Annotated[
    bool, typer.Option("--split", help="Give each track a number of its own, to be joined with --merge.")
]
VoiceOption = Annotated[
    str,
    typer.Option(
        metavar="face|all|ID",
        callback=_voice,
        help="Voice that counts: that of the measured face, all that is heard, or the one with this number.",
    ),
]
LabelsOption = Annotated[
    LabelChoice,
    typer.Option(
        help="7 labels; 3: positive (happy), neutral (with surprise), negative; 2: positive, other."
    ),
]
LeastOption = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, metavar="P", help='Report labels below this probability (0 to 1) as "uncertain".'
    ),
]
MinSegmentOption = Annotated[
    float,
    typer.Option(
        min=0, max=3600, metavar="SECONDS", help="Shortest segment; shorter stretches join their neighbours."
    ),
]
AspectOption = Annotated[
    str,
    typer.Option(
        metavar="auto|keep|RATIO",
        callback=_aspect,
        autocompletion=aspects_like,
        help="Widen pictures that look squeezed from 16:9 to 4:3 (auto), never (keep), or to a ratio such "
        "as 16:9.",
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="Where the networks run.")]
WeightsOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="RUN",
        exists=True,
        file_okay=False,
        help="Use the network of this run folder (emoview train) instead of the shipped one, or for valence "
        "and arousal. Repeat for several.",
    ),
]
ExplainOption = Annotated[
    bool,
    typer.Option("--explain", help="Explain each segment's label: face regions and voice features."),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Judge relative to this person's baseline (a file from emoview baseline).",
    ),
]
NoSelfBaselineOption = Annotated[
    bool,
    typer.Option(
        "--no-self-baseline",
        help="Do not take a long, varied recording as the baseline of its own face.",
    ),
]
RateOption = Annotated[
    float | None,
    typer.Option(metavar="HZ", help="Pictures a second, of numbered pictures such as frames_%04d.png."),
]
CaptureRateOption = Annotated[
    float | None,
    typer.Option(
        metavar="HZ", help="Pictures a second at which slow motion was captured; gives times of the capture."
    ),
]
ClockOption = Annotated[
    bool, typer.Option("--clock", help="Add the time of day to each row, if the file has a creation time.")
]
FeaturesOption = Annotated[
    Features,
    typer.Option(
        "--voice-features",
        help="Voice features: openSMILE (research and personal use only) or emoview's own (builtin).",
    ),
]
AudioTrackOption = Annotated[
    str | None,
    typer.Option(
        "--audio-track", metavar="N|NAME", help="Sound track to analyse, by number (from 1) or name."
    ),
]
ChannelOption = Annotated[
    Channel,
    typer.Option(
        help="Sound channel to analyse (mix: all, or the face's own if each channel has its own speaker)."
    ),
]
MeasureOption = Annotated[
    bool,
    typer.Option(
        "--measure/--no-measure",
        help="Add measures to each row: head, eyes, brows, mouth, quality of the picture, pitch and others.",
    ),
]
MinQualityOption = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, metavar="Q", help="Leave out faces whose quality is below this (0 to 1; 0.8: usable)."
    ),
]
SmoothOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=MOST_SMOOTH_S,
        metavar="SECONDS",
        help="Average ticks over so long with Gaussian weights (0: leave them as they are) instead of by the "
        "model of how long expressions last.",
    ),
]
FormatsOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="csv,json,...",
        callback=chosen_formats,
        autocompletion=formats_like,
        help="Files to write: csv, csv-excel (semicolons and decimal commas), json, parquet, eaf (ELAN), "
        "textgrid (Praat), vtt, srt.",
    ),
]
SomeFormatsOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="csv,json,...",
        callback=chosen_formats,
        autocompletion=formats_like,
        show_default="csv,json",
        help="Files to write: csv, csv-excel (semicolons and decimal commas), json, parquet, eaf (ELAN), "
        "textgrid (Praat), vtt, srt.",
    ),
]
ContactSheetOption = Annotated[
    bool,
    typer.Option(
        "--contact-sheet", help="Write NAME-faces.png: a picture of each face with its number, for --face."
    ),
]
CausalOption = Annotated[
    bool, typer.Option("--causal", help="Look at nothing that comes later, as emoview live does.")
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")]


def _shared(
    fusion: FusionOption = Fusion.AUTO,
    modality: ModalityOption = Modality.BOTH,
    max_faces: MaxFacesOption = 4,
    face: FaceOption = "largest",
    merge: MergeOption = None,
    split: SplitOption = False,
    voice: VoiceOption = "face",
    labels: LabelsOption = LabelChoice.SEVEN,
    device: DeviceOption = Device.AUTO,
    weights: WeightsOption = None,
    explain: ExplainOption = False,
    baseline: BaselineOption = None,
    voice_features: FeaturesOption = Features.OPENSMILE,
    least_confidence: LeastOption = None,
    rate: RateOption = None,
    capture_rate: CaptureRateOption = None,
    clock: ClockOption = False,
    audio_track: AudioTrackOption = None,
    channel: ChannelOption = Channel.MIX,
    min_segment: MinSegmentOption = 0.5,
    aspect: AspectOption = "auto",
    no_self_baseline: NoSelfBaselineOption = False,
    measure: MeasureOption = True,
    min_quality: MinQualityOption = None,
    smooth: SmoothOption = None,
) -> Any:
    """Make the options of the core from those of the command."""
    from emoview.timeline.labels import LabelCount
    from emoview.timeline.options import Options, weights_of

    return Options(
        fusion.value, modality.value, max_faces, face,
        cast(LabelCount, int(labels.value)), cast(Literal["auto"], device.value),
        weights_of(weights or ()), explain, None if baseline is None else str(baseline),
        voice_features.value, least_confidence, rate, capture_rate, clock, audio_track, channel.value,
        tuple(tuple(int(number) for number in group.split(",")) for group in merge or ()), split,
        min_segment, aspect, voice, self_baseline=not no_self_baseline, measure=measure,
        min_quality=min_quality, smooth=smooth,
    )  # fmt: skip


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that analyze and batch share, in the place of its parameter `options`.

    The command gets them as one value.  One that it has itself, by the same name, is its own.
    """
    own = inspect.signature(command, eval_str=True).parameters
    every = inspect.signature(_shared, eval_str=True).parameters
    shared = {name: one for name, one in every.items() if name not in own}

    @functools.wraps(command)
    def called(**given: Any) -> None:
        some = {name: given.pop(name) for name in shared}
        command(options=_shared(**some), **given)

    parameters = [p for name, one in own.items() for p in (shared.values() if name == "options" else [one])]
    # Typer takes everything by name; after options with defaults others may come without.
    keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    called.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    return called
