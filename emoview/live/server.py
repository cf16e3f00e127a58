"""The page of a live session: one file, a WebSocket for what the server sees, one for a browser's camera."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import Callable
from importlib import resources
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from emoview import __version__
from emoview.live.clock import StreamClock
from emoview.live.door import Server, run
from emoview.live.gate import Gate
from emoview.live.inbox import Shot
from emoview.live.program import Program, without_zero
from emoview.live.session import Session
from emoview.live.settings import PRESETS
from emoview.live.viewers import Pictures, Viewer, view
from emoview.live.wire import MOST_BYTES, Sent, sent_in
from emoview.media.stream import cameras
from emoview.timeline.labels import CIRCUMPLEX, COLOURS, GROUPS, LABELS, LabelCount, Naming

MOST_VIEWERS: Final = 64
MOST_CAMERAS: Final = 4
"""Browsers whose own cameras are analysed at once; each takes a part of the processor."""
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}' blob:; style-src 'nonce-{nonce}'; img-src blob: data:; "
    "media-src blob: mediastream:; connect-src 'self'; worker-src blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

_FEW: Final[tuple[LabelCount, ...]] = (3, 2)
_MEMBERS: Final = {
    str(count): [[LABELS.index(label) for label in Naming(count).members(group)] for group in GROUPS[count]]
    for count in _FEW
}


class LiveServer:
    """The application.

    Args:
        program: What runs.
        gate: Who may come in.
    """

    def __init__(self, program: Program, gate: Gate) -> None:
        self._program, self._gate = program, gate
        self._pictures = Pictures(blur=program.plan.blur)
        self._viewers = self._cameras = 0
        self.app = Starlette(routes=[
            Route("/", self._page), Route("/health", self._health),
            WebSocketRoute("/view", self._view), WebSocketRoute("/camera", self._camera),
        ])  # fmt: skip

    def _about(self) -> dict[str, Any]:
        """Say what does not change."""
        source = self._program.plan.source
        listed = [] if source is None else [[source, self._title()]]
        listed += [[n, f"camera {n}: {name}"] for n, name in cameras().items() if n != source]
        return {"cameras": listed if source is not None else []}

    def _title(self) -> str:
        session = self._program.session
        return session.state.facts.path if session is not None else ""

    async def _page(self, _: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        about = {
            "labels": LABELS, "colours": dict(COLOURS), "groups": {str(k): v for k, v in GROUPS.items()},
            "members": _MEMBERS, "places": dict(CIRCUMPLEX), "version": __version__,
            "served": self._program.session is not None,
            "presets": {name: _plain(settings) for name, settings in PRESETS.items()},
            "recording": self._program.plan.record is not None, "blur": self._program.plan.blur,
            "zero": without_zero(self._program.options) is None, "listens": self._program.listens,
            **self._about(),
        }  # fmt: skip
        text = resources.files("emoview.live").joinpath("page.html").read_text("utf-8")
        # Within a script, the text of names must not end it.
        stated = json.dumps(about).replace("<", "\\u003c").replace("\u2028", "").replace("\u2029", "")
        page = text.replace("{{nonce}}", nonce).replace('"{{about}}"', stated)
        policy = _POLICY.replace("{nonce}", nonce)
        return HTMLResponse(page, headers={
            "content-security-policy": policy, "permissions-policy": "camera=(self), microphone=(self)",
        })  # fmt: skip

    async def _health(self, _: Request) -> Response:
        session = self._program.session
        return JSONResponse({
            "status": "ok", "version": __version__, "viewers": self._viewers, "cameras": self._cameras,
            "source": None if session is None else session.state.state,
        })  # fmt: skip

    async def _view(self, link: WebSocket) -> None:
        session = self._program.session
        await link.accept()
        if session is None or self._viewers >= MOST_VIEWERS:
            await link.close(1013, "no camera here" if session is None else "too many viewers")
            return
        self._viewers += 1
        try:
            await view(link, Viewer(link, session, self._pictures, self._about()), session)
        finally:
            self._viewers -= 1

    async def _camera(self, link: WebSocket) -> None:
        """Analyse a browser's own camera: pictures and sound come in, numbers go back."""
        await link.accept()
        if self._cameras >= MOST_CAMERAS:
            await link.close(1013, "too many cameras are being analysed: try later")
            return
        self._cameras += 1
        program = self._program
        try:
            session = await asyncio.to_thread(program.browser_session)
            session.state.state = "live"
            session.start(None)
            try:
                clock = _BrowserClock(session)
                await view(link, Viewer(link, session, None, {}), session, clock.receive)
            finally:
                await asyncio.to_thread(session.stop)
        finally:
            self._cameras -= 1


class _BrowserClock:
    """Puts what a browser sends into the inbox of its session, by the times of capture."""

    def __init__(self, session: Session) -> None:
        self._session, self._clock = session, StreamClock()

    async def receive(self, message: bytes) -> None:
        sent: Sent = await asyncio.to_thread(sent_in, message)
        inbox = self._session.inbox
        if sent.picture is not None:
            tick = self._clock.tick(sent.stamp)
            if tick is None:
                inbox.drop()
                return
            inbox.put(Shot(tick, sent.picture, 1.0, asyncio.get_running_loop().time(), sent.stamp))
        elif sent.samples is not None:
            from_tick, samples = self._clock.place(sent.samples, sent.stamp)
            inbox.put_sound(samples, from_tick)


def _plain(settings: Any) -> dict[str, Any]:
    import msgspec

    values = msgspec.structs.asdict(settings)
    del values["camera"]
    return values


def serve_live(
    program: Program, gate: Gate, listening: socket.socket, *, told: Callable[[str], object]
) -> None:
    """Serve the page of a program until Ctrl-C, or until its source ends."""
    host = f"[{gate.host}]" if ":" in gate.host else gate.host
    session = program.session

    async def until_done(server: Server) -> None:
        while session is not None and not session.done.is_set():
            await asyncio.sleep(0.25)
        if session is not None:
            await asyncio.sleep(1.0)
            server.should_exit = True

    def started() -> None:
        told(f"the page is at http://{host}:{gate.port}/{'?token=...' if gate.token else ''}")
        if gate.token is not None:
            told("whoever knows the token can look on from other machines, and change the settings")

    run(
        LiveServer(program, gate).app,
        gate,
        listening,
        most_bytes=MOST_BYTES,
        started=started,
        stop=until_done,
    )
