"""Where the time of an analysis went, stage by stage."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from emoview.timeline.results import Analysis

STAGES: Final = {
    "start-up": ("start",),
    "probe": ("probe",),
    "decode": ("decode",),
    "find": ("find",),
    "align": ("align",),
    "face network": ("face_network",),
    "voice": ("sound", "voice_features", "voice_functionals", "voice_network", "speakers"),
    "fusion": ("fusion",),
    "write": ("write",),
}
"""What the stages are called, and the timings that each sums up."""

# Each line runs beside the others; what is in one runs one after the other.
_LINES: Final[tuple[tuple[str, ...], ...]] = (
    ("start-up",),
    ("decode",),
    ("find", "align"),
    ("face network",),
    ("voice",),
)


@dataclass(frozen=True)
class StageProfile:
    """A stage of an analysis.

    Attributes:
        name: One of `STAGES`.
        busy_s: Seconds that it was at work: of `decode` those of ffmpeg on the processor, of the others
            those that passed.
        share: Of the seconds that the run took; stages run side by side, so these sum to more than 1.
        ticks_per_s: Ticks for each second at work; None for a stage that took none.
    """

    name: str
    busy_s: float
    share: float
    ticks_per_s: float | None


@dataclass(frozen=True)
class Profile:
    """Where the time of an analysis went.

    Attributes:
        wall_s: Seconds that the run took.
        ticks: Ticks of the clip.
        stages: In the order of the data.
        bound_by: The stages, one after the other in one line of work, that the others waited for.
        engine: Who computed the networks: `onnx`, `keras`, or `none` where nothing was there to compute.
        memory_mb: Peak resident memory of this process so far, in megabytes.
        ffmpeg_mb: Likewise of the largest process that it started, to which Linux counts the memory that this
            one had then.
    """

    wall_s: float
    ticks: int
    stages: tuple[StageProfile, ...]
    bound_by: tuple[str, ...]
    engine: str
    memory_mb: float
    ffmpeg_mb: float


def profile_of(result: Analysis, *, start_s: float = 0.0, write_s: float = 0.0) -> Profile:
    """Make a profile of the timings of a result.

    Args:
        result: With its timings, as `analyze` gives it.
        start_s: Seconds that passed before the analysis, which count as start-up.
        write_s: Seconds that writing the results took.
    """
    timings: Mapping[str, float] = {**result.timings, "write": write_s}
    wall = timings["total"] + start_s + write_s
    ticks = result.media.ticks
    busy = {name: sum(timings.get(part, 0.0) for part in parts) for name, parts in STAGES.items()}
    busy["start-up"] += start_s
    lines = {line: sum(busy[name] for name in line) for line in _LINES}
    names = {weight.name for weight in result.weights}
    keras = any(name.endswith((".h5", ".keras")) for name in names)
    return Profile(
        wall,
        ticks,
        tuple(
            StageProfile(name, seconds, seconds / wall, ticks / seconds if seconds else None)
            for name, seconds in busy.items()
        ),
        max(lines, key=lambda line: lines[line]),
        "keras" if keras else "onnx" if names else "none",
        _peak_mb(resource.RUSAGE_SELF),
        _peak_mb(resource.RUSAGE_CHILDREN),
    )


def _peak_mb(whose: int) -> float:
    # Linux counts in kilobytes.
    return resource.getrusage(whose).ru_maxrss / 1000
