"""Measuring estimates of valence and arousal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.common.files import private_folder
from emoview.datasets.affect import LabelledAffect
from emoview.errors import InputError
from emoview.evaluation.seen import Examples, SeenCheck
from emoview.fusion.late import softmax
from emoview.metrics.figures import RegressionFigures
from emoview.networks.runs import load_network, networks_of, read_run
from emoview.timeline.labels import valence_arousal
from emoview.training.affect_frames import open_affect
from emoview.training.batches import predicted
from emoview.training.systems.affect import WHAT, cut_as, decoded, measured
from emoview.training.systems.events import OnEvent

_TOGETHER = 256
"""So many faces are found before the network is asked, on all cores."""


def evaluate_affect(
    model: str, source: Path, *, on_event: OnEvent, check: SeenCheck | None = None
) -> dict[str, RegressionFigures]:
    """Measure valence and arousal on annotated frames, in the unit of AFEW-VA, -10 to 10.

    Args:
        model: `shipped`, which derives both from the label probabilities of each face, or a run folder.
        source: Frames in the layout of AFEW-VA or AffectNet, a table, or videos of SEMAINE, whose faces lie
            in a temporary folder meanwhile.
        on_event: Told how far it is.
        check: Says what becomes of frames that a network learned from; None refuses them.
    """
    with private_folder() as folder:
        affect = open_affect(source, folder, on_event)
        return _measured(model, source, affect, check or SeenCheck(), on_event)


def _measured(
    model: str, source: Path, affect: LabelledAffect, check: SeenCheck, on_event: OnEvent
) -> dict[str, RegressionFigures]:
    if model == "shipped":
        estimated = _derived(affect, on_event)
        found = int(np.isfinite(estimated[:, 0]).sum())
        on_event({"faces found": f"{found} of {len(affect)} frames; the others are left out"})
        if not found:
            raise InputError(f"no face was found in the frames of {source}")
    else:
        network = networks_of(Path(model))[-1]
        if network.task != "va":
            raise InputError(f"{model} holds a {network.task} network: name a run of valence-arousal")
        affect = cut_as(_faces_of(Path(model)), affect, on_event)
        every = np.arange(len(affect))
        examples = Examples(lambda: affect.digests(every), affect.people(every))
        check.look(Path(model), {what: [network.name] for what in WHAT}, examples, on_event)
        kept = [check.kept(what, np.ones(len(affect), bool)) for what in WHAT]
        asked = np.flatnonzero(kept[0])
        frames = decoded(affect, network.size or 224, colour=network.colour)
        estimated = np.full((len(affect), 2), np.nan, np.float32)
        estimated[asked] = network.scale * predicted(load_network(Path(model), network), frames, asked)
    known = np.flatnonzero(np.isfinite(estimated[:, 0]))
    videos = [affect.videos[i] for i in known]
    return {what: measured(estimated[known], affect.values[known], videos, what, None) for what in WHAT}


def _faces_of(run: Path) -> str:
    """Say how faces were cut out for a run, see `AffectOptions`; earlier ones do not say."""
    config = read_run(run)["config"]
    return str(config.get("faces", "given")) if isinstance(config, dict) else "given"


def _derived(affect: LabelledAffect, on_event: OnEvent) -> NDArray[np.float32]:
    from emoview.face.still import StillFaces
    from emoview.pipeline.inference import run_stills
    from emoview.pipeline.models import Models

    model = Models().face_cnn
    result = np.full((len(affect), 2), np.nan, np.float32)
    with StillFaces() as stills:
        for start in range(0, len(affect), _TOGETHER):
            faces = {}
            for i in range(start, min(start + _TOGETHER, len(affect))):
                face = stills.cut(affect.face(i))
                if face is not None:
                    faces[i] = face
                on_event({"step": i + 1, "of": len(affect)})
            if faces:
                _, logits = run_stills(model, list(faces.values()))
                result[list(faces)] = valence_arousal(softmax(logits))
    return result
