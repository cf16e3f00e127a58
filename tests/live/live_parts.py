"""What tests of live analysis share: moments made up, servers of streams, and a page that is served."""

from __future__ import annotations

import contextlib
import socket
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
