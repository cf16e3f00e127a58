"""Options of `emoview live`: those of a browser's own camera, the zero, and what a recording says of them."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest
from command import run

from emoview import Options
from emoview.errors import DecodeError, InputError
from emoview.live.gate import Gate
from emoview.live.program import Plan, Program, _check_calibration
from emoview.live.server import LiveServer
from emoview.live.settings import EMOVIEW
from emoview.live.sources import FileFeed
from emoview.media.probe import probe
from emoview.media.process import DecodeLog


def test_a_browser_s_own_camera_is_analysed_as_the_command_says():
    settings = EMOVIEW.changed({"smoothing_s": 2.0, "spectra": 3, "prediction_sense": 40})
    program = Program(Plan(None, Options(labels=3), settings, calibrate_s=20))
    session = program.browser_session()
    assert session.settings == settings
    assert session.manner.smoothing_s == 2.0
    assert session.core.zero.left_s(0) == 20
    session.core.__exit__()


@pytest.mark.parametrize("plan", [{"sound": False}, {"options": Options(modality="face")}, {}])
def test_a_browser_is_heard_only_where_sound_is_wanted(plan):
    program = Program(Plan(**{"source": None, "options": Options(), **plan}))
    session = program.browser_session()
    page = asyncio.run(LiveServer(program, Gate("127.0.0.1", 0, None))._page(None)).body.decode()
    assert (session.core._hearing is None) == bool(plan)
    assert f'"listens": {json.dumps(not plan)}' in page
    assert "audio: ABOUT.listens && {" in page
    session.core.__exit__()


def test_a_recording_says_over_how_long_it_was_smoothed():
    for asked, said in ((2.0, 2.0), (0.0, 0.0), (EMOVIEW.smoothing_s, None)):
        program = Program(Plan(None, Options(), EMOVIEW.changed({"smoothing_s": asked})))
        assert program.options.smooth == said


@pytest.mark.parametrize("given", [{"modality": "voice"}, {"baseline": "person.json"}])
def test_a_zero_that_would_change_nothing_is_refused(given: dict[str, str]):
    with pytest.raises(InputError, match=f"--calibrate .*--{next(iter(given))}"):
        _check_calibration(Options(**given))
    _check_calibration(Options())


@pytest.mark.parametrize(("modality", "zero"), [("both", True), ("voice", False)])
def test_the_page_offers_a_zero_where_it_changes_something(modality: str, zero: bool):
    program = Program(Plan(None, Options(modality=modality)))
    page = asyncio.run(LiveServer(program, Gate("127.0.0.1", 0, None))._page(None)).body.decode()
    assert f'"zero": {json.dumps(zero)}' in page
    assert '$("calibrate").hidden = !ABOUT.zero' in page


def test_a_file_at_its_own_rate_is_heard_as_a_causal_analysis_hears_it(made):
    """What its sound is off zero by is taken off by what was heard so far, not by what comes later."""
    media = probe(made("off.wav", "-vn", "-af", "volume=0,dcshift=0.2", seconds=0.3))
    heard = []
    inbox = SimpleNamespace(put=lambda shot: None, put_sound=lambda part, tick: heard.append(part))
    FileFeed(media).run(inbox)
    assert np.concatenate(heard).mean() == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"microphone": "pulse:default"}, "is heard as it is"),
        ({"microphone": "pulse:default", "sound": False}, "--microphone with --no-sound"),
        ({"microphone": "alsa:default", "options": Options(modality="face")}, "with --modality face"),
        ({"sound": False, "options": Options(modality="voice")}, "leaves nothing to --modality voice"),
        ({"source": "0", "options": Options(modality="voice")}, "a camera has no sound: add --microphone"),
        ({"source": "rtsp://127.0.0.1:9/x", "loop": True}, "--loop plays a file"),
        ({"source": None, "microphone": "pulse:default"}, "goes with a source"),
        ({"blur": True, "options": Options(modality="voice")}, "--blur needs faces"),
    ],
)
def test_what_would_be_passed_over_in_silence_is_refused(sample, given, said):
    with pytest.raises(InputError, match=said):
        Program(Plan(**{"source": str(sample), "options": Options(), "realtime": True, **given}))


def test_a_file_that_lacks_what_is_asked_for_is_refused(made):
    silent = made("silent.mp4", "-an", seconds=0.3)
    with pytest.raises(InputError, match="has no sound: analyse its pictures"):
        Program(Plan(str(silent), Options(modality="voice"), realtime=True))


def test_what_was_wrong_with_a_file_is_told_as_analyze_tells_it(made):
    feed = FileFeed(probe(made("wrong.mp4", seconds=0.3)))
    feed._reached = 7
    log = DecodeLog(complaints=2, lines=["broken block"], gaps=[(0.1, 0.2)], gaps_s=0.1)
    feed._note(log, None)
    assert feed.warnings == [
        "damaged pictures: 2 problems were skipped, the first: broken block",
        "no pictures from 0.1 to 0.2 s: the face cells are empty there",
    ]
    with pytest.raises(DecodeError, match=r"decoding the pictures of .*wrong.mp4 stopped"):
        feed._note(DecodeLog(failure="exit code 1", killed=True), None)
    heard = FileFeed(feed.media, pictures=False)
    heard._note(log, None)
    assert heard.warnings == [], "nobody looks at the pictures"


def test_what_nothing_records_is_told_at_the_end(made):
    clip = made("silent.mp4", "-an", seconds=0.3)
    said = run("live", clip, "--realtime")
    assert said.returncode == 0
    assert "warning: " in said.stderr
    assert "no sound" in said.stderr
    assert "warning: " not in run("live", clip, "--realtime", "--quiet").stderr
