"""Viewers: each is sent the newest update when it has drawn the one before, and never waited for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from emoview.errors import InputError
from emoview.live.session import Session, Update
from emoview.live.wire import asked_in, jpeg_of, packed, told

AHEAD: Final = 2
"""Updates that may be on their way to a viewer."""
SILENT_S: Final = 60.0
"""A viewer that draws nothing for so long is sent away."""


class Pictures:
    """The JPEG of the newest update, made once for all viewers, and only if one wants it."""

    def __init__(self, *, blur: bool) -> None:
        self._blur = blur
        self._lock = threading.Lock()
        self._last: tuple[int, bytes] = (-1, b"")

    def of(self, update: Update) -> bytes:
        """Give the picture of an update."""
        with self._lock:
            if self._last[0] != update.number:
                self._last = update.number, jpeg_of(update, blur=self._blur)
            return self._last[1]


class Viewer:
    """One viewer of a session.

    Args:
        socket: Accepted.
        session: What is viewed.
        pictures: Where its pictures come from; None where the viewer has its own.
        about: What every update says besides.
    """

    def __init__(
        self, socket: WebSocket, session: Session, pictures: Pictures | None, about: dict[str, Any]
    ) -> None:
        self._socket, self._session, self._pictures, self._about = socket, session, pictures, about
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._newest: Update | None = session.latest
        self._sent = 0
        self._on_the_way: deque[int] = deque()
        self._drawn_at = time.monotonic()
        self._quiet = False

    def tell(self, update: Update) -> None:
        """Take the newest update, from the thread of the analysis."""
        self._newest = update
        # The server may have ended before the analysis.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake.set)

    async def send(self) -> None:
        """Send updates as the viewer draws them."""
        shown = None
        while True:
            await self._woken()
            if self._session.failure is not None:
                await self._socket.close(1011, "the analysis failed")
                return
            update = self._newest
            if len(self._on_the_way) >= AHEAD:
                if time.monotonic() - self._drawn_at > SILENT_S:
                    await self._socket.close(1008, "nothing was drawn for a minute")
                    return
                continue
            state = self._state()
            if update is None or (update.number == self._sent and state == shown):
                if state != shown:
                    await self._socket.send_bytes(packed(state, b""))
                    shown = state
                continue
            picture = b""
            if self._pictures is not None and not self._quiet:
                picture = await asyncio.to_thread(self._pictures.of, update)
            if not self._on_the_way:
                self._drawn_at = time.monotonic()
            self._sent, shown = update.number, state
            self._on_the_way.append(update.number)
            await self._socket.send_bytes(packed({**told(update), **state}, picture))

    async def _woken(self) -> None:
        """Wait for something new; the state of the source is looked at now and then, too."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wake.wait(), 1.0)
        self._wake.clear()

    def _state(self) -> dict[str, Any]:
        session = self._session
        return {
            **self._about, "state": session.state.state, "message": session.state.message,
            "settings": msgspec.structs.asdict(session.settings),
        }  # fmt: skip

    def take(self, text: str) -> None:
        """Take what the viewer says.

        Raises:
            InputError: It means nothing.
        """
        asked = asked_in(text)
        if asked.ack is not None:
            while self._on_the_way and self._on_the_way[0] <= asked.ack:
                self._on_the_way.popleft()
                self._drawn_at = time.monotonic()
            self._wake.set()
        if asked.quiet is not None:
            self._quiet = asked.quiet
        if asked.set is not None:
            changed = self._session.settings.changed(asked.set)
            if changed.camera != self._session.settings.camera and changed.camera not in self._cameras():
                raise InputError("there is no such camera")
            self._session.change(changed)
            self._wake.set()
        if asked.calibrate is not None:
            self._session.calibrate(asked.calibrate)

    def _cameras(self) -> list[str]:
        return [name for name, _ in self._about.get("cameras", [])]


async def view(socket: WebSocket, viewer: Viewer, session: Session, receive: Any = None) -> None:
    """Serve a viewer until it goes.

    Args:
        socket: Accepted.
        viewer: Who.
        session: What is viewed.
        receive: Takes binary messages; None where none may come.
    """
    end = session.listen(viewer.tell)
    sending = asyncio.create_task(viewer.send())
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (text := message.get("text")) is not None:
                viewer.take(text)
            elif receive is not None:
                await receive(message.get("bytes") or b"")
            else:
                raise InputError("pictures are not taken here")
    except InputError as error:
        await _closed(socket, str(error))
    except (WebSocketDisconnect, RuntimeError):
        # It has gone while it was spoken to.
        return
    finally:
        end()
        sending.cancel()


async def _closed(socket: WebSocket, why: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(1008, why[:100])
