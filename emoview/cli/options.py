"""The options that analyze and batch share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from emoview.cli.formats import chosen_formats
from emoview.pipeline.device import Device

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


class Features(str, Enum):
    """What describes the voice."""

    OPENSMILE = "opensmile"
    BUILTIN = "builtin"


def _face(value: str) -> str:
    if value in ("largest", "speaking", "all") or value.isdecimal():
        return value
    raise typer.BadParameter("must be largest, speaking, all, or a face number")


def _voice(value: str) -> str:
    if value in ("face", "all") or value.isdecimal():
        return value
    raise typer.BadParameter("must be face, all, or the number of a voice")


FusionOption = Annotated[Fusion, typer.Option(help="How to combine face and voice (auto: late).")]
ModalityOption = Annotated[Modality, typer.Option(help="Analyse the face, the voice, or both.")]
MaxFacesOption = Annotated[
    int, typer.Option(min=1, max=20, help="Largest number of faces to follow in a frame.")
]
FaceOption = Annotated[
    str,
    typer.Option(
        metavar="largest|speaking|all|ID",
        callback=_face,
        help="Faces to report: the largest over time, the speaking one, all, or the one with this number.",
    ),
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
        help="Subtract this person's baseline (a file from emoview baseline).",
    ),
]
FeaturesOption = Annotated[
    Features,
    typer.Option(
        "--voice-features",
        help="Voice features: openSMILE (research and personal use only) or emoview's own (builtin).",
    ),
]
FormatsOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="csv,json,...",
        callback=chosen_formats,
        help="Files to write: csv, json, parquet, eaf (ELAN), textgrid (Praat), vtt, srt.",
    ),
]
ContactSheetOption = Annotated[
    bool,
    typer.Option(
        "--contact-sheet", help="Write NAME-faces.png: a picture of each face with its number, for --face."
    ),
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")]


def _shared(
    fusion: FusionOption = Fusion.AUTO,
    modality: ModalityOption = Modality.BOTH,
    max_faces: MaxFacesOption = 4,
    face: FaceOption = "largest",
    voice: VoiceOption = "face",
    labels: LabelsOption = LabelChoice.SEVEN,
    device: DeviceOption = Device.AUTO,
    weights: WeightsOption = None,
    explain: ExplainOption = False,
    baseline: BaselineOption = None,
    voice_features: FeaturesOption = Features.OPENSMILE,
    least_confidence: LeastOption = None,
) -> Any:
    """Make the options of the core from those of the command."""
    from emoview.timeline.labels import LabelCount
    from emoview.timeline.options import Options, weights_of

    return Options(
        fusion.value, modality.value, max_faces, face,
        cast(LabelCount, int(labels.value)), cast(Literal["auto"], device.value),
        weights_of(weights or ()), explain, None if baseline is None else str(baseline),
        voice_features.value, least_confidence, voice,
    )  # fmt: skip


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that analyze and batch share, in the place of its parameter `options`.

    The command gets them as one value.
    """
    own = inspect.signature(command, eval_str=True).parameters
    shared = inspect.signature(_shared, eval_str=True).parameters

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
