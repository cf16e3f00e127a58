"""How steady a timeline is, and how well it finds the moment at which an expression changes.

Two clips of one actor that show different labels are joined into one video, so that the moment is known.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from emoview.common.files import private_folder
from emoview.datasets.clips import clips_of
from emoview.errors import DatasetError
from emoview.media.probe import Media, probe
from emoview.media.tool import arguments, open_input
from emoview.metrics.bootstrap import mean_figure
from emoview.metrics.figures import Figure
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import LABELS
from emoview.timeline.results import Analysis, main_rows, winner
from emoview.training.joined import pairs_of, tick_figures
from emoview.training.systems.events import OnEvent

NEAR_S = 0.5
"""How close to the joint a change of label counts as having found it."""


@dataclass(frozen=True)
class TimelineFigures:
    """What was measured on joined clips, each figure with its bootstrap 95 % interval over the videos.

    Attributes:
        examples: Videos.
        flicker: Ticks whose label differs from both neighbours', in percent of the ticks with neighbours.
        changes: Changes of label a video; one would be right.
        found: Videos with a change within `NEAR_S` of the joint, in percent.
        found_by_chance: The same for as many changes at random moments, in percent.
        boundary_error: From the joint to the nearest change, in seconds; the median over the videos with one.
        right: Ticks whose label is that of the clip, in percent; the mean over the videos.
        calibration_error: Expected calibration error of the ticks, 10 bins of equal width, in [0, 1].
    """

    examples: int
    flicker: Figure
    changes: Figure
    found: Figure
    found_by_chance: Figure
    boundary_error: Figure
    right: Figure
    calibration_error: float


def evaluate_timelines(folder: Path, part: str | None, *, seed: int, on_event: OnEvent) -> TimelineFigures:
    """Join labelled clips in pairs, analyse them as `emoview analyze` does, and measure the timelines.

    Args:
        folder: Clips, by an index that names actors.
        part: `train`, `valid` or `test` where the folder has parts.
        seed: Decides which clips are joined; each is used once at most.
        on_event: Told how far it is.

    Raises:
        DatasetError: No actor has two clips with different labels.
    """
    from emoview.pipeline.analysis import analyze

    clips = clips_of(folder, part)
    pairs = pairs_of(clips, seed)
    if not pairs:
        raise DatasetError(f"{folder}: no actor has two clips with different labels, which could be joined")
    rows, said = [], []
    with private_folder() as scratch:
        for number, (one, other) in enumerate(pairs):
            file = scratch / f"{number}.mkv"
            joint_s = _join(probe(one.path), probe(other.path), file)
            found = analyze(file)
            rows.append(measured(fused_labels(found), joint_s))
            said += _said(found, joint_s, [LABELS.index(clip.label) for clip in (one, other)])
            file.unlink()
            on_event({"step": number + 1, "of": len(pairs)})
    flicker, changes, near, chance, error = np.array(rows, np.float64).T
    ticks = tick_figures(said) if said else None
    return TimelineFigures(
        len(rows), mean_figure(flicker), mean_figure(changes), mean_figure(near), mean_figure(chance),
        mean_figure(error[np.isfinite(error)], of=np.median),
        mean_figure(np.zeros(0)) if ticks is None else ticks.right,
        float("nan") if ticks is None else ticks.calibration_error,
    )  # fmt: skip


def fused_labels(analysis: Analysis) -> NDArray[np.int64]:
    """Give the fused label of each tick of the main face, `(ticks,)`: its position, or -1 for none."""
    labels = np.full(analysis.media.ticks, -1)
    for row in main_rows(analysis):
        if row.fused is not None:
            labels[row.tick] = LABELS.index(winner(row.fused))
    return labels


def flicker_of(labels: NDArray[np.int64]) -> float:
    """Share, in percent, of ticks whose label differs from both neighbours', of those with labelled ones."""
    before, here, after = labels[:-2], labels[1:-1], labels[2:]
    there = (before >= 0) & (here >= 0) & (after >= 0)
    alone = there & (here != before) & (here != after)
    return float(100 * alone.sum() / max(1, there.sum()))


def _said(
    analysis: Analysis, joint_s: float, labels: Sequence[int]
) -> list[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Give the fused probabilities of the ticks that have them, and the labels of the clips; or nothing."""
    rows = [row for row in main_rows(analysis) if row.fused is not None]
    if not rows:
        return []
    truth = np.array([labels[row.time_s >= joint_s] for row in rows], np.int64)
    return [(np.array([row.fused for row in rows], np.float64), truth)]


def _join(one: Media, other: Media, file: Path) -> float:
    """Write both behind each other; give the time, in seconds, at which the second begins."""
    streams = []
    video = one.video
    for media in (one, other):
        if video is None or media.video is None or media.audio is None or media.duration_s is None:
            raise DatasetError(
                f"{media.path}: only clips with pictures, sound and a known length can be joined"
            )
        opened = open_input(media.path)
        size = f"{video.width // 2 * 2}:{video.height // 2 * 2}"
        picture = opened[str(media.video.index)].filter("scale", *size.split(":")).filter("setsar", 1)
        streams += [
            picture.filter("fps", TICK_HZ),
            opened[str(media.audio.index)].filter("aresample", 16_000),
        ]
    joined = ffmpeg.concat(*streams, v=1, a=1).node
    options = {"c:v": "libx264", "preset": "ultrafast", "crf": 16, "c:a": "pcm_s16le"}
    graph = ffmpeg.output(joined[0], joined[1], f"file:{file}", f="matroska", **options)
    done = subprocess.run(arguments(graph, loglevel="error"), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DatasetError(f"{one.path} and {other.path} cannot be joined: {done.stderr.strip()[-200:]}")
    assert one.duration_s is not None
    return one.duration_s


def measured(labels: NDArray[np.int64], joint_s: float) -> tuple[float, float, float, float, float]:
    """Measure one video by its labels `(ticks,)`: the figures of `TimelineFigures` in their order."""
    told = np.flatnonzero(labels >= 0)
    changes = told[1:][np.diff(labels[told]) != 0] / TICK_HZ
    length_s = len(labels) / TICK_HZ
    missed = max(0.0, 1 - 2 * NEAR_S / length_s) ** len(changes)
    error = float(np.abs(changes - joint_s).min()) if len(changes) else np.inf
    return flicker_of(labels), len(changes), 100.0 * (error <= NEAR_S), 100 * (1 - missed), error
