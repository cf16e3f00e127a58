"""The result of a causal analysis, in the form that every analysis has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emoview import __version__
from emoview.fusion.baseline import Baseline
from emoview.live.causal.tally import Tally
from emoview.media.tool import tool
from emoview.pipeline.join import clips_of, weights_used
from emoview.pipeline.models import Models
from emoview.timeline.clock import time_of
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, MediaFacts, Row
from emoview.timeline.segments import segments_of
from emoview.timeline.shares import summed_up


@dataclass(frozen=True)
class StreamFacts:
    """What is known of a stream or a file, as `MediaFacts` has it.

    Attributes:
        path: Address or file.
        width: Pixels as shown; None without pictures.
        height: Likewise.
        frame_rate: Pictures a second; None where that is not known.
        rotation: Degrees.
        video_codec: None without pictures.
        audio_codec: None without sound.
        audio_rate: Samples a second.
        audio_channels: Such as `stereo`.
        start_s: Where the timeline starts.
        created: When the recording began.
        capture_rate: Pictures a second at which it was captured, as the file says.
        widened: How much wider its pictures were taken to be.
    """

    path: str
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    rotation: int = 0
    video_codec: str | None = None
    audio_codec: str | None = None
    audio_rate: int | None = None
    audio_channels: str | None = None
    start_s: float = 0.0
    created: str | None = None
    capture_rate: float | None = None
    widened: float = 1.0


def result_of(
    facts: StreamFacts,
    tally: Tally,
    rows: Sequence[Row],
    options: Options,
    models: Models,
    *,
    device: str,
    warnings: Sequence[str],
    timings: Mapping[str, float],
    baseline: Baseline | None = None,
) -> Analysis:
    """Make a result of the rows, and of what was counted on the way."""
    timeline = tuple(rows)
    media = MediaFacts(
        path=facts.path, duration_s=time_of(tally.ticks), ticks=tally.ticks,
        width=facts.width, height=facts.height, frame_rate=facts.frame_rate, rotation=facts.rotation,
        video_codec=facts.video_codec, audio_codec=facts.audio_codec, audio_rate=facts.audio_rate,
        audio_channels=facts.audio_channels, audio_level_db=tally.mean_level_db,
        face_share=tally.face_share, speech_share=tally.speech_share,
        faces=tally.faces, persons=tally.faces, start_s=facts.start_s, created=facts.created,
        capture_rate=facts.capture_rate, ffmpeg=tool().version, widened=round(facts.widened, 4),
    )  # fmt: skip
    return summed_up(Analysis(
        media=media,
        overall=tally.overall(options.face, options.naming),
        segments=segments_of(timeline, shortest_s=options.min_segment),
        timeline=timeline,
        options=options,
        fusion_used="late" if tally.fused else "none",
        device_used=device,
        weights=weights_used(models, tally.networks | tally.affect_network, options),
        warnings=tuple(warnings),
        timings=timings,
        affect="estimated" if tally.estimated else "derived",
        faces=tally.found,
        baseline_clips=clips_of(baseline),
        version=__version__,
    ))  # fmt: skip
