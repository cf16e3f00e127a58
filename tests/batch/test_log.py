"""Lines of a batch where nobody watches, and in a log."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from emoview.batch.events import Finished, Planned
from emoview.batch.inputs import Clip
from emoview.cli.render_batch import progress
from emoview.errors import OutputError
from emoview.media.probe import Media, Stretch
from emoview.pipeline.lost import of_length

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"
ROW = {"status": "done", "label": "happy", "confidence": 0.5, "error": None, "path": "a.wav"}


def _told(hook, stretch: Stretch) -> None:
    hook(Planned(3, 1))
    hook(Finished(0, Clip(Path("a.wav"), "a", stretch), ROW))


def test_lines_carry_the_time_and_the_stretch(tmp_path: Path):
    out, log = io.StringIO(), tmp_path / "logs" / "night.log"
    for quiet in (False, True):
        with progress(Console(file=out, width=200), quiet=quiet, log=log) as hook:
            _told(hook, Stretch(4, 9.5))
            _told(hook, Stretch(0, None))
    lines = log.read_text().splitlines()
    # Quiet is the terminal alone, and what was there stays.
    assert len(lines) == 8
    assert lines[:4] == out.getvalue().splitlines()
    assert re.fullmatch(f"{TIME} 1 of 3 were done already", lines[0])
    assert re.fullmatch(rf"{TIME} \[2/3\] done a\.wav 4-9\.5 s  happy 50%", lines[1])
    assert re.fullmatch(rf"{TIME} \[2/3\] done a\.wav  happy 50%", lines[3])


def test_a_log_that_cannot_be_written_stops_before_the_work(tmp_path: Path):
    with (
        pytest.raises(OutputError, match="name another file"),
        progress(Console(file=io.StringIO()), quiet=True, log=tmp_path),
    ):
        pytest.fail("it began")


@pytest.mark.parametrize(("end_s", "told"), [(20.0, True), (8.1, False), (None, False)])
def test_a_stretch_that_ends_after_its_file_is_told(end_s: float | None, told: bool):
    media = Media(Path("a.wav"), 3.0, None, None, Stretch(5.0, end_s))
    said = list(of_length(media, {"sound": 75}))
    assert said == (["the stretch was to end at 20 s, but the file ends at 8.0 s"] if told else [])
