"""Who may come in: by the address they ask for, the page they come from, and the token they know."""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus, urlsplit

from emoview.common.text import name_of
from emoview.errors import InputError

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
LEAST_TOKEN: Final = 8
COOKIE: Final = "emoview-token"
_PLACE = re.compile(r"(?:\[([0-9a-fA-F:]+)\]|([\w.-]*)):(\d{1,5})")


@dataclass(frozen=True)
class Gate:
    """Checks requests.

    A page of another origin is refused, since it would act with the rights of whoever looks at it.  So is a
    host name that is not this machine's: a name that its owner points to this machine (DNS rebinding) would
    make such a page one of ours.  Addresses in numbers cannot be pointed elsewhere.

    Attributes:
        host: What the server is bound to.
        port: Likewise.
        token: What must be known; None on the loopback alone.
    """

    host: str
    port: int
    token: str | None

    def allows(self, headers: Mapping[str, str], given: str | None, *, writes: bool) -> bool:
        """Tell whether a request may come in.

        Args:
            headers: Of the request, by lower-case name.
            given: The token that came with it.
            writes: Whether it can change or start something, so that its origin counts.
        """
        host = headers.get("host", "")
        return self._knows_host(host) and self._own(headers, host, writes=writes) and self._token(given)

    def _knows_host(self, host: str) -> bool:
        name = _host_in(f"//{host}")
        if name in LOOPBACK or name in (self.host.lower(), socket.gethostname().lower()):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.host not in LOOPBACK

    def _own(self, headers: Mapping[str, str], host: str, *, writes: bool) -> bool:
        origin = headers.get("origin")
        if origin is None:
            # Browsers always name it where it counts; programs of the user need not.
            site = headers.get("sec-fetch-site", "none")
            return not writes or site in ("none", "same-origin")
        return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")

    def _token(self, given: str | None) -> bool:
        if self.token is None:
            return True
        return hmac.compare_digest((given or "").encode(), self.token.encode())


def _host_in(address: str) -> str:
    """Find the host in an address; nothing where it is none, such as `//[`."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def token_of(headers: Mapping[str, str], query: Mapping[str, str], cookies: Mapping[str, str]) -> str | None:
    """Find the token in a request: in its address, its `Authorization: Bearer`, or its cookie."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    # As `Guarded` writes it.
    return query.get("token") or unquote_plus(cookies.get(COOKIE, "")) or None


def gate_for(place: str, token: str | None) -> Gate:
    """Make the gate for an address to bind to, `HOST:PORT`.

    Raises:
        InputError: It is no such address, or other machines could reach it without a token.
    """
    found = _PLACE.fullmatch(place)
    if found is None or not 0 <= int(found[3]) <= 65535:
        raise InputError(f"{name_of(place)} is no address to listen at: name it as 127.0.0.1:8765")
    host = (found[1] or found[2] or "127.0.0.1").lower()
    if token is not None and len(token) < LEAST_TOKEN:
        raise InputError(f"the token is too short: take {LEAST_TOKEN} characters or more")
    if token is not None and not token.isascii():
        raise InputError("the token must be made of ASCII characters")
    if host not in LOOPBACK and token is None:
        raise InputError(
            f"at {name_of(host)} other machines can look on: add --token with a secret that viewers must know"
        )
    return Gate(host, int(found[3]), token)


def bound(gate: Gate) -> socket.socket:
    """Listen at the gate's address.

    Raises:
        InputError: The port is taken, and which is free; or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in gate.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((gate.host, gate.port))
    except OSError as error:
        listening.close()
        taken = error.errno in (98, 48)
        free = _free_after(gate, family) if taken else None
        cure = f"take {gate.host}:{free}" if free else "name another address"
        why = "is in use" if taken else f"cannot be listened at ({error.strerror})"
        raise InputError(f"{gate.host}:{gate.port} {why}: {cure}") from error
    listening.listen(128)
    listening.set_inheritable(False)
    return listening


def listen(place: str, token: str | None) -> tuple[Gate, socket.socket]:
    """Listen at an address, `HOST:PORT`; port 0 takes any that is free.

    Raises:
        InputError: The address cannot be listened at, or needs a token.
    """
    gate = gate_for(place, token)
    listening = bound(gate)
    return replace(gate, port=listening.getsockname()[1]), listening


def _free_after(gate: Gate, family: socket.AddressFamily) -> int | None:
    for port in range(gate.port + 1, min(gate.port + 50, 65536)):
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            try:
                trial.bind((gate.host, port))
            except OSError:
                continue
            return port
    return None
