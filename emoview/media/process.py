"""ffmpeg as a process of its own that writes raw data, and beside it the time stamps of that data."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Final

from emoview.common.text import name_of
from emoview.media.tool import arguments, lines_of, start

_KEPT_LOG_LINES: Final = 20
_KEPT_GAPS: Final = 20
_ADDRESS: Final = re.compile(rb" @ 0x[0-9a-f]+")
_STAMP: Final = re.compile(rb"frame:\d+\s+pts:(-?\d+)?")
# Where ffmpeg says how bad it is, that stands behind the names of those who say so.
_LEVEL: Final = re.compile(rb"((?:\[[^\]]* @ \w+\] )*)\[(\w+)\] ?")
_BAD: Final = frozenset({b"error", b"fatal", b"panic"})
_REPEATED: Final = b"    Last message repeated"
# The names of those who read headers beside the pictures: what they cannot read is no damage.
_BESIDE: Final = re.compile(
    rb"\[(?:filter_units|trace_headers|\w+_mp4toannexb|[av]?ost#1|out#1|null)\b|bitstream filter"
)
_HEADERS: Final = b"[trace_headers @ "
# This message of theirs has no end of line: what follows it may be a complaint.
_ENDLESS: Final = re.compile(rb"\[[av]?ost#1.*? applying bitstream filters .*?processing input(?=[^\r\n])")
# What goes back in time is noticed by its time stamps, and is no damage.
_ORDER: Final = b"non monotonically increasing dts to muxer"
_NAME: Final = re.compile(rb"\[([\w-]+) @ ")
# Pictures before the first key picture, in a recording that begins in the midst of another.
_HEADLESS: Final = re.compile(rb"non-existing [SP]PS|[SP]PS id out of range|Invalid frame dimensions 0x0")
# What follows from that, and, without the errors, from a jump to a picture that is not quite a key picture.
_ERRORS: Final = (
    rb"no frame!|decode_slice_header error|Decoding error|find ref with POC|constructing the frame RPS|"
)
_NO_REFERENCE: Final = (
    rb"unref short failure|co located POCs unavailable|[Mm]issing reference|reference picture missing"
)
_FOLLOWS, _AFTER_JUMP = re.compile(_ERRORS + _NO_REFERENCE), re.compile(_NO_REFERENCE)
# A recording that was never finished is no damage of its pictures or its sound.
_CUT_OFF: Final = b"File ended prematurely"

Listener = Callable[[Iterator[bytes]], None]
"""Reads what ffmpeg says beside complaints."""


@dataclass
class DecodeLog:
    """What was wrong with a stream, and what it cost to decode it.

    Attributes:
        seen: Whether anything was decoded, in the stretch or not.
        complaints: How many lines ffmpeg wrote.
        lines: The first of them.
        failure: Why ffmpeg ended before its time; None where it came to its end.
        killed: Whether it was ended by a signal.
        gaps: Seconds `(from, to)` on the clock of the ticks in which the stream holds nothing; the first.
        gaps_s: Seconds of all gaps.
        back_s: Seconds that were left out because their time stamps lie before what was there already.
        bad_samples: Samples that are no numbers, or absurdly large.
        cut_s: Where the stream was cut off because recordings must not be longer; None where it was not.
        headless: How many lines tell of pictures before the first key picture.
        foreign: Names of the decoders of other streams, whose complaints are none of this one.
        jumped: Whether it was decoded from the midst of the file on.
        cut_off: Whether the file ends in the midst of what it says that follows.
        reshaped_s: Seconds on the clock of the ticks at which headers tell another shape of pixels, while the
            pictures keep the one of the beginning.
        busy_s: Processor seconds of all its threads; known when it has come to its end.
    """

    seen: bool = False
    complaints: int = 0
    lines: list[str] = field(default_factory=list)
    failure: str | None = None
    killed: bool = False
    gaps: list[tuple[float, float]] = field(default_factory=list)
    gaps_s: float = 0.0
    back_s: float = 0.0
    bad_samples: int = 0
    cut_s: float | None = None
    headless: int = 0
    foreign: frozenset[str] = frozenset()
    jumped: bool = False
    cut_off: bool = False
    reshaped_s: list[float] = field(default_factory=list)
    busy_s: float = 0.0
    _passed: bool = False

    def read(self, pipe: IO[bytes]) -> None:
        """Read complaints until the pipe ends."""
        for line in lines_of(pipe):
            self._complain(line)

    def sift(self, pipe: IO[bytes]) -> Iterator[bytes]:
        """Read complaints until the pipe ends, and give the lines between them, without their levels."""
        bad = False
        for line in lines_of(pipe):
            # Dozens a picture, where each brings its headers.
            if line.startswith(_HEADERS) and b"] [info] " in line:
                bad = False
                yield line.replace(b"[info] ", b"", 1)
                continue
            level = _LEVEL.match(line)
            if endless := _ENDLESS.match(line):
                line, bad = line[endless.end() :], True
            elif level is not None:
                bad = level[2] in _BAD and not _BESIDE.search(line)
                line = level[1] + line[level.end() :]
            if not bad:
                yield line
            elif level is not None or line.startswith(_REPEATED):
                self._complain(line)

    def _complain(self, line: bytes) -> None:
        repeated = line.startswith(_REPEATED)
        self._passed = self._passed if repeated else self._passed_over(line)
        if self._passed:
            return
        self.complaints += 1
        if len(self.lines) < _KEPT_LOG_LINES:
            # Addresses in memory differ from run to run.
            said = _ADDRESS.sub(b"", line).decode(errors="replace").strip()
            self.lines.append(name_of(said))

    def _passed_over(self, line: bytes) -> bool:
        """Tell whether a line is no complaint about this stream, and note what it says otherwise."""
        name = _NAME.match(line)
        if _ORDER in line or (name and name[1].decode() in self.foreign):
            return True
        if _CUT_OFF in line:
            self.cut_off = True
            return True
        follows = self.headless and not self.complaints and _FOLLOWS.search(line)
        if _HEADLESS.search(line) or follows:
            self.headless += 1
            return True
        return self.jumped and _AFTER_JUMP.search(line) is not None

    def forget(self) -> None:
        """Start anew, because the same is going to be decoded once more; what it cost stays."""
        self.__init__(busy_s=self.busy_s, foreign=self.foreign, jumped=self.jumped)  # type: ignore[misc]

    def add_gap(self, from_s: float, to_s: float) -> None:
        """Note seconds in which the stream holds nothing."""
        self.gaps_s += to_s - from_s
        if len(self.gaps) < _KEPT_GAPS:
            self.gaps.append((from_s, to_s))


class Decoder:
    """An ffmpeg process, ended with the `with` block.

    Attributes:
        log: What was wrong.
    """

    def __init__(
        self, graph: Callable[[str], Any], log: DecodeLog | None = None, listener: Listener | None = None
    ) -> None:
        """Start ffmpeg.

        Args:
            graph: Given the address that time stamps are printed to, gives the stream to run: raw data on
                standard output.
            log: Where to note what was wrong.
            listener: Called in a thread with all else that ffmpeg says.
        """
        self.log = log or DecodeLog()
        self._enough = False
        self._begin(graph, listener)

    def _begin(self, graph: Callable[[str], Any], listener: Listener | None) -> None:
        stamps, writing = os.pipe()
        try:
            said = {"loglevel": "error"} if listener is None else {"loglevel": "level+info"}
            self._process = start(
                arguments(graph(f"pipe:{writing}"), copyts=True, **said),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=1 << 20,
                pass_fds=(writing,),
            )
        except BaseException:
            os.close(stamps)
            raise
        finally:
            os.close(writing)
        self._stamps = os.fdopen(stamps, "rb")
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._out = self._process.stdout
        # A full pipe of complaints would stop ffmpeg, so a thread reads them.
        self._reader = threading.Thread(
            target=self._listen, args=(self._process.stderr, listener), daemon=True
        )
        self._reader.start()

    def _listen(self, pipe: IO[bytes], listener: Listener | None) -> None:
        if listener is None:
            self.log.read(pipe)
            return
        lines = self.log.sift(pipe)
        listener(lines)
        for _ in lines:
            pass

    def _gave_up(self) -> bool:
        """Wait for ffmpeg to end, and tell whether it did so by itself: was not killed, and did not crash."""
        ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        return ended is not None and ended.si_code == os.CLD_EXITED

    def lines(self) -> Iterator[bytes]:
        """Read what is printed of the frames; it comes before their data."""
        return lines_of(self._stamps)

    def next_stamp(self) -> int | None:
        """Read the time stamp of the data that was read last; None where it has none."""
        return next((stamp_in(line) for line in self.lines() if line.startswith(b"frame:")), None)

    def stop(self) -> None:
        """Say that no more is wanted; ffmpeg is not to blame for its end."""
        self._enough = True

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        wanted = kind is None and not self._enough
        if not wanted:
            # Popen's own kill may reap the process, and what it cost would never be known.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        code = self._end()
        if wanted and code:
            self.log.killed = code < 0
            self.log.failure = self._why(code)

    def _end(self) -> int:
        """Wait until ffmpeg has ended; gives its exit code."""
        self._out.close()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.log.busy_s += usage.ru_utime + usage.ru_stime
        self._reader.join()
        self._stamps.close()
        if self._process.stderr is not None:
            self._process.stderr.close()
        return self._process.returncode

    def _why(self, code: int) -> str:
        if code < 0:
            return f"ffmpeg was ended by {signal.Signals(-code).name}"
        return self.log.lines[-1] if self.log.lines else f"ffmpeg ended with exit code {code}"


def stamp_in(line: bytes) -> int | None:
    """Read a time stamp in what `stamped` prints of a frame; None where the frame has none."""
    found = _STAMP.match(line)
    return int(found[1]) if found and found[1] else None


def stamped(stream: Any, address: str, *, sound: bool = False) -> Any:
    """Let a stream print the time stamps of all its frames, in its time base.

    Args:
        stream: The stream.
        address: Where to.
        sound: Whether it is sound, which carries what `astats` found.
    """
    name = "ametadata" if sound else "metadata"
    # Only frames that carry something are printed.
    carrying = stream if sound else stream.filter(name, mode="add", key="t", value="0")
    return carrying.filter(name, mode="print", file=address, direct=1)
