"""The page over real sockets: viewers, settings, a browser's camera, and who is sent away."""

from __future__ import annotations

import json
import socket
import struct
import time
from contextlib import suppress
from dataclasses import replace

import cv2
import httpx
import numpy as np
import pytest
from live_parts import served, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from emoview import Options
from emoview.live.gate import Gate
from emoview.live.program import Plan, Program
from emoview.live.server import LiveServer
from emoview.live.settings import Settings
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe


@pytest.fixture(scope="module")
def program(made):
    """A clip that plays on and on."""
    clip = made("loop.mp4", "-vf", "scale=320:320", seconds=1.5)
    program = Program(Plan(str(clip), Options(), realtime=True, loop=True))
    yield program
    program.finish()


@pytest.fixture(scope="module")
def port(program):
    with served(LiveServer(program, Gate("127.0.0.1", 0, None)).app) as port:
        yield port


def update_of(data: bytes) -> tuple[dict, bytes]:
    length = struct.unpack_from("<I", data)[0]
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def sent_away(viewer) -> bool:
    try:
        while True:
            viewer.recv(timeout=10)
    except ConnectionClosed:
        return True
    except TimeoutError:
        return False


def next_update(viewer, wanted=lambda head: "n" in head, seconds: float = 20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        head, picture = update_of(viewer.recv(timeout=seconds))
        if "n" in head:
            viewer.send(json.dumps({"ack": head["n"]}))
        if wanted(head):
            return head, picture
    raise AssertionError("it never came")


def test_a_viewer_sees_pictures_faces_and_numbers(port):
    with connect(f"ws://127.0.0.1:{port}/view") as viewer:
        head, picture = next_update(viewer, lambda head: head.get("faces"))
        face = head["faces"][0]
        assert sum(face["fused"]) == pytest.approx(1000, abs=5)
        assert face["label"] in ("happy", "neutral", "surprise")
        x, wide = face["box"][::2]
        assert 0 < x < x + wide < head["size"][0] == 320
        decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape[:2] == (320, 320)
        later, _ = next_update(viewer, lambda other: other.get("n", 0) > head["n"] + 3)
        assert later["tick"] > head["tick"]


def test_settings_are_changed_by_one_viewer_for_all(port, program):
    with connect(f"ws://127.0.0.1:{port}/view") as one, connect(f"ws://127.0.0.1:{port}/view") as other:
        next_update(one)
        one.send(json.dumps({"set": {"spectra": 3, "prediction_sense": 99, "prediction_frequency": 2}}))
        head, _ = next_update(other, lambda head: head["settings"]["spectra"] == 3 and head.get("faces"))
        until(lambda: program.session.manner.every == 2)
        head, _ = next_update(other, lambda head: head.get("faces") and head["faces"][0]["label"])
        assert head["faces"][0]["label"] in ("uncertain", "positive")
        one.send(json.dumps({"set": {"spectra": 7, "prediction_sense": 0, "prediction_frequency": 1}}))
        next_update(other, lambda head: head["settings"]["spectra"] == 7)


def test_a_viewer_that_never_reads_slows_nobody(port, program):
    with connect(f"ws://127.0.0.1:{port}/view") as silent, connect(f"ws://127.0.0.1:{port}/view") as other:
        first = next_update(other)[0]["n"]
        number = next_update(other, lambda head: head.get("n", 0) >= first + 8)[0]["n"]
        assert program.session.latest.number >= number
        # It was sent no more than it could have drawn.
        waiting = 0
        with suppress(TimeoutError):
            while True:
                waiting += "n" in update_of(silent.recv(timeout=0.3))[0]
        assert 1 <= waiting <= 2


@pytest.mark.parametrize(
    "said",
    ["{", '{"set": {"spectra": 4}}', '{"set": {"camera": "/etc/passwd"}}', b"\x01" * 20, "x" * 1_100_000],
)
def test_who_says_what_means_nothing_is_sent_away_alone(port, said):
    with connect(f"ws://127.0.0.1:{port}/view") as good, connect(f"ws://127.0.0.1:{port}/view") as bad:
        next_update(bad)
        bad.send(said)
        assert sent_away(bad)
        next_update(good)


def test_a_browser_s_own_camera_is_analysed(port, program, made, monkeypatch):
    monkeypatch.setattr(program, "plan", replace(program.plan, settings=Settings(smoothing_s=0.2, spectra=3)))
    with PictureDecoder(probe(made("own.mp4", seconds=1.0)), longest_side=320) as decoder:
        pictures = [picture.copy() for _, picture in decoder][:6]
    with connect(f"ws://127.0.0.1:{port}/camera") as camera:
        for number, picture in enumerate(pictures):
            content = cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes()
            camera.send(struct.pack("<Bd", 1, 100 + 0.2 * number) + content)
            wanted = 100 + 0.2 * number
            head, own = next_update(camera, lambda head, at=wanted: head.get("stamp") == at)
            assert own == b"", "pictures are not sent back"
            assert head["tick"] == pytest.approx(5 * number, abs=1)
        assert head["faces"]
        assert (head["settings"]["smoothing_s"], head["settings"]["spectra"]) == (0.2, 3)
        camera.send(struct.pack("<Bd", 1, 200.0) + b"no picture")
        assert sent_away(camera)


def test_the_page_needs_nothing_from_elsewhere(port):
    page = httpx.get(f"http://127.0.0.1:{port}/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "{{" not in page.text


def test_pages_of_others_and_names_of_others_get_403(port):
    for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
        answer = httpx.post(f"http://127.0.0.1:{port}/view", headers=headers)
        assert answer.status_code == 403
        assert answer.text == "forbidden\n"
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://127.0.0.1:{port}/view", origin="http://evil.example")
    with socket.create_connection(("127.0.0.1", port)) as link, pytest.raises(InvalidStatus, match="403"):
        connect("ws://evil.example/view", sock=link)


def test_a_token_opens_page_and_socket(program):
    token = "a-long-secret"
    with served(LiveServer(program, Gate("127.0.0.1", 0, token)).app, token=token) as port:
        place = f"127.0.0.1:{port}"
        assert httpx.get(f"http://{place}/").status_code == 403
        assert httpx.get(f"http://{place}/?token=wrong").text == "forbidden\n"
        page = httpx.get(f"http://{place}/?token={token}")
        cookie = page.headers["set-cookie"]
        assert page.status_code == 200
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        with pytest.raises(InvalidStatus):
            connect(f"ws://{place}/view")
        with connect(f"ws://{place}/view", additional_headers={"cookie": cookie.split(";")[0]}) as viewer:
            next_update(viewer)


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/view", "/page.html", "/x" * 3000]
)
def test_there_are_no_other_paths(port, path):
    assert httpx.get(f"http://127.0.0.1:{port}{path}").status_code in (400, 404)
