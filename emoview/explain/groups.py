"""Which descriptors and functionals of the voice belong together, by what a person hears in them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.voice.descriptors import DESCRIPTORS, MFCCS, descriptor_names, functional_names

_SPECTRUM = "pcm_fftMag_"
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    # All that rises with the level, the auditory bands among it.
    "loudness": (
        "audspec_lengthL1norm", "audspecRasta_lengthL1norm", "audSpec_Rfilt", "pcm_RMSenergy",
        f"{_SPECTRUM}fband250-650", f"{_SPECTRUM}fband1000-4000", f"{_SPECTRUM}spectralFlux",
    ),
    "pitch": ("F0final",),
    "tension": (
        "mfcc[1]", f"{_SPECTRUM}spectralSlope", f"{_SPECTRUM}spectralSkewness",
        f"{_SPECTRUM}spectralKurtosis",
    ),
    "voice quality": (
        "voicingFinalUnclipped", "jitterLocal", "jitterDDP", "shimmerLocal", "logHNR",
        f"{_SPECTRUM}spectralHarmonicity",
    ),
    "brightness": (
        "pcm_zcr", f"{_SPECTRUM}spectralRollOff25.0", f"{_SPECTRUM}spectralRollOff50.0",
        f"{_SPECTRUM}spectralRollOff75.0", f"{_SPECTRUM}spectralRollOff90.0", f"{_SPECTRUM}spectralCentroid",
        f"{_SPECTRUM}spectralEntropy", f"{_SPECTRUM}spectralVariance", f"{_SPECTRUM}psySharpness",
    ),
    "timbre": ("mfcc",),
}  # fmt: skip
"""By the names of openSMILE's descriptors; without an index for all that no group names with one."""

# How long things last, of whichever descriptor.
_TEMPO = re.compile(r"(ff0_.*|meanPeakDist|peakDistStddev|.*SegLen|segLenStddev)$")
# Where the pitch lies; all other functionals say how it moves.
_LEVEL = re.compile(r"(amean|posamean|rqmean|quartile\d|percentile[\d.]+)$")
_NAME = re.compile(r"(?P<base>.+?)_sma(?P<delta>_de)?(?P<index>\[\d+\])?(?:_(?P<kind>.+))?$")

VOICED: Final = ("F0final_sma", "jitterLocal_sma", "jitterDDP_sma", "shimmerLocal_sma", "logHNR_sma")
"""Descriptors that say something where the voice is voiced alone."""


@dataclass(frozen=True)
class Group:
    """A group of descriptors.

    Attributes:
        ticks: Columns of the tick features.
        windows: Columns of the functionals.
    """

    ticks: NDArray[np.int64]
    windows: NDArray[np.int64]


@functools.cache
def groups() -> Mapping[str, Group]:
    """Give the groups by name; every functional is in one of them, and every tick feature in one or two."""
    ticks: dict[str, list[int]] = {}
    for column, name in enumerate(descriptor_names()):
        ticks.setdefault(_group_of(name), []).append(column)
    # Of the further 40 coefficients the first is the level, and the second the tilt of the spectrum.
    for column in range(MFCCS):
        ticks[("loudness", "tension")[column] if column < 2 else "timbre"].append(DESCRIPTORS + column)
    ticks["pitch variation"] = ticks["pitch"]
    windows: dict[str, list[int]] = {}
    for column, name in enumerate(functional_names()):
        windows.setdefault(_group_of(name), []).append(column)
    return {
        name: Group(np.array(ticks.get(name, ()), np.int64), np.array(columns, np.int64))
        for name, columns in windows.items()
    }


@functools.cache
def descriptor(name: str) -> int:
    """Find the column of a descriptor."""
    return descriptor_names().index(name)


@functools.cache
def functional(name: str) -> int:
    """Find the column of a functional."""
    return functional_names().index(name)


def _group_of(name: str) -> str:
    found = _NAME.match(name)
    assert found is not None
    kind = found["kind"] or ""
    if _TEMPO.match(kind):
        return "tempo"
    base, index = found["base"], found["index"] or ""
    group = _HOLDERS.get(base + index) or _HOLDERS[base]
    if group == "pitch" and kind and (found["delta"] or not _LEVEL.match(kind)):
        return "pitch variation"
    return group


_HOLDERS = {name: group for group, names in _GROUPS.items() for name in names}
