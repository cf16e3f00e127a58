"""Who may come in: hosts, origins and tokens."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from starlette.responses import PlainTextResponse

from emoview.errors import InputError
from emoview.live.door import Guarded
from emoview.live.gate import Gate, bound, gate_for, token_of

LOCAL = Gate("127.0.0.1", 8765, None)
OPEN = Gate("0.0.0.0", 8765, "a-long-secret")


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("127.0.0.1:8765", "http://127.0.0.1:8765", True),
        ("localhost:8765", "http://localhost:8765", True),
        ("127.0.0.1:8765", None, True),
        ("127.0.0.1:8765", "http://evil.example", False),
        ("127.0.0.1:8765", "http://127.0.0.1:9999", False),
        ("127.0.0.1:8765", "null", False),
        ("evil.example:8765", "http://evil.example:8765", False),
        ("evil.example", None, False),
        ("192.0.2.7:8765", None, False),
        ("", None, False),
        ("[::1", None, False),
        ("127.0.0.1:8765", "http://[::1", False),
    ],
)
def test_pages_of_others_and_names_of_others_stay_out(host, origin, allowed):
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    assert LOCAL.allows(headers, None, writes=True) == allowed


def test_a_link_from_elsewhere_opens_the_page_but_changes_nothing():
    headers = {"host": "127.0.0.1:8765", "sec-fetch-site": "cross-site"}
    assert LOCAL.allows(headers, None, writes=False)
    assert not LOCAL.allows(headers, None, writes=True)


@pytest.mark.parametrize("given", [None, "", "a-long-secre", "a-long-secret ", "A-long-secret", "é" * 13])
def test_whoever_does_not_know_the_token_stays_out(given):
    headers = {"host": "192.0.2.7:8765"}
    assert not OPEN.allows(headers, given, writes=False)
    assert OPEN.allows(headers, "a-long-secret", writes=True)
    # A name that its owner points here is no way in, token or not.
    assert not OPEN.allows({"host": "rebound.example:8765"}, "a-long-secret", writes=True)


def test_the_token_comes_by_address_header_or_cookie():
    assert token_of({}, {"token": "x"}, {}) == "x"
    assert token_of({"authorization": "Bearer y"}, {"token": "x"}, {}) == "y"
    assert token_of({}, {}, {"emoview-token": "z"}) == "z"
    assert token_of({}, {}, {}) is None


@pytest.mark.parametrize("token", ["a-long-secret", "ab/cd+ef==", "per cent%20;sign"])
def test_whoever_came_by_the_address_with_the_token_is_known_by_the_cookie(token):
    app = Guarded(PlainTextResponse("in"), Gate("0.0.0.0", 80, token))

    async def asked() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://192.0.2.7") as client:
            before = await client.get("/")
            with_token = await client.get("/", params={"token": token})
            return [before.status_code, with_token.status_code, (await client.get("/")).status_code]

    assert asyncio.run(asked()) == [403, 200, 200]


@pytest.mark.parametrize(
    ("place", "token", "said"),
    [
        ("0.0.0.0:80", None, "add --token"), ("camera.local:80", None, "add --token"),
        ("[::]:80", None, "add --token"), ("0.0.0.0:80", "short", "too short"),
        ("127.0.0.1", None, "no address"), ("127.0.0.1:99999", None, "no address"),
        ("a b:80", None, "no address"), ("127.0.0.1:80", "geheimer-schlüssel", "ASCII"),
    ],
)  # fmt: skip
def test_what_cannot_be_listened_at_is_refused(place, token, said):
    with pytest.raises(InputError, match=said):
        gate_for(place, token)


def test_a_port_in_use_names_the_next():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"127.0.0.1:{port} is in use: take 127.0.0.1:\d+"):
            bound(Gate("127.0.0.1", port, None))
