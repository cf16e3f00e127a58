"""A result and a run made up by hand, for what takes them and asks no network."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np

from emoview import LABELS, Analysis, Options
from emoview.networks.runs import NetworkOfRun
from emoview.timeline.clock import time_of
from emoview.timeline.labels import Naming, valence_arousal
from emoview.timeline.results import FaceBox, MediaFacts, Overall, Probabilities, Row, Verdict, WeightUsed
from emoview.timeline.segments import segments_of

TICKS = 100
SEVEN = Naming()


def leaning(label: str, share: float = 0.7) -> Probabilities:
    """Probabilities that lean to a label."""
    rest = round((1 - share) / 6, 6)
    return tuple(share if name == label else rest for name in LABELS)


def _row(
    tick: int, face: str | None, voice: str | None, face_id: int | None = 0, naming: Naming = SEVEN
) -> Row:
    fused = face or voice
    if fused is None:
        return Row(tick, naming=naming)
    probabilities = leaning(fused)
    valence, arousal = valence_arousal(np.array(probabilities))
    return Row(
        tick, face_id if face else None, FaceBox(10.0, 20.0, 30.0, 40.0) if face else None,
        leaning(face) if face else None, leaning(voice, 0.5) if voice else None, probabilities,
        round(float(valence), 6), round(float(arousal), 6), naming,
    )  # fmt: skip


def made_up(
    *, labels: int = 7, path: str = "talk.mp4", second_face: bool = False, least: float | None = None
) -> Analysis:
    """Four seconds: a happy face, then a sad one, no face and no voice at the end; a voice in the middle.

    Face     happy 0-1.6, sad 1.6-3.2.
    Voice    anger 0.8-2, neutral 2-3.8.
    Nothing  3.8-4.
    """
    options = Options(labels=labels, least_confidence=least, measure=False)
    naming = options.naming
    rows = []
    for tick in range(TICKS):
        face = "happy" if tick < 40 else "sad" if tick < 80 else None
        voice = None if tick < 20 or tick >= 95 else "anger" if tick < 50 else "neutral"
        rows.append(_row(tick, face, voice, naming=naming))
        if second_face and 10 <= tick < 60:
            rows.append(_row(tick, "fear", None, face_id=1, naming=naming))
    timeline = tuple(rows)
    verdict = Verdict.of(leaning("happy"), naming)
    return Analysis(
        media=MediaFacts(
            path, time_of(TICKS), TICKS, 640, 360, 25.0, 0, "h264", "aac", 48_000, "stereo", -20.0,
            0.8, 0.75, 2 if second_face else 1,
        ),
        overall=Overall(verdict, verdict, Verdict.of(leaning("neutral"), naming)),
        segments=segments_of(timeline),
        timeline=timeline,
        options=options,
        fusion_used="late",
        device_used="cpu",
        weights=(WeightUsed("face_cnn.weights.h5", "0" * 64),),
        warnings=(),
        timings={"total": 1.0},
    )  # fmt: skip


def made_up_run(
    folder: Path, task: Literal["face", "voice"], takes: Literal["pictures", "mfcc-means"]
) -> Path:
    """Write what a run says of itself, of one network for seven labels, without the network."""
    network = NetworkOfRun("made-up", task, takes, LABELS, 48, False, 1.0, 1, 1)
    facts = {
        "system": "made-up", "config": {}, "data": "d", "backend": "tensorflow", "versions": {},
        "seconds": 1.0, "peak_megabytes": 1, "networks": [asdict(network)],
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(facts))
    return folder
