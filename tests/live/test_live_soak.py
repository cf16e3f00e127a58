"""A session that is left running: ten viewers, one that never reads, and memory that stays."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from live_parts import free_port, until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

pytestmark = pytest.mark.release
SECONDS = float(os.environ.get("EMOVIEW_SOAK_S", "120"))
"""Three quarters of it are measured.  Before a release an hour is: `EMOVIEW_SOAK_S=4640`."""


def resident(process: subprocess.Popen) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def look_on(port: int, seen: list[int]) -> None:
    with suppress(ConnectionClosed, TimeoutError), connect(f"ws://127.0.0.1:{port}/view") as viewer:
        while True:
            data = viewer.recv(timeout=60)
            head = json.loads(data[4 : 4 + struct.unpack_from("<I", data)[0]])
            if "n" in head:
                seen.append(head["n"])
                del seen[:-50]
                viewer.send(json.dumps({"ack": head["n"]}))


def test_memory_stays_beside_ten_viewers_and_a_silent_one(made, tmp_path):
    clip = made("soak.mp4", "-vf", "scale=720:720,pad=1280:720:280:0", seconds=8)
    port = free_port()
    command = [
        sys.executable, "-m", "emoview", "live", str(clip), "--realtime", "--loop", "--record", str(tmp_path),
        "--web", f"127.0.0.1:{port}", "-q",
    ]  # fmt: skip
    process = subprocess.Popen(command)
    try:

        def healthy() -> bool:
            with suppress(httpx.HTTPError):
                return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
            return False

        until(healthy, 120)
        with ExitStack() as stack:
            stack.enter_context(connect(f"ws://127.0.0.1:{port}/view"))
            seen: list[list[int]] = [[] for _ in range(10)]
            for one in seen:
                threading.Thread(target=look_on, args=(port, one), daemon=True).start()
            until(lambda: all(seen), 60)
            time.sleep(min(60, SECONDS / 4))
            before, first = resident(process), max(map(max, seen))
            more = SECONDS * 3 / 4
            time.sleep(more)
            after, last = resident(process), min(map(max, seen))
            print(f"{before:.0f} MB, after {more:.0f} s more {after:.0f} MB; {last - first} answers")
            assert after < before + 60
            assert last > first + SECONDS
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["soak.csv", "soak.json"]
