"""The report as people see it: in a wide window and on a phone, by day and by night.

After a change that is meant: `EMOVIEW_LOOKED=1 python -m pytest tests/rendering/test_page.py`, then look at
the pictures in tests/rendering/pages.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser import Browser
from conftest import Make
from made_up_report import made_up

from emoview.output.json import to_json
from emoview.rendering.report import write_report
from emoview.timeline.labels import COLOURS

PAGES = Path(__file__).parent / "pages"
LOOKED = bool(os.environ.get("EMOVIEW_LOOKED"))
WIDE, PHONE, HEIGHT = 1400, 390, 1000
# Side of the blocks that are compared, in pixels: fonts differ between machines, a layout does not.
_BLOCK = 50

# What the eye finds: whatever has text of its own, in the colours that are behind it.
_TEXTS = """
(() => {
  const rgb = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.body.querySelectorAll("*")) {
    const words = Array.from(e.childNodes, (n) => n.nodeType === 3 ? n.data.trim() : "");
    const own = words.join("").replace(/\\u00a0/g, " ");
    if (!own || !e.checkVisibility() || e.closest("script, noscript, option, .skip")) continue;
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    found.push({
      text: own, ink: rgb(style.color).slice(0, 3), paper: behind(e), left: box.left, right: box.right,
      top: box.top, cut: style.overflow !== "visible" && e.scrollWidth > e.clientWidth + 1,
      scrolls: !!e.closest(".scroll, .long"),
    });
  }
  return JSON.stringify(found);
})()
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Path:
    """A report with its video, and one whose video is gone."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "talk.json").write_text(to_json(made_up(path="talk.mp4")))
    write_report(folder / "talk.json", folder / "without.html")
    (folder / "talk.mp4").write_bytes(sample.read_bytes())
    write_report(folder / "talk.json", folder / "talk.html")
    return folder / "talk.html"


def _shown(browser: Browser, page: Path, width: int, scheme: str) -> Browser:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    browser.open(page, "#t=1")
    return browser


@pytest.fixture(
    scope="module", params=[(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")], ids=str
)
def shown(browser: Browser, page: Path, request: pytest.FixtureRequest) -> Iterator[Browser]:
    yield _shown(browser, page, *request.param)
    browser.call("Emulation.clearDeviceMetricsOverride")


def _luminance(colour: list[float]) -> float:
    parts = np.array(colour) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _contrast(one: list[float], other: list[float]) -> float:
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_everything_can_be_read(shown: Browser):
    texts: list[dict[str, Any]] = json.loads(shown.run(_TEXTS))
    width = shown.run("innerWidth")
    words = [one["text"] for one in texts]
    # The verdict and what it rests on, moments, segments, and what not to conclude.
    for wanted in (
        "talk.mp4",
        "over the whole clip",
        "Strongest moments",
        "Segments",
        "What not to conclude",
    ):
        assert any(wanted in word for word in words), wanted
    assert sum(word == "happy" for word in words) >= 3
    assert {"82 %", "3 %"} <= set(words)
    for one in texts:
        assert _contrast(one["ink"], one["paper"]) >= 4.5, one
        assert one["scrolls"] or (one["left"] >= 0 and one["right"] <= width + 0.5), one
        assert not one["cut"], one
    assert shown.errors == []


def test_the_first_screen_has_video_verdict_and_timeline(shown: Browser):
    width = shown.run("innerWidth")
    boxes = {
        name: json.loads(
            shown.run(f"JSON.stringify(document.querySelector('{css}').getBoundingClientRect())")
        )
        for name, css in (("video", "#player"), ("verdict", ".top .card"), ("chart", "#chart"))
    }
    video, verdict, chart = boxes["video"], boxes["verdict"], boxes["chart"]
    if width == WIDE:
        assert verdict["left"] >= video["right"]
        assert abs(verdict["top"] - video["top"]) < 2
        assert chart["bottom"] <= HEIGHT + 150
    else:
        assert verdict["top"] >= video["bottom"]
        assert verdict["width"] > 0.9 * video["width"]
    assert chart["top"] >= max(video["bottom"], verdict["bottom"])
    assert chart["width"] > 0.8 * min(width, 1200)


def test_the_chart_shows_what_is_said_when(shown: Browser):
    pixels = """
    (() => {
      const chart = document.getElementById("chart"), scale = chart.width / chart.clientWidth;
      const at = (s) => Math.round((76 + s / 8 * (chart.clientWidth - 76)) * scale);
      const column = (s) => Array.from(chart.getContext("2d").getImageData(at(s), 0, 1, chart.height).data);
      return JSON.stringify([1.1, 3.5, 6.1, 7.9].map(column));
    })()
    """
    counted = []
    for column in json.loads(shown.run(pixels)):
        colours = np.reshape(column, (-1, 4))[:, :3]
        counted.append(
            {
                label: int((np.abs(colours - list(bytes.fromhex(COLOURS[label][1:]))).max(axis=1) <= 2).sum())
                for label in ("happy", "sad", "anger")
            }
        )
    first, angry, later, end = counted
    # A segment of 22 pixels, most of 92 together, and most of 60 in the face.
    assert first["happy"] > 120 > 30 > first["sad"]
    assert later["sad"] > 120 > 30 > later["happy"]
    # The voice is heard from 3 to 5 s.
    assert angry["anger"] > 60 > 30 > first["anger"]
    assert end == {"happy": 0, "sad": 0, "anger": 0}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_page_looks_as_it_did(browser: Browser, page: Path, width: int, scheme: str):
    _shown(browser, page.with_name("without.html"), width, scheme)
    data = base64.b64decode(browser.call("Page.captureScreenshot", format="png")["data"])
    browser.call("Emulation.clearDeviceMetricsOverride")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    file = PAGES / f"report-{width}-{scheme}.png"
    if LOOKED:
        file.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(file), cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    blocks = (-(-width // _BLOCK), HEIGHT // _BLOCK)
    before, now = (
        cv2.resize(one, blocks, interpolation=cv2.INTER_AREA).astype(int)
        for one in (cv2.imread(str(file)), picture)
    )
    apart = np.abs(now - before).max(axis=2)
    assert apart.mean() < 6, f"{file.name} looks different"
    assert np.mean(apart > 60) < 0.02, f"{file.name} looks different in {np.argwhere(apart > 60).tolist()}"


def test_a_recording_that_no_browser_plays_is_told(browser: Browser, made: Make, tmp_path: Path):
    made("tape.avi", "-c:v", "mpeg4", "-an", seconds=1.0).rename(tmp_path / "tape.avi")
    (tmp_path / "tape.json").write_text(to_json(made_up(25, path="tape.avi")))
    write_report(tmp_path / "tape.json", tmp_path / "tape.html")
    browser.open(tmp_path / "tape.html")
    browser.wait("!document.getElementById('unplayed').hidden && unplayed.offsetHeight > 0")
