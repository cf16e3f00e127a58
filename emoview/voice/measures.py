"""The voice as people report it: pitch, loudness, perturbation of periods, and harmonics over noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.measures import SOUND
from emoview.voice import builtin
from emoview.voice.features import VoiceFeatures

Floats = NDArray[np.float32]

_NAMES = builtin.descriptor_names()
# The columns of the descriptors, and the power by which loudness is compressed.  Those of openSMILE
# (ComParE 2016) are F0final, jitterLocal, shimmerLocal, logHNR, and the sum of the auditory spectrum;
# emoview's own for jitter and shimmer are none that others would know.
_COLUMNS = {
    VoiceFeatures.OPENSMILE: ({"pitch_hz": 0, "jitter": 2, "shimmer": 4, "hnr_db": 5, "loudness": 6}, 0.33),
    VoiceFeatures.BUILTIN: (
        {
            "pitch_hz": _NAMES.index("pitch"),
            "hnr_db": _NAMES.index("harmonics_to_noise"),
            "loudness": _NAMES.index("loudness"),
        },
        0.3,
    ),
}
# Both tell voicing there.
_VOICING = 1
# A tick is the mean of four frames: where one of them is unvoiced, pitch is too low, and the harmonics far
# below.
_VOICED = 0.6
_LEAST_HARMONICS_DB = -10.0
# emoview's own pitch is in semitones above this, which stands for no pitch, too.
_LOWEST_NOTE_HZ = 55.0


def sound_measures(
    level_db: Floats, descriptors: Floats, speech: NDArray[np.bool_], gain: float, features: VoiceFeatures
) -> Floats:
    """Measure each tick of a sound.

    Args:
        level_db: `(ticks,)`, below full scale, as it was recorded.
        descriptors: `(ticks, n)`, of the sound at the usual level.
        speech: `(ticks,)`, where somebody speaks.
        gain: What brought it to the usual level.
        features: What the descriptors are.

    Returns:
        `(ticks, len(SOUND))`, in the order of `SOUND`; no number where nobody speaks, or the voice is
        unvoiced.
    """
    values = np.full((len(speech), len(SOUND)), np.nan, np.float32)
    values[:, 0] = level_db
    columns, power = _COLUMNS[features]
    heard = descriptors[: len(speech)]
    spoken = speech[: len(heard)]
    pitch, harmonics = heard[:, columns["pitch_hz"]], heard[:, columns["hnr_db"]]
    if features is VoiceFeatures.BUILTIN:
        pitch = _LOWEST_NOTE_HZ * np.exp2(pitch / 12)
    voiced = (
        spoken
        & (heard[:, _VOICING] > _VOICED)
        & (pitch > _LOWEST_NOTE_HZ)
        & (harmonics > _LEAST_HARMONICS_DB)
    )
    for place, measure in enumerate(SOUND):
        if measure.name in columns:
            there = spoken if measure.name == "loudness" else voiced
            column = pitch if measure.name == "pitch_hz" else heard[:, columns[measure.name]]
            values[: len(heard), place] = np.where(there, column, np.nan)
            if measure.name == "loudness":
                # As it was recorded: the spectrum is the power in bands, compressed.
                values[:, place] /= max(gain, 1e-6) ** (2 * power)
    return values
