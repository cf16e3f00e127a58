"""How an analysis was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from emoview.errors import InputError
from emoview.timeline.labels import LabelCount, Naming

Fusion = Literal["late", "early", "auto"]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an analysis.

    Attributes:
        fusion: How face and voice are fused: `late`, `early` or `auto`.
        modality: What is analysed: `both`, `face` or `voice`.
        max_faces: Largest number of faces to look for in a frame.
        face: Which faces get rows: `largest`, `speaking`, `all`, or a track number.
        labels: Number of labels: 7, 3 or 2.
        device: Where the networks run: `auto`, `cpu` or `gpu`.
        weights: Run folder whose network replaces a shipped one or estimates valence and arousal; several
            for different jobs. Missing for the shipped networks.
        explain: Whether each segment gets an explanation.
        baseline: File of the person's baseline. Missing without one.
        voice_features: Voice features: `opensmile` or `builtin`.
        least_confidence: Labels below this probability are `uncertain`. Missing if no limit was set.
        causal: Whether nothing looks ahead, as in live analysis. Missing if it does.
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
    causal: bool = False

    @property
    def naming(self) -> Naming:
        """How labels are chosen."""
        return Naming(self.labels, self.least_confidence)

    @property
    def runs(self) -> tuple[str, ...]:
        """Name the run folders of `weights`."""
        return (self.weights,) if isinstance(self.weights, str) else tuple(self.weights or ())

    def asked(self) -> dict[str, Any]:
        """Give what was asked for by name; a limit of confidence, and `causal`, only where asked for."""
        values = {name: getattr(self, name) for name in self.__slots__}
        if not self.causal:
            del values["causal"]
        if self.least_confidence is None:
            del values["least_confidence"]
        return values


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
