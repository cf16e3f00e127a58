"""Reports: what is in them, and what a real browser makes of them."""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from browser import Browser
from command import run
from conftest import Make
from made_up_report import made_up

from emoview.errors import InputError
from emoview.media.decode import FullPictureDecoder
from emoview.media.pictures import jpegs_at
from emoview.media.probe import probe
from emoview.output.json import to_json
from emoview.output.tracks import MISSING, STEPS, tracks
from emoview.rendering.report import write_report, write_reports
from emoview.timeline.labels import GROUPS, LABELS
from emoview.timeline.moments import disagreements, strongest
from emoview.timeline.results import Row, Speaker


@pytest.fixture
def stored(tmp_path: Path, sample: Path) -> Path:
    """A result with its video beside it."""
    path = tmp_path / "portrait.json"
    path.write_text(to_json(made_up()))
    (tmp_path / "portrait.mp4").write_bytes(sample.read_bytes())
    return path


def test_disagreements_are_found_where_they_are():
    found = disagreements(made_up())
    assert [(d.start_s, d.end_s) for d in found] == [(3.0, 5.0)]
    assert (found[0].face, found[0].voice) == ("happy", "anger")
    agreeing = tuple(replace(row, voice=row.face) for row in made_up().timeline)
    assert disagreements(replace(made_up(), timeline=agreeing)) == []
    # Sad and angry are both negative.
    assert [(d.start_s, d.end_s) for d in disagreements(made_up(labels=3))] == [(3.0, 4.0)]


def test_moments_are_the_peaks_of_the_labels_apart_from_each_other():
    moments = strongest(made_up())
    assert {"happy", "sad"} <= {moment.label for moment in moments}
    times = [moment.time_s for moment in moments]
    assert times == sorted(times)
    assert all(later - earlier >= 0.8 for earlier, later in pairwise(times))
    assert strongest(replace(made_up(), timeline=(Row(0),), segments=())) == []


def test_tracks_hold_the_timeline_to_half_a_step():
    import base64

    analysis = made_up(faces=2)
    packed = tracks(analysis)
    assert [track["id"] for track in packed["faces"]] == [0, 1]
    first = packed["faces"][0]
    values = base64.b64decode(first["face"])
    for row in (row for row in analysis.timeline if row.face_id == 0):
        at = (row.tick - first["start"]) * len(LABELS)
        for stored_, p in zip(values[at : at + len(LABELS)], row.face or (), strict=True):
            assert abs(stored_ / STEPS - p) <= 0.5 / STEPS + 1e-9
    assert base64.b64decode(packed["voice"])[0] == MISSING
    affect = base64.b64decode(first["affect"])
    row = next(row for row in analysis.timeline if row.tick == 60)
    assert row.valence is not None
    assert row.arousal is not None
    for stored_, value in zip(affect[120:122], (row.valence, row.arousal), strict=True):
        assert abs(2 * stored_ / STEPS - 1 - value) <= 1 / STEPS + 1e-9


def test_a_report_is_one_file_and_escapes_every_name(tmp_path: Path, stored: Path):
    name = '<script>alert(1)</script> & "q" \'é.mp4'
    analysis = made_up(path=f"/else/where/{name.replace('/', ':')}")
    stored.write_text(to_json(analysis))
    page = tmp_path / "out" / "report.html"
    write_report(stored, page)
    text = page.read_text()
    assert "<script>alert" not in text
    assert "one &lt;b&gt;warning" in text
    assert "was not found" in text
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)
    assert [file.name for file in page.parent.iterdir()] == ["report.html"]


def test_what_is_missing_is_called_what_it_is(tmp_path: Path, stored: Path):
    made, page = made_up(path="gone"), tmp_path / "report.html"
    sound = replace(made, media=replace(made.media, width=None, height=None))
    pictures = replace(made, options=replace(made.options, rate=25.0))
    for analysis, said in (
        (made, "The video gone was not found, so that this page has no pictures: name it with --video."),
        (sound, "The sound gone was not found, so that this page plays nothing: name it with --video."),
        (pictures, "The result is of numbered pictures, gone, which a page does not show."),
    ):
        stored.write_text(to_json(analysis))
        write_report(stored, page)
        assert said in page.read_text()
    with pytest.raises(InputError, match="which no page shows: leave --video and --embed out"):
        write_report(stored, page, embed=True)


def test_the_video_is_linked_or_embedded(tmp_path: Path, stored: Path):
    page = tmp_path / "my pages" / "report.html"
    write_report(stored, page)
    text = page.read_text()
    assert 'src="../portrait.mp4"' in text
    assert text.count("data:image/jpeg;base64,") >= 2
    write_report(stored, page, embed=True)
    assert 'src="data:video/mp4;base64,' in page.read_text()


def test_another_video_is_refused_if_named_and_left_out_if_found(tmp_path: Path, stored: Path):
    stored.write_text(to_json(made_up(1000)))
    page = tmp_path / "report.html"
    with pytest.raises(InputError, match=r"lasts 8\.0 s, the result goes to 40\.0 s"):
        write_report(stored, page, video=tmp_path / "portrait.mp4")
    assert not page.exists()
    write_report(stored, page)
    assert "left out" in page.read_text()
    assert "<video" not in page.read_text()


def test_a_video_of_other_content_is_told_where_it_is_named(tmp_path: Path, stored: Path):
    video, page = tmp_path / "portrait.mp4", tmp_path / "report.html"
    for content, told in ((b"another", True), (video.read_bytes(), False)):
        sha256 = hashlib.sha256(content).hexdigest()
        stored.write_text(to_json(replace(made_up(), media=replace(made_up().media, sha256=sha256))))
        write_report(stored, page, video=video)
        assert ("is not the file that was analysed" in page.read_text()) == told
        assert "<video" in page.read_text()


def test_ten_minutes_are_written_quickly_and_small(tmp_path: Path):
    random.seed(1)
    stored = tmp_path / "long.json"
    stored.write_text(to_json(made_up(15_000)))
    started = time.process_time()
    write_report(stored, tmp_path / "report.html")
    assert time.process_time() - started < 3
    assert (tmp_path / "report.html").stat().st_size < 2_000_000


def _folder(folder: Path) -> Path:
    (folder / "sub").mkdir(parents=True)
    (folder / "one.json").write_text(to_json(made_up(path="one.mp4")))
    (folder / "sub" / "tw#o <i>.json").write_text(to_json(made_up(100, path="two.mp4", labels=3)))
    (folder / "summary.json").write_text("{}")
    (folder / ".emoview").mkdir()
    (folder / ".emoview" / "one.json").write_text("{}")
    (folder / "damaged.json").write_text('{"schema_version": "1.0"}')
    (folder / "summary.csv").write_text(
        "path,name,status,error\none.mp4,one,done,\ngone.mp4,gone,failed,no <sound>\n"
    )
    return folder


def test_a_folder_becomes_an_overview_with_a_report_each(tmp_path: Path):
    written = write_reports(_folder(tmp_path / "results"), tmp_path / "all.html")
    assert len(written.pages) == 3
    assert all(page.exists() for page in written.pages)
    assert len(written.failures) == 2
    text = (tmp_path / "all.html").read_text()
    assert 'href="all_files/one.html"' in text
    assert 'href="all_files/sub/tw%23o%20%3Ci%3E.html"' in text
    assert "no &lt;sound&gt;" in text
    assert set(re.findall(r"<option>(.*?)</option>", text)) <= {*LABELS, *GROUPS[3]}
    assert "<option>happy</option>" in text
    # Two halves, and nothing at the end.
    places = re.findall(r'<rect x="([\d.]+)" y="0" width="([\d.]+)"', text)
    assert all(float(x) + float(width) < 100.1 for x, width in places)
    assert len(places) > 3
    assert "damaged.json is damaged" in text
    assert 'href="../all.html"' in (tmp_path / "all_files" / "one.html").read_text()
    with pytest.raises(InputError, match="holds no result"):
        write_reports(tmp_path / "all_files", tmp_path / "none.html")


def test_a_voice_may_be_that_of_a_face_that_is_not_reported(tmp_path: Path, stored: Path):
    """Two people talk, and the rows are about the larger one."""
    talk = replace(made_up(), speakers=(Speaker(0, 5.0, 0), Speaker(1, 2.5, 3), Speaker(2, 1.0, None)))
    stored.write_text(to_json(talk))
    write_report(stored, tmp_path / "talk.html")
    said = "0 is heard for 5.0 s, face 0; 1 is heard for 2.5 s, face 3; 2 is heard for 1.0 s, off screen."
    assert said in (tmp_path / "talk.html").read_text()


def test_the_command(tmp_path: Path, stored: Path):
    done = run("report", stored, "-o", tmp_path / "x.html")
    assert done.returncode == 0, done.stderr
    assert "wrote" in done.stderr
    assert (tmp_path / "x.html").exists()
    done = run("report", tmp_path / "missing.json")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert run("report", tmp_path, "--video", stored).returncode == 2


@pytest.fixture
def browser(browser: Browser) -> Browser:
    # Some builds come without the codecs of the sample.
    if not browser.run("document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.42E01E\"')"):
        pytest.skip("this Chromium does not play H.264")
    browser.errors.clear()
    return browser


SLIDER = "document.getElementById('slider')"

NOW = f"+{SLIDER}.getAttribute('aria-valuenow')"


def _place(browser: Browser, time_s: float) -> tuple[float, float]:
    """Where a time is on the screen; the chart starts 76 pixels from the left."""
    box = json.loads(
        browser.run(f"{SLIDER}.scrollIntoView(); JSON.stringify({SLIDER}.getBoundingClientRect())")
    )
    return box["x"] + 77 + time_s / 8 * (box["width"] - 78), box["y"] + 80


def test_the_page_seeks_by_address_click_and_key(browser: Browser, tmp_path: Path, stored: Path):
    page = tmp_path / "report.html"
    write_report(stored, page)
    browser.open(page, "#t=1.5")
    assert browser.run(NOW) == 1.5
    browser.wait("Math.abs(player.currentTime - 1.5) < 0.01")
    browser.click(*_place(browser, 3.5))
    assert browser.run(NOW) == pytest.approx(3.5, abs=0.02)
    assert "face happy" in browser.run(f"{SLIDER}.getAttribute('aria-valuetext')")
    assert "voice anger" in browser.run(f"{SLIDER}.getAttribute('aria-valuetext')")
    browser.wait("Math.abs(player.currentTime - 3.5) < 0.02")
    browser.run(f"{SLIDER}.focus()")
    before = browser.run(NOW)
    browser.press("ArrowRight")
    browser.press("ArrowLeft", shift=True)
    assert browser.run(NOW) == pytest.approx(before + 0.16, abs=0.011)
    browser.press("End")
    assert browser.run(NOW) == 8.0
    assert "face nothing" in browser.run(f"{SLIDER}.getAttribute('aria-valuetext')")
    browser.run("document.querySelectorAll('#rows button')[1].click()")
    assert browser.run(NOW) == pytest.approx(4.0, abs=1.1)
    assert browser.errors == []


def test_a_stretch_plays_from_where_it_starts(browser: Browser, tmp_path: Path, stored: Path):
    part = made_up(100)
    stored.write_text(to_json(replace(part, media=replace(part.media, start_s=3.0))))
    write_report(stored, tmp_path / "report.html")
    browser.open(tmp_path / "report.html", "#t=1.5")
    assert browser.run(NOW) == 1.5
    browser.wait("Math.abs(player.currentTime - 4.5) < 0.01")
    assert browser.run(NOW) == 1.5
    assert browser.errors == []


def test_slow_motion_plays_on_the_clock_of_its_capture(browser: Browser, tmp_path: Path, stored: Path):
    result = made_up(100)
    # As if it had been captured at half the rate, so that all takes twice as long.
    stored.write_text(to_json(replace(result, options=replace(result.options, capture_rate=12.5))))
    write_report(stored, tmp_path / "report.html")
    browser.open(tmp_path / "report.html", "#t=3")
    browser.wait("Math.abs(player.currentTime - 1.5) < 0.01")
    assert browser.run(NOW) == 3
    assert browser.errors == []


def test_the_timeline_follows_the_video(browser: Browser, tmp_path: Path, stored: Path):
    page = tmp_path / "report.html"
    write_report(stored, page, embed=True)
    browser.open(page)
    browser.run("player.muted = true; document.getElementById('play').click()")
    browser.wait(f"{NOW} > 0.2")
    assert browser.run("document.getElementById('play').textContent") == "Pause"
    browser.run("player.pause()")
    assert browser.errors == []


def test_the_page_fits_a_phone(browser: Browser, tmp_path: Path, stored: Path):
    write_report(stored, tmp_path / "report.html")
    write_reports(_folder(tmp_path / "results"), tmp_path / "all.html")
    for page in ("report.html", "all.html"):
        size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": False}
        browser.call("Emulation.setDeviceMetricsOverride", **size)
        browser.open(tmp_path / page)
        assert browser.run("document.documentElement.scrollWidth") <= 390, page
        cut = (
            "Array.from(document.querySelectorAll('.long'), e => e.scrollWidth > e.clientWidth).some(Boolean)"
        )
        assert browser.run(cut) is False, page
    browser.call("Emulation.clearDeviceMetricsOverride")
    assert browser.errors == []


def _voice_alone(row: Row) -> Row:
    affect = {} if row.voice is None else {"valence": row.valence, "arousal": row.arousal}
    return Row(row.tick, voice=row.voice, fused=row.voice, **affect)


def test_faces_can_be_chosen_and_sound_needs_no_face(browser: Browser, tmp_path: Path):
    stored = tmp_path / "x.json"
    stored.write_text(to_json(made_up(faces=2)))
    write_report(stored, tmp_path / "report.html")
    browser.open(tmp_path / "report.html", "#t=1")
    spoken = f"{SLIDER}.getAttribute('aria-valuetext')"
    assert "face happy" in browser.run(spoken)
    browser.run("face.value = '1'; face.dispatchEvent(new Event('change'))")
    assert "face sad" in browser.run(spoken)
    alone = made_up()
    rows = tuple(_voice_alone(row) for row in alone.timeline)
    stored.write_text(to_json(replace(alone, timeline=rows)))
    write_report(stored, tmp_path / "report.html")
    browser.open(tmp_path / "report.html", "#t=4")
    assert "together anger" in browser.run(spoken)
    assert "face nothing" in browser.run(spoken)
    assert browser.errors == []


def test_segments_sort_and_filter_and_lists_are_one_stop(browser: Browser, tmp_path: Path):
    stored = tmp_path / "x.json"
    stored.write_text(to_json(made_up(600, faces=2)))
    (tmp_path / "x.names.json").write_text('{"1": "Ben"}')
    write_report(stored, tmp_path / "report.html")
    browser.open(tmp_path / "report.html")
    stops = (
        "Array.from(document.querySelectorAll('[data-roving]'), "
        "list => list.querySelectorAll('[tabindex=\"0\"]').length)"
    )
    assert set(json.loads(browser.run(f"JSON.stringify({stops})"))) == {1}
    browser.run("document.querySelector('#rows button').focus()")
    browser.press("ArrowDown")
    assert browser.run("document.activeElement === document.querySelectorAll('#rows button')[1]")
    shown = (
        "Array.from(document.querySelectorAll('#rows tr:not([hidden])'), "
        "row => row.dataset.label + row.cells[3].textContent)"
    )
    assert "happyBen" in json.loads(browser.run(f"JSON.stringify({shown})"))
    browser.run("only.value = 'sad'; only.dispatchEvent(new Event('input'))")
    assert {text[:3] for text in json.loads(browser.run(f"JSON.stringify({shown})"))} == {"sad"}
    browser.run("only.value = ''; least.value = '30'; least.dispatchEvent(new Event('input'))")
    assert browser.run("count.textContent").startswith("0 of ")
    lengths = "Array.from(document.querySelectorAll('#rows tr'), r => +r.cells[2].textContent)"
    browser.run("document.querySelectorAll('table.sorted')[0].querySelectorAll('.sort')[2].click()")
    found = json.loads(browser.run(f"JSON.stringify({lengths})"))
    assert found == sorted(found)
    assert browser.errors == []


def test_the_overview_sorts_and_filters(browser: Browser, tmp_path: Path):
    write_reports(_folder(tmp_path / "results"), tmp_path / "all.html")
    browser.open(tmp_path / "all.html")
    names = (
        "Array.from(document.querySelectorAll('#clips tbody tr:not([hidden])'), r => r.dataset.name).join()"
    )
    assert browser.run(names) == "one,sub/tw#o <i>"
    browser.run("document.querySelector('th.number button').click()")
    assert browser.run(names) == "sub/tw#o <i>,one"
    assert browser.run("document.querySelector('th.number').getAttribute('aria-sort')") == "ascending"
    browser.run("const box = document.getElementById('text'); box.value = 'ONE'")
    browser.run("box.dispatchEvent(new Event('input'))")
    assert browser.run(names) == "one"
    assert browser.errors == []


@pytest.mark.parametrize("name", ["", "television.ts", "disc.mpg"])
def test_thumbnails_are_of_their_time(sample: Path, made: Make, name: str):
    import cv2
    import numpy as np

    # Key pictures lie 1.6 s apart, and no index tells where.
    media = probe(made(name, "-g", "40", seconds=8) if name else sample)
    times = [0.0, 3.0, 6.48, 7.88]
    with FullPictureDecoder(media) as decoder:
        pictures = [picture.copy() for _, picture in decoder]
    for time_s, jpeg in zip(times, jpegs_at(media, times, width=240), strict=True):
        assert jpeg is not None, time_s
        small = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int)
        assert small.shape == (240, 240, 3)
        shrunk = [cv2.resize(picture, (240, 240), interpolation=cv2.INTER_AREA) for picture in pictures]
        errors = [np.abs(picture - small).mean() for picture in shrunk]
        assert abs(int(np.argmin(errors)) - round(time_s * 25)) <= 1
    assert jpegs_at(media, [70.0], width=240) == [None]
