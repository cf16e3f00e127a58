"""Options of `emoview live`: those of a browser's own camera, the zero, and what a recording says of them."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest

from emoview import Options
from emoview.errors import InputError
from emoview.live.gate import Gate
from emoview.live.program import Plan, Program, _check_calibration
from emoview.live.server import LiveServer
from emoview.live.settings import EMOVIEW
from emoview.live.sources import FileFeed
from emoview.media.probe import probe


def test_a_browser_s_own_camera_is_analysed_as_the_command_says():
    settings = EMOVIEW.changed({"smoothing_s": 2.0, "spectra": 3, "prediction_sense": 40})
    program = Program(Plan(None, Options(labels=3), settings, calibrate_s=20))
    session = program.browser_session()
    assert session.settings == settings
    assert session.manner.smoothing_s == 2.0
    assert session.core.zero.left_s(0) == 20
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
