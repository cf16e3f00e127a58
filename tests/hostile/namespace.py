"""An empty network of its own for a process tree: whatever is sent is counted, and leads nowhere."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import socket
import struct
from pathlib import Path

_NEW_NET, _NEW_USER = 0x40000000, 0x10000000
_SET_TUN, _TUN, _NO_INFO = 0x400454CA, 0x0001, 0x1000
_GET_FLAGS, _SET_FLAGS, _SET_ADDRESS, _SET_MASK = 0x8913, 0x8914, 0x8916, 0x891C
_ADD_ROUTE = 0x890B
_UP_AND_RUNNING = 0x41
_HOP_BY_HOP, _ICMP6 = 0, 58
_WORD = re.compile(rb"[a-z0-9-]{3,}")
NAME = "watch0"
_ADDRESS = "10.255.255.1"
_GATEWAY = "10.255.255.2"


def enter() -> int | None:
    """Go into a network without anybody in it; gives the interface's handle, None where there is none.

    A default route leads into an interface that nobody listens to, so that a packet to anywhere is counted
    instead of being refused.

    Raises:
        OSError: The system does not let us.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    flags = _NEW_NET if user == 0 else _NEW_NET | _NEW_USER
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "no network namespace")
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _up("lo")
    try:
        handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(handle, _SET_TUN, struct.pack("16sH14x", NAME.encode(), _TUN | _NO_INFO))
    except OSError:
        return None
    _address(NAME, _ADDRESS)
    _up(NAME)
    _default_route()
    return handle


def _interface(call: int, name: str, rest: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        return fcntl.ioctl(asked, call, struct.pack("16s24s", name.encode(), rest))


def _up(name: str) -> None:
    flags = struct.unpack_from("H", _interface(_GET_FLAGS, name, b""), 16)[0]
    _interface(_SET_FLAGS, name, struct.pack("H", flags | _UP_AND_RUNNING))


def _place(address: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))


def _address(name: str, address: str) -> None:
    _interface(_SET_ADDRESS, name, _place(address))
    _interface(_SET_MASK, name, _place("255.255.255.0"))


def _default_route() -> None:
    entry = struct.pack(
        "Q16s16s16sHhQhPhx", 0, _place("0.0.0.0"), _place(_GATEWAY), _place("0.0.0.0"), 3, 0, 0, 0, 0, 0
    ).ljust(120, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        fcntl.ioctl(asked, _ADD_ROUTE, entry)


def sent(handle: int | None) -> tuple[dict[str, int], list[str]]:
    """Count what each interface of this network sent so far, and give the words in what would have left."""
    lines = Path("/proc/self/net/dev").read_text().splitlines()[2:]
    counts = {line.split(":")[0].strip(): int(line.split(":")[1].split()[9]) for line in lines}
    packets = [] if handle is None else _waiting(handle)
    if handle is not None:
        counts[NAME] = len(packets)
    # The names that are asked for stand in the packets, a length before each part.
    words = (".".join(word.decode() for word in _WORD.findall(packet[20:])) for packet in packets)
    return counts, sorted(set(filter(None, words)))


def _waiting(handle: int) -> list[bytes]:
    """Take the packets that wait at the end of the interface, and give those that a program sent."""
    packets = []
    while True:
        try:
            packet = os.read(handle, 65_536)
        except BlockingIOError:
            return packets
        if not _of_the_kernel(packet):
            packets.append(packet)


def _of_the_kernel(packet: bytes) -> bool:
    """Tell what a fresh interface says by itself: who its IPv6 neighbours may be."""
    return packet[0] >> 4 == 6 and packet[6] in (_HOP_BY_HOP, _ICMP6)
