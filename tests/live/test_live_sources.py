"""Sources over loopback: streams by ffmpeg that end, freeze, come back, or never answer."""

from __future__ import annotations

import io
import socket
import threading
import time
import wave
from collections import deque
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from command import run
from live_parts import free_port, rtsp, streamed, until

from emoview.errors import DecodeError, InputError
from emoview.live import sources
from emoview.live.inbox import Inbox
from emoview.live.sources import FileFeed, StreamFeed, open_feed
from emoview.media import stream
from emoview.media.probe import probe
from emoview.media.stream import Arrived, LiveStream, Source, StreamEndedError
from emoview.media.tool import tool
from emoview.timeline.clock import time_of


def feeding(feed, inbox):
    thread = threading.Thread(target=feed.run, args=(inbox,), daemon=True)
    thread.start()
    return thread


def test_a_stream_gives_pictures_until_it_is_stopped(sample):
    port = free_port()
    with streamed(sample, port):
        feed, inbox = StreamFeed(Source("address", f"http://127.0.0.1:{port}/stream"), retry=True), Inbox()
        before = datetime.now(timezone.utc)
        thread = feeding(feed, inbox)
        shot = until(inbox.take)
        assert shot.picture.shape == (480, 480, 3)
        until(lambda: feed.state.facts.created)
        feed.stop()
        thread.join(10)
    assert not thread.is_alive()
    assert feed.state.facts.width == 480
    # The time of day at which the picture came, on its tick.
    came = datetime.now(timezone.utc) - timedelta(seconds=time.monotonic() - shot.at)
    begun = datetime.fromisoformat(feed.state.facts.created)
    assert begun > before
    assert abs(begun + timedelta(seconds=time_of(shot.tick)) - came) < timedelta(seconds=0.1)


@pytest.mark.release
def test_a_stream_that_is_killed_and_comes_back_goes_on(sample):
    clip, port = sample, free_port()
    feed, inbox = StreamFeed(Source("address", f"http://127.0.0.1:{port}/stream"), retry=True), Inbox()
    with streamed(clip, port) as server:
        thread = feeding(feed, inbox)
        first = until(inbox.take)
        assert first.picture.shape == (480, 480, 3)
        assert feed.state.facts.video_codec == "mjpeg"
        server.kill()
        until(lambda: feed.state.state == "waiting")
        assert feed.state.message
    with streamed(clip, port):
        again = until(lambda: feed.state.opened == 2 and inbox.take())
        assert again.tick > first.tick
        feed.stop()
        thread.join(10)
    assert not thread.is_alive()
    assert feed.state.state == "ended"


def test_who_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr(sources, "ANSWER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DecodeError, match=r"did not answer within 0 s; --retry"):
            StreamFeed(Source("address", address), retry=False).run(Inbox())


def test_nobody_there_is_told_in_ffmpeg_s_words():
    with pytest.raises(DecodeError, match="refused"):
        StreamFeed(Source("address", f"http://127.0.0.1:{free_port()}/"), retry=False).run(Inbox())


@pytest.mark.release
def test_a_stream_that_freezes_is_opened_again(sample, monkeypatch):
    monkeypatch.setattr(sources, "FROZEN_S", 0.5)
    port = free_port()
    feed, inbox = StreamFeed(Source("address", f"http://127.0.0.1:{port}/stream"), retry=True), Inbox()
    with streamed(sample, port) as server:
        thread = feeding(feed, inbox)
        until(inbox.take)
        server.send_signal(19)
        until(lambda: "no pictures" in feed.state.message)
    feed.stop()
    thread.join(10)


def pictures_of(path, monkeypatch) -> tuple[list[tuple[int, ...]], LiveStream, str]:
    """Read a file as a stream; gives sizes of pictures, the stream, and what was wrong."""
    source = Source("address", "http://x/")
    line = stream.command(source, 640)
    start = line.index("-threads")
    line[start : line.index("-map")] = ["-i", str(path)]
    monkeypatch.setattr(stream, "command", lambda *_: line)
    parts, why = [], ""
    with LiveStream(source, longest_side=640) as live:
        try:
            parts.extend(live)
        except StreamEndedError as error:
            why = str(error)
    return [part.picture.shape for part in parts if part.picture is not None], live, why


@pytest.mark.parametrize("other", ["200:240", "240:320"])
def test_a_picture_of_another_size_ends_the_stream(made, monkeypatch, other):
    name = other.replace(":", "x")
    two = made("sizes.ts", "-vf", "scale=320:240", "-an", "-f", "mpegts", seconds=0.4)
    then = made(f"{name}.ts", "-vf", f"scale={other}", "-an", "-f", "mpegts", seconds=0.4)
    joined = two.with_name(f"joined-{name}.ts")
    joined.write_bytes(two.read_bytes() + then.read_bytes())
    sizes, _, why = pictures_of(joined, monkeypatch)
    # Neither torn nor squeezed into the size of the first, even where it is the first turned.
    assert set(sizes) == {(240, 320, 3)}
    if tool().passthrough[0] == "fps_mode":
        assert 5 <= len(sizes) <= 11
        assert why == "its pictures changed their size"


def test_boxes_are_in_pixels_as_shown_where_pixels_are_no_squares(made, monkeypatch):
    wide = made("wide.ts", "-vf", "scale=704:576,setsar=12/11", "-an", "-f", "mpegts", seconds=0.2)
    sizes, live, _ = pictures_of(wide, monkeypatch)
    assert sizes[0] == (480, 640, 3)
    assert live.size == (768, 576) == (probe(wide).video.width, probe(wide).video.height)
    assert live._scale(640, 480) == 1.2


def test_sound_alone_comes_to_its_end_as_anything_else(made, monkeypatch):
    sizes, live, why = pictures_of(made("alone.wav", "-vn", seconds=0.3), monkeypatch)
    assert (sizes, live.audio_codec, why) == ([], "pcm_s16le", "")


@pytest.mark.parametrize(("microphone", "codec"), [(None, "aac"), ("pulse:default", "pcm_s16le")])
def test_the_sound_that_is_known_is_the_one_that_is_heard(microphone, codec):
    said = (
        b"  Stream #0:0: Video: h264 (High), yuv420p, 704x576 [SAR 12:11 DAR 4:3], 25 fps\n"
        b"  Stream #0:1: Audio: aac (LC), 8000 Hz, mono, fltp\n"
        b"  Stream #1:0: Audio: pcm_s16le, 48000 Hz, stereo, s16\n"
        b"Output #0, avi, to 'pipe:1':\n"
        b"  Stream #0:1: Audio: pcm_s16le, 16000 Hz, mono, s16\n"
    )
    live = LiveStream.__new__(LiveStream)
    live._source, live._lines = Source("address", "rtsp://x/", microphone), deque()
    live.size = live.audio_codec = None
    live._listen(io.BytesIO(said))
    assert (live.size, live.audio_codec) == ((768, 576), codec)


class Endless:
    """A stream whose camera is gone, and whose microphone goes on."""

    size = video_codec = audio_codec = audio_rate = audio_channels = None

    def __init__(self, *_, **__) -> None:
        self.stopped = threading.Event()
        self.stop = self.stopped.set

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        pass

    def __iter__(self):
        yield Arrived(0, np.zeros((2, 2, 3), np.uint8))
        while not self.stopped.wait(0.02):
            yield Arrived(samples=np.zeros(320, np.float32))


def test_a_camera_that_is_gone_is_opened_again_though_its_microphone_goes_on(monkeypatch):
    monkeypatch.setattr(sources, "LiveStream", Endless)
    monkeypatch.setattr(sources, "FROZEN_S", 0.4)
    feed = StreamFeed(Source("camera", "0", "pulse:default"), retry=True)
    assert feed._once(Inbox()) == "no pictures came any more"


def test_a_pipe_that_fails_before_its_end_is_told(monkeypatch):
    feed = StreamFeed(Source("pipe", "-"), retry=False)
    feed.state.opened = 1
    monkeypatch.setattr(feed, "_once", lambda _: "its pictures changed their size")
    with pytest.raises(DecodeError, match="changed their size, and a pipe cannot be opened again"):
        feed.run(Inbox())
    monkeypatch.setattr(feed, "_once", lambda _: "the stream ended")
    feed.run(Inbox())
    assert feed.state.state == "ended"


def test_sound_that_nobody_listens_to_is_none_of_what_is_known(made):
    media = probe(made("heard.mp4", seconds=0.2))
    assert FileFeed(media).state.facts.audio_codec == "aac"
    assert FileFeed(media, sound=False).state.facts.audio_codec is None


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "concat://a", "data://x", "ftp://host/x", "gopher://x/"]
)
def test_addresses_that_are_no_streams_are_refused(address):
    with pytest.raises(InputError, match="no kind of stream"):
        open_feed(address)


def test_a_file_is_played_only_if_that_is_asked_for(sample):
    with pytest.raises(InputError, match="add --realtime"):
        open_feed(str(sample))
    with pytest.raises(InputError, match="does not exist"):
        open_feed("missing.mp4", realtime=True)


def test_no_protocol_of_a_stream_reads_files():
    for protocols in stream._SCHEMES.values():
        assert not {"file", "concat", "data", "subfile", "pipe"} & set(protocols.split(","))


def test_a_camera_that_is_not_there_names_those_that_are(monkeypatch):
    monkeypatch.setattr(stream, "cameras", lambda: {"0": "Webcam C920", "2": "Capture"})
    with pytest.raises(InputError, match=r"no camera 7: these are there: 0 \(Webcam C920\), 2 \(Capture\)"):
        stream.check_camera("7")
    monkeypatch.setattr(stream, "cameras", dict)
    with pytest.raises(InputError, match="this machine has none"):
        stream.check_camera("0")


def test_a_password_is_never_shown():
    feed = open_feed("rtsp://user:secret@camera.example/1")
    assert feed.title == "rtsp://camera.example/1"


@pytest.mark.release
def test_the_commands_tell_streams_from_files(sample, tmp_path):
    for arguments, said in (
        (["analyze", "rtsp://camera/1"], "rtsp://camera/1 is an address"),
        (["live", sample, "--realtime", "--web", "0.0.0.0:0", "--record", "here"], "add --token"),
    ):
        answer = run(*arguments, cwd=tmp_path)
        assert answer.returncode == 1
        assert said in answer.stderr.replace("\n", " ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.release
def test_a_camera_by_rtsp_gives_pictures_and_sound(made):
    with rtsp(made("rtsp.mp4", seconds=5)) as address:
        feed, inbox = open_feed(address), Inbox()
        thread = feeding(feed, inbox)
        shots = [until(inbox.take) for _ in range(20)]
        assert shots[-1].picture.shape == (480, 480, 3)
        assert feed.state.facts.video_codec == "h264"
        assert feed.state.facts.audio_codec == "aac"
        assert len(until(inbox.take_sound)[1])
        feed.stop()
        thread.join(10)
    assert not thread.is_alive()


def test_a_file_is_as_far_off_zero_as_a_stream_would_be(tmp_path):
    path = tmp_path / "off.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.full(4_800, 3277, "<i2").tobytes())
    inbox = Inbox()
    FileFeed(probe(path)).run(inbox)
    _, samples = inbox.take_sound()
    assert samples.mean() == pytest.approx(0.1, abs=1e-3)
