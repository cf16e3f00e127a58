"""How an analysis was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from emoview.errors import InputError
from emoview.timeline.labels import LabelCount, Naming

Fusion = Literal["late", "early", "auto"]

# So many options every result names; those that came later only where they were asked for.
_FIRST: Final = 10
_FRACTIONS: Final = ("least_confidence", "rate", "capture_rate", "min_segment", "min_quality", "smooth")
_MOST_DIGITS: Final = 10
MOST_SMOOTH_S: Final = 10.0
"""Longest time over which ticks may be averaged, in seconds."""
MOST_FACES: Final = 20
"""Most faces that can be looked for in a picture."""
_RATIO: Final = re.compile(r"(\d{1,5}(?:\.\d{1,5})?)(?::(\d{1,5}(?:\.\d{1,5})?))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an analysis.

    Examples:
        >>> Options(face="all", labels=3).fusion
        'auto'

    Attributes:
        fusion: How face and voice are fused: `late`, `early` or `auto`.
        modality: What is analysed: `both`, `face` or `voice`.
        max_faces: Largest number of faces to look for in a frame.
        face: Which faces get rows: `largest`, `speaking`, `all`, or the number of a person.
        labels: Number of labels: 7, 3 or 2.
        device: Where the networks run: `auto`, `cpu` or `gpu`.
        weights: Run folder whose network replaces a shipped one or estimates valence and arousal; several
            for different jobs. Missing for the shipped networks.
        explain: Whether each segment gets an explanation.
        baseline: File of the person's baseline. Missing without one.
        voice_features: Voice features: `opensmile` or `builtin`.
        least_confidence: Labels below this probability are `uncertain`. Missing if no limit was set.
        rate: Numbered pictures a second. Missing for other input.
        capture_rate: Pictures a second at which slow motion was captured; times are those of the capture.
            Missing if times are those of the file.
        clock: Whether rows have the time of day, as far as the file knows it. Missing if not.
        audio_track: Number, from 1, or name of the sound track. Missing for the first.
        channel: Channels of the sound that are analysed: `mix`, `left` or `right`.
        merge: Groups of persons that are one: the first number of each stands for all.
        split: Whether each track counts as a person of its own.
        min_segment: Shortest segment, in seconds.
        aspect: Whether pictures squeezed to 4:3 are widened: `auto` where faces look squeezed, `keep` for
            never, or the ratio of width to height that the pictures are meant to have, such as `16:9`.
        voice: Whose voice counts: that of the face (`face`), all that is heard (`all`), or the number of a
            voice.
        causal: Whether nothing looks ahead, as in live analysis. Missing if it does.
        self_baseline: Whether a long, varied recording is its own baseline of the face. Missing if it may be.
        measure: Whether rows have measures of face, picture and voice.
        min_quality: Rows whose face has a lower quality have no label of the face. Missing if no limit was
            set.
        smooth: Ticks are averaged with Gaussian weights of this standard deviation, in seconds; 0 for as they
            are. Missing for the model that knows how long expressions last. With `causal`, the time after
            which a tick counts a third in those that follow, missing for 0.6 s.
    """

    fusion: Fusion = "auto"
    modality: Literal["both", "face", "voice"] = "both"
    max_faces: int = 4
    face: str = "largest"
    labels: LabelCount = 7
    device: Literal["auto", "cpu", "gpu"] = "auto"
    weights: str | tuple[str, ...] | None = None
    explain: bool = False
    baseline: str | None = None
    voice_features: Literal["opensmile", "builtin"] = "opensmile"
    least_confidence: float | None = None
    rate: float | None = None
    capture_rate: float | None = None
    clock: bool = False
    audio_track: str | None = None
    channel: Literal["mix", "left", "right"] = "mix"
    merge: tuple[tuple[int, ...], ...] = ()
    split: bool = False
    min_segment: float = 0.5
    aspect: str = "auto"
    voice: str = "face"
    causal: bool = False
    self_baseline: bool = True
    measure: bool = True
    min_quality: float | None = None
    smooth: float | None = None

    def __post_init__(self) -> None:
        """Keep numbers as they are read back: 2.0 of a fraction, and `1` of what was written as 01."""
        for name in _FRACTIONS:
            if type(getattr(self, name)) is int:
                object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("face", "voice"):
            if is_number(getattr(self, name)):
                object.__setattr__(self, name, str(int(getattr(self, name))))

    @property
    def naming(self) -> Naming:
        """How labels are chosen."""
        return Naming(self.labels, self.least_confidence)

    @property
    def measured(self) -> bool:
        """Whether rows have measures: they need the whole recording."""
        return self.measure and not self.causal

    @property
    def runs(self) -> tuple[str, ...]:
        """Name the run folders of `weights`."""
        return (self.weights,) if isinstance(self.weights, str) else tuple(self.weights or ())

    def asked(self) -> dict[str, Any]:
        """Give what was asked for by name; what came later than the rest only where it was asked for."""
        given = {name: getattr(self, name) for name in self.__slots__}
        usual = Options()
        return {
            name: value
            for number, (name, value) in enumerate(given.items())
            if number < _FIRST or value != getattr(usual, name)
        }


def is_number(text: object) -> bool:
    """Tell whether text is the number of a face or a voice, in the digits of any language."""
    return isinstance(text, str) and text.isdecimal() and len(text) < _MOST_DIGITS


def ratio_of(aspect: str) -> float | None:
    """Give the ratio of width to height that an aspect names; None for `auto` and `keep`.

    Raises:
        InputError: It names none, such as `16:9` or `1.78`, from 0.2 to 5.
    """
    if aspect in ("auto", "keep"):
        return None
    found = _RATIO.fullmatch(str(aspect))
    height = float(found[2] or 1) if found else 0.0
    ratio = float(found[1]) / height if found and height else 0.0
    if not 0.2 <= ratio <= 5:
        raise InputError(f"aspect must be auto, keep or a ratio such as 16:9, not {aspect!r}")
    return ratio


def weights_of(runs: Sequence[object]) -> str | tuple[str, ...] | None:
    """Give run folders as `Options.weights` holds them: none, one, or several."""
    names = tuple(map(str, runs))
    return names if len(names) > 1 else names[0] if names else None


def check_choices(options: Options) -> None:
    """Refuse a value that is none of those its option takes.

    Raises:
        InputError: Such a value.
    """
    for name, kind in get_type_hints(Options).items():
        if get_origin(kind) is not Literal:
            continue
        given, allowed = getattr(options, name), get_args(kind)
        # By kind, too, since 7.0 is 7 to Python.
        if not any(isinstance(given, type(one)) and given == one for one in allowed):
            *others, last = map(str, allowed)
            raise InputError(f"{name} must be {', '.join(others)} or {last}, not {given!r}")
