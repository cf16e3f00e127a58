"""The door of a web application: the gate in front of it, what every answer says, and how it is run."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any, Final
from urllib.parse import urlencode

import uvicorn
from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from emoview.live.gate import COOKIE, Gate, token_of

_ALWAYS: Final = (
    (b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"), (b"cross-origin-resource-policy", b"same-origin"),
)  # fmt: skip


class Guarded:
    """An application behind a gate: whoever may not come in is told 403, and nothing else."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        query = dict(QueryParams(scope.get("query_string", b"")))
        given = token_of(headers, query, cookie_parser(headers.get("cookie", "")))
        writes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if not self._gate.allows(headers, given, writes=writes):
            await _refuse(scope, receive, send)
            return
        cookie = query.get("token") if self._gate.token is not None else None

        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_ALWAYS]
                if cookie is not None:
                    text = f"{urlencode({COOKIE: cookie})}; HttpOnly; SameSite=Strict; Path=/"
                    message["headers"].append((b"set-cookie", text.encode("latin-1")))
            await send(message)

        await self._app(scope, receive, answer)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        # Before it was accepted, this is answered by 403.
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await PlainTextResponse("forbidden\n", 403)(scope, receive, send)


class Server(uvicorn.Server):
    """uvicorn, telling when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._told = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets=sockets)
        self._told()


def settings_of(app: ASGIApp, gate: Gate, most_bytes: int) -> uvicorn.Config:
    """Say how an application is served: behind its gate, and within limits."""
    return uvicorn.Config(
        Guarded(app, gate), log_config=None, access_log=False, server_header=False, lifespan="off",
        ws_max_size=most_bytes, ws_max_queue=4, ws_per_message_deflate=False, timeout_keep_alive=10,
        timeout_graceful_shutdown=2, limit_concurrency=256, ws_ping_interval=20.0, ws_ping_timeout=60.0,
        h11_max_incomplete_event_size=1 << 16,
    )  # fmt: skip


def run(
    app: ASGIApp,
    gate: Gate,
    listening: socket.socket,
    *,
    most_bytes: int,
    started: Callable[[], None],
    stop: Callable[[Server], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve until Ctrl-C, or until `stop` says so.

    Args:
        app: The application.
        gate: In front of it.
        listening: The socket.
        most_bytes: Of a WebSocket's message; a larger one ends that connection.
        started: Called when it listens.
        stop: Runs beside it, and may end it.
    """
    server = Server(settings_of(app, gate, most_bytes), started)

    async def serve() -> None:
        beside = None if stop is None else asyncio.create_task(stop(server))
        await server.serve(sockets=[listening])
        if beside is not None:
            beside.cancel()

    asyncio.run(serve())
