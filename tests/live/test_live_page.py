"""The page in a real browser: pictures of the server, the browser's own camera, and each setting."""

from __future__ import annotations

import time

import pytest
from browser import CHROMIUM, Browser
from conftest import SAMPLE, ffmpeg
from live_parts import served, until

from emoview import Options
from emoview.live.gate import Gate
from emoview.live.program import Plan, Program
from emoview.live.server import LiveServer

pytestmark = [
    pytest.mark.release,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]
# A face that walks from side to side.
WALK = (
    "color=gray:s=640x360:r=25[b];[0:v]scale=300:300[f];"
    "[b][f]overlay=x='170+150*sin(2*PI*t/4)':y=30:shortest=1"
)


@pytest.fixture(scope="module")
def walking(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walking")
    clip = folder / "walk.mp4"
    ffmpeg("-stream_loop", "1", "-i", str(SAMPLE), "-filter_complex", WALK, "-map", "0:a", str(clip))
    ffmpeg("-i", str(clip), "-c:v", "mjpeg", "-q:v", "3", "-an", str(folder / "walk.mjpeg"))
    ffmpeg("-i", str(clip), "-ac", "1", str(folder / "walk.wav"))
    return folder


@pytest.fixture
def browser(walking, tmp_path):
    fake = (
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={walking / 'walk.mjpeg'}",
        f"--use-file-for-fake-audio-capture={walking / 'walk.wav'}",
    )  # fmt: skip
    with Browser(tmp_path, 1400, 1000, *fake) as browser:
        yield browser
        assert [e for e in browser.errors if not e.startswith("fetched http://127.0.0.1")] == []


@pytest.fixture
def playing(walking):
    """The walking face, played again and again."""
    program = Program(Plan(str(walking / "walk.mp4"), Options(), realtime=True, loop=True))
    yield program
    program.finish()


def places(browser: Browser, seconds: float) -> list[float]:
    """Give where the box was drawn, over some seconds."""
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        x = browser.run("[...emoviewState.faces.values()].map((f) => f.drawn[0])[0]")
        if x is not None:
            found.append(x)
        time.sleep(0.05)
    return found


def test_the_server_s_camera_and_every_setting(playing, browser):
    session = playing.session
    with served(LiveServer(playing, Gate("127.0.0.1", 0, None)).app) as port:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait("emoviewState.updates > 5 && emoviewState.faces.size > 0")
        seen = places(browser, 5)
        assert max(seen) - min(seen) > 60
        for name, value in (("prediction_sense", 42), ("tracking_sense", 33), ("prediction_frequency", 3),
                            ("label_frequency", 9), ("smoothing_s", 1.5)):  # fmt: skip
            kind = "input" if name in ("prediction_sense", "smoothing_s") else "change"
            browser.run(f"""(() => {{ const field = document.getElementById({name!r}); field.value = {value};
                field.dispatchEvent(new Event({kind!r})); }})()""")
            until(lambda name=name, value=value: getattr(session.settings, name) == value)
        browser.click_on("#spectra button[data-value='3']")
        browser.wait("document.querySelectorAll('#bars .bar').length === 3")
        browser.click_on("#presets button[data-preset='network camera']")
        until(lambda: session.settings.prediction_sense == 35 and session.settings.smoothing_s == 0)
        browser.wait("document.querySelector(\"[data-preset='network camera']\").ariaPressed === 'true'")
        browser.click_on("#calibrate")
        browser.wait("document.getElementById('zero').textContent.startsWith('Be at rest')")
        browser.click_on("#points")
        browser.wait("emoviewState.points")
        # To the browser's own camera, and back.
        choose = "(() => {{ const c = document.getElementById('camera'); c.value = {}; "
        choose += "c.dispatchEvent(new Event('change')); emoviewState.updates = 0; }})()"
        browser.run(choose.format("'own camera'"))
        browser.wait("emoviewState.mode === 'own' && emoviewState.updates > 5 && emoviewState.faces.size > 0")
        browser.run(choose.format("ABOUT.cameras[0][0]"))
        browser.wait(
            "emoviewState.mode === 'served' && emoviewState.updates > 5 && emoviewState.bitmap !== null"
        )


def test_the_browser_s_own_camera(browser):
    program = Program(Plan(None, Options()))
    with served(LiveServer(program, Gate("127.0.0.1", 0, None)).app) as port:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.click_on("#start")
        browser.wait("emoviewState.updates > 20 && emoviewState.faces.size > 0")
        seen = places(browser, 5)
        assert max(seen) - min(seen) > 60
        browser.wait("emoviewState.update.voice !== null")
        assert browser.run("emoviewState.bitmap === null"), "pictures are not sent back"
        browser.click_on("#spectra button[data-value='2']")
        browser.wait("emoviewState.settings.spectra === 2")
        browser.click_on("#calibrate")
        browser.wait("emoviewState.update.zero[0] !== null")
        # After a break the server counts from 1 again.
        browser.run("(() => { emoviewState.update.n = 1e9; emoviewState.socket.close(); })()")
        browser.wait("emoviewState.update !== null && emoviewState.update.n < 1e6")
        print("delay of the last pictures, ms:", browser.run("emoviewState.delays.map(Math.round)"))


def test_nothing_is_wider_than_a_telephone(playing, browser):
    with served(LiveServer(playing, Gate("127.0.0.1", 0, None)).app) as port:
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True
        )
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait("emoviewState.updates > 2")
        assert browser.run("document.documentElement.scrollWidth") == 390


def test_a_lost_connection_is_told_and_mended(playing, browser):
    app = LiveServer(playing, Gate("127.0.0.1", 0, None)).app
    with served(app) as port:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait("emoviewState.updates > 2")
        browser.run("emoviewState.socket.close()")
        browser.wait("!document.getElementById('message').hidden")
        browser.run("emoviewState.updates = 0")
        browser.wait("emoviewState.updates > 2 && document.getElementById('message').hidden")
