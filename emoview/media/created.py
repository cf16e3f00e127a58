"""When a recording began, as its file says, and whether it tells times at all."""

from __future__ import annotations

import re
from datetime import datetime

_CREATED = (
    re.compile(r"(?mi)^ {4,}com\.apple\.quicktime\.creationdate *: *([^\n;]+)"),
    re.compile(r"(?mi)^ {4,}creation_time *: *([^\n;]+)"),
    re.compile(r"(?mi)^ {4,}(?:date|icrd|dateutc) *: *([^\n;]+)"),
)
# Of the broadcast form of WAV: the day and the time are apart.
_CREATED_TIME = re.compile(r"(?mi)^ {4,}creation_time *: *(\d\d:\d\d:\d\d)")
# Streams of pictures without a container.
_TIMELESS = re.compile(
    r"(?m)^Input #0, "
    r"(?:\w+_pipe|h26[1-4]|hevc|vvc|evc|m4v|mpegvideo|mjpeg(?:_2000)?|cavsvideo|vc1|dirac|dnxhd), from"
)
# Clocks that were never set stand at the beginning of an epoch.
_FIRST_YEAR = 1971


def is_timeless(header: str) -> bool:
    """Tell whether pictures have no times, so that ffmpeg takes their rate from their headers, or for 25."""
    return _TIMELESS.search(header) is not None


def created_in(header: str) -> str | None:
    """Give the time at which the recording says that it began, in ISO 8601; None where it does not.

    It has a time zone where the file names one.
    """
    said = [found[1].strip() for pattern in _CREATED if (found := pattern.search(header))]
    time = _CREATED_TIME.search(header)
    if time:
        said = [f"{text}T{time[1]}" for text in said if re.fullmatch(r"\d{4}-\d\d-\d\d", text)] + said
    for text in said:
        plain = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.replace("Z", "+00:00"))
        try:
            moment = datetime.fromisoformat(plain)
        except ValueError:
            continue
        # A day alone is no time.
        if moment.year >= _FIRST_YEAR and ":" in plain:
            return moment.isoformat(timespec="milliseconds")
    return None
