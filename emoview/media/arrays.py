"""Pictures and samples in memory as a file that is read like any other, without loss."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from emoview.errors import InputError, OutputError
from emoview.media.tool import arguments, start
from emoview.timeline.clock import TICK_HZ

_LONGEST_STILL_S = 1.0


def write_media(
    path: Path,
    *,
    pictures: Iterable[NDArray[np.uint8]] | None = None,
    times_s: Sequence[float] | None = None,
    samples: NDArray[Any] | None = None,
    rate: int | None = None,
) -> None:
    """Write pictures, samples or both as a Matroska file of the same content.

    Args:
        path: The file.
        pictures: `(height, width, 3)` RGB each, all of one size; an iterator is read once.
        times_s: When each is shown, in seconds that rise from 0; by default 25 a second.
        samples: `(n,)` or `(n, channels)`: floats in [-1, 1], or 16-bit integers.
        rate: Samples a second.

    Raises:
        InputError: There is nothing, or arrays do not fit.
        OutputError: The file cannot be written.
    """
    for name, given, of, whose in (
        ("times_s", times_s, pictures, "pictures"), ("rate", rate, samples, "samples"),
    ):  # fmt: skip
        if given is not None and of is None:
            raise InputError(f"{name} is of {whose}, which are missing: give both, or neither")
    streams: list[Any] = []
    # Nothing by chance: of the same arrays it is the same file.
    options: dict[str, Any] = {"f": "matroska", "fflags": "+bitexact"}
    first, rest = (None, iter(())) if pictures is None else _first_of(pictures)
    if first is not None:
        height, width = first.shape[:2]
        source = ffmpeg.input("pipe:", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=TICK_HZ)
        streams.append(source)
        options |= {"c:v": "ffv1", "pix_fmt": "bgr0"}
    if samples is not None:
        raw = path.with_name("samples.f32")
        channels = _write_samples(raw, samples, rate)
        streams.append(ffmpeg.input(f"file:{raw}", f="f32le", ar=rate, ac=channels))
        options |= {"c:a": "pcm_f32le"}
    if not streams:
        raise InputError("there are neither pictures nor samples: give one of them")
    graph = ffmpeg.output(*streams, f"file:{path}", **options).overwrite_output()
    process = start(
        arguments(graph, loglevel="error"),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        if first is not None:
            for picture in _at_ticks(first, rest, times_s):
                process.stdin.write(np.ascontiguousarray(picture).data)
    except BrokenPipeError:
        pass
    except BaseException:
        process.kill()
        raise
    finally:
        process.stdin.close()
        code = process.wait()
    if code:
        raise OutputError(f"the arrays could not be written to {path}: check the space for temporary files")


def _first_of(pictures: Iterable[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8] | None, Any]:
    rest = iter(pictures)
    first = next(rest, None)
    if first is not None:
        _check_picture(first, None)
    return first, rest


def _check_picture(picture: NDArray[np.uint8], like: NDArray[np.uint8] | None) -> None:
    shape: tuple[int, ...] = getattr(picture, "shape", ())
    if len(shape) != 3 or shape[2] != 3 or getattr(picture, "dtype", None) != np.uint8 or min(shape) < 1:
        raise InputError("a picture must be (height, width, 3), RGB in 8 bits")
    if like is not None and shape != like.shape:
        raise InputError(f"all pictures must have one size: {shape[1]}x{shape[0]} follows others")


def _at_ticks(
    first: NDArray[np.uint8], rest: Iterable[NDArray[np.uint8]], times_s: Sequence[float] | None
) -> Iterable[NDArray[np.uint8]]:
    """Repeat or leave out pictures so that there is one a tick; each is shown until the next."""
    if times_s is None:
        yield first
        for picture in rest:
            _check_picture(picture, first)
            yield picture
        return
    times = [float(time) for time in times_s]
    if not times or any(not math.isfinite(t) or t < 0 for t in times) or any(np.diff(times) <= 0):
        raise InputError("times_s must be seconds from 0 on that rise, one for each picture")
    ticks, count, before = 0, 1, first
    while ticks / TICK_HZ < times[0] - 0.5 / TICK_HZ:
        # Nothing is shown yet.
        yield np.zeros_like(first)
        ticks += 1
    for picture in rest:
        _check_picture(picture, first)
        if count >= len(times):
            raise InputError(f"there are more pictures than the {len(times)} times")
        while ticks / TICK_HZ < times[count] - 0.5 / TICK_HZ:
            yield before
            ticks += 1
        before, count = picture, count + 1
    if count < len(times):
        raise InputError(f"there are {len(times)} times, but {count} pictures")
    gap = min(float(np.median(np.diff(times))), _LONGEST_STILL_S) if count > 1 else 1 / TICK_HZ
    for _ in range(max(1, round((times[-1] + gap) * TICK_HZ) - ticks)):
        yield before


def _write_samples(path: Path, samples: NDArray[Any], rate: int | None) -> int:
    values = np.asarray(samples)
    if type(rate) is not int or not 1 <= rate <= 768_000:
        raise InputError(f"rate must be a whole number of samples a second, not {rate!r}")
    if values.ndim not in (1, 2) or not len(values) or (values.ndim == 2 and not 1 <= values.shape[1] <= 8):
        raise InputError("samples must be (n,) or (n, channels), with up to 8 channels")
    if values.dtype == np.int16:
        values = values / 32768.0
    if values.dtype.kind != "f":
        raise InputError("samples must be floats in [-1, 1], or 16-bit integers")
    np.ascontiguousarray(values, "<f4").tofile(path)
    return 1 if values.ndim == 1 else int(values.shape[1])
