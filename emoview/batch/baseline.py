"""A person's baseline from recordings: one after the other, whatever fails fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emoview.batch.inputs import Clip
from emoview.batch.storage import fetched
from emoview.common.text import shown
from emoview.errors import InputError
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.timeline.options import Options

if TYPE_CHECKING:
    from emoview.fusion.baseline import Baseline
    from emoview.fusion.late import Logits
    from emoview.pipeline.evidence import Floats


def baseline_of(
    clips: Sequence[Clip], *, options: Options | None = None, on_event: EventHook = ignore
) -> tuple[Baseline, list[str]]:
    """Find out what one person shows in general.

    Args:
        clips: Recordings of the person; the more, and the more varied, the better.
        options: How; the defaults are those of the command.
        on_event: Told of every recording that is done.

    Returns:
        The baseline, and sentences on recordings that were left out, of which something was lost, or in which
        a face had to be chosen.

    Raises:
        InputError: No recording shows a face or holds speech.
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    import numpy as np

    from emoview.fusion.baseline import Baseline, general
    from emoview.fusion.personal import FACE_PERSONAL
    from emoview.networks.weights import shipped
    from emoview.pipeline.analysis import told_of
    from emoview.pipeline.check import check
    from emoview.pipeline.models import FUSION_FILE, Models

    options = options or Options()
    check(options)
    if options.face == "all":
        raise InputError("a baseline is for one person: choose a face with --face")
    found: dict[str, list[Logits]] = {}
    faces: list[Floats] = []
    warnings: list[str] = []
    failed = 0
    for done, clip in enumerate(clips, start=1):
        try:
            if clip.fault:
                raise InputError(clip.said(clip.fault))
            with fetched(clip.path) as path:
                told = told_of(path, options=options, stretch=clip.stretch)
        except InputError as error:
            failed += 1
            warnings.append(f"left out {shown(clip.path)}: {error}")
        else:
            warnings += [f"{shown(clip.path)}: {sentence}" for sentence in told.warnings]
            for name, values in told.logits.items():
                found.setdefault(name, []).append(values)
            faces += told.stretches
        on_event(Progress("baseline", done, len(clips)))
    if not found and not faces:
        nothing = "neither a face nor speech was found in the recordings"
        what = "no recording could be analysed" if failed == len(clips) else nothing
        raise InputError("; ".join([what, *warnings[:1]]))
    models = Models()
    usual = models.usual
    means = {name: general(values, usual[name]) for name, values in sorted(found.items())}
    counts = {name: len(values) for name, values in sorted(found.items())}
    face = None
    if faces:
        face = models.personal_face.people.person(np.concatenate(faces))
        counts = {FACE_PERSONAL: len(faces), **counts}
    return Baseline(shipped(FUSION_FILE).sha256, counts, means, face), warnings
