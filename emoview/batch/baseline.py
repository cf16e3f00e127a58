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


def baseline_of(
    clips: Sequence[Clip], *, options: Options | None = None, on_event: EventHook = ignore
) -> tuple[Baseline, list[str]]:
    """Find out what the networks say of one person in general.

    Args:
        clips: Recordings of the person; the more, and the more varied, the better.
        options: How; the defaults are those of the command.
        on_event: Told of every recording that is done.

    Returns:
        The baseline, and a sentence for each recording that was left out or in which a face had to be chosen.

    Raises:
        InputError: No recording shows a face or holds speech.
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    from emoview.fusion.baseline import Baseline, general
    from emoview.networks.weights import shipped
    from emoview.pipeline.analysis import logits_of
    from emoview.pipeline.check import check
    from emoview.pipeline.models import FUSION_FILE, Models

    options = options or Options()
    check(options)
    if options.face == "all":
        raise InputError("a baseline is for one person: choose a face with --face")
    found: dict[str, list[Logits]] = {}
    warnings = []
    for done, clip in enumerate(clips, start=1):
        try:
            if clip.fault:
                raise InputError(clip.said(clip.fault))
            with fetched(clip.path) as path:
                logits, sentences = logits_of(path, options=options, stretch=clip.stretch)
        except InputError as error:
            warnings.append(f"left out {shown(clip.path)}: {error}")
        else:
            warnings += [f"{shown(clip.path)}: {sentence}" for sentence in sentences]
            for name, values in logits.items():
                found.setdefault(name, []).append(values)
        on_event(Progress("baseline", done, len(clips)))
    if not found:
        raise InputError("; ".join(["neither a face nor speech was found in the recordings", *warnings[:1]]))
    usual = Models().usual
    means = {name: general(values, usual[name]) for name, values in sorted(found.items())}
    counts = {name: len(values) for name, values in sorted(found.items())}
    return Baseline(shipped(FUSION_FILE).sha256, counts, means), warnings
