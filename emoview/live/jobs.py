"""`emoview serve`: a file in, JSON out, one after the other, with limits."""

from __future__ import annotations

import asyncio
import mmap
import os
import re
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from emoview import __version__
from emoview.common.files import private_folder
from emoview.common.names import fitting
from emoview.common.text import name_of, shown
from emoview.errors import EmoviewError, InputError
from emoview.live.door import run
from emoview.live.gate import listen
from emoview.live.openapi import description, page
from emoview.output.json import to_json
from emoview.pipeline.analysis import analyze
from emoview.pipeline.check import check
from emoview.pipeline.events import Progress
from emoview.timeline.options import Options

_TAKEN: Final = (
    "fusion", "modality", "max_faces", "face", "labels", "voice_features", "least_confidence", "causal",
)  # fmt: skip
"""Options that a request may name; those that name files of this machine are not among them."""
_BOUNDARY: Final = re.compile(r'boundary="?([^";]{1,70})"?', re.IGNORECASE)
_NAME: Final = re.compile(rb'filename="([^"\r\n]{0,300})"', re.IGNORECASE)
_FIELD: Final = re.compile(rb'(?<!file)name="([^"\r\n]{0,300})"', re.IGNORECASE)
_MOST_HEADERS: Final = 1 << 16


@dataclass(frozen=True)
class Limits:
    """What one request may take.

    Attributes:
        megabytes: Of a file.
        seconds: Of its analysis, without the time that it waits.
        waiting: Requests that may wait for their turn.
        upload_s: Seconds in which a file must have come.
    """

    megabytes: int = 500
    seconds: float = 600.0
    waiting: int = 8
    upload_s: float = 300.0


class _RefusedError(Exception):
    """A request that gets another answer than 200."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


class Jobs:
    """The application: analyses files one after the other.

    Args:
        limits: What a request may take.
        folder: For files while they are analysed.
    """

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._limits, self._folder = limits, folder
        self._turn = asyncio.Lock()
        self._waiting = self._done = 0
        self.app = Starlette(routes=[
            Route("/", self._page), Route("/docs", self._page), Route("/health", self._health),
            Route("/openapi.json", self._description), Route("/analyze", self._analyze, methods=["POST"]),
        ])  # fmt: skip

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(page(self._limits.megabytes, self._limits.seconds), headers={
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        })  # fmt: skip

    async def _description(self, _: Request) -> Response:
        return JSONResponse(description(self._limits.megabytes, self._limits.seconds))

    async def _health(self, _: Request) -> Response:
        return JSONResponse({
            "status": "ok", "version": __version__, "waiting": max(0, self._waiting - self._turn.locked()),
            "working": self._turn.locked(), "done": self._done,
        })  # fmt: skip

    async def _analyze(self, request: Request) -> Response:
        try:
            options = options_in(_once_each(request.query_params.multi_items()))
            async with self._place(), self._file(request) as file:
                return await self._answer(request, file, options)
        except _RefusedError as refused:
            return JSONResponse({"error": str(refused)}, refused.status, headers=refused.headers)
        except EmoviewError as error:
            status = 422 if isinstance(error, InputError) else 500
            return JSONResponse({"error": _at_sender(str(error), self._folder)}, status)
        except ClientDisconnect:
            return Response(status_code=499)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Take a place in the queue."""
        if self._waiting > self._limits.waiting:
            raise _RefusedError(503, "too many files are waiting: try again later", {"retry-after": "30"})
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def _file(self, request: Request) -> AsyncIterator[Path]:
        """Write the file of a request to disk; it is gone after the block."""
        most = self._limits.megabytes * 1_000_000
        said = request.headers.get("content-length", "0")
        if said.isdecimal() and int(said) > most + _MOST_HEADERS:
            raise _RefusedError(413, f"the file is larger than {self._limits.megabytes} MB")
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            body = Path(folder) / ".body"
            try:
                async with _within(self._limits.upload_s):
                    await self._received(request, body, most)
            except TimeoutError:
                raise _RefusedError(408, "the file took too long to come") from None
            except OSError as error:
                raise _RefusedError(507, f"the file cannot be kept ({error.strerror})") from error
            yield await asyncio.to_thread(unpacked, body, request.headers.get("content-type", ""))

    async def _received(self, request: Request, body: Path, most: int) -> None:
        size = 0
        with body.open("wb") as file:
            async for part in request.stream():
                size += len(part)
                if size > most + _MOST_HEADERS:
                    raise _RefusedError(413, f"the file is larger than {self._limits.megabytes} MB")
                file.write(part)

    async def _answer(self, request: Request, file: Path, options: Options) -> Response:
        """Analyse a file when its turn has come."""
        async with self._turn:
            stop = threading.Event()
            working = asyncio.create_task(asyncio.to_thread(_analyzed, file, self._folder, options, stop))
            watching = asyncio.create_task(_gone(request))
            try:
                done, _ = await asyncio.wait(
                    {working, watching}, timeout=self._limits.seconds, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                watching.cancel()
                stop.set()
            if working not in done:
                # It stops at its next step; until then nobody else's turn comes.
                with suppress(_StoppedError, EmoviewError):
                    await working
                if watching in done:
                    raise ClientDisconnect
                raise _RefusedError(504, f"the analysis took longer than {self._limits.seconds:g} s")
            text = working.result()
            self._done += 1
            return Response(text, media_type="application/json")


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """Give a block so many seconds: `asyncio.timeout`, which Python 3.10 lacks."""
    task = asyncio.current_task()
    assert task is not None
    over = False

    def end() -> None:
        nonlocal over
        over = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, end)
    try:
        yield
    except asyncio.CancelledError:
        if over:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()


async def _gone(request: Request) -> None:
    """Wait until the client has gone."""
    while not await request.is_disconnected():
        await asyncio.sleep(0.5)


class _StoppedError(Exception):
    """Nobody waits for the result any more."""


def _at_sender(text: str, folder: Path) -> str:
    """Name a file as whoever sent it does: where it lay here says nothing to them."""
    return re.sub(rf"{re.escape(str(folder))}/[^/\s]+/", "", text)


def _analyzed(file: Path, folder: Path, options: Options, stop: threading.Event) -> str:
    def on_event(_: Progress) -> None:
        if stop.is_set():
            raise _StoppedError

    result = analyze(file, options=options, on_event=on_event)
    media = replace(result.media, path=shown(file.name))
    warnings = tuple(_at_sender(warning, folder) for warning in result.warnings)
    return to_json(replace(result, media=media, warnings=warnings))


def _once_each(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Give the options of a query by name.

    Raises:
        InputError: One is named twice.
    """
    names = [name for name, _ in query]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name_of(name[:40])} is named twice: name it once")
    return dict(query)


def options_in(query: Mapping[str, str]) -> Options:
    """Make options of the query of a request.

    Raises:
        InputError: An option is unknown, or cannot have this value.
    """
    unknown = sorted(set(query) - {*_TAKEN, "token"})
    if unknown:
        raise InputError(f"there is no option {name_of(unknown[0][:40])}: take {', '.join(_TAKEN)}")
    given = {name: value for name, value in query.items() if name != "token"}
    fields = {name: kind for name, kind in Options.__annotations__.items() if name in _TAKEN}
    form = msgspec.defstruct("Query", [(n, _kind(n)) for n in fields if n in given])
    try:
        values = msgspec.structs.asdict(msgspec.convert(given, form, strict=False))
    except msgspec.ValidationError as error:
        raise InputError(f"an option cannot have this value: {error}") from None
    options = Options(**values)
    check(options)
    return options


def _kind(name: str) -> Any:
    from typing import get_type_hints

    return get_type_hints(Options)[name]


def unpacked(body: Path, content_type: str) -> Path:
    """Give the file in what a request brought: it itself, or the only file of a form.

    Raises:
        InputError: It is empty; or the form holds no file, several, or an option, which stands elsewhere.
    """
    found = _BOUNDARY.search(content_type) if content_type.startswith("multipart/") else None
    if body.stat().st_size == 0:
        raise InputError("no file came: send it as the body, or as the field of a form")
    if found is None:
        return body.rename(body.with_name("upload"))
    mark = b"--" + found[1].encode("latin-1", "replace")
    with body.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as form:
        files = []
        for head, first, last in _parts(form, mark):
            name, field = _NAME.search(head), _FIELD.search(head)
            if name is not None:
                files.append((name[1].decode(errors="replace"), first, last))
            elif field is not None and field[1].decode(errors="replace") in _TAKEN:
                option = field[1].decode()
                raise InputError(f"options stand in the address: send {option} as /analyze?{option}=...")
        if not files:
            raise InputError("the form holds no file: name it as in curl -F file=@clip.mp4")
        if len(files) > 1:
            raise InputError(f"the form holds {len(files)} files: send one at a time")
        ((sent, first, last),) = files
        target = body.with_name(_safe(sent))
        _copied(form, first, last, target)
        return target


def _parts(form: mmap.mmap, mark: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give the head of each part of a form, and from where to where its content goes."""
    start = form.find(mark)
    while start >= 0:
        head = form.find(b"\r\n\r\n", start, start + _MOST_HEADERS)
        end = -1 if head < 0 else form.find(b"\r\n" + mark, head)
        if end < 0:
            return
        yield form[start:head], head + 4, end
        start = end + 2


def _safe(name: str) -> str:
    """Make a name of a file of the name that a form gives, whatever it holds."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in last).strip(". ")
    return fitting(kept or "upload", [".json"])


def _copied(form: mmap.mmap, first: int, last: int, target: Path) -> None:
    step = 1 << 22
    with target.open("wb") as file:
        for place in range(first, last, step):
            file.write(form[place : min(place + step, last)])


def serve_jobs(place: str, token: str | None, limits: Limits, *, told: Callable[[str], object]) -> None:
    """Serve until Ctrl-C.

    Raises:
        InputError: The address cannot be listened at, or needs a token.
    """
    gate, listening = listen(place, token)
    with private_folder() as folder:
        os.chmod(folder, 0o700)  # noqa: PTH101
        told(f"POST files to http://{gate.host}:{gate.port}/analyze; the description is at /docs")
        run(Jobs(limits, folder).app, gate, listening, most_bytes=1, started=lambda: None)
