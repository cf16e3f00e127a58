"""Filters of the kernel that stop a process tree at chosen calls and ask what is to become of them.

The kernel stops the thread that calls, tells the listener, and does what it answers: the call goes on, or
fails with an error of the listener's choice.  It does so for every child, and for native code as for Python.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

_SET_NO_NEW_PRIVS = 38
_FILTER, _NEW_LISTENER = 1, 8
_ALLOW, _NOTIFY, _KILL, _NO_SUCH_CALL = 0x7FFF0000, 0x7FC00000, 0x80000000, 0x00050000 | 38
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
_CONTINUE = 1
_X86 = "x86_64"
_ARCH = {_X86: 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {_X86: 317, "aarch64": 277}
# By machine: sockets, and what sends something or asks somebody for an answer.
_SOCKET = {_X86: 41, "aarch64": 198}
_CONNECT = {_X86: 42, "aarch64": 203}
_SENDTO = {_X86: 44, "aarch64": 206}
_SENDMSG = {_X86: 46, "aarch64": 211}
_SENDMMSG = {_X86: 307, "aarch64": 269}
# The handle by which a process hands its listener over: the one through which it may send unasked.
_CHANNEL = 900
_URING = 425
_AF_UNIX = 1
_CREATE = 0x40

FILE_CALLS = {
    1: "write", 18: "pwrite64", 20: "writev", 74: "fsync", 77: "ftruncate", 82: "rename", 83: "mkdir",
    87: "unlink", 257: "openat", 263: "unlinkat", 264: "renameat", 316: "renameat2",
}  # fmt: skip
"""Calls that change files, by their numbers on x86-64."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _step(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, k)


def _head() -> list[bytes]:
    return [
        _step(_LOAD, 4), _step(_EQUAL, _ARCH[platform.machine()], 1, 0), _step(_GIVE, _KILL),
        # The other half of the numbers is of another calling convention, by which one could get past.
        _step(_LOAD, 0), _step(_ABOVE, 0x40000000, 0, 1), _step(_GIVE, _KILL),
        # io_uring makes sockets and writes, too, and asks no filter.
        _step(_EQUAL, _URING, 0, 1), _step(_GIVE, _NO_SUCH_CALL),
    ]  # fmt: skip


def sockets() -> bytes:
    """Give the program that asks about sockets, but those of one machine, and about all that is sent."""
    steps = _head()
    for table in (_CONNECT, _SENDTO, _SENDMSG, _SENDMMSG):
        steps += [_step(_EQUAL, table[platform.machine()], 0, 4), _step(_LOAD, 16),
                  _step(_EQUAL, _CHANNEL, 0, 1), _step(_GIVE, _ALLOW), _step(_GIVE, _NOTIFY)]  # fmt: skip
    return b"".join([
        *steps, _step(_EQUAL, _SOCKET[platform.machine()], 1, 0), _step(_GIVE, _ALLOW),
        _step(_LOAD, 16), _step(_EQUAL, _AF_UNIX, 0, 1), _step(_GIVE, _ALLOW), _step(_GIVE, _NOTIFY),
    ])  # fmt: skip


def file_changes() -> bytes:
    """Give the program that asks about every call that may change a file."""
    steps = _head()
    for number, name in FILE_CALLS.items():
        if name == "openat":
            # Only where a file may be made.
            steps += [_step(_EQUAL, number, 0, 4), _step(_LOAD, 32), _step(_ANY_BIT, _CREATE, 0, 1),
                      _step(_GIVE, _NOTIFY), _step(_GIVE, _ALLOW)]  # fmt: skip
        else:
            steps += [_step(_EQUAL, number, 0, 1), _step(_GIVE, _NOTIFY)]
    return b"".join([*steps, _step(_GIVE, _ALLOW)])


def available(program: Callable[[], bytes] = sockets) -> bool:
    """Tell whether this system takes a filter with a listener."""
    if platform.machine() not in _ARCH or (program is file_changes and platform.machine() != _X86):
        return False
    child = os.fork()
    if child == 0:
        try:
            _install(program())
            # Nothing may run under the filter, not even what notes coverage at an exit: nobody answers it.
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _install(program: bytes) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    steps = ctypes.create_string_buffer(program, len(program))
    what = _Program(len(program) // 8, ctypes.addressof(steps))
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no filter without new privileges ruled out")
    listener = libc.syscall(_SECCOMP[platform.machine()], _FILTER, _NEW_LISTENER, ctypes.byref(what))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "the kernel takes no filter with a listener")
    return int(listener)


@dataclass(frozen=True)
class Call:
    """A call that waits for an answer.

    Attributes:
        number: Of the call.
        pid: Of the thread that calls.
        arguments: Six numbers.
    """

    number: int
    pid: int
    arguments: tuple[int, ...]

    @property
    def who(self) -> str:
        """Name the program, or its thread."""
        try:
            return Path(f"/proc/{self.pid}/comm").read_text().strip()
        except OSError:
            return f"process {self.pid}"

    def memory(self, place: int, count: int) -> bytes:
        """Read memory of whoever calls; nothing where that is not to be read."""
        try:
            with Path(f"/proc/{self.pid}/mem").open("rb", buffering=0) as memory:
                memory.seek(place)
                return memory.read(count)
        except (OSError, OverflowError, ValueError):
            return b""

    @property
    def family(self) -> int:
        """The family of the socket that is asked for, or of the address that is sent to; 0 for none."""
        if self.makes_a_socket:
            return self.arguments[0] & 0xFFFFFFFF
        return int.from_bytes(self._address()[:2], "little")

    @property
    def address(self) -> str:
        """The address that is sent to, with its port."""
        data = self._address()
        port = int.from_bytes(data[2:4], "big")
        if self.family == socket.AF_INET and len(data) >= 8:
            return f"{socket.inet_ntop(socket.AF_INET, data[4:8])}:{port}"
        if self.family == socket.AF_INET6 and len(data) >= 24:
            return f"[{socket.inet_ntop(socket.AF_INET6, data[8:24])}]:{port}"
        return "?"

    def _address(self) -> bytes:
        machine = platform.machine()
        place = self.arguments[4 if self.number == _SENDTO[machine] else 1]
        if self.number in (_SENDMSG[machine], _SENDMMSG[machine]):
            place = int.from_bytes(self.memory(place, 8), "little")
        return self.memory(place, 28) if place else b""

    @property
    def makes_a_socket(self) -> bool:
        """Whether a socket is asked for, and nothing sent."""
        return self.number == _SOCKET[platform.machine()]

    def file(self, argument: int) -> str:
        """Name the file that a handle among the arguments stands for."""
        with contextlib.suppress(OSError):
            return str(Path(f"/proc/{self.pid}/fd/{self.arguments[argument] & 0x7FFFFFFF}").readlink())
        return ""

    def path(self, argument: int, folder: int | None = None) -> str:
        """Read the path that an argument points to; `folder` is the argument that it counts from."""
        try:
            text = os.fsdecode(self.memory(self.arguments[argument], 4096).split(b"\0")[0])
            here = folder is None or self.arguments[folder] & 0xFFFFFFFF == 0xFFFFFF9C
            start = str(Path(f"/proc/{self.pid}/cwd").readlink()) if here else self.file(folder or 0)
        except OSError:
            return ""
        return str(Path(start, text))


Decide = Callable[[Call], int | None]
"""Gives the number of the error that a call is to fail with; None lets it go on."""


class Listener:
    """Answers the kernel, until it is closed or the last of the tree is gone."""

    def __init__(self, handle: int, decide: Decide) -> None:
        self._handle, self._decide = handle, decide
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening: whatever is asked about then fails."""
        os.write(self._end, b"x")
        self._thread.join()
        for handle in (self._handle, self._ended, self._end):
            os.close(handle)

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        poll.register(self._ended, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if ready.get(self._handle, 0) & select.POLLIN:
                self._answer()
            elif self._ended in ready or ready.get(self._handle):
                return

    def _answer(self) -> None:
        told = bytearray(80)
        # Whoever asked may be gone by now, or by when the answer comes.
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._handle, _RECEIVE, told)
            identity, pid, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", told)
            error = self._decide(Call(number, pid, tuple(arguments)))
            answer = struct.pack("QqiI", identity, 0, -(error or 0), 0 if error else _CONTINUE)
            fcntl.ioctl(self._handle, _SEND, answer)


def start(
    command: Sequence[str], program: Callable[[], bytes] | None, decide: Decide, cwd: str
) -> tuple[int, Listener | None]:
    """Start a command, with a filter where the system takes it; gives its process and the listener."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        _become(command, program, theirs, cwd)
    theirs.close()
    handles = socket.recv_fds(ours, 1, 1)[1]
    listener = Listener(handles[0], decide) if handles else None
    with contextlib.suppress(OSError):
        ours.sendall(b"x")
    ours.close()
    return child, listener


def _become(
    command: Sequence[str], program: Callable[[], bytes] | None, channel: socket.socket, cwd: str
) -> NoReturn:
    """In the child: put the filter on, hand the listener over, and turn into the command."""
    try:
        os.setsid()
        os.chdir(cwd)
        handles = []
        if program is not None:
            with contextlib.suppress(OSError, KeyError):
                handles = [_install(program())]
        # Nobody listens yet, so by a call that no filter asks about.
        with socket.socket(fileno=fcntl.fcntl(channel, fcntl.F_DUPFD, _CHANNEL)) as unasked:
            socket.send_fds(unasked, [b"f"], handles)
        channel.recv(1)
        channel.close()
        for handle in handles:
            os.close(handle)
        os.execvp(command[0], command)
    finally:
        os._exit(127)
