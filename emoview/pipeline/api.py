"""The public functions, with the imports that they need put off until they are called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from emoview.pipeline.events import EventHook, ignore
from emoview.timeline.labels import LabelCount
from emoview.timeline.options import Options, weights_of
from emoview.timeline.results import Analysis


def analyze(
    path: str | os.PathLike[str],
    *,
    fusion: Literal["late", "early", "auto"] = "auto",
    modality: Literal["both", "face", "voice"] = "both",
    max_faces: int = 4,
    face: str | int = "largest",
    labels: LabelCount = 7,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    weights: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    explain: bool = False,
    baseline: str | os.PathLike[str] | None = None,
    voice_features: Literal["opensmile", "builtin"] = "opensmile",
    least_confidence: float | None = None,
    causal: bool = False,
    start_s: float = 0.0,
    end_s: float | None = None,
    on_event: EventHook = ignore,
) -> Analysis:
    """Turn a video, or a sound file, into an emotion timeline.

    Args:
        path: Any file that ffmpeg can read.
        fusion: Join face and voice by their logits (`late`), by their features (`early`), or by whichever
            did better on people unseen in training (`auto`).
        modality: Look, listen, or both.
        max_faces: Faces looked for in a picture.
        face: `largest` over time, `speaking` for the one whose lips move with the voice, `all`, or a
            track id.
        labels: 7, or their grouping into 3 or 2: a group has the sum of the probabilities of its labels.
        device: `auto` takes a GPU where there is one.
        weights: Run folder of `emoview train`, whose network takes the place of the shipped one, or gives
            valence and arousal; several for the face, the voice, and these two.
        explain: Let each segment say where its label came from: which places on the face, and what in the
            voice.
        baseline: File of `emoview baseline`, about this person.
        voice_features: What describes the voice: openSMILE, or emoview itself (`builtin`).
        least_confidence: Below this probability, in [0, 1], a label is `uncertain`; None for no such limit.
        causal: Look at nothing that comes later, as live analysis does.
        start_s: Second of the file at which to start; the timeline counts from there.
        end_s: Second of the file at which to end; None for its end.
        on_event: Told of every step forward, from several threads.

    Returns:
        The timeline, one row per tick of 40 ms and face, and labels for the whole.

    Raises:
        InputError: The file cannot be analysed, or does not hold what is asked for.
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    from emoview.media.probe import Stretch
    from emoview.pipeline.analysis import analyze as run

    given = () if weights is None else (weights,) if isinstance(weights, str | os.PathLike) else weights
    person = None if baseline is None else os.fspath(baseline)
    options = Options(
        fusion,
        modality,
        max_faces,
        str(face),
        labels,
        device,
        weights_of([os.fspath(run) for run in given]),
        explain,
        person,
        voice_features,
        least_confidence,
        causal,
    )
    return run(path, options=options, stretch=Stretch(start_s, end_s), on_event=on_event)
