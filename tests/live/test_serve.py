"""`emoview serve`: a file in, JSON out, within limits."""

from __future__ import annotations

import functools
import json
import re
import threading
import time
from dataclasses import replace

import httpx
import jsonschema
import pytest
from live_parts import served
from made_up import made_up

from emoview import Options
from emoview.errors import InputError
from emoview.live import jobs
from emoview.live.jobs import Jobs, Limits, unpacked
from emoview.output.json import schema
from emoview.pipeline.events import Progress


@pytest.fixture
def serving(tmp_path):
    """Serve with some limits; gives the address."""
    stack = []

    def serve(**limits) -> str:
        context = served(Jobs(Limits(**limits), tmp_path).app)
        stack.append(context)
        return f"http://127.0.0.1:{context.__enter__()}"

    yield serve
    for context in stack:
        context.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == [], "files are deleted when they have been answered"


def test_a_file_comes_back_as_json(serving, made):
    address, clip = serving(), made("one.mp4", seconds=0.5)
    raw = httpx.post(f"{address}/analyze?labels=3&modality=face", content=clip.read_bytes(), timeout=60)
    assert raw.status_code == 200
    result = raw.json()
    jsonschema.validate(result, schema())
    assert result["options"]["labels"] == 3
    form = httpx.post(
        f"{address}/analyze?labels=3&modality=face", files={"file": ("../../my clip.mp4", clip.read_bytes())},
        data={"other": "field"}, timeout=60,
    )  # fmt: skip
    assert form.json()["timeline"] == result["timeline"]
    assert form.json()["media"]["path"] == "my clip.mp4"
    health = httpx.get(f"{address}/health").json()
    assert health["done"] == 2
    assert health["waiting"] == 0


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server that takes one megabyte; gives its address and its folder."""
    folder = tmp_path_factory.mktemp("small")
    with served(Jobs(Limits(megabytes=1), folder).app) as port:
        yield f"http://127.0.0.1:{port}", folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("query", "body", "status", "said"),
    [
        ("", b"", 422, "no file"), ("", b"not media", 422, "upload"), ("labels=4", b"x", 422, "value"),
        ("weights=/etc", b"x", 422, "no option"), ("baseline=x", b"x", 422, "no option"),
        ("face=nobody", b"x", 422, "face must be"), ("max_faces=0", b"x", 422, "max_faces"),
        ("labels=3&labels=7", b"x", 422, "labels is named twice"),
        ("causal=true&fusion=early", b"x", 422, "whole recording"), ("", b"x" * 1_200_000, 413, "larger"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(small, query, body, status, said):
    address, folder = small
    answer = httpx.post(f"{address}/analyze?{query}", content=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert str(folder) not in answer.text


def test_a_body_without_a_length_is_cut_off_too(small):
    def parts():
        for _ in range(40):
            yield bytes(60_000)

    answer = httpx.post(f"{small[0]}/analyze", content=parts())
    assert answer.status_code == 413


def test_the_queue_is_short_and_time_is_limited(serving, monkeypatch):
    started = threading.Event()

    def slow(_, *, options, on_event):
        assert options == Options()
        started.set()
        while True:
            time.sleep(0.01)
            on_event(Progress("face", 1, None))

    monkeypatch.setattr(jobs, "analyze", slow)
    address = serving(seconds=2, waiting=0)
    answers = []
    first = threading.Thread(
        target=lambda: answers.append(httpx.post(f"{address}/analyze", content=b"x", timeout=30))
    )
    first.start()
    assert started.wait(10)
    refused = httpx.post(f"{address}/analyze", content=b"x")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert httpx.get(f"{address}/health").json()["working"]
    first.join(20)
    assert answers[0].status_code == 504


def test_a_fault_of_ours_is_no_leak(serving, monkeypatch):
    def broken(file, **_):
        raise ValueError(f"secret of {file}")

    monkeypatch.setattr(jobs, "analyze", broken)
    answer = httpx.post(f"{serving()}/analyze", content=b"x")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_the_description_fits_the_code(small):
    address = small[0]
    described = httpx.get(f"{address}/openapi.json").json()
    named = {one["name"] for one in described["paths"]["/analyze"]["post"]["parameters"]}
    assert named == set(jobs._TAKEN)
    places = re.findall(r'"\$ref": "#/([^"]*)"', json.dumps(described))
    assert len(places) > 3
    for place in places:
        assert functools.reduce(lambda found, name: found[name], place.split("/"), described), place
    page = httpx.get(f"{address}/docs").text
    assert all(f"<code>{name}</code>" in page for name in named)
    assert "{{" not in page
    assert httpx.get(f"{address}/analyze").status_code == 405


def test_forms_are_read_whatever_they_hold(tmp_path):
    body = tmp_path / ".body"
    content = b"--B\r\nnot the mark\r\n--Bx" + bytes(range(256))
    body.write_bytes(
        b'--BOUND\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--BOUND\r\n'
        b'Content-Disposition: form-data; name="file"; filename="C:\\\\x\\\\a.mp4"\r\n'
        b"Content-Type: video/mp4\r\n\r\n" + content + b"\r\n--BOUND--\r\n"
    )
    file = unpacked(body, 'multipart/form-data; boundary="BOUND"')
    assert file.name == "a.mp4"
    assert file.read_bytes() == content


def test_what_a_form_would_leave_unsaid_is_refused(tmp_path):
    def sent(*parts: tuple[str, str]) -> None:
        body = tmp_path / ".body"
        head = '--B\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\nx\r\n'
        body.write_text("".join(head.format(*part) for part in parts) + "--B--\r\n", newline="")
        unpacked(body, "multipart/form-data; boundary=B")

    one, two = ("file", '; filename="a.mp4"'), ("other", '; filename="b.mp4"')
    with pytest.raises(InputError, match=r"send labels as /analyze\?labels="):
        sent(one, ("labels", ""))
    with pytest.raises(InputError, match="holds 2 files: send one at a time"):
        sent(one, two)
    with pytest.raises(InputError, match="holds no file"):
        sent(("comment", ""))
    sent(("labels of mine", ""), one)


def test_a_result_names_the_file_as_its_sender_does(tmp_path, monkeypatch):
    file = tmp_path / "tmp1" / "größe <7>.mp4"

    def analyze(path, **_):
        result = made_up()
        said = (f"damaged sound: 1 problem was skipped, the first: {path}: corrupt",)
        return replace(result, media=replace(result.media, path=str(path)), warnings=said)

    monkeypatch.setattr(jobs, "analyze", analyze)
    told = json.loads(jobs._analyzed(file, tmp_path, Options(), threading.Event()))
    assert told["media"]["path"] == "größe <7>.mp4"
    assert told["warnings"] == ["damaged sound: 1 problem was skipped, the first: größe <7>.mp4: corrupt"]
    assert jobs._at_sender(f"{tmp_path}/tmp_x1/upload is empty", tmp_path) == "upload is empty"
