"""Television recordings with several programs in one file: sound goes with the pictures of its program."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ffmpeg

from emoview.media.probe import probe
from emoview.pipeline.warnings import of_modality
from emoview.timeline.options import Options

_INPUTS = (
    "-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=2", "-f", "lavfi", "-i", "testsrc=s=320x240:r=25:d=2",
    "-f", "lavfi", "-i", "sine=440:d=2", "-f", "lavfi", "-i", "sine=880:d=2",
)  # fmt: skip


def _recording(path: Path, streams: list[int], *programs: list[int]) -> Path:
    """Put the streams into a file, of which each program holds some, by their places."""
    maps = [argument for stream in streams for argument in ("-map", str(stream))]
    held = ["".join((f"title={n}", *(f":st={one}" for one in of))) for n, of in enumerate(programs)]
    named = [argument for program in held for argument in ("-program", program)]
    ffmpeg(*_INPUTS, *maps, "-c:v", "mpeg2video", "-c:a", "mp2", *named, str(path))
    return path


@pytest.mark.parametrize(
    ("streams", "programs", "width", "sound"),
    [
        # A radio station before the television station.
        ([2, 1, 3], ([0], [1, 2]), 320, 2),
        # One without sound before it.
        ([0, 1, 3], ([0], [1, 2]), 320, 2),
        # The sound of the second stands first in the file.
        ([0, 1, 3, 2], ([0, 3], [1, 2]), 160, 1),
    ],
    ids=["radio first", "silent first", "crossed"],
)
def test_sound_is_that_of_the_program_of_the_pictures(
    streams: list[int], programs: tuple[list[int], ...], width: int, sound: int, tmp_path: Path
):
    media = probe(_recording(tmp_path / "two.ts", streams, *programs))
    assert media.video is not None
    assert media.audio is not None
    assert (media.video.width, media.audio.index, media.apart) == (width, sound, False)


def test_a_stream_that_two_programs_share_is_one(tmp_path: Path):
    media = probe(_recording(tmp_path / "shared.ts", [0, 2], [0, 1], [1]))
    assert media.tracks == (1, 1)
    assert len(media.sounds) == 1
    assert of_modality(media, Options()) == []


def test_sound_of_another_program_is_told(tmp_path: Path):
    media = probe(_recording(tmp_path / "apart.ts", [0, 2], [0], [1]))
    assert media.audio is not None
    (said,) = of_modality(media, Options())
    assert said.startswith("the sound is of another program")
    assert of_modality(media, Options(modality="voice")) == []
    assert not probe(_recording(tmp_path / "one.ts", [0, 2], [0, 1])).apart
