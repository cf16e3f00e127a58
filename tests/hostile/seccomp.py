"""A filter of the kernel that tells of every socket a process tree asks for, in Python or in native code.

The kernel stops the thread that asks, tells the listener, and does what the listener answers: the network is
refused, or the call goes on and is noted.  Unix sockets, by which processes of one machine speak with each
other, are not asked about at all.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import select
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path

_NR = {"x86_64": (0xC000003E, 41, 425, 317), "aarch64": (0xC00000B7, 198, 425, 277)}
_SET_NO_NEW_PRIVS = 38
_FILTER, _NEW_LISTENER = 1, 8
_ALLOW, _NOTIFY, _KILL, _NO_SUCH_CALL = 0x7FFF0000, 0x7FC00000, 0x80000000, 0x00050000 | 38
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1
_AF_UNIX, _AF_NETLINK = 1, 16
_REFUSED = -13
_FAMILIES = {2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET", 40: "AF_VSOCK"}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _filter() -> bytes:
    """Give the program: sockets of other families than Unix are notified, everything else is allowed."""
    arch, socket_call, uring_call, _ = _NR[platform.machine()]

    def step(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, k)

    load, equal, above, give = 0x20, 0x15, 0x35, 0x06
    return b"".join([
        step(load, 4), step(equal, arch, 1, 0), step(give, _KILL),
        # The other half of the numbers is of another calling convention, by which one could get past.
        step(load, 0), step(above, 0x40000000, 0, 1), step(give, _KILL),
        # io_uring makes sockets, too, and asks no filter.
        step(equal, uring_call, 0, 1), step(give, _NO_SUCH_CALL),
        step(equal, socket_call, 1, 0), step(give, _ALLOW),
        step(load, 16), step(equal, _AF_UNIX, 0, 1), step(give, _ALLOW), step(give, _NOTIFY),
    ])  # fmt: skip


def install() -> int:
    """Put the filter on this process and all that come of it; gives the listener.

    Raises:
        OSError: The kernel, or a filter above this one, does not let us.
    """
    if platform.machine() not in _NR:
        raise OSError(f"no filter is known for {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    program = ctypes.create_string_buffer(_filter())
    what = _Program(len(program.raw) // 8, ctypes.addressof(program))
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no filter without new privileges ruled out")
    listener = libc.syscall(_NR[platform.machine()][3], _FILTER, _NEW_LISTENER, ctypes.byref(what))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "the kernel takes no filter with a listener")
    return int(listener)


@dataclass(frozen=True)
class Attempt:
    """A socket that somebody asked for: the family, and the name of the program's thread."""

    family: str
    who: str


@dataclass
class Listener:
    """Answers the kernel, and notes who asked.

    Attributes:
        handle: What `install` gave.
        let: Whether the network is let go on, because it leads nowhere.
        attempts: Sockets of the network.
        netlink: Sockets to the kernel itself, by which its interfaces are listed; these always go on.
    """

    handle: int
    let: bool
    attempts: list[Attempt] = field(default_factory=list)
    netlink: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening: whoever asks then is refused."""
        os.write(self._end, b"x")
        self._thread.join()
        for handle in (self.handle, self._ended, self._end):
            os.close(handle)

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self.handle, select.POLLIN)
        poll.register(self._ended, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if ready.get(self.handle, 0) & select.POLLIN:
                self._answer()
            elif self._ended in ready or ready.get(self.handle):
                return

    def _answer(self) -> None:
        told = bytearray(80)
        try:
            fcntl.ioctl(self.handle, _RECEIVE, told)
        except OSError:
            # Whoever asked is gone.
            return
        number, pid = struct.unpack_from("QI", told)
        family = struct.unpack_from("Q", told, 32)[0] & 0xFFFFFFFF
        attempt = Attempt(_FAMILIES.get(family, f"family {family}"), _name(pid))
        (self.netlink if family == _AF_NETLINK else self.attempts).append(attempt)
        on = self.let or family == _AF_NETLINK
        answer = struct.pack("QqiI", number, 0, 0 if on else _REFUSED, _CONTINUE if on else 0)
        try:
            fcntl.ioctl(self.handle, _SEND, answer)
        except OSError:
            return


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return f"process {pid}"
