"""Measuring the whole pipeline on labelled clips, as it is or with what joins its parts trained anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emoview.common.files import private_folder
from emoview.datasets.clips import ClipFile, clips_of
from emoview.datasets.files import digest_of, part_named
from emoview.datasets.splits import assert_taught_by_others
from emoview.errors import DatasetError
from emoview.evaluation.seen import Examples, SeenCheck
from emoview.metrics.figures import GainFigures, LabelFigures
from emoview.metrics.labels import measure_labels
from emoview.networks.runs import networks_of
from emoview.timeline.labels import LABELS
from emoview.timeline.options import Fusion
from emoview.timeline.results import Analysis, Verdict
from emoview.training.systems.events import OnEvent

MODALITIES = ("face", "voice", "fused")
_NOTHING = [1 / len(LABELS)] * len(LABELS)


def evaluate_clips(
    model: str,
    folder: Path,
    part: str | None,
    *,
    fusion: Fusion,
    on_event: OnEvent,
    check: SeenCheck | None = None,
) -> dict[str, LabelFigures]:
    """Analyse labelled clips as `emoview analyze` does, and measure the overall labels.

    Args:
        model: `shipped`, or a run folder whose network takes the place of a shipped one.
        folder: Clips, by an index or in AFEW's layout.
        part: `train`, `valid` or `test` where the folder has parts.
        fusion: `late`, `early` or `auto`.
        on_event: Told how far it is.
        check: Says what becomes of clips that any network of a run learned from; None refuses them.

    Returns:
        Figures of `face`, `voice` and `fused`; a clip of which one of these says nothing counts as if all
        labels were equally probable, of which the first is said: neutral.  `on_event` is told of how many.
    """
    from emoview.pipeline.analysis import analyze
    from emoview.timeline.options import Options

    clips = clips_of(folder, part)
    if model != "shipped":
        clips = _unseen(Path(model), clips, folder, check or SeenCheck(), on_event)
    options = Options(fusion, "both", 4, "largest", 7, "auto", None if model == "shipped" else model)
    answers: dict[str, list[list[float]]] = {name: [] for name in MODALITIES}
    for i, clip in enumerate(clips):
        result = analyze(clip.path, options=options)
        for name, verdict in _verdicts(result).items():
            answers[name].append(_probabilities(verdict))
        on_event({"step": i + 1, "of": len(clips)})
    for name, rows in answers.items():
        if silent := sum(row == _NOTHING for row in rows):
            on_event({"note": f"{name} says nothing of {silent} of {len(rows)} clips: they count as neutral"})
    labels = np.array([LABELS.index(clip.label) for clip in clips])
    people = [clip.person(folder) for clip in clips]
    return {
        name: measure_labels(np.array(rows), labels, LABELS, people=people) for name, rows in answers.items()
    }


def _unseen(
    run: Path, clips: list[ClipFile], folder: Path, check: SeenCheck, on_event: OnEvent
) -> list[ClipFile]:
    examples = Examples(lambda: [digest_of(c.path) for c in clips], [c.person(folder) for c in clips])
    networks = [network.name for network in networks_of(run)]
    check.look(run, dict.fromkeys(MODALITIES, networks), examples, on_event)
    on_event({"note": "what ships beside the run's network may have learned from these clips, too"})
    kept = [check.kept(name, np.ones(len(clips), bool)) for name in MODALITIES]
    return [clip for clip, keep in zip(clips, kept[0], strict=True) if keep]


def evaluate_clips_by_actor(
    folder: Path, part: str | None, *, on_event: OnEvent
) -> dict[str, LabelFigures | GainFigures]:
    """Train the temporal face network and both fusions without each actor, and ask them about that actor.

    The face and voice networks below them are those that ship; of voices that these were trained on, what
    they say is too good.  The rule of the voice alone is fitted on the other actors' clips, too, and not on
    the corpora of voices as the one that ships.

    Returns:
        Figures of each network and rule, and of what fusion gains, by name.

    Raises:
        DatasetError: The clips name fewer than three actors.
    """
    from emoview.pipeline.models import Models
    from emoview.training import fusion, fusion_rules
    from emoview.training.clips import read_clips

    if part is not None:
        clips_of(folder, part)
    models = Models()
    with private_folder() as cache:
        clips = read_clips(folder, cache, on_file=lambda i, n: on_event({"step": i, "of": n}))
    clips = [clip for clip in clips if part is None or clip.file.part == part_named(part)]
    actors = {clip.file.actor for clip in clips}
    if len(actors) < 3 or None in actors:
        raise DatasetError("leaving out one actor needs clips of three named actors or more")
    by = [LABELS.index(clip.file.label) for clip in clips], [clip.actor for clip in clips]
    assert_taught_by_others(*by, LABELS, "clips")
    described = [fusion.describe(c, models.face_cnn, models.voice_clip, models.voice_tcn) for c in clips]
    answers = fusion.leave_one_actor_out(described, None, fusion.FusionRecipe(), on_event=on_event)
    return fusion_rules.measure(answers, fusion.personal_faces(answers, described)).named


def _verdicts(result: Analysis) -> dict[str, Verdict | None]:
    overall = result.overall
    return {"face": overall.face, "voice": overall.voice, "fused": overall.fused}


def _probabilities(verdict: Verdict | None) -> list[float]:
    if verdict is None:
        return _NOTHING
    return [float(value) for value in verdict.probabilities]
