"""A result made up by hand for reports and overlays: moods that change, and an empty end."""

from __future__ import annotations

from emoview.timeline.labels import LABELS, Naming, valence_arousal
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, FaceBox, MediaFacts, Overall, Row, Verdict, WeightUsed
from emoview.timeline.segments import segments_of


def towards(label: str, p: float = 0.82) -> tuple[float, ...]:
    return tuple(p if name == label else (1 - p) / 6 for name in LABELS)


def made_up(ticks: int = 200, *, path: str = "portrait.mp4", labels: int = 7, faces: int = 1) -> Analysis:
    """Happy, then sad from the middle on; the voice is angry from 3 s to 5 s; at the end is nobody."""
    naming = Naming(labels)
    rows = []
    for tick in range(ticks):
        voice = towards("anger") if 75 <= tick % 200 < 125 else None
        if tick >= ticks - 10:
            rows.append(Row(tick, naming=naming))
            continue
        for face_id in range(faces):
            face = towards("happy" if (tick < ticks / 2) == (face_id == 0) else "sad", 0.7 + tick % 50 / 200)
            fused = tuple((a + b) / 2 for a, b in zip(face, voice, strict=True)) if voice else face
            valence, arousal = map(float, valence_arousal(fused))
            box = FaceBox(150 + tick % 50, 100, 165, 180)
            rows.append(Row(tick, face_id, box, face, voice, fused, valence, arousal, naming))
    timeline = tuple(rows)
    verdict, heard = Verdict.of(towards("happy"), naming), Verdict.of(towards("anger"), naming)
    facts = MediaFacts(
        path, ticks * 0.04, ticks, 480, 480, 25.0, 0, "h264", "aac", 16000, "mono", -25.0, 0.95, 0.25, faces
    )
    return Analysis(
        facts, Overall(verdict, verdict, heard), segments_of(timeline), timeline,
        Options(labels=labels, measure=False), "late", "cpu", (WeightUsed("face_cnn.weights.h5", "0" * 64),),
        ("one <b>warning</b>",), {"total": 1.0},
    )  # fmt: skip
