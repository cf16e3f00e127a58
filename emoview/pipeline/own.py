"""A long recording in which a person shows different things, as the baseline of that person."""

from __future__ import annotations

from typing import Final

from emoview.fusion.baseline import Baseline
from emoview.fusion.personal import FACE_PERSONAL
from emoview.pipeline.evidence import FaceTrack
from emoview.pipeline.models import Models
from emoview.timeline.clock import TICK_HZ, time_of
from emoview.timeline.options import Options
from emoview.timeline.results import OwnBaseline
from emoview.voice.features import VoiceFeatures

LEAST_S: Final = 60.0
"""So long a face must be seen."""
LEAST_VARIETY: Final = 0.6
"""So much of the variance of people who show six labels alike it must have.

No recording of one label of eight actors has it, see docs/experiments.md: what a person always shows would be
taken for the person.
"""


def own_baseline(track: FaceTrack, models: Models, options: Options) -> Baseline | None:
    """Learn what a person's face usually shows from the recording itself.

    Args:
        track: All that is seen of one person.
        models: The networks and rules.
        options: How the recording is analysed.

    Returns:
        A baseline of the face alone; None where the recording is too short, shows too little different, or
        is analysed by something that knows no baselines.
    """
    asked = options.self_baseline and options.baseline is None and options.fusion != "early"
    known = not models.stand_ins.keys() - {"affect"} and models.features is VoiceFeatures.OPENSMILE
    if not (asked and known) or track.moments is None or len(track.ticks) < LEAST_S * TICK_HZ:
        return None
    stretches, people = track.moments.stretches, models.personal_face.people
    if people.variety(stretches) < LEAST_VARIETY:
        return None
    return Baseline("", {FACE_PERSONAL: 1}, {}, people.person(stretches))


def fact_of(person: int, track: FaceTrack, models: Models) -> OwnBaseline:
    """Say of whom, and how long and how different, a recording's own baseline is."""
    assert track.moments is not None
    variety = models.personal_face.people.variety(track.moments.stretches)
    return OwnBaseline(person, time_of(len(track.ticks)), round(variety, 2))
