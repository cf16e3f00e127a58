"""What tests of live analysis share: moments made up, servers of streams, and a page that is served."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from made_up import leaning

from emoview.live.causal.moment import FaceNow, Moment
from emoview.timeline.results import FaceBox


def face_now(face_id: int, label: str, *, x: float = 100.0, share: float = 0.7) -> FaceNow:
    return FaceNow(
        face_id, FaceBox(x, 50, 80, 80), np.zeros((3, 2), np.float32), leaning(label, share),
        leaning(label, share), 0.5, 0.25, False,
    )  # fmt: skip


def moment_of(tick: int, *faces: FaceNow, voice: str | None = None) -> Moment:
    said = None if voice is None else leaning(voice, 0.5)
    ids = frozenset(face.face_id for face in faces)
    main = min(ids, default=None)
    affect = None if voice is None else (0.1, 0.2)
    return Moment(tick, faces, ids, main, voice is not None, said, affect, -20.0)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@contextlib.contextmanager
def streamed(clip: Path, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Serve a clip once, at its own rate, to one client: MJPEG, unless options say otherwise."""
    form = options or ("-c:v", "mjpeg", "-q:v", "5", "-an", "-f", "mpjpeg")
    process = subprocess.Popen(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-nostdin", "-re", "-i", str(clip), *form,
         "-listen", "1", f"http://127.0.0.1:{port}/stream"],
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def served(app, *, host: str = "127.0.0.1", token: str | None = None) -> Iterator[int]:
    """Serve an application as the command does, in a thread; gives the port."""
    import asyncio

    import uvicorn

    from emoview.live.door import Server, settings_of
    from emoview.live.gate import Gate, bound

    listening = bound(Gate(host, 0, token))
    port = listening.getsockname()[1]
    up = threading.Event()
    config: uvicorn.Config = settings_of(app, Gate(host, port, token), 1_000_000)
    server = Server(config, up.set)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    assert up.wait(20)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(20)


def until(condition, seconds: float = 20.0):
    """Wait until something comes true; gives it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
    return value


@contextlib.contextmanager
def rtsp(clip: Path) -> Iterator[str]:
    """Serve a clip once by RTSP, as MPEG-TS in RTP over the same TCP connection; gives the address."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"rtsp://127.0.0.1:{listening.getsockname()[1]}/live"
    description = (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:one\r\n"
    )
    thread = threading.Thread(target=_talk_rtsp, args=(listening, address, description, clip), daemon=True)
    thread.start()
    try:
        yield address
    finally:
        listening.close()
        thread.join(10)


def _talk_rtsp(listening: socket.socket, address: str, description: str, clip: Path) -> None:
    with contextlib.suppress(OSError):
        link, _ = listening.accept()
        with link, link.makefile("rb") as asked:
            while line := asked.readline():
                headers = {}
                while (header := asked.readline().strip()) and b":" in header:
                    name, _, value = header.decode().partition(":")
                    headers[name.lower()] = value.strip()
                kind, extra, body = line.split()[0], "Session: 1\r\n", ""
                if kind == b"DESCRIBE":
                    extra, body = (
                        f"Content-Base: {address}/\r\nContent-Type: application/sdp\r\n",
                        description,
                    )
                elif kind == b"SETUP":
                    extra += f"Transport: {headers['transport']}\r\n"
                elif kind == b"OPTIONS":
                    extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
                head = f"RTSP/1.0 200 OK\r\nCSeq: {headers['cseq']}\r\n{extra}"
                link.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                if kind == b"PLAY":
                    _send_rtp(link, clip)


def _send_rtp(link: socket.socket, clip: Path) -> None:
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-nostdin", "-re", "-i", str(clip), "-c:v", "libx264",
        "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-c:a", "aac", "-f", "mpegts", "pipe:1",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            for number in range(1 << 16):
                part = process.stdout.read(7 * 188)
                if not part:
                    return
                stamp = round(time.monotonic() * 90_000) & 0xFFFFFFFF
                packet = struct.pack(">BBHII", 0x80, 33, number, stamp, 1) + part
                link.sendall(b"$\0" + struct.pack(">H", len(packet)) + packet)
        finally:
            process.kill()
