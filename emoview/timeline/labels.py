"""The emotion labels, their order, and the ways they are grouped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABELS: Final[tuple[str, ...]] = (
    "neutral",
    "anger",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
)
"""The seven labels, in the order of every probability vector of the package."""

VOICE_LABELS: Final[tuple[str, ...]] = (*LABELS, "calm", "boredom")
"""The seven labels and the two that only voice corpora have."""

CONTEMPT: Final = "contempt"
FACE_LABELS: Final[tuple[str, ...]] = (*LABELS, CONTEMPT)
"""The seven labels and the one that only some data sets of faces have."""
FaceLabel = Literal["neutral", "anger", "disgust", "fear", "happy", "sad", "surprise", "contempt"]
"""One of `FACE_LABELS`."""

LabelCount = Literal[7, 3, 2]
"""How many labels results tell apart."""
TaughtCount = Literal[8, 7, 3, 2]
"""How many labels a network can learn to tell apart: 8 are the seven and contempt."""

COLOURS: Final[Mapping[str, str]] = {
    "neutral": "#999999",
    "anger": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
    "positive": "#F0E442",
    "negative": "#D55E00",
    "other": "#56B4E9",
    "uncertain": "#DDDDDD",
    "mixed": "#DDDDDD",
}
"""Okabe & Ito's palette, told apart by colour-blind readers; of the labels and of what stands for them."""

UNCERTAIN: Final = "uncertain"
"""What is said where no label is probable enough."""
MIXED: Final = "mixed"
"""What is said of a long recording in which no label lasts long enough."""

# Surprise can be pleasant or not, so it counts as neither (the Lund thesis on three labels, its table 7).
_THREE: Final[Mapping[str, str]] = {
    "neutral": "neutral",
    "anger": "negative",
    "disgust": "negative",
    "fear": "negative",
    "happy": "positive",
    "sad": "negative",
    "surprise": "neutral",
    "contempt": "negative",
}
_TWO: Final[Mapping[str, str]] = {
    label: "positive" if group == "positive" else "other" for label, group in _THREE.items()
}

GROUPS: Final[Mapping[TaughtCount, tuple[str, ...]]] = {
    8: FACE_LABELS,
    7: LABELS,
    3: ("positive", "neutral", "negative"),
    2: ("positive", "other"),
}
"""What 8, 7, 3 or 2 labels are called, in the order in which they are listed."""

# Russell & Mehrabian (1977), "Evidence for a three-factor theory of emotions", J. Research in
# Personality 11, 273-294: mean pleasure and arousal ratings of the terms neutral (origin), angry,
# disgusted, fearful (terrified), happy, sad and surprised (astonished), on scales of -1 to 1.
CIRCUMPLEX: Final[Mapping[str, tuple[float, float]]] = {
    "neutral": (0.0, 0.0),
    "anger": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happy": (0.81, 0.51),
    "sad": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
}
"""(valence, arousal) of each label, in [-1, 1]."""

LETTERS: Final[Mapping[str, str]] = {
    "neutral": "n", "anger": "a", "disgust": "d", "fear": "f", "happy": "h", "sad": "s",
    "surprise": "!", "positive": "+", "negative": "-", "other": "o", "uncertain": "?",
    "mixed": "*",
}  # fmt: skip
"""Beside the colours, so that timelines can be read where there are none."""


def group_of(label: str, count: TaughtCount) -> str:
    """Name the group that `label`, one of `FACE_LABELS`, belongs to among 8, 7, 3 or 2 labels.

    Contempt is negative, or other; of seven labels it is none, and stays what it is.
    """
    if count >= 7:
        return label
    return (_THREE if count == 3 else _TWO)[label]


_MEMBERS: Final[Mapping[TaughtCount, tuple[tuple[int, ...], ...]]] = {
    count: tuple(
        tuple(i for i, label in enumerate(LABELS) if group_of(label, count) == group) for group in groups
    )
    for count, groups in GROUPS.items()
    if count <= 7
}
# Results hold so many.
_DECIMALS = 4
_DECIMALS_OF_SUMS = 6


@dataclass(frozen=True, slots=True)
class Naming:
    """How probabilities become a label.

    Examples:
        >>> Naming(count=3).groups
        ('positive', 'neutral', 'negative')
        >>> Naming(least=0.8).decide((0.1, 0.0, 0.0, 0.0, 0.7, 0.1, 0.1))
        ('uncertain', 0.7)

    Attributes:
        count: How many labels are told apart: 7, 3 or 2.
        least: Below this probability the label is `UNCERTAIN`; None where there is no such limit.
    """

    count: LabelCount = 7
    least: float | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """Name the labels that are told apart, in the order of `sums`."""
        return GROUPS[self.count]

    @property
    def labels(self) -> tuple[str, ...]:
        """Name all that can be said: the groups, and `UNCERTAIN` where there is a limit."""
        return self.groups if self.least is None else (*self.groups, UNCERTAIN)

    def members(self, label: str) -> tuple[str, ...]:
        """Name those of the seven labels that are behind a label; all behind `UNCERTAIN`."""
        if label == UNCERTAIN:
            return LABELS
        return tuple(one for one in LABELS if group_of(one, self.count) == label)

    def sums(self, probabilities: tuple[float, ...]) -> tuple[float, ...]:
        """Give the probability of each group, which is the sum over its labels."""
        if self.count == 7:
            return probabilities
        rounded = as_stored(probabilities)
        return tuple(
            round(sum(rounded[i] for i in members), _DECIMALS_OF_SUMS) for members in _MEMBERS[self.count]
        )

    def decide(self, probabilities: tuple[float, ...]) -> tuple[str, float]:
        """Let the most probable group win, of equals the first; give the label and the probability."""
        sums = self.sums(probabilities)
        # Two that are equal as stored are equal here, too.
        known = as_stored(sums)
        place = max(range(len(sums)), key=known.__getitem__)
        return self.named(self.groups[place], sums[place])

    def named(self, group: str, probability: float) -> tuple[str, float]:
        """Give the label of a group of this probability, `UNCERTAIN` below the limit, and the probability."""
        unsure = self.least is not None and round(probability, _DECIMALS) < self.least
        return UNCERTAIN if unsure else group, probability


def as_stored(probabilities: tuple[float, ...]) -> list[float]:
    """Round to the digits that results hold: what is decided from these is the same when they are read."""
    return [round(p, _DECIMALS) for p in probabilities]


def valence_arousal(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Derive valence and arousal from label probabilities.

    The expected position on the circumplex, each label standing where published ratings put it.

    Args:
        probabilities: `(..., 7)`, summing to 1 over the last axis.

    Returns:
        `(..., 2)`: valence and arousal in [-1, 1].
    """
    # Not imported before it is needed: the labels alone are wanted by `--help`, too.
    import numpy as np

    places = np.array([CIRCUMPLEX[label] for label in LABELS])
    affect: NDArray[np.float64] = np.asarray(probabilities, np.float64) @ places
    return affect
